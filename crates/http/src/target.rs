//! The target of a request, before it is handled.

use bytes::Bytes;
use prost::Message;
use statefun_sdk::{Address, Registry};

/// A `ToFunction` of which all but the target is skipped.
#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(message, optional, tag = "100")]
    invocation: Option<Batch>,
}

#[derive(Clone, PartialEq, Message)]
struct Batch {
    #[prost(message, optional, tag = "1")]
    target: Option<Target>,
}

#[derive(Clone, PartialEq, Message)]
struct Target {
    #[prost(string, tag = "1")]
    namespace: String,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    id: String,
}

/// `None` where the request is for no function of `registry`.
pub(crate) fn of(request: &Bytes, registry: &Registry) -> Option<Address> {
    let target = Request::decode(request.clone()).ok()?.invocation?.target?;
    let mut functions = registry.functions().iter().map(|function| function.type_name());
    let function = functions.find(|f| f.namespace() == target.namespace && f.name() == target.name)?;
    Some(function.with_id(target.id))
}

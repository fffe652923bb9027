//! A request, read: its states and its messages are slices of the body.

use bytes::Bytes;
use prost::Message as _;

use crate::protocol::reqreply::{self, TypedValue, to_function};
use crate::{Address, Message, RequestError};

pub(crate) struct Request {
    pub(crate) target: Address,
    pub(crate) states: Vec<to_function::PersistedValue>,
    pub(crate) invocations: Vec<Invocation>,
}

/// One message to the target.
pub(crate) struct Invocation {
    pub(crate) caller: Caller,
    pub(crate) message: Message,
}

/// Who sent a message, still encoded: most functions do not ask.
#[derive(Default)]
pub(crate) struct Caller(Bytes);

/// Names, states and messages are slices of `body`.
pub(crate) fn decode(body: &Bytes) -> Result<Request, RequestError> {
    if body.is_empty() {
        return Err(RequestError::Empty);
    }
    let request = wire::ToFunction::decode(body.clone()).map_err(undecodable)?;
    let Some(batch) = request.invocation else {
        return Err(RequestError::NoInvocation);
    };
    let target = batch.target.ok_or(RequestError::NoTarget)?;
    let target = Address::from_wire(target).ok_or(RequestError::NotUtf8("the target's address"))?;
    if target.is_nobody() {
        return Err(RequestError::NoTarget);
    }
    if batch.invocations.is_empty() {
        return Err(RequestError::NoInvocation);
    }
    let invocations = batch.invocations.into_iter().map(Invocation::from_wire).collect::<Result<_, _>>()?;
    Ok(Request { target, states: batch.state, invocations })
}

fn undecodable(error: prost::DecodeError) -> RequestError {
    RequestError::Undecodable(error.to_string())
}

impl Invocation {
    fn from_wire(invocation: wire::Invocation) -> Result<Self, RequestError> {
        let message = Message::from_wire(invocation.argument).ok_or(RequestError::NotUtf8("a message's type name"))?;
        Ok(Self { caller: Caller(invocation.caller), message })
    }
}

impl Caller {
    /// The address; nobody where the message came from an ingress.
    ///
    /// # Errors
    /// When it is no address.
    pub(crate) fn read(&self) -> Result<Option<Address>, RequestError> {
        let caller = reqreply::Address::decode(self.0.clone()).map_err(undecodable)?;
        let caller = Address::from_wire(caller).ok_or(RequestError::NotUtf8("a caller's address"))?;
        Ok((!caller.is_nobody()).then_some(caller))
    }

    /// Whether there is certainly none, without reading.
    pub(crate) fn is_absent(&self) -> bool {
        self.0.is_empty()
    }
}

/// Of the same form on the wire as the generated messages of these names in `protocol::reqreply`, but for the caller: on
/// the wire a message is the same as bytes, and as such it costs one slice instead of three.
mod wire {
    use super::{Bytes, TypedValue, reqreply, to_function};

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ToFunction {
        #[prost(message, optional, tag = "100")]
        pub(super) invocation: Option<InvocationBatchRequest>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct InvocationBatchRequest {
        #[prost(message, optional, tag = "1")]
        pub(super) target: Option<reqreply::Address>,
        #[prost(message, repeated, tag = "2")]
        pub(super) state: Vec<to_function::PersistedValue>,
        #[prost(message, repeated, tag = "3")]
        pub(super) invocations: Vec<Invocation>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Invocation {
        #[prost(bytes = "bytes", tag = "1")]
        pub(super) caller: Bytes,
        #[prost(message, optional, tag = "2")]
        pub(super) argument: Option<TypedValue>,
    }
}

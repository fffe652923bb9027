//! Requests as a runtime makes them, and answers as it reads them.
#![allow(dead_code, unreachable_pub, reason = "every test file uses a part of it")]

use prost::Message as _;
use statefun_sdk::protocol::reqreply::from_function::persisted_value_mutation::MutationType;
use statefun_sdk::protocol::reqreply::from_function::{InvocationResponse, Response};
use statefun_sdk::protocol::reqreply::{Address, FromFunction, ToFunction, TypedValue, to_function};
use statefun_sdk::{Bytes, Encode, Function, HandlerError, Registry, Reply, RequestReplyHandler, Typed};

pub fn address(function: &str, id: &str) -> Address {
    let (namespace, name) = function.split_once('/').expect("namespace/name");
    Address { namespace: namespace.to_owned().into(), r#type: name.to_owned().into(), id: id.to_owned().into() }
}

pub fn typed(type_name: &str, value: impl Into<Bytes>) -> TypedValue {
    TypedValue { typename: type_name.to_owned().into(), has_value: true, value: value.into() }
}

pub fn value_of<T: Encode + Typed>(value: T) -> TypedValue {
    let value = statefun_sdk::TypedValue::of(value).expect("encodes");
    typed(value.type_name(), value.value().clone())
}

/// A request under construction: a target, then states and messages.
#[derive(Clone)]
pub struct Request(to_function::InvocationBatchRequest);

impl Request {
    pub fn to(function: &str, id: &str) -> Self {
        Self(to_function::InvocationBatchRequest { target: Some(address(function, id)), ..Default::default() })
    }

    pub fn state(mut self, name: &str, value: Option<TypedValue>) -> Self {
        self.0.state.push(to_function::PersistedValue { state_name: name.to_owned().into(), state_value: value });
        self
    }

    pub fn message(self, argument: TypedValue) -> Self {
        self.message_from(None, Some(argument))
    }

    pub fn message_from(mut self, caller: Option<Address>, argument: Option<TypedValue>) -> Self {
        self.0.invocations.push(to_function::Invocation { caller, argument });
        self
    }

    pub fn bytes(self) -> Bytes {
        ToFunction { request: Some(to_function::Request::Invocation(self.0)) }.encode_to_vec().into()
    }
}

pub fn handler(function: Function) -> RequestReplyHandler {
    RequestReplyHandler::new(Registry::builder().function(function).build().expect("a valid registry"))
}

pub async fn call(function: Function, request: Request) -> Result<Reply, HandlerError> {
    handler(function).handle(request.bytes()).await
}

pub fn decoded(reply: &Reply) -> Response {
    let decoded = FromFunction::decode(reply.body.clone()).expect("an encoded FromFunction");
    decoded.response.expect("a response")
}

/// The effects of an answer that must be a result.
pub fn result(reply: &Reply) -> InvocationResponse {
    match decoded(reply) {
        Response::InvocationResult(result) => result,
        other => panic!("expected a result, got {other:?}"),
    }
}

pub async fn effects(function: Function, request: Request) -> InvocationResponse {
    result(&call(function, request).await.expect("an answer"))
}

/// `name: typename = bytes` or `name deleted` for each change of a state.
pub fn mutations(result: &InvocationResponse) -> Vec<(String, Option<TypedValue>)> {
    let mutations = result.state_mutations.iter().map(|mutation| {
        let name = String::from_utf8(mutation.state_name.to_vec()).expect("UTF-8");
        match mutation.mutation_type() {
            MutationType::Delete => (name, None),
            MutationType::Modify => (name, Some(mutation.state_value.clone().expect("a value"))),
        }
    });
    mutations.collect()
}

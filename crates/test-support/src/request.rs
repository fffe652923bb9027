//! Requests as a runtime makes them, and responses as it reads them.

use prost::Message as _;
use statefun_sdk::protocol::reqreply::from_function::persisted_value_mutation::MutationType;
use statefun_sdk::protocol::reqreply::from_function::{InvocationResponse, Response};
use statefun_sdk::protocol::reqreply::{Address, FromFunction, ToFunction, TypedValue, to_function};
use statefun_sdk::{
    Bytes, Encode, Function, HandlerError, Registry, RequestReplyHandler, Response as HandlerResponse, Typed,
};

/// The address of an instance of `namespace/name`.
pub fn address(function: &str, id: &str) -> Address {
    let (namespace, name) = function.split_once('/').expect("namespace/name");
    Address { namespace: namespace.to_owned().into(), r#type: name.to_owned().into(), id: id.to_owned().into() }
}

/// A value of this type.
pub fn typed(type_name: &str, value: impl Into<Bytes>) -> TypedValue {
    TypedValue { typename: type_name.to_owned().into(), has_value: true, value: value.into() }
}

/// A typed value as it travels.
pub fn value_of<T: Encode + Typed>(value: T) -> TypedValue {
    let value = statefun_sdk::TypedValue::new(value).expect("encodes");
    typed(value.type_name(), value.value().clone())
}

/// A request under construction: a target, then states and messages.
#[derive(Debug, Clone)]
pub struct Batch(to_function::InvocationBatchRequest);

impl Batch {
    /// Begins a batch for an instance of `namespace/name`.
    pub fn to(function: &str, id: &str) -> Self {
        Self(to_function::InvocationBatchRequest { target: Some(address(function, id)), ..Default::default() })
    }

    /// Adds a state; one without a value where it is `None`.
    pub fn state(mut self, name: &str, value: Option<TypedValue>) -> Self {
        self.0.state.push(to_function::PersistedValue { state_name: name.to_owned().into(), state_value: value });
        self
    }

    /// Adds a message from an ingress.
    pub fn message(self, argument: TypedValue) -> Self {
        self.message_from(None, Some(argument))
    }

    /// Adds a message.
    pub fn message_from(mut self, caller: Option<Address>, argument: Option<TypedValue>) -> Self {
        self.0.invocations.push(to_function::Invocation { caller, argument });
        self
    }

    /// The encoded `ToFunction`.
    pub fn bytes(self) -> Bytes {
        ToFunction { request: Some(to_function::Request::Invocation(self.0)) }.encode_to_vec().into()
    }
}

/// A handler of this function alone.
pub fn handler(function: Function) -> RequestReplyHandler {
    RequestReplyHandler::new(Registry::builder().function(function).build().expect("a valid registry"))
}

/// What the function responds.
///
/// # Errors
/// As [`RequestReplyHandler::handle`].
pub async fn call(function: Function, request: Batch) -> Result<HandlerResponse, HandlerError> {
    handler(function).handle(request.bytes()).await
}

/// The decoded response.
pub fn decoded(response: &HandlerResponse) -> Response {
    let decoded = FromFunction::decode(response.body.clone()).expect("an encoded FromFunction");
    decoded.response.expect("a response")
}

/// The effects of a response that must be a result.
pub fn result(response: &HandlerResponse) -> InvocationResponse {
    match decoded(response) {
        Response::InvocationResult(result) => result,
        other => panic!("expected a result, got {other:?}"),
    }
}

/// The effects of a batch that must succeed.
pub async fn effects(function: Function, request: Batch) -> InvocationResponse {
    result(&call(function, request).await.expect("a response"))
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

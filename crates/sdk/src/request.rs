//! A request, read: its states and its messages are slices of the body.

use bytes::Bytes;
use prost::Message as _;

use crate::address::Address;
use crate::error::RequestError;
use crate::message::Message;
use crate::protocol::reqreply::{self, to_function};
use crate::wire;

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

/// The sender of a message, still encoded: most functions do not ask.
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
    if target.is_absent() {
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
    fn from_wire(invocation: wire::IncomingInvocation) -> Result<Self, RequestError> {
        let message = Message::from_wire(invocation.argument).ok_or(RequestError::NotUtf8("a message's type name"))?;
        Ok(Self { caller: Caller(invocation.caller), message })
    }
}

impl Caller {
    /// The address; `None` where the message came from an ingress.
    ///
    /// # Errors
    /// When it is no address.
    pub(crate) fn read(&self) -> Result<Option<Address>, RequestError> {
        let caller = reqreply::Address::decode(self.0.clone()).map_err(undecodable)?;
        let caller = Address::from_wire(caller).ok_or(RequestError::NotUtf8("a caller's address"))?;
        Ok((!caller.is_absent()).then_some(caller))
    }

    /// Whether there is certainly none, without reading.
    pub(crate) fn is_absent(&self) -> bool {
        self.0.is_empty()
    }
}

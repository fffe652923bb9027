//! A request of the runtime, decoded and checked.

use bytes::Bytes;
use prost::Message as _;

use crate::protocol::reqreply::{ToFunction, to_function};
use crate::{Address, Message, RequestError};

pub(crate) struct Request {
    pub(crate) target: Address,
    pub(crate) states: Vec<to_function::PersistedValue>,
    pub(crate) invocations: Vec<Invocation>,
}

/// One message to the target.
pub(crate) struct Invocation {
    pub(crate) caller: Option<Address>,
    pub(crate) message: Message,
}

/// Names, states and messages are slices of `body`.
pub(crate) fn decode(body: &Bytes) -> Result<Request, RequestError> {
    if body.is_empty() {
        return Err(RequestError::Empty);
    }
    let request = ToFunction::decode(body.clone()).map_err(|error| RequestError::Undecodable(error.to_string()))?;
    let Some(to_function::Request::Invocation(batch)) = request.request else {
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

impl Invocation {
    fn from_wire(invocation: to_function::Invocation) -> Result<Self, RequestError> {
        let caller = match invocation.caller {
            None => None,
            Some(caller) => {
                let caller = Address::from_wire(caller).ok_or(RequestError::NotUtf8("a caller's address"))?;
                (!caller.is_nobody()).then_some(caller)
            }
        };
        let message = Message::from_wire(invocation.argument).ok_or(RequestError::NotUtf8("a message's type name"))?;
        Ok(Self { caller, message })
    }
}

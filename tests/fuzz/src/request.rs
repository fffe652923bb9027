//! The handler of requests.

use std::cell::LazyCell;

use arbitrary::{Arbitrary, Unstructured};
use bytes::Bytes;
use prost::Message as _;
use statefun_sdk::RequestReplyHandler;
use statefun_sdk::protocol::reqreply::to_function::{Invocation, InvocationBatchRequest, PersistedValue, Request};
use statefun_sdk::protocol::reqreply::{Address, FromFunction, ToFunction, TypedValue};

use crate::{block_on, registry};

thread_local! {
    static HANDLER: LazyCell<RequestReplyHandler> = LazyCell::new(|| RequestReplyHandler::new(registry()));
}

fn handle(request: Bytes) {
    HANDLER.with(|handler| {
        // A rejection is as good as a response; a response has to be one.
        if let Ok(response) = block_on(handler.handle(request)) {
            FromFunction::decode(response.body).expect("a FromFunction");
        }
    });
}

pub(crate) fn bytes(bytes: &[u8]) {
    handle(Bytes::copy_from_slice(bytes));
}

/// A change of a stored request.
#[derive(Debug, Arbitrary)]
enum Change {
    /// Of another stored request.
    Target(u8),
    Id(String),
    DropState(u8),
    RepeatState(u8),
    StateName(u8, u8),
    StateType(u8, u8),
    StateBytes(u8, Vec<u8>),
    NoStateValue(u8),
    DropInvocation(u8),
    RepeatInvocation(u8),
    ArgumentType(u8, u8),
    ArgumentBytes(u8, Vec<u8>),
    /// At a place of the argument.
    ArgumentByte(u8, u16, u8),
    NoArgumentValue(u8),
    NoArgument(u8),
    Caller(u8, u8),
}

thread_local! {
    static STORED: LazyCell<Vec<InvocationBatchRequest>> = LazyCell::new(stored);
}

fn stored() -> Vec<InvocationBatchRequest> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../protocol/requests");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).expect("stored requests").map(|file| file.expect("a file").path()).collect();
    paths.sort();
    let read = |path| match ToFunction::decode(&*std::fs::read(path).expect("read")).expect("a request").request {
        Some(Request::Invocation(batch)) => batch,
        None => InvocationBatchRequest::default(),
    };
    paths.into_iter().map(read).collect()
}

/// An element, whatever the number.
fn at<T>(all: &mut [T], number: u8) -> Option<&mut T> {
    let length = all.len();
    if length == 0 { None } else { all.get_mut(usize::from(number) % length) }
}

fn state(batch: &mut InvocationBatchRequest, number: u8) -> Option<&mut PersistedValue> {
    at(&mut batch.state, number)
}

fn state_value(batch: &mut InvocationBatchRequest, number: u8) -> Option<&mut TypedValue> {
    state(batch, number)?.state_value.as_mut()
}

fn invocation(batch: &mut InvocationBatchRequest, number: u8) -> Option<&mut Invocation> {
    at(&mut batch.invocations, number)
}

fn argument(batch: &mut InvocationBatchRequest, number: u8) -> Option<&mut TypedValue> {
    invocation(batch, number)?.argument.as_mut()
}

impl Change {
    /// `None` where there is nothing to change.
    fn apply(self, batch: &mut InvocationBatchRequest, stored: &[InvocationBatchRequest]) -> Option<()> {
        let other = |number: u8| stored[usize::from(number) % stored.len()].clone();
        match self {
            Self::Target(number) => batch.target = other(number).target,
            Self::Id(id) => batch.target.as_mut()?.id = Bytes::from(id),
            Self::DropState(number) => {
                let last = batch.state.pop()?;
                if let Some(state) = state(batch, number) {
                    *state = last;
                }
            }
            Self::RepeatState(number) => {
                let again = state(batch, number)?.clone();
                batch.state.push(again);
            }
            Self::StateName(number, from) => {
                let name = state(&mut other(from), number)?.state_name.clone();
                state(batch, number)?.state_name = name;
            }
            Self::StateType(number, from) => {
                let name = argument(&mut other(from), number)?.typename.clone();
                state_value(batch, number)?.typename = name;
            }
            Self::StateBytes(number, bytes) => state_value(batch, number)?.value = bytes.into(),
            Self::NoStateValue(number) => state(batch, number)?.state_value = None,
            Self::DropInvocation(number) => {
                let last = batch.invocations.pop()?;
                if let Some(invocation) = invocation(batch, number) {
                    *invocation = last;
                }
            }
            Self::RepeatInvocation(number) => {
                let again = invocation(batch, number)?.clone();
                batch.invocations.push(again);
            }
            Self::ArgumentType(number, from) => {
                let name = argument(&mut other(from), number)?.typename.clone();
                argument(batch, number)?.typename = name;
            }
            Self::ArgumentBytes(number, bytes) => argument(batch, number)?.value = bytes.into(),
            Self::ArgumentByte(number, place, byte) => {
                let value = &mut argument(batch, number)?.value;
                let mut bytes = value.to_vec();
                let length = bytes.len();
                *bytes.get_mut(usize::from(place).checked_rem(length)?)? = byte;
                *value = bytes.into();
            }
            Self::NoArgumentValue(number) => argument(batch, number)?.has_value = false,
            Self::NoArgument(number) => invocation(batch, number)?.argument = None,
            Self::Caller(number, from) => {
                let caller: Option<Address> = other(from).target;
                invocation(batch, number)?.caller = caller;
            }
        }
        Some(())
    }
}

pub(crate) fn changed(bytes: &[u8]) {
    let Ok((number, changes)) = <(u8, Vec<Change>)>::arbitrary(&mut Unstructured::new(bytes)) else { return };
    let request = STORED.with(|stored| {
        let mut batch = stored[usize::from(number) % stored.len()].clone();
        for change in changes {
            let _ = change.apply(&mut batch, stored);
        }
        ToFunction { request: Some(Request::Invocation(batch)) }
    });
    handle(request.encode_to_vec().into());
}

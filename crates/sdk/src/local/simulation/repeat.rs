//! A response is a function of its request: another process that handles the messages one by one has the same effects.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message as _;

use crate::RequestReplyHandler;
use crate::protocol::reqreply::from_function::persisted_value_mutation::MutationType;
use crate::protocol::reqreply::from_function::{InvocationResponse, PersistedValueMutation, Response};
use crate::protocol::reqreply::to_function::{self, InvocationBatchRequest, PersistedValue};
use crate::protocol::reqreply::{FromFunction, ToFunction, TypedValue};

/// The states of a request by name, with what a response made of them.
type States = BTreeMap<Bytes, Option<TypedValue>>;

/// What is different; `None` where nothing is.
pub(super) async fn difference(other: &RequestReplyHandler, request: &Bytes, response: &Bytes) -> Option<String> {
    let batch = batch(request)?;
    let first = result(response)?;
    let mut states: States = batch.state.into_iter().map(|state| (state.state_name, state.state_value)).collect();
    let mut first_states = states.clone();
    change(&mut first_states, &first.state_mutations);
    let mut second = InvocationResponse::default();
    for (position, invocation) in batch.invocations.into_iter().enumerate() {
        let state =
            states.iter().map(|(name, value)| PersistedValue { state_name: name.clone(), state_value: value.clone() });
        let one = InvocationBatchRequest {
            target: batch.target.clone(),
            state: state.collect(),
            invocations: vec![invocation],
        };
        let one = ToFunction { request: Some(to_function::Request::Invocation(one)) }.encode_to_vec();
        let body = match other.handle(one.into()).await {
            Ok(response) => response.body,
            Err(error) => return Some(format!("message {position} of the request fails when it is repeated: {error}")),
        };
        let Some(mut one) = result(&body) else {
            return Some(format!("message {position} of the request has no result when it is repeated"));
        };
        change(&mut states, &one.state_mutations);
        second.outgoing_messages.append(&mut one.outgoing_messages);
        second.delayed_invocations.append(&mut one.delayed_invocations);
        second.outgoing_egresses.append(&mut one.outgoing_egresses);
    }
    let what = if first.outgoing_messages != second.outgoing_messages {
        "messages"
    } else if first.delayed_invocations != second.delayed_invocations {
        "delayed messages"
    } else if first.outgoing_egresses != second.outgoing_egresses {
        "records"
    } else if first_states != states {
        "states"
    } else {
        return None;
    };
    Some(format!("its {what} are others when the messages are handled once more, one by one, by another process"))
}

pub(super) fn batch(request: &Bytes) -> Option<InvocationBatchRequest> {
    let to_function::Request::Invocation(batch) = ToFunction::decode(request.clone()).ok()?.request?;
    Some(batch)
}

fn result(response: &Bytes) -> Option<InvocationResponse> {
    match FromFunction::decode(response.clone()).ok()?.response? {
        Response::InvocationResult(result) => Some(result),
        Response::IncompleteInvocationContext(_) => None,
    }
}

fn change(states: &mut States, mutations: &[PersistedValueMutation]) {
    for mutation in mutations {
        let value = match mutation.mutation_type() {
            MutationType::Modify => mutation.state_value.clone(),
            MutationType::Delete => None,
        };
        states.insert(mutation.state_name.clone(), value);
    }
}

//! The functions implement the workload: every stored request gets a response equivalent to its stored response.

use bytes::Bytes;
use prost::Message;
use serde_json::Value;
use statefun_bench::requests::{COUNTER, ECHO, Exchange, FRESH, MISSING};
use statefun_bench::{Documents, registry, wide};
use statefun_sdk::RequestReplyHandler;
use statefun_sdk::protocol::egress::KafkaProducerRecord;
use statefun_sdk::protocol::reqreply::from_function::{InvocationResponse, Response};
use statefun_sdk::protocol::reqreply::to_function::{Invocation, InvocationBatchRequest, PersistedValue, Request};
use statefun_sdk::protocol::reqreply::{Address, FromFunction, ToFunction, TypedValue};

#[tokio::test]
async fn stored_requests_get_equivalent_responses() {
    for documents in [Documents::Owned, Documents::Borrowed, Documents::Raw] {
        let handler = RequestReplyHandler::new(registry(documents).expect("a registry"));
        for Exchange { name, request, response } in [MISSING, FRESH].into_iter().chain(COUNTER).chain(ECHO) {
            let reply = handler.handle(Bytes::from_static(request)).await;
            let reply = reply.unwrap_or_else(|error| panic!("{documents:?}, {name}: {error}"));
            assert_eq!(meaning(&reply.body), meaning(response), "{documents:?}, {name}");
        }
    }
}

#[tokio::test]
async fn every_state_of_a_wide_function_is_written_back() {
    let state = |number: usize| PersistedValue {
        state_name: format!("state_{number}").into(),
        state_value: Some(TypedValue {
            typename: "bench.types/bytes".into(),
            has_value: true,
            value: vec![7; number * 1000].into(),
        }),
    };
    let request = InvocationBatchRequest {
        target: Some(Address { namespace: "bench.fns".into(), r#type: "wide".into(), id: "7".into() }),
        state: (0..3).map(state).collect(),
        invocations: vec![Invocation { caller: None, argument: Some(TypedValue::default()) }],
    };
    let request = ToFunction { request: Some(Request::Invocation(request)) }.encode_to_vec();

    let handler = RequestReplyHandler::new(wide::registry(3).expect("a registry"));
    let reply = handler.handle(request.into()).await.expect("a response");

    let Some(Response::InvocationResult(result)) = FromFunction::decode(reply.body).expect("a response").response
    else {
        panic!("no result");
    };
    let sizes: Vec<usize> =
        result.state_mutations.iter().map(|m| m.state_value.as_ref().map_or(0, |v| v.value.len())).collect();
    assert_eq!(sizes, [0, 1000, 2000]);
}

/// A response with parsed JSON, so that whitespace and the order of keys do not matter.
fn meaning(response: &[u8]) -> (FromFunction, Vec<(Option<Value>, KafkaProducerRecord)>) {
    let mut message = FromFunction::decode(response).expect("a response");
    let mut values = Vec::new();
    match message.response.as_mut().expect("a response") {
        Response::InvocationResult(InvocationResponse {
            state_mutations,
            outgoing_messages,
            outgoing_egresses,
            ..
        }) => {
            state_mutations.sort_by(|one, other| one.state_name.cmp(&other.state_name));
            let states = state_mutations.iter_mut().filter_map(|mutation| mutation.state_value.as_mut());
            let messages = outgoing_messages.iter_mut().filter_map(|message| message.argument.as_mut());
            values.extend(states.chain(messages).map(|value| (json(value), KafkaProducerRecord::default())));
            for value in outgoing_egresses.iter_mut().filter_map(|message| message.argument.as_mut()) {
                let mut record = KafkaProducerRecord::decode(std::mem::take(&mut value.value)).expect("a record");
                let parsed = serde_json::from_slice(&std::mem::take(&mut record.value_bytes)).expect("JSON");
                values.push((Some(parsed), record));
            }
        }
        Response::IncompleteInvocationContext(missing) => {
            for spec in &mut missing.missing_values {
                // Some SDKs encode that a state never expires, others omit it.
                let _ = spec.expiration_spec.take_if(|expiration| *expiration == Default::default());
            }
        }
    }
    (message, values)
}

/// Takes the JSON out of a value; other values are unchanged.
fn json(value: &mut TypedValue) -> Option<Value> {
    if !value.typename.starts_with(b"bench.types/") {
        return None;
    }
    Some(serde_json::from_slice(&std::mem::take(&mut value.value)).expect("JSON"))
}

//! The functions do what the workload says: every stored request gets an answer that means what its stored answer means.

use bytes::Bytes;
use futures_util::FutureExt;
use prost::Message;
use serde_json::Value;
use statefun_bench::requests::{COUNTER, ECHO, Exchange, FRESH, MISSING};
use statefun_bench::{Documents, registry};
use statefun_sdk::RequestReplyHandler;
use statefun_sdk::protocol::egress::KafkaProducerRecord;
use statefun_sdk::protocol::reqreply::from_function::{InvocationResponse, Response};
use statefun_sdk::protocol::reqreply::{FromFunction, TypedValue};

#[test]
fn stored_requests_get_answers_of_the_same_meaning() {
    for documents in [Documents::Owned, Documents::Borrowed, Documents::Raw] {
        let handler = RequestReplyHandler::new(registry(documents).expect("a registry"));
        for Exchange { name, request, answer } in [MISSING, FRESH].into_iter().chain(COUNTER).chain(ECHO) {
            let reply = handler.handle(Bytes::from_static(request)).now_or_never().expect("nothing to wait for");
            let reply = reply.unwrap_or_else(|error| panic!("{documents:?}, {name}: {error}"));
            assert_eq!(meaning(&reply.body), meaning(answer), "{documents:?}, {name}");
        }
    }
}

/// An answer whose JSON is parsed: spaces and the order of keys are free.
fn meaning(answer: &[u8]) -> (FromFunction, Vec<(Option<Value>, KafkaProducerRecord)>) {
    let mut answer = FromFunction::decode(answer).expect("an answer");
    let mut values = Vec::new();
    match answer.response.as_mut().expect("a response") {
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
                // Some SDKs say that a state never expires, others say nothing.
                let _ = spec.expiration_spec.take_if(|expiration| *expiration == Default::default());
            }
        }
    }
    (answer, values)
}

/// Takes the JSON out of a value; what is none stays.
fn json(value: &mut TypedValue) -> Option<Value> {
    if !value.typename.starts_with(b"bench.types/") {
        return None;
    }
    Some(serde_json::from_slice(&std::mem::take(&mut value.value)).expect("JSON"))
}

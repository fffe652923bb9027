//! What several modules share: names, a request, and what is read of failures.

use prost::Message as _;
use serde_json::Value;
use statefun_sdk::protocol::egress::KafkaProducerRecord;
use statefun_sdk::protocol::reqreply::TypedValue;
use statefun_sdk::protocol::reqreply::from_function::EgressMessage;
use statefun_sdk::{
    DeadLetter, Destination, Egress, FailurePolicy, Function, HandlerError, InvocationFailure, TypeName, ValueSpec,
};
use statefun_test_support::request::{Batch, call, typed, value_of};

pub(super) const FUNCTION: &str = "test/function";
pub(super) const OTHER: TypeName = TypeName::new("test/other");
pub(super) const OUT: Egress = Egress::new("test/out");
pub(super) const DEAD: Egress = Egress::new("test/dead-letter");
pub(super) const SEEN: ValueSpec<i32> = ValueSpec::new("seen");

/// A batch of one message, the number 1.
pub(super) fn request() -> Batch {
    Batch::to(FUNCTION, "a").message(value_of(1))
}

/// A value of this type that is absent.
pub(super) fn unset(type_name: &str) -> TypedValue {
    TypedValue { has_value: false, ..typed(type_name, "") }
}

/// The failure of a batch that must fail.
pub(super) async fn failure(function: Function, request: Batch) -> Box<InvocationFailure> {
    match call(function, request).await {
        Err(HandlerError::Invocation(failure)) => failure,
        other => panic!("expected a failure, got {other:?}"),
    }
}

pub(super) fn dead_letters() -> FailurePolicy {
    FailurePolicy::DeadLetter(DeadLetter::new(DEAD, Destination::kafka("dead")))
}

/// The record of a dead letter.
pub(super) fn kafka(message: &EgressMessage) -> KafkaProducerRecord {
    let argument = message.argument.clone().expect("a record");
    assert_eq!(&argument.typename[..], b"type.googleapis.com/io.statefun.sdk.egress.KafkaProducerRecord");
    KafkaProducerRecord::decode(argument.value).expect("a record")
}

/// What it says.
pub(super) fn record(message: &EgressMessage) -> Value {
    serde_json::from_slice(&kafka(message).value_bytes).expect("JSON")
}

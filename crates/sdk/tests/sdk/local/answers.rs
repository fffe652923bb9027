//! Answers that this SDK would not give: what the cluster refuses is refused.

use std::collections::VecDeque;
use std::sync::Mutex;

use prost::Message as _;
use statefun_sdk::local::{LocalError, LocalRuntime, Transport, TransportError, Violation};
use statefun_sdk::protocol::reqreply::from_function::persisted_value_mutation::MutationType;
use statefun_sdk::protocol::reqreply::from_function::{
    DelayedInvocation, EgressMessage, IncompleteInvocationContext, Invocation, InvocationResponse,
    PersistedValueMutation, PersistedValueSpec, Response,
};
use statefun_sdk::protocol::reqreply::{FromFunction, TypedValue as WireValue};
use statefun_sdk::{Bytes, TypeName};
use statefun_test_support::request::{address, typed, value_of};

use super::{FUNCTION, registry, text};

/// Answers what it is told to, in order.
struct Canned(Mutex<VecDeque<Result<FromFunction, TransportError>>>);

impl Transport for Canned {
    async fn call(&self, _: Bytes) -> Result<Bytes, TransportError> {
        let next = self.0.lock().expect("unpoisoned").pop_front().expect("another answer");
        Ok(next?.encode_to_vec().into())
    }
}

fn answer(response: Response) -> Result<FromFunction, TransportError> {
    Ok(FromFunction { response: Some(response) })
}

fn missing(name: &str, type_name: &str) -> Result<FromFunction, TransportError> {
    let spec = PersistedValueSpec {
        state_name: name.to_owned().into(),
        expiration_spec: None,
        type_typename: type_name.to_owned().into(),
    };
    answer(Response::IncompleteInvocationContext(IncompleteInvocationContext { missing_values: vec![spec] }))
}

async fn violation(answers: impl IntoIterator<Item = Result<FromFunction, TransportError>>) -> Violation {
    let mut runtime = LocalRuntime::new(Canned(Mutex::new(answers.into_iter().collect())), &registry());
    runtime.send(FUNCTION.with_id("ann"), text("x")).expect("known");
    match runtime.run().await {
        Err(LocalError::Violation { violation, .. }) => *violation,
        other => panic!("expected a violation, got {other:?}"),
    }
}

fn result(result: InvocationResponse) -> Result<FromFunction, TransportError> {
    answer(Response::InvocationResult(result))
}

fn mutation(name: &str, value: Option<WireValue>) -> Result<FromFunction, TransportError> {
    let kind = if value.is_some() { MutationType::Modify } else { MutationType::Delete };
    let mutation =
        PersistedValueMutation { mutation_type: kind.into(), state_name: name.to_owned().into(), state_value: value };
    result(InvocationResponse { state_mutations: vec![mutation], ..Default::default() })
}

#[tokio::test]
async fn what_the_cluster_refuses_is_refused() {
    let to_nobody = Invocation { target: Some(address("test/nobody", "a")), argument: Some(value_of(1)) };
    let refused =
        violation([result(InvocationResponse { outgoing_messages: vec![to_nobody], ..Default::default() })]).await;
    assert_eq!(refused, Violation::UnknownTarget("test/nobody".to_owned()));

    let delayed = |delayed: DelayedInvocation| {
        result(InvocationResponse { delayed_invocations: vec![delayed], ..Default::default() })
    };
    let to_nobody = DelayedInvocation { target: Some(address("test/nobody", "a")), ..Default::default() };
    assert_eq!(violation([delayed(to_nobody)]).await, Violation::UnknownTarget("test/nobody".to_owned()));
    let early =
        DelayedInvocation { delay_in_ms: -1, target: Some(address("test/function", "a")), ..Default::default() };
    assert_eq!(violation([delayed(early)]).await, Violation::NegativeDelay(-1));
    let tokenless = DelayedInvocation { is_cancellation_request: true, ..Default::default() };
    assert_eq!(violation([delayed(tokenless)]).await, Violation::EmptyToken);

    let egress = |name: &str, argument| {
        let message = EgressMessage {
            egress_namespace: "test".into(),
            egress_type: name.to_owned().into(),
            argument: Some(argument),
        };
        result(InvocationResponse { outgoing_egresses: vec![message], ..Default::default() })
    };
    assert_eq!(violation([egress("nowhere", value_of(1))]).await, Violation::UnknownEgress("test/nowhere".to_owned()));
    let broken = typed("type.googleapis.com/io.statefun.sdk.egress.KafkaProducerRecord", vec![0xff]);
    assert!(
        matches!(violation([egress("out", broken)]).await, Violation::BrokenRecord { egress, .. } if egress == "test/out")
    );

    assert_eq!(violation([mutation("seen", Some(value_of(1)))]).await, Violation::UnregisteredState("seen".to_owned()));
    assert_eq!(violation([mutation("seen", None)]).await, Violation::UnregisteredState("seen".to_owned()));
    let changed = |found: &str| Violation::StateType {
        state: "seen".to_owned(),
        registered: "io.statefun.types/int".to_owned(),
        found: found.to_owned(),
    };
    let int = || missing("seen", "io.statefun.types/int");
    assert_eq!(violation([int(), mutation("seen", Some(value_of(1i64)))]).await, changed("io.statefun.types/long"));
    assert_eq!(violation([int(), missing("seen", "test/other")]).await, changed("test/other"));

    let refused = violation([missing("seen", "test/two/slashes")]).await;
    assert_eq!(refused, Violation::InvalidTypeName("test/two/slashes".to_owned()));
    assert!(refused.to_string().contains("\"test/two/slashes\""));
    assert_eq!(violation([int(), int()]).await, Violation::NothingMissing);
    let nothing = IncompleteInvocationContext::default();
    assert_eq!(violation([answer(Response::IncompleteInvocationContext(nothing))]).await, Violation::NothingMissing);
}

#[tokio::test]
async fn a_refused_answer_has_no_effect_at_all() {
    let good =
        EgressMessage { egress_namespace: "test".into(), egress_type: "out".into(), argument: Some(value_of(1)) };
    let partly = InvocationResponse {
        outgoing_messages: vec![Invocation { target: Some(address("test/other", "a")), argument: Some(value_of(1)) }],
        outgoing_egresses: vec![good],
        state_mutations: vec![PersistedValueMutation { state_name: "seen".into(), ..Default::default() }],
        ..Default::default()
    };
    let answers = [result(partly), Ok(FromFunction::default())];
    let mut runtime = LocalRuntime::new(Canned(Mutex::new(answers.into())), &registry());
    runtime.send(FUNCTION.with_id("ann"), text("x")).expect("known");
    runtime.run().await.expect_err("refused");
    assert_eq!(runtime.take_emitted(), []);
    // The message is sent again; nothing else is: there is no third answer. An empty answer means "no effects".
    runtime.run().await.expect("runs");
}

#[tokio::test]
async fn without_an_answer_nothing_is_lost() {
    let down = Err(TransportError::new("down"));
    let answers = Canned(Mutex::new([down, Ok(FromFunction::default())].into()));
    let mut runtime = LocalRuntime::new(&answers, &registry());
    let ann = FUNCTION.with_id("ann");
    runtime.send(ann.clone(), text("x")).expect("known");
    let error = runtime.run().await.expect_err("no answer");
    assert_eq!(error, LocalError::NoResponse { target: ann, error: TransportError::new("down") });
    runtime.run().await.expect("runs");
    assert!(answers.0.lock().expect("unpoisoned").is_empty(), "the message was not sent again");
    runtime.run().await.expect("nothing is left to run");
}

#[tokio::test]
async fn the_state_of_a_restarted_job_keeps_its_type() {
    let answers =
        [missing("seen", "test/old"), mutation("seen", Some(typed("test/old", "x"))), missing("seen", "test/new")];
    let mut runtime = LocalRuntime::new(Canned(Mutex::new(answers.into())), &registry());
    runtime.send(FUNCTION.with_id("ann"), text("x")).expect("known");
    runtime.run().await.expect("runs");
    runtime.restart();
    runtime.send(FUNCTION.with_id("ann"), text("x")).expect("known");
    let error = runtime.run().await.expect_err("refused");
    assert!(error.to_string().contains("registered with type \"test/old\", not \"test/new\""), "{error}");
}

#[tokio::test]
async fn others_can_be_made_known() {
    const FOREIGN: TypeName = TypeName::new("foreign/function");
    let message = Invocation { target: Some(address("foreign/function", "a")), argument: None };
    let record =
        EgressMessage { egress_namespace: "foreign".into(), egress_type: "egress".into(), argument: Some(value_of(1)) };
    let answers = [
        result(InvocationResponse {
            outgoing_messages: vec![message],
            outgoing_egresses: vec![record],
            ..Default::default()
        }),
        Ok(FromFunction::default()),
    ];
    let mut runtime = LocalRuntime::new(Canned(Mutex::new(answers.into())), &registry())
        .serve(FOREIGN)
        .egress(TypeName::new("foreign/egress"));
    runtime.send(FOREIGN.with_id("ann"), text("x")).expect("known");
    runtime.run().await.expect("runs");
    assert_eq!(runtime.take_emitted().len(), 1);
}

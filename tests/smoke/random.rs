//! Random commands through the local runtime, and what a model says of them.

use proptest::prelude::*;
use prost::Message as _;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use statefun_sdk::local::LocalRuntime;
use statefun_sdk::protocol::reqreply::from_function::persisted_value_mutation::MutationType;
use statefun_sdk::protocol::reqreply::from_function::{InvocationResponse, Response};
use statefun_sdk::protocol::reqreply::{Address, FromFunction, ToFunction, TypedValue as WireValue, to_function};
use statefun_sdk::{Bytes, Registry, RequestReplyHandler, TypedValue};

use crate::effects;
use statefun_test_support::smoke::function::{
    Command, Commands, DISCARD_SINK, INTERPRETER, Kind, STATE, Sinks, SourceCommand, VERIFICATION_SINK,
    VerificationResult, Verify, function,
};
use statefun_test_support::smoke::model::Model;

const INSTANCES: i32 = 20;

fn registry() -> Registry {
    Registry::builder().function(function(Sinks::Local)).build().expect("a valid registry")
}

fn source_command(target: i32, commands: Commands) -> TypedValue {
    TypedValue::new(SourceCommand { target, commands: Some(commands) }).expect("encodes")
}

async fn ten_thousand_batches(runtime: LocalRuntime<RequestReplyHandler>, seed: u64) {
    let mut runtime = runtime.on_exchange(effects::check);
    let mut random = StdRng::seed_from_u64(seed);
    let mut model = Model::new(INSTANCES);
    let mut discarded = 0;
    for batch in 1..=10_000 {
        let id = random.random_range(0..INSTANCES);
        for _ in 0..random.random_range(1..=4) {
            let commands = model.commands(&mut random, id, 3, true);
            runtime.send(INTERPRETER.with_id(id.to_string()), source_command(id, commands)).expect("known");
        }
        runtime.run().await.expect("runs");
        if random.random_ratio(1, 10) {
            runtime.advance(std::time::Duration::from_millis(random.random_range(0..3))).await.expect("runs");
        }
        if random.random_ratio(1, 100) {
            runtime.restart();
        }
        if batch % 1000 > 0 {
            continue;
        }
        while let Some(due) = runtime.next_due() {
            runtime.advance(due - runtime.now()).await.expect("runs");
        }
        for id in 0..INSTANCES {
            let expected = model.counts.get(&id).copied().unwrap_or(0);
            let verify = Command { kind: Some(Kind::Verify(Verify { expected })) };
            let commands = source_command(id, Commands { command: vec![verify] });
            runtime.send(INTERPRETER.with_id(id.to_string()), commands).expect("known");
            let state = runtime.state(&INTERPRETER.with_id(id.to_string()), &STATE).expect("readable");
            assert_eq!(state.unwrap_or(0), expected, "state of {id} after batch {batch}");
        }
        runtime.run().await.expect("runs");
        let (verified, rest): (Vec<_>, Vec<_>) =
            runtime.take_emitted().into_iter().partition(|emitted| emitted.egress == *VERIFICATION_SINK.id());
        assert_eq!(verified.len(), usize::try_from(INSTANCES).expect("positive"));
        for emitted in verified {
            let result = VerificationResult::decode(emitted.record.value().clone()).expect("a result");
            assert_eq!(result.actual, result.expected, "instance {} after batch {batch}", result.id);
        }
        assert!(rest.iter().all(|emitted| emitted.egress == *DISCARD_SINK.id()));
        discarded += rest.len();
        assert_eq!(discarded, model.discarded, "records after batch {batch}");
    }
    assert!(model.counts.values().all(|&count| count > 100), "the commands do next to nothing");
}

#[tokio::test]
async fn ten_thousand_random_batches_end_as_a_model_says() {
    ten_thousand_batches(LocalRuntime::in_process(registry()), 1).await;
}

#[tokio::test]
async fn so_they_do_with_many_requests_in_flight_each_delivered_twice() {
    let runtime = LocalRuntime::in_process(registry()).concurrency(8).max_batch(3).deliver_twice();
    ten_thousand_batches(runtime, 2).await;
}

fn request(state: Option<WireValue>, messages: &[TypedValue]) -> Bytes {
    let target = Address {
        namespace: INTERPRETER.namespace().to_owned().into(),
        r#type: INTERPRETER.name().to_owned().into(),
        id: "3".into(),
    };
    let invocations = messages.iter().map(|message| {
        let argument = WireValue {
            typename: message.type_name().to_owned().into(),
            has_value: true,
            value: message.value().clone(),
        };
        to_function::Invocation { caller: None, argument: Some(argument) }
    });
    let batch = to_function::InvocationBatchRequest {
        target: Some(target),
        state: vec![to_function::PersistedValue { state_name: "state".into(), state_value: state }],
        invocations: invocations.collect(),
    };
    ToFunction { request: Some(to_function::Request::Invocation(batch)) }.encode_to_vec().into()
}

async fn result(
    handler: &RequestReplyHandler,
    state: Option<WireValue>,
    messages: &[TypedValue],
) -> InvocationResponse {
    let reply = handler.handle(request(state, messages)).await.expect("an answer");
    match FromFunction::decode(reply.body).expect("an answer").response {
        Some(Response::InvocationResult(result)) => result,
        other => panic!("expected a result, got {other:?}"),
    }
}

proptest! {
    /// A batch of n does what n requests do, one after the other with the state carried over.
    #[test]
    fn a_batch_is_its_messages_one_by_one(seed: u64, length in 1usize..20, start: Option<i64>) {
        let mut random = StdRng::seed_from_u64(seed);
        let mut model = Model::new(INSTANCES);
        let mut messages = Vec::new();
        for _ in 0..length {
            let mut commands = model.commands(&mut random, 3, 2, true);
            commands.command.push(Command { kind: Some(Kind::Verify(Verify { expected: 0 })) });
            messages.push(source_command(3, commands));
        }
        let start = start.map(|start| i64::from(start as i32));
        let value = |number: i64| {
            let value = TypedValue::new(number).expect("encodes");
            WireValue { typename: value.type_name().to_owned().into(), has_value: true, value: value.value().clone() }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (whole, singly) = runtime.block_on(async {
            let handler = RequestReplyHandler::new(registry());
            let whole = result(&handler, start.map(value), &messages).await;
            let mut state = start.map(value);
            let mut singly = InvocationResponse::default();
            for message in &messages {
                let mut one = result(&handler, state.clone(), std::slice::from_ref(message)).await;
                singly.outgoing_messages.append(&mut one.outgoing_messages);
                singly.delayed_invocations.append(&mut one.delayed_invocations);
                singly.outgoing_egresses.append(&mut one.outgoing_egresses);
                if let Some(mutation) = one.state_mutations.pop() {
                    assert_eq!(mutation.mutation_type(), MutationType::Modify);
                    state = mutation.state_value.clone();
                    singly.state_mutations = vec![mutation];
                }
            }
            (whole, singly)
        });
        prop_assert_eq!(whole, singly);
    }
}

//! The embedded runtime does what the cluster's does.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prost::Message as _;
use statefun_sdk::local::{
    EmittedRecord, Exchange, LocalError, LocalRuntime, TestContext, Transport, TransportError, Violation,
};
use statefun_sdk::protocol::reqreply::from_function::persisted_value_mutation::MutationType;
use statefun_sdk::protocol::reqreply::from_function::{
    DelayedInvocation, EgressMessage, IncompleteInvocationContext, Invocation, InvocationResponse,
    PersistedValueMutation, PersistedValueSpec, Response,
};
use statefun_sdk::protocol::reqreply::{FromFunction, ToFunction, TypedValue as WireValue, to_function};
use statefun_sdk::{
    Bytes, CancellationToken, Context, Egress, Function, FunctionError, KafkaRecord, Message, Registry, TypeName,
    TypedValue, ValueSpec,
};
use statefun_test_support::request::{address, typed, value_of};

const FUNCTION: TypeName = TypeName::new("test/function");
const OTHER: TypeName = TypeName::new("test/other");
const OUT: Egress = Egress::new("test/out");
const SEEN: ValueSpec<i32> = ValueSpec::new("seen");
const SECOND: Duration = Duration::from_secs(1);

fn text(text: &str) -> TypedValue {
    TypedValue::new(text).expect("encodes")
}

/// Does what its message says, and counts its messages.
async fn puppet(context: &mut Context, message: Message) -> Result<(), FunctionError> {
    context.update(&SEEN, |seen| *seen += 1)?;
    let command = message.get::<String>()?;
    let words: Vec<&str> = command.split(' ').collect();
    let token = |text: &str| CancellationToken::new(text.to_owned()).map_err(FunctionError::poison);
    let seconds = |text: &str| Duration::from_secs(text.parse().unwrap_or(0));
    match words[..] {
        ["fan", count] => {
            for n in 0..count.parse::<u32>().unwrap_or(0) {
                context.send(FUNCTION.with_id("sink"), format!("emit {n}").as_str())?;
            }
            Ok(())
        }
        ["emit", word] => {
            context.emit(OUT, KafkaRecord::topic("out").key(context.self_id().clone()).utf8(word.to_owned()))
        }
        ["after", delay, word] => {
            context.send_after(seconds(delay), context.self_address().clone(), format!("emit {word}").as_str())
        }
        ["cancellable", delay, word] => context.send_cancellable(
            seconds(delay),
            &token(word)?,
            context.self_address().clone(),
            format!("emit {word}").as_str(),
        ),
        ["cancel", word] => {
            context.cancel(&token(word)?);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn function(name: TypeName) -> Function {
    Function::new(name).fallback(puppet).state(&SEEN).sends_to(FUNCTION).sends_to(OTHER).emits(OUT)
}

fn registry() -> Registry {
    Registry::builder().functions([function(FUNCTION), function(OTHER)]).build().expect("a valid registry")
}

fn emitted<T: Transport>(runtime: &mut LocalRuntime<T>) -> Vec<String> {
    let emitted = runtime.take_emitted().into_iter();
    emitted.map(|emitted| String::from_utf8(emitted.record.value().to_vec()).expect("UTF-8")).collect()
}

fn request_of(exchange: &Exchange<'_>) -> to_function::InvocationBatchRequest {
    let request = ToFunction::decode(exchange.request.clone()).expect("an encoded ToFunction");
    let Some(to_function::Request::Invocation(batch)) = request.request else { panic!("expected a batch") };
    batch
}

#[tokio::test]
async fn what_arrives_while_an_address_is_busy_goes_as_one_batch() {
    let batches = Arc::new(Mutex::new(Vec::new()));
    let seen = batches.clone();
    let mut runtime = LocalRuntime::in_process(registry()).max_batch(4).on_exchange(move |exchange| {
        let count = request_of(exchange).invocations.len();
        seen.lock().expect("unpoisoned").push((exchange.target.id().to_string(), count));
    });
    runtime.send(FUNCTION.with_id("source"), text("fan 10")).expect("known");
    runtime.run().await.expect("runs");
    let expected = [("source", 1), ("sink", 4), ("sink", 4), ("sink", 2)].map(|(id, count)| (id.to_owned(), count));
    assert_eq!(*batches.lock().expect("unpoisoned"), expected);
    assert_eq!(emitted(&mut runtime), (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
}

/// Says how many requests were in flight at most, and fails if two were for one address.
struct Watched<T> {
    inner: T,
    in_flight: Mutex<BTreeSet<Bytes>>,
    most: AtomicUsize,
}

impl<T: Transport> Transport for Watched<T> {
    async fn call(&self, request: Bytes) -> Result<Bytes, TransportError> {
        let decoded = ToFunction::decode(request.clone()).expect("an encoded ToFunction");
        let Some(to_function::Request::Invocation(batch)) = decoded.request else { panic!("expected a batch") };
        let id = batch.target.expect("a target").id;
        {
            let mut in_flight = self.in_flight.lock().expect("unpoisoned");
            assert!(in_flight.insert(id.clone()), "two requests in flight for one address");
            self.most.fetch_max(in_flight.len(), SeqCst);
        }
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        let reply = self.inner.call(request).await;
        self.in_flight.lock().expect("unpoisoned").remove(&id);
        reply
    }
}

#[tokio::test]
async fn different_addresses_run_at_once_and_one_address_never() {
    let registry = registry();
    let watched = Watched {
        inner: statefun_sdk::RequestReplyHandler::new(self::registry()),
        in_flight: Mutex::default(),
        most: AtomicUsize::new(0),
    };
    let mut runtime = LocalRuntime::new(&watched, &registry).concurrency(5).max_batch(2);
    for n in 0..100 {
        runtime.send(FUNCTION.with_id((n % 10).to_string()), text("nothing")).expect("known");
    }
    runtime.run().await.expect("runs");
    assert_eq!(watched.most.load(SeqCst), 5);
    for n in 0..10 {
        assert_eq!(runtime.state(&FUNCTION.with_id(n.to_string()), &SEEN).expect("readable"), Some(10));
    }
}

#[tokio::test]
async fn states_are_learnt_once_and_again_after_a_restart() {
    let states = Arc::new(Mutex::new(Vec::new()));
    struct Recording<T>(T, Arc<Mutex<Vec<usize>>>);
    impl<T: Transport> Transport for Recording<T> {
        async fn call(&self, request: Bytes) -> Result<Bytes, TransportError> {
            let decoded = ToFunction::decode(request.clone()).expect("an encoded ToFunction");
            let Some(to_function::Request::Invocation(batch)) = decoded.request else { panic!("expected a batch") };
            self.1.lock().expect("unpoisoned").push(batch.state.len());
            self.0.call(request).await
        }
    }
    let transport = Recording(statefun_sdk::RequestReplyHandler::new(registry()), states.clone());
    let mut runtime = LocalRuntime::new(transport, &registry());
    let ann = FUNCTION.with_id("ann");
    for restart in [false, false, true] {
        if restart {
            runtime.restart();
        }
        runtime.send(ann.clone(), text("nothing")).expect("known");
        runtime.run().await.expect("runs");
    }
    assert_eq!(*states.lock().expect("unpoisoned"), [0, 1, 1, 0, 1]);
    assert_eq!(runtime.state(&ann, &SEEN).expect("readable"), Some(3));
}

#[tokio::test]
async fn delayed_messages_come_at_their_time_in_their_order() {
    let mut runtime = LocalRuntime::in_process(registry());
    let ann = FUNCTION.with_id("ann");
    for command in ["after 3 c", "after 1 a", "after 2 b", "after 2 bb", "after 0 now"] {
        runtime.send(ann.clone(), text(command)).expect("known");
    }
    runtime.run().await.expect("runs");
    assert_eq!(emitted(&mut runtime), ["now"]);
    assert_eq!(runtime.next_due(), Some(SECOND));
    runtime.advance(Duration::from_millis(999)).await.expect("runs");
    assert_eq!(emitted(&mut runtime), [""; 0]);
    runtime.advance(Duration::from_millis(1)).await.expect("runs");
    assert_eq!(emitted(&mut runtime), ["a"]);
    runtime.advance(SECOND * 10).await.expect("runs");
    assert_eq!(emitted(&mut runtime), ["b", "bb", "c"]);
    assert_eq!((runtime.now(), runtime.next_due()), (SECOND * 11, None));
}

#[tokio::test]
async fn a_delayed_message_comes_with_its_sender_as_the_caller() {
    let callers = Arc::new(Mutex::new(Vec::new()));
    let seen = callers.clone();
    let mut runtime = LocalRuntime::in_process(registry()).on_exchange(move |exchange| {
        seen.lock().expect("unpoisoned").extend(request_of(exchange).invocations.into_iter().map(|one| one.caller));
    });
    runtime.send(FUNCTION.with_id("ann"), text("after 1 a")).expect("known");
    runtime.advance(SECOND).await.expect("runs");
    assert_eq!(*callers.lock().expect("unpoisoned"), [None, Some(address("test/function", "ann"))]);
}

/// The runtime keeps tokens under the id alone: an instance of another function type with the same id can cancel.
#[tokio::test]
async fn a_token_belongs_to_an_id_whatever_the_function() {
    let mut runtime = LocalRuntime::in_process(registry());
    for id in ["ann", "bob"] {
        runtime.send(FUNCTION.with_id(id), text("cancellable 5 t")).expect("known");
    }
    runtime.run().await.expect("runs");
    runtime.send(OTHER.with_id("ann"), text("cancel t")).expect("known");
    runtime.advance(SECOND * 5).await.expect("runs");
    let records: Vec<_> = runtime.take_emitted().into_iter().map(|emitted| emitted.record).collect();
    let expected = EmittedRecord::Kafka { topic: "out".into(), key: "bob".into(), value: "t".into() };
    assert_eq!(records, [expected]);
    // Once its message was delivered a token is free again, and cancelling it is nothing.
    runtime.send(FUNCTION.with_id("bob"), text("cancellable 5 t")).expect("known");
    runtime.send(FUNCTION.with_id("ann"), text("cancel t")).expect("known");
    runtime.advance(SECOND * 5).await.expect("runs");
    assert_eq!(emitted(&mut runtime), ["t"]);
}

#[tokio::test]
async fn a_token_that_is_pending_from_an_earlier_request_is_refused() {
    let mut runtime = LocalRuntime::in_process(registry());
    let ann = FUNCTION.with_id("ann");
    runtime.send(ann.clone(), text("cancellable 5 t")).expect("known");
    runtime.run().await.expect("runs");
    runtime.send(ann.clone(), text("cancellable 9 t")).expect("known");
    let refused = runtime.run().await.expect_err("refused");
    let violation = Violation::PendingToken { id: "ann".to_owned(), token: "t".to_owned() };
    assert_eq!(refused, LocalError::Violation { target: ann, violation: violation.into() });
}

#[tokio::test]
async fn states_expire_after_writes_or_after_calls() {
    const WRITTEN: ValueSpec<i32> = ValueSpec::<i32>::new("written").expire_after_write(SECOND.saturating_mul(10));
    const CALLED: ValueSpec<i32> = ValueSpec::<i32>::new("called").expire_after_call(SECOND.saturating_mul(10));
    async fn write_on_demand(context: &mut Context, message: Message) -> Result<(), FunctionError> {
        if let value @ 1.. = message.get::<i32>()? {
            context.set(&WRITTEN, value)?;
            context.set(&CALLED, value)?;
        }
        Ok(())
    }
    let function = Function::new(FUNCTION).fallback(write_on_demand).state(&WRITTEN).state(&CALLED);
    let registry = Registry::builder().function(function).build().expect("a valid registry");
    let mut runtime = LocalRuntime::in_process(registry);
    let ann = FUNCTION.with_id("ann");
    let states = |runtime: &LocalRuntime<_>| {
        (runtime.state(&ann, &WRITTEN).expect("readable"), runtime.state(&ann, &CALLED).expect("readable"))
    };
    let call = |value: i32| TypedValue::new(value).expect("encodes");
    runtime.send(ann.clone(), call(1)).expect("known");
    runtime.advance(SECOND * 9).await.expect("runs");
    assert_eq!(states(&runtime), (Some(1), Some(1)));
    runtime.send(ann.clone(), call(0)).expect("known");
    runtime.advance(SECOND).await.expect("runs");
    assert_eq!(states(&runtime), (None, Some(1)));
    runtime.advance(SECOND * 9).await.expect("runs");
    assert_eq!(states(&runtime), (None, None));
}

#[tokio::test]
async fn a_request_that_comes_twice_counts_once() {
    let mut runtime = LocalRuntime::in_process(registry()).deliver_twice();
    let ann = FUNCTION.with_id("ann");
    for command in ["emit a", "after 1 b", "fan 3"] {
        runtime.send(ann.clone(), text(command)).expect("known");
    }
    runtime.advance(SECOND).await.expect("runs");
    assert_eq!(runtime.state(&ann, &SEEN).expect("readable"), Some(4));
    assert_eq!(emitted(&mut runtime), ["a", "0", "1", "2", "b"]);
}

#[tokio::test]
async fn a_message_to_nobody_is_refused_at_once() {
    let mut runtime = LocalRuntime::in_process(registry());
    let target = TypeName::new("test/nobody").with_id("a");
    let error = runtime.send(target, text("x")).expect_err("refused");
    assert!(error.to_string().contains("\"test/nobody\""), "{error}");
}

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

/// An egress whose record the function has put together itself.
async fn raw_record(record: TypedValue) -> TestContext {
    const OUT: Egress = Egress::new("test/out");
    let function = Function::new(FUNCTION)
        .fallback(async |record: &TypedValue, context: &mut Context, _: Message| context.emit(OUT, record.clone()))
        .with(record);
    let mut test = TestContext::new(function.emits(OUT), "ann").expect("valid");
    test.invoke(text("x")).await.expect("an answer");
    test
}

#[tokio::test]
async fn no_value_for_an_egress_is_shown_as_none() {
    let record = TypedValue::unset("test/record");
    let test = raw_record(record.clone()).await;
    assert_eq!(test.emitted()[0].record, EmittedRecord::Other(record));
}

#[tokio::test]
#[should_panic(expected = "a broken record for egress test/out")]
async fn a_test_context_does_not_hide_a_broken_record() {
    raw_record(TypedValue::from_bytes("type.googleapis.com/io.statefun.sdk.egress.KafkaProducerRecord", &b"\xff"[..]))
        .await;
}

#[tokio::test]
async fn a_test_context_shows_what_a_function_did() {
    let mut test = TestContext::new(function(FUNCTION), "ann").expect("valid").with_caller(OTHER.with_id("bob"));
    test.set(&SEEN, 7).expect("encodes");
    let commands = ["fan 2", "emit x", "after 3 y", "cancellable 4 z", "cancellable 5 zz", "cancel z"];
    test.invoke_batch(commands.map(text)).await.expect("an answer");
    assert_eq!(test.get(&SEEN).expect("readable"), Some(13));
    let sent: Vec<_> = test.sent().iter().map(|sent| (sent.target.to_string(), sent.value.clone())).collect();
    let sink = "test/function/sink".to_owned();
    assert_eq!(sent, [(sink.clone(), text("emit 0")), (sink, text("emit 1"))]);
    let delayed: Vec<_> =
        test.delayed().iter().map(|delayed| (delayed.delay.as_secs(), delayed.token.as_deref())).collect();
    assert_eq!(delayed, [(3, None), (5, Some("zz"))]);
    assert_eq!(test.emitted().len(), 1);
    assert_eq!((test.emitted()[0].record.key(), &test.emitted()[0].record.value()[..]), ("ann", &b"x"[..]));
    const OTHER_STATE: ValueSpec<i32> = ValueSpec::new("sen");
    assert!(test.get(&OTHER_STATE).is_err() && test.set(&OTHER_STATE, 1).is_err());
    test.clear_effects();
    assert!(test.sent().is_empty() && test.delayed().is_empty() && test.emitted().is_empty());
    test.invoke(TypedValue::from_bytes("io.statefun.types/string", &b"\xff"[..])).await.expect_err("poison");
    assert_eq!(test.get(&SEEN).expect("readable"), Some(13));
}

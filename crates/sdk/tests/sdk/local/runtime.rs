//! Batches, delays, tokens and states.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prost::Message as _;
use statefun_sdk::local::{EmittedRecord, Exchange, LocalError, LocalRuntime, Transport, TransportError, Violation};
use statefun_sdk::protocol::reqreply::{ToFunction, to_function};
use statefun_sdk::{
    Bytes, Context, Function, FunctionError, Message, Registry, ResultExt, TypeName, TypedValue, ValueSpec,
};
use statefun_test_support::request::address;

use super::{FUNCTION, OTHER, SEEN, emitted, registry, text};

const SECOND: Duration = Duration::from_secs(1);

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

/// As in a server of `statefun-http`; a runtime of one thread, which `#[tokio::test]` alone makes, has no `block_in_place`.
#[tokio::test(flavor = "multi_thread")]
async fn functions_may_block_in_place_and_spawn() {
    async fn work(context: &mut Context, _: String) -> Result<(), FunctionError> {
        let blocked = tokio::task::block_in_place(|| 1);
        let on_another_thread = tokio::task::spawn_blocking(|| 2).await.or_poison()?;
        let spawned = tokio::spawn(async { 4 }).await.or_poison()?;
        context.set(&SEEN, blocked + on_another_thread + spawned)
    }
    let function = Function::new("test/blocking").on(work).state(&SEEN);
    let mut runtime = LocalRuntime::in_process(Registry::builder().function(function).build().unwrap());
    let address = TypeName::new("test/blocking").with_id("a");
    runtime.send(&address, "go").unwrap();
    runtime.run().await.unwrap();
    assert_eq!(runtime.state(&address, &SEEN).unwrap(), Some(7));
}

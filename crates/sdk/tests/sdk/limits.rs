//! What bounds a request in number, time and bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use statefun_sdk::{
    Bytes, Context, FailureKind, Function, FunctionError, HandlerError, InvocationFailure, MemoryBudget, Registry,
    RequestError, RequestReplyHandler, ValueSpec,
};
use statefun_test_support::request::{Batch, handler, value_of};
use tokio::task::{JoinHandle, yield_now};

use super::support::{FUNCTION, OTHER, OUT, dead_letters};

async fn nothing(_: &mut Context, _: bool) -> Result<(), FunctionError> {
    Ok(())
}

fn messages(count: usize) -> Bytes {
    (0..count).fold(Batch::to(FUNCTION, "a"), |batch, _| batch.message(value_of(true))).bytes()
}

fn failure<T: std::fmt::Debug>(result: Result<T, HandlerError>) -> InvocationFailure {
    match result {
        Err(HandlerError::Invocation(failure)) => *failure,
        other => panic!("expected a failure, got {other:?}"),
    }
}

#[tokio::test]
async fn a_request_of_too_many_messages_is_rejected_and_says_what_to_set() {
    let handler = handler(Function::new(FUNCTION).on(nothing));
    let limit = RequestReplyHandler::INVOCATION_LIMIT;
    assert_eq!(handler.handle(messages(limit)).await.expect("a response").invocations, limit);
    let error = handler.handle(messages(limit + 1)).await.expect_err("too many");
    assert_eq!(error, RequestError::TooManyInvocations { invocations: limit + 1, limit }.into());
    assert_eq!(error.status_code(), 413);
    assert!(error.to_string().contains("maxNumBatchRequests"), "{error}");
    let handler = handler.invocation_limit(2);
    assert!(handler.handle(messages(2)).await.is_ok());
    assert!(handler.handle(messages(3)).await.is_err());
}

/// It bounds each invocation, and not all of them together.
#[tokio::test(start_paused = true)]
async fn an_invocation_that_takes_too_long_is_dropped_and_fails_its_batch() {
    async fn sleep(_: &mut Context, seconds: i32) -> Result<(), FunctionError> {
        tokio::time::sleep(Duration::from_secs(seconds.unsigned_abs().into())).await;
        Ok(())
    }
    let function = Function::new(FUNCTION).on(sleep).on_failure(dead_letters());
    let handler = handler(function).invocation_timeout(Duration::from_secs(30));
    let request = |seconds: &[i32]| {
        let batch = Batch::to(FUNCTION, "a");
        seconds.iter().fold(batch, |batch, seconds| batch.message(value_of(*seconds))).bytes()
    };
    assert!(handler.handle(request(&[29; 10])).await.is_ok());
    let failure = failure(handler.handle(request(&[1, 31, 1])).await);
    assert_eq!((failure.kind, failure.index), (FailureKind::Timeout, 1));
    assert_eq!(HandlerError::Invocation(Box::new(failure)).status_code(), 503);
}

/// A task that counts how often its thread let it run.
fn other_task() -> (Arc<AtomicUsize>, JoinHandle<()>) {
    let turns = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&turns);
    let task = tokio::spawn(async move {
        loop {
            counted.fetch_add(1, SeqCst);
            yield_now().await;
        }
    });
    (turns, task)
}

#[tokio::test]
async fn a_batch_that_runs_for_long_lets_others_run() {
    async fn busy(_: &mut Context, _: bool) -> Result<(), FunctionError> {
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(1) {}
        Ok(())
    }
    let handler = handler(Function::new(FUNCTION).on(busy));
    let (turns, task) = other_task();
    handler.handle(messages(200)).await.expect("a response");
    // Once in ten milliseconds, give or take.
    assert!(turns.load(SeqCst) >= 5, "{turns:?} turns in 200 ms");
    task.abort();
}

#[tokio::test]
async fn a_small_batch_is_not_interrupted() {
    let handler = handler(Function::new(FUNCTION).on(nothing));
    let (turns, task) = other_task();
    handler.handle(messages(10)).await.expect("a response");
    assert_eq!(turns.load(SeqCst), 0);
    task.abort();
}

const TEXT: ValueSpec<String> = ValueSpec::new("text");

/// Sends, emits and keeps a text of as many MiB as the numbers say.
fn large() -> Function {
    async fn send(context: &mut Context, mebibytes: i32) -> Result<(), FunctionError> {
        let text = "x".repeat(1024 * 1024);
        for _ in 0..mebibytes {
            context.send(OTHER.with_id("b"), &*text)?;
        }
        Ok(())
    }
    async fn emit(context: &mut Context, mebibytes: i64) -> Result<(), FunctionError> {
        let text = "x".repeat(1024 * 1024);
        for _ in 0..mebibytes {
            // What is made of the error changes nothing.
            let _ = context.emit(OUT, statefun_sdk::KafkaRecord::topic("out").utf8(&*text));
        }
        Ok(())
    }
    async fn keep(context: &mut Context, digits: String) -> Result<(), FunctionError> {
        context.set(&TEXT, digits.repeat(1024 * 1024))
    }
    Function::new(FUNCTION)
        .on(send)
        .on(emit)
        .on(keep)
        .state(&TEXT)
        .sends_to(OTHER)
        .emits(OUT)
        .on_failure(dead_letters())
}

fn mebibytes(numbers: &[i32]) -> Bytes {
    let batch = Batch::to(FUNCTION, "a").state("text", None);
    numbers.iter().fold(batch, |batch, number| batch.message(value_of(*number))).bytes()
}

#[tokio::test]
async fn a_response_that_is_too_large_fails_its_batch_and_says_what_is_large() {
    let handler = handler(large()).response_limit(4 * 1024 * 1024);
    assert!(handler.handle(mebibytes(&[1, 1, 1])).await.is_ok());
    let sent = failure(handler.handle(mebibytes(&[1, 1, 1, 1, 0])).await);
    assert_eq!((sent.kind, sent.index), (FailureKind::ResponseTooLarge, 3));
    assert!(!sent.kind.is_transient());
    for part in ["4194304 bytes", "4 messages to test/other of 4194", "maxNumBatchRequests"] {
        assert!(sent.reason.contains(part), "{}", sent.reason);
    }
    let batch = || Batch::to(FUNCTION, "a").state("text", None);
    let emitted = failure(handler.handle(batch().message(value_of(5_i64)).bytes()).await);
    assert!(emitted.reason.contains("4 records to test/out of 4194"), "{}", emitted.reason);
    let kept = failure(handler.handle(batch().message(value_of("12345".to_owned())).bytes()).await);
    assert!(kept.reason.contains("1 values of state \"text\" of 524"), "{}", kept.reason);
}

#[tokio::test]
async fn responses_hold_their_part_of_the_budget_until_they_are_dropped() {
    let budget = MemoryBudget::new(8 * 1024 * 1024);
    let handler = handler(large()).memory_budget(budget.clone());
    let small = handler.handle(mebibytes(&[0])).await.expect("a response");
    assert_eq!(budget.used(), 0, "small ones are free");
    drop(small);
    let response = handler.handle(mebibytes(&[2])).await.expect("a response");
    assert!(budget.used() >= response.body.len(), "{budget:?}");
    let failure = failure(handler.handle(mebibytes(&[5])).await);
    assert_eq!(failure.kind, FailureKind::Memory);
    assert!(failure.kind.is_transient());
    drop(response);
    assert_eq!(budget.used(), 0);
    assert!(handler.handle(mebibytes(&[2])).await.is_ok());
}

#[tokio::test]
async fn the_last_quarter_of_a_budget_is_for_small_permits() {
    let budget = MemoryBudget::new(1024 * 1024);
    let (mut large, mut small) = (budget.permit(), budget.permit());
    assert!(!large.try_grow(800 * 1024));
    assert!(large.try_grow(720 * 1024) && !large.try_grow(100 * 1024));
    assert!(small.try_grow(64 * 1024) && !small.try_grow(1));
    let mut waiting = budget.permit();
    let waited = tokio::spawn(async move {
        waiting.grow(500 * 1024).await;
        waiting
    });
    yield_now().await;
    assert!(!waited.is_finished());
    drop(large);
    assert_eq!(waited.await.expect("no panic").bytes(), 500 * 1024);
    drop(small);
    assert_eq!(budget.used(), 0);
}

/// The target is declared with the types of its messages, and this type is not among them.
#[tokio::test]
async fn a_message_that_was_not_declared_for_its_target_is_a_bug() {
    async fn send(context: &mut Context, number: i32) -> Result<(), FunctionError> {
        match number {
            0 => context.send(OTHER.with_id("b"), true),
            _ => context.send(OTHER.with_id("b"), 1_i64),
        }
    }
    let function = || Function::new(FUNCTION).on(send).sends::<bool>(OTHER);
    let request = |number: i32| Batch::to(FUNCTION, "a").message(value_of(number)).bytes();
    assert!(handler(function()).handle(request(0)).await.is_ok());
    let failure = failure(handler(function()).handle(request(1)).await);
    assert_eq!(failure.kind, FailureKind::Bug);
    assert!(failure.reason.contains("\"io.statefun.types/long\" are not declared for target test/other"), "{failure}");

    let receiver = Function::new("test/other").on(nothing);
    assert!(Registry::builder().function(function()).function(receiver).build().is_ok());
    let receiver = Function::new("test/other").on(send);
    let error = Registry::builder().function(function()).function(receiver).build().expect_err("not accepted");
    assert!(error.to_string().contains("has no handler for them"), "{error}");
}

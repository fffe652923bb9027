//! How many dead letters a function may make.

use std::time::Duration;

use statefun_sdk::{
    Context, FailureKind, Function, FunctionError, HandlerError, InvocationFailure, Registry, RequestReplyHandler,
    Response,
};
use statefun_test_support::request::{Batch, value_of};

use super::support::{FUNCTION, dead_letters};

const OTHER: &str = "test/other";

async fn above_zero(_: &mut Context, number: i32) -> Result<(), FunctionError> {
    if number < 0 { Err(FunctionError::poison("below zero")) } else { Ok(()) }
}

fn handler() -> RequestReplyHandler {
    let function = |name| Function::new(name).on(above_zero).on_failure(dead_letters());
    let registry = Registry::builder().function(function(FUNCTION)).function(function(OTHER)).build();
    RequestReplyHandler::new(registry.expect("a valid registry"))
}

async fn send(
    handler: &RequestReplyHandler,
    function: &str,
    numbers: impl IntoIterator<Item = i32>,
) -> Result<Response, InvocationFailure> {
    let batch = numbers.into_iter().fold(Batch::to(function, "a"), |batch, number| batch.message(value_of(number)));
    match handler.handle(batch.bytes()).await {
        Ok(response) => Ok(response),
        Err(HandlerError::Invocation(failure)) => Err(*failure),
        Err(error) => panic!("{error}"),
    }
}

fn bad(count: usize) -> Vec<i32> {
    vec![-1; count]
}

fn good(count: usize) -> Vec<i32> {
    vec![1; count]
}

#[tokio::test(start_paused = true)]
async fn a_release_that_fails_at_every_message_makes_a_hundred_dead_letters() {
    let handler = handler();
    let mut made = 0;
    for _ in 0..50 {
        made += send(&handler, FUNCTION, bad(7)).await.map_or(0, |response| response.dead_letters());
    }
    assert_eq!(made, 98);
    let failure = send(&handler, FUNCTION, bad(7)).await.expect_err("above the budget");
    assert_eq!((failure.kind, failure.index), (FailureKind::DeadLetterBudget, 0));
    assert!(failure.kind.is_transient());
    assert!(failure.reason.contains("(poison): below zero"), "{}", failure.reason);
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_dead_letters_goes_on() {
    let handler = handler();
    assert!(send(&handler, FUNCTION, bad(101)).await.is_err());
    let usage = handler.registry().functions()[0].dead_letter_usage();
    assert_eq!((usage.used, usage.limit, usage.exhausted), (0, 100, true));
    assert!(send(&handler, FUNCTION, good(5)).await.is_ok(), "the same function");
    assert!(send(&handler, OTHER, bad(5)).await.is_ok(), "another function");
    assert!(send(&handler, FUNCTION, bad(1)).await.is_err(), "it is latched");
}

#[tokio::test(start_paused = true)]
async fn ten_minutes_without_an_attempt_make_it_full_again() {
    let handler = handler();
    send(&handler, FUNCTION, bad(101)).await.expect_err("above the budget");
    for _ in 0..3 {
        tokio::time::advance(Duration::from_secs(599)).await;
        send(&handler, FUNCTION, bad(1)).await.expect_err("each attempt begins the ten minutes anew");
    }
    tokio::time::advance(Duration::from_secs(600)).await;
    let usage = handler.registry().functions()[0].dead_letter_usage();
    assert!(!usage.exhausted);
    assert_eq!(send(&handler, FUNCTION, bad(100)).await.expect("all of it").dead_letters(), 100);
}

#[tokio::test(start_paused = true)]
async fn up_to_a_tenth_of_all_messages_may_fail_for_ever() {
    let handler = handler();
    for _ in 0..100 {
        let numbers = (0..50).map(|number| if number % 10 == 0 { -1 } else { number });
        assert_eq!(send(&handler, FUNCTION, numbers).await.expect("a tenth").dead_letters(), 5);
    }
    // Those of one large batch count alike.
    let numbers = (0..20_000).map(|number| if number % 10 == 5 { -1 } else { number });
    assert_eq!(send(&handler, FUNCTION, numbers).await.expect("a tenth").dead_letters(), 2000);
    assert_eq!(handler.registry().functions()[0].dead_letter_usage().used, 100);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_fails_costs_nothing() {
    let handler = handler();
    for _ in 0..10 {
        // The last message cannot be read as a number.
        let batch = bad(90).into_iter().fold(Batch::to(FUNCTION, "a"), |batch, number| batch.message(value_of(number)));
        assert!(handler.handle(batch.message(value_of(true)).bytes()).await.is_err());
        assert_eq!(handler.registry().functions()[0].dead_letter_usage().used, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn messages_that_succeed_push_dead_letters_out_of_the_window() {
    let handler = handler();
    send(&handler, FUNCTION, bad(100)).await.expect("all of it");
    send(&handler, FUNCTION, good(900)).await.expect("no dead letters");
    assert_eq!(handler.registry().functions()[0].dead_letter_usage().used, 100);
    send(&handler, FUNCTION, good(60)).await.expect("no dead letters");
    assert_eq!(send(&handler, FUNCTION, bad(60)).await.expect("as many as were pushed out").dead_letters(), 60);
}

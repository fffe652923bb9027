//! What `GET /metrics` tells.

use std::time::Duration;

use statefun_http::Options;
use statefun_sdk::{Context, DeadLetter, Destination, Egress, FailurePolicy, Function, FunctionError, Message};

use statefun_test_support::request::{Batch, typed};

use crate::support::{Gate, Running, batch, batch_with_seen, counter, options, post, registry, until, with_messages};

#[tokio::test]
async fn all_counters_of_a_function_are_there_from_the_start() {
    let server = Running::start(registry([counter("metrics/zero")]), options());
    let page = server.metrics().await;
    for series in [
        r#"statefun_invocations_total{function="metrics/zero"}"#,
        r#"statefun_requests_total{function="metrics/zero",status="200"}"#,
        r#"statefun_requests_total{function="metrics/zero",status="500"}"#,
        r#"statefun_dead_letters_total{function="metrics/zero"}"#,
        r#"statefun_missing_states_total{function="metrics/zero"}"#,
        r#"statefun_failures_total{function="metrics/zero",kind="transient"}"#,
        r#"statefun_failures_total{function="metrics/zero",kind="poison"}"#,
        r#"statefun_failures_total{function="metrics/zero",kind="panic"}"#,
        r#"statefun_failures_total{function="metrics/zero",kind="state"}"#,
        r#"statefun_undecodable_states_total{function="metrics/zero"}"#,
        r#"statefun_request_bytes_total{function="metrics/zero"}"#,
        r#"statefun_response_bytes_total{function="metrics/zero"}"#,
    ] {
        assert_eq!(page.metric(series), 0.0, "{series}");
    }
    let answer = server.get("/metrics").await;
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = answer.text();
    let names = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    for name in names.filter(|name| name.starts_with("statefun_")) {
        assert!(text.contains(&format!("# HELP {name} ")), "{name} has no help");
    }
}

#[tokio::test]
async fn answers_are_counted_with_their_sizes() {
    let server = Running::start(registry([counter("metrics/sizes")]), options());
    let of = |name: &str| format!(r#"{name}{{function="metrics/sizes"}}"#);
    let missing = batch("metrics/sizes", &[("demo/message", b"")]);
    let result = batch_with_seen("metrics/sizes", 7);
    let answers = [server.post(&missing).await, server.post(&result).await];
    let page = server.metrics().await;
    assert_eq!(page.metric(&of("statefun_missing_states_total")), 1.0);
    assert_eq!(page.metric(&of("statefun_invocations_total")), 7.0);
    assert_eq!(page.metric(r#"statefun_requests_total{function="metrics/sizes",status="200"}"#), 2.0);
    let requests = (missing.len() + result.len()) as f64;
    assert_eq!(page.metric(&of("statefun_request_bytes_total")), requests);
    let responses = answers.iter().map(|answer| answer.body.len()).sum::<usize>() as f64;
    assert_eq!(page.metric(&of("statefun_response_bytes_total")), responses);
    let size = |bound: &str| format!(r#"statefun_batch_size_bucket{{function="metrics/sizes",le="{bound}"}}"#);
    assert_eq!((page.metric(&size("5")), page.metric(&size("10"))), (0.0, 1.0));
    assert_eq!(page.metric(&of("statefun_batch_size_sum")), 7.0);
    assert_eq!(page.metric(&of("statefun_request_duration_seconds_count")), 2.0);
    let slow = r#"statefun_request_duration_seconds_bucket{function="metrics/sizes",le="120"}"#;
    assert_eq!(page.metric(slow), 2.0);
}

#[tokio::test]
async fn failures_are_counted_by_kind() {
    async fn fail(_: &mut Context, message: Message) -> Result<(), FunctionError> {
        match message.type_name() {
            "demo/transient" => Err(FunctionError::transient("later")),
            "demo/poison" => Err(FunctionError::poison("never")),
            _ => panic!("oh"),
        }
    }
    let failing = Function::new("metrics/failing").fallback(fail);
    let server = Running::start(registry([failing, counter("metrics/state")]), options());
    for (typename, times) in [("demo/transient", 1), ("demo/poison", 2), ("demo/panic", 3)] {
        for _ in 0..times {
            let status = if typename == "demo/transient" { 503 } else { 500 };
            server.post(&batch("metrics/failing", &[(typename, b"")])).await.refuses(status, &[]);
        }
    }
    let page = server.metrics().await;
    for (kind, times) in [("transient", 1.0), ("poison", 2.0), ("panic", 3.0)] {
        let series = format!(r#"statefun_failures_total{{function="metrics/failing",kind="{kind}"}}"#);
        assert_eq!(page.metric(&series), times);
    }
    assert_eq!(page.metric(r#"statefun_requests_total{function="metrics/failing",status="500"}"#), 5.0);
    assert_eq!(page.metric(r#"statefun_requests_total{function="metrics/failing",status="503"}"#), 1.0);
    assert_eq!(page.metric(r#"statefun_undecodable_states_total{function="metrics/failing"}"#), 0.0);
    assert_eq!(page.metric(r#"statefun_invocations_total{function="metrics/failing"}"#), 0.0);

    let state = Some(typed("io.statefun.types/int", b"\xff\xff".to_vec()));
    let body = with_messages(Batch::to("metrics/state", "id-1").state("seen", state), &[("demo/message", b"")]);
    server.post(&body).await.refuses(500, &[]);
    let page = server.metrics().await;
    assert_eq!(page.metric(r#"statefun_undecodable_states_total{function="metrics/state"}"#), 1.0);
    assert_eq!(page.metric(r#"statefun_failures_total{function="metrics/state",kind="state"}"#), 1.0);
    assert_eq!(page.metric(r#"statefun_requests_total{function="metrics/failing",status="500"}"#), 5.0);
}

#[tokio::test]
async fn dead_letters_are_counted() {
    async fn fail(_: &mut Context, message: Message) -> Result<(), FunctionError> {
        if message.type_name() == "demo/bad" { Err(FunctionError::poison("never")) } else { Ok(()) }
    }
    let dead_letter = DeadLetter::new(Egress::new("metrics/dead-letter"), Destination::kafka("dead"));
    let function = Function::new("metrics/dead").fallback(fail).on_failure(FailurePolicy::DeadLetter(dead_letter));
    let server = Running::start(registry([function]), options());
    let body = batch("metrics/dead", &[("demo/bad", b""), ("demo/good", b""), ("demo/bad", b"")]);
    server.post(&body).await.response();
    let page = server.metrics().await;
    assert_eq!(page.metric(r#"statefun_dead_letters_total{function="metrics/dead"}"#), 2.0);
    assert_eq!(page.metric(r#"statefun_invocations_total{function="metrics/dead"}"#), 3.0);
}

#[tokio::test]
async fn requests_of_strangers_make_no_series() {
    let options = Options { body_limit: 1000, ..options() };
    let (server, recorded) = Running::recorded(registry([counter("metrics/known")]), options);
    let none = |status| recorded.metric(&format!(r#"statefun_requests_total{{function="none",status="{status}"}}"#));
    assert_eq!((none(404), none(413)), (0.0, 0.0));
    server.post(&batch("metrics/stranger", &[("demo/message", b"")])).await.refuses(404, &[]);
    server.post(&[0; 1001]).await.refuses(413, &[]);
    assert_eq!((none(404), none(413)), (1.0, 1.0));
    assert!(!recorded.text().contains("metrics/stranger"));
}

#[tokio::test]
async fn requests_in_flight_go_up_and_down() {
    const GAUGE: &str = "statefun_requests_in_flight";
    let gate = Gate::new();
    let (server, recorded) = Running::recorded(registry([gate.function("metrics/gate")]), options());
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = server.connect().await;
        client.send(post(&batch("metrics/gate", &[("demo/message", b"")]))).await;
        gate.arrival().await;
        clients.push(client);
    }
    assert_eq!((recorded.metric(GAUGE), server.drain.in_flight()), (20.0, 20));
    gate.open(20);
    for client in &mut clients {
        client.answer().await.response();
    }
    until(|| recorded.metric(GAUGE) == 0.0).await;
}

#[tokio::test]
async fn what_functions_count_themselves_is_told_too() {
    async fn count(_: &mut Context, _: Message) -> Result<(), FunctionError> {
        metrics::counter!("my_own_total").increment(3);
        Ok(())
    }
    let server = Running::start(registry([Function::new("metrics/own").fallback(count)]), options());
    server.post(&batch("metrics/own", &[("demo/message", b"")])).await.response();
    assert_eq!(server.metric("my_own_total").await, 3.0);
}

#[tokio::test]
async fn a_request_that_takes_long_is_in_no_short_bucket() {
    let gate = Gate::new();
    let server = Running::start(registry([gate.function("metrics/slow")]), options());
    let mut client = server.connect().await;
    let started = std::time::Instant::now();
    client.send(post(&batch("metrics/slow", &[("demo/message", b"")]))).await;
    gate.arrival().await;
    let arrived = std::time::Instant::now();
    while arrived.elapsed() < Duration::from_millis(30) {
        tokio::task::yield_now().await;
    }
    gate.open(1);
    client.answer().await.response();
    let took = started.elapsed().as_secs_f64();
    let sum = server.metric(r#"statefun_request_duration_seconds_sum{function="metrics/slow"}"#).await;
    assert!((0.03..=took).contains(&sum), "{sum} of {took}");
    let short = r#"statefun_request_duration_seconds_bucket{function="metrics/slow",le="0.025"}"#;
    assert_eq!(server.metric(short).await, 0.0);
}

#[tokio::test]
async fn a_client_that_does_not_wait_for_its_response_is_counted() {
    let gate = Gate::new();
    let (server, recorded) = Running::recorded(registry([gate.function("metrics/abandoned")]), options());
    let mut client = server.connect().await;
    client.send(post(&batch("metrics/abandoned", &[("demo/message", b"")]))).await;
    gate.arrival().await;
    assert_eq!(recorded.metric("statefun_abandoned_requests_total"), 0.0);
    drop(client);
    until(|| recorded.metric("statefun_abandoned_requests_total") == 1.0).await;
}

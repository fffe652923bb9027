//! How a server ends.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use statefun_http::{Options, ServeError, Server};
use tokio::sync::oneshot;

use crate::blocking::Blocker;
use crate::support::{Gate, Network, Running, batch, batch_with_seen, counter, options, post, registry, until, within};

async fn until_not_ready(server: &Running) {
    within(async {
        while server.get("/readyz").await.status == 200 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn readiness_fails_at_once_while_requests_are_taken() {
    let options = Options { drain_delay: Duration::from_secs(600), ..options() };
    let mut server = Running::start(registry([counter("drain/delay")]), options);
    server.end();
    until_not_ready(&server).await;
    assert_eq!(server.get("/readyz").await.status, 503);
    assert_eq!(server.get("/healthz").await.status, 200);
    server.post(&batch_with_seen("drain/delay", 1)).await.response();
}

#[tokio::test]
async fn what_is_in_flight_is_finished_and_nothing_else_is_taken() {
    let gate = Gate::new();
    let mut server = Running::start(registry([gate.function("drain/gate")]), options());
    let request = post(&batch("drain/gate", &[("demo/message", b"")]));
    let (mut busy, mut idle) = (server.connect().await, server.connect().await);
    gate.open(1);
    idle.send(&request).await;
    gate.arrival().await;
    idle.answer().await.response();
    busy.send(&request).await;
    gate.arrival().await;
    server.end();
    assert!(idle.closed().await);
    assert!(server.connect_refused().await);
    gate.open(1);
    let answer = busy.answer().await;
    answer.response();
    assert!(busy.closed().await);
    server.ended().await.unwrap();
}

#[tokio::test]
async fn every_response_ends_its_connection_once_the_server_drains() {
    let options = Options { drain_delay: Duration::from_secs(600), ..options() };
    let mut server = Running::start(registry([counter("drain/close")]), options);
    let mut client = server.connect().await;
    let request = post(&batch_with_seen("drain/close", 1));
    client.send(&request).await;
    assert_eq!(client.answer().await.header("connection"), None);
    server.end();
    until_not_ready(&server).await;
    client.send(&request).await;
    let answer = client.answer().await;
    assert_eq!(answer.header("connection"), Some("close"));
    answer.response();
    assert!(client.closed().await);
}

#[tokio::test]
async fn connections_without_a_whole_request_end_at_once() {
    let (shutdown, told) = oneshot::channel::<()>();
    let server = Server::new(registry([counter("drain/parts")]), options()).unwrap();
    let (network, pipes) = Network::new();
    let served = tokio::spawn(server.serve(pipes, async { drop(told.await) }));
    let request = post(&batch_with_seen("drain/parts", 1));
    let body = request.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let mut clients = Vec::new();
    // Nothing, a part of a head, a head alone, a part of a body.
    for sent in [0, 20, body, body + 5] {
        // Once another byte fits in, the server has read what was sent before.
        let mut client = network.connect(1).await;
        client.send(&request[..sent]).await;
        clients.push(client);
    }
    shutdown.send(()).unwrap();
    for client in &mut clients {
        assert!(client.closed().await);
    }
    within(served).await.unwrap().unwrap();
}

/// How a server with such a connection ends, which it does in time.
async fn ends(mut server: Running) -> Result<(), ServeError> {
    let started = Instant::now();
    server.end();
    let result = server.ended().await;
    assert!(started.elapsed() < DRAIN_TIMEOUT + Duration::from_secs(1), "{:?}", started.elapsed());
    result
}

const DRAIN_TIMEOUT: Duration = Duration::from_millis(100);

fn short() -> Options {
    Options { drain_timeout: DRAIN_TIMEOUT, ..options() }
}

#[tokio::test]
async fn a_function_that_hangs_is_abandoned() {
    let gate = Gate::new();
    let server = Running::start(registry([gate.function("drain/hangs")]), short());
    let mut client = server.connect().await;
    client.send(post(&batch("drain/hangs", &[("demo/message", b"")]))).await;
    gate.arrival().await;
    let error = ends(server).await.unwrap_err();
    assert!(matches!(error, ServeError::Abandoned(1)), "{error:?}");
    assert!(error.to_string().ends_with("abandoned: 1"), "{error}");
    assert!(client.closed().await);
}

#[tokio::test]
async fn a_function_that_blocks_its_thread_is_abandoned() {
    let (blocker, gate) = (Blocker::default(), Gate::new());
    for workers in [1, 2] {
        let options = Options { workers: NonZeroUsize::new(workers).unwrap(), ..short() };
        let server = Running::start(registry([blocker.function("drain/blocks", &gate)]), options);
        let mut client = server.connect().await;
        client.send(post(&batch("drain/blocks", &[("demo/message", b"")]))).await;
        gate.arrival().await;
        let error = ends(server).await.unwrap_err();
        assert!(matches!(error, ServeError::Abandoned(1)), "{error:?}");
    }
}

#[tokio::test]
async fn a_slow_reader_is_abandoned() {
    let large = Router::new().route("/large", get(async || vec![0; 64 * 1024 * 1024]));
    let server = Server::new(registry([counter("drain/slow")]), short()).unwrap().routes(large);
    let server = Running::of(server.bind().unwrap());
    let mut client = server.connect().await;
    client.send("GET /large HTTP/1.1\r\nhost: test\r\n\r\n").await;
    // It has begun to come.
    client.first_byte().await;
    let error = ends(server).await.unwrap_err();
    assert!(matches!(error, ServeError::Abandoned(1)), "{error:?}");
}

#[tokio::test]
async fn half_requests_do_not_keep_a_server() {
    let (server, recorded) = Running::recorded(registry([counter("drain/half")]), short());
    let request = post(&batch_with_seen("drain/half", 1));
    let mut clients = Vec::new();
    for sent in [0, 20, request.len() - 1] {
        let mut client = server.connect().await;
        client.send(&request[..sent]).await;
        clients.push(client);
    }
    until(|| recorded.metric("statefun_connections") == 3.0).await;
    ends(server).await.unwrap();
    for client in &mut clients {
        assert!(client.closed().await);
    }
    assert_eq!(recorded.metric(r#"statefun_connections_closed_total{cause="shutdown"}"#), 3.0);
}

#[tokio::test]
async fn an_address_in_use_is_an_error_that_names_it() {
    let server = Running::start(registry([counter("drain/first")]), options());
    let again = Server::new(registry([counter("drain/second")]), Options { listen: server.address, ..options() });
    let error = again.unwrap().bind().unwrap_err();
    assert!(matches!(error, ServeError::Listen { .. }), "{error:?}");
    assert!(error.to_string().contains(&server.address.to_string()), "{error}");
}

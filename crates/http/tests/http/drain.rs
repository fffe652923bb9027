//! How a server ends.

use std::time::Duration;

use statefun_http::{Options, ServeError, Server};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::support::{Gate, Network, Running, batch, batch_with_seen, counter, options, post, registry, within};

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
    within(async { while TcpStream::connect(server.address).await.is_ok() {} }).await;
    gate.open(1);
    let answer = busy.answer().await;
    answer.response();
    assert!(busy.closed().await);
    server.ended().await.unwrap();
}

#[tokio::test]
async fn a_request_that_was_on_its_way_gets_503() {
    let gate = Gate::new();
    let request = post(&batch("drain/late", &[("demo/message", b"")]));
    let (shutdown, told) = oneshot::channel::<()>();
    let server = Server::new(registry([gate.function("drain/late")]), options()).unwrap();
    let (network, pipes) = Network::new();
    let served = tokio::spawn(server.serve(pipes, async { drop(told.await) }));
    let (mut idle, mut busy) = (network.connect(1024).await, network.connect(1024).await);
    gate.open(1);
    idle.send(&request).await;
    gate.arrival().await;
    idle.answer().await.response();
    busy.send(&request).await;
    gate.arrival().await;
    // Once a second byte fits in, the server has read a part of the head: the connection is not idle.
    let mut late = network.connect(1).await;
    late.send(&request[..20]).await;
    shutdown.send(()).unwrap();
    assert!(idle.closed().await);
    late.send(&request[20..]).await;
    late.answer().await.refuses(503, &["draining"]);
    gate.open(1);
    busy.answer().await.response();
    within(served).await.unwrap();
}

#[tokio::test]
async fn an_address_in_use_is_an_error_that_names_it() {
    let server = Running::start(registry([counter("drain/first")]), options());
    let again = Server::new(registry([counter("drain/second")]), Options { listen: server.address, ..options() });
    let error = again.unwrap().bind().unwrap_err();
    assert!(matches!(error, ServeError::Listen { .. }), "{error:?}");
    assert!(error.to_string().contains(&server.address.to_string()), "{error}");
}

//! Connections that wait, those that are too many, and those that have to make room. Most run on Tokio's paused clock: it goes on
//! to the next time-out once nothing else is to do.

use std::num::NonZeroUsize;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use statefun_http::{Options, Server, Timeouts};
use tokio::time::{Instant, sleep};

use crate::support::{
    Client, Gate, Network, Recorded, Running, batch, batch_with_seen, counter, options, post, registry, until, within,
};

const SECOND: Duration = Duration::from_secs(1);

/// A server on a network of this process, and what it counts.
fn served(options: Options) -> (Network, Recorded) {
    let recorder = PrometheusBuilder::new().build_recorder();
    let recorded = Recorded::of(&recorder);
    let options = Options { metrics: false, ..options };
    let functions = registry([counter("connections/counter")]);
    let server = metrics::with_local_recorder(&recorder, || Server::new(functions, options).unwrap());
    let (network, pipes) = Network::new();
    tokio::spawn(server.serve(pipes, std::future::pending()));
    (network, recorded)
}

fn closed(recorded: &Recorded, cause: &str) -> f64 {
    recorded.metric(&format!(r#"statefun_connections_closed_total{{cause="{cause}"}}"#))
}

fn rejected(recorded: &Recorded, cause: &str) -> f64 {
    recorded.metric(&format!(r#"statefun_connections_rejected_total{{cause="{cause}"}}"#))
}

#[track_caller]
fn took(took: Duration, seconds: u32) {
    let expected = seconds * SECOND;
    assert!((expected..expected + SECOND).contains(&took), "{took:?} rather than {expected:?}");
}

fn request() -> Vec<u8> {
    post(&batch_with_seen("connections/counter", 1))
}

#[tokio::test(start_paused = true)]
async fn a_head_has_ten_seconds_from_its_first_byte_on() {
    let (network, recorded) = served(options());
    let mut client = network.connect(1024).await;
    sleep(40 * SECOND).await;
    let started = Instant::now();
    for byte in &request()[..3] {
        client.send([*byte]).await;
        sleep(3 * SECOND).await;
    }
    client.until_closed().await;
    took(started.elapsed(), 10);
    assert_eq!(closed(&recorded, "head_timeout"), 1.0);
    assert_eq!(closed(&recorded, "idle_timeout"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn a_head_has_its_time_on_a_connection_that_was_idle() {
    let (network, _) = served(options());
    let mut client = network.connect(1024).await;
    let request = request();
    for _ in 0..3 {
        sleep(70 * SECOND).await;
        client.send(&request[..20]).await;
        sleep(8 * SECOND).await;
        client.send(&request[20..]).await;
        client.answer().await.response();
    }
    client.send(&request[..20]).await;
    took(client.until_closed().await, 10);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_ends_after_75_seconds() {
    let (network, recorded) = served(options());
    let (mut fresh, mut used) = (network.connect(1024).await, network.connect(1024).await);
    sleep(50 * SECOND).await;
    used.send(request()).await;
    used.answer().await.response();
    took(fresh.until_closed().await, 25);
    took(used.until_closed().await, 50);
    assert_eq!(closed(&recorded, "idle_timeout"), 2.0);
    assert_eq!(recorded.metric("statefun_connections"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn a_response_that_nobody_takes_ends_its_connection() {
    let (network, recorded) = served(options());
    let mut client = network.connect(16).await;
    client.send("GET / HTTP/1.1\r\nhost: test\r\n\r\n").await;
    let started = Instant::now();
    // It takes a little now and then, which is progress.
    for _ in 0..3 {
        sleep(20 * SECOND).await;
        client.first_byte().await;
    }
    sleep(29 * SECOND).await;
    assert_eq!(closed(&recorded, "write_timeout"), 0.0);
    sleep(2 * SECOND).await;
    client.until_closed().await;
    took(started.elapsed(), 91);
    assert_eq!(closed(&recorded, "write_timeout"), 1.0);
}

#[tokio::test(start_paused = true)]
async fn a_function_may_take_longer_than_any_of_these() {
    let gate = Gate::new();
    let options = Options { invocation_timeout: 600 * SECOND, ..options() };
    let server = Server::new(registry([gate.function("connections/slow")]), options).unwrap();
    let (network, pipes) = Network::new();
    tokio::spawn(server.serve(pipes, std::future::pending()));
    let mut client = network.connect(1024).await;
    client.send(post(&batch("connections/slow", &[("demo/message", b"")]))).await;
    gate.arrival().await;
    sleep(300 * SECOND).await;
    gate.open(1);
    client.answer().await.response();
}

#[tokio::test]
async fn a_head_of_more_than_64_kib_is_431() {
    let (server, _) = Running::recorded(registry([counter("connections/head")]), options());
    for (length, status) in [(60, 200), (65, 431)] {
        let mut client = server.connect().await;
        let field = "x".repeat(length * 1024);
        client.send(format!("GET /healthz HTTP/1.1\r\nhost: test\r\nx-long: {field}\r\n\r\n")).await;
        assert_eq!(client.answer().await.status, status);
    }
}

#[tokio::test(start_paused = true)]
async fn the_connection_that_is_idle_longest_makes_room() {
    let (network, recorded) = served(Options { max_connections: 3, ..options() });
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(network.connect(1024).await);
        sleep(SECOND).await;
    }
    // The first has just had a request, the second has half a head, and that for a while.
    clients[0].send(request()).await;
    clients[0].answer().await.response();
    clients[1].send(&request()[..20]).await;
    sleep(SECOND).await;
    for evicted in [1, 2, 0] {
        let mut new = network.connect(1024).await;
        assert!(clients[evicted].closed().await);
        new.send(request()).await;
        new.answer().await.response();
        clients.push(new);
        sleep(SECOND).await;
    }
    assert_eq!(closed(&recorded, "evicted"), 3.0);
    assert_eq!(rejected(&recorded, "max_connections"), 0.0);
    assert_eq!(recorded.metric("statefun_connections"), 3.0);
}

#[tokio::test]
async fn where_all_have_requests_a_new_connection_is_closed() {
    let gate = Gate::new();
    let options = Options { max_connections: 2, ..options() };
    let (server, recorded) = Running::recorded(registry([gate.function("connections/busy")]), options);
    let mut busy = Vec::new();
    for _ in 0..2 {
        let mut client = server.connect().await;
        client.send(post(&batch("connections/busy", &[("demo/message", b"")]))).await;
        gate.arrival().await;
        busy.push(client);
    }
    assert!(server.connect().await.closed().await);
    assert_eq!(rejected(&recorded, "max_connections"), 1.0);
    gate.open(2);
    for client in &mut busy {
        client.answer().await.response();
    }
    assert_eq!(closed(&recorded, "evicted"), 0.0);
}

#[tokio::test]
async fn a_peer_has_no_more_than_its_share() {
    let options = Options { max_connections_per_peer: NonZeroUsize::new(2), ..options() };
    let (server, recorded) = Running::recorded(registry([counter("connections/peer")]), options);
    let first = server.connect().await;
    let _second = server.connect().await;
    assert!(server.connect().await.closed().await);
    assert_eq!(rejected(&recorded, "max_connections_per_peer"), 1.0);
    drop(first);
    until(|| recorded.metric("statefun_connections") == 1.0).await;
    assert_eq!(server.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_handshake_that_stalls_ends() {
    let authority = crate::tls::Authority::new();
    authority.issue("server");
    let timeouts = Timeouts { handshake: Duration::from_millis(300), ..Timeouts::default() };
    let tls = Some(statefun_http::Tls::Files(authority.tls(None)));
    let options = Options { tls, timeouts, ..options() };
    let (mut server, recorded) = Running::recorded(registry([counter("connections/tls")]), options);
    let mut stalled = server.connect().await;
    assert!(stalled.closed().await);
    assert_eq!(closed(&recorded, "handshake_timeout"), 1.0);
    let mut stranger = server.connect().await;
    stranger.send("GET / HTTP/1.1\r\n\r\n").await;
    within(stranger.until_closed()).await;
    until(|| closed(&recorded, "handshake_failed") == 1.0).await;
    server.end();
    server.ended().await.unwrap();
}

#[tokio::test]
async fn a_handshake_that_stalls_keeps_no_server() {
    let authority = crate::tls::Authority::new();
    authority.issue("server");
    let tls = Some(statefun_http::Tls::Files(authority.tls(None)));
    let (mut server, recorded) =
        Running::recorded(registry([counter("connections/tls-drain")]), Options { tls, ..options() });
    let mut stalled: Client<_> = server.connect().await;
    until(|| recorded.metric("statefun_connections") == 1.0).await;
    let started = std::time::Instant::now();
    server.end();
    server.ended().await.unwrap();
    assert!(started.elapsed() < SECOND && stalled.closed().await);
}

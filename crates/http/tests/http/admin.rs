//! The pages for operators at an address of their own.

use std::num::NonZeroUsize;

use statefun_http::{Options, ServeError, Server, Tls};
use tokio::net::TcpStream;

use crate::blocking::Blocker;
use crate::support::{Client, Gate, Running, batch, batch_with_seen, counter, options, post, registry};
use crate::tls::Authority;

fn with_admin() -> Options {
    Options { admin_listen: Some(([127, 0, 0, 1], 0).into()), ..options() }
}

const PAGES: [&str; 4] = ["/", "/healthz", "/readyz", "/metrics"];

#[tokio::test]
async fn the_pages_are_there_alone_and_the_invocations_here_alone() {
    for any_path in [false, true] {
        let options = Options { any_path, ..with_admin() };
        let server = Running::start(registry([counter("admin/alone")]), options);
        for page in PAGES {
            assert_eq!(server.admin(page).await.status, 200, "{page}");
            assert_eq!(server.get(page).await.status, if any_path { 405 } else { 404 }, "{page}");
        }
        let request = post(&batch_with_seen("admin/alone", 1));
        server.post(&batch_with_seen("admin/alone", 1)).await.response();
        let mut admin = Client::new(TcpStream::connect(server.admin.unwrap()).await.unwrap());
        admin.send(&request).await;
        admin.answer().await.refuses(404, &["no such path"]);
    }
}

#[tokio::test]
async fn the_pages_respond_while_all_workers_are_blocked() {
    let (blocker, gate) = (Blocker::default(), Gate::new());
    let options = Options { workers: NonZeroUsize::MIN, ..with_admin() };
    let server = Running::start(registry([blocker.function("admin/blocks", &gate)]), options);
    let mut client = server.connect().await;
    client.send(post(&batch("admin/blocks", &[("demo/message", b"")]))).await;
    gate.arrival().await;
    for page in PAGES {
        assert_eq!(server.admin(page).await.status, 200, "{page}");
    }
    blocker.release();
    client.answer().await.response();
}

#[tokio::test]
async fn readiness_fails_there_until_the_last_request_is_done() {
    let gate = Gate::new();
    let mut server = Running::start(registry([gate.function("admin/drains")]), with_admin());
    let mut client = server.connect().await;
    client.send(post(&batch("admin/drains", &[("demo/message", b"")]))).await;
    gate.arrival().await;
    server.end();
    assert!(server.connect_refused().await);
    assert_eq!((server.admin("/readyz").await.status, server.admin("/healthz").await.status), (503, 200));
    gate.open(1);
    client.answer().await.response();
    server.ended().await.unwrap();
}

#[tokio::test]
async fn with_mutual_tls_probes_need_no_certificate() {
    let (ours, clients) = (Authority::new(), Authority::new());
    ours.issue("server");
    let tls = Some(Tls::Files(ours.tls(Some(&clients))));
    let server = Running::start(registry([counter("admin/tls")]), Options { tls, ..with_admin() });
    assert_eq!(server.admin("/healthz").await.status, 200);
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let server = Running::start(registry([counter("admin/first")]), options());
    let options = Options { admin_listen: Some(server.address), ..options() };
    let error = Server::new(registry([counter("admin/second")]), options).unwrap().bind().unwrap_err();
    assert!(matches!(error, ServeError::Listen { address, .. } if address == server.address), "{error:?}");
}

#[tokio::test]
async fn metrics_are_rendered_once_a_second_at_most() {
    let server = Running::start(registry([counter("admin/rendered")]), with_admin());
    let series = r#"statefun_invocations_total{function="admin/rendered"} "#;
    let value = async || {
        let text = server.admin("/metrics").await.text();
        text.lines().find_map(|line| line.strip_prefix(series)).unwrap().to_owned()
    };
    let started = std::time::Instant::now();
    assert_eq!(value().await, "0");
    server.post(&batch_with_seen("admin/rendered", 1)).await.response();
    let mut stale = 0;
    while value().await == "0" {
        stale += 1;
        assert!(started.elapsed() < std::time::Duration::from_secs(30));
    }
    // It took a second, in which it was asked many times.
    assert!(stale > 0 && started.elapsed() > std::time::Duration::from_millis(900), "{stale}");
}

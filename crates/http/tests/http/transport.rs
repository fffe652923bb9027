//! The embedded runtime's way to a server.

use std::time::Duration;

use prost::Message as _;
use statefun_http::{HttpTransport, Options, Tls};
use statefun_sdk::Bytes;
use statefun_sdk::local::Transport;
use statefun_sdk::protocol::reqreply::FromFunction;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{Gate, Running, batch, batch_with_seen, counter, options, registry};
use crate::tls::Authority;

fn to(server: &Running) -> HttpTransport {
    HttpTransport::new(format!("http://{}/statefun", server.address)).unwrap()
}

/// A server that answers the first request with these bytes, and tells what it got.
async fn answering(bytes: &'static str) -> (HttpTransport, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let transport = HttpTransport::new(format!("http://{}/a/path?query=1", listener.local_addr().unwrap())).unwrap();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut got = Vec::new();
        while !got.ends_with(b"\r\n\r\nhello") {
            let mut buffer = [0; 1024];
            let read = stream.read(&mut buffer).await.unwrap();
            assert!(read > 0);
            got.extend_from_slice(&buffer[..read]);
        }
        stream.write_all(bytes.as_bytes()).await.unwrap();
        String::from_utf8(got).unwrap()
    });
    (transport, task)
}

#[tokio::test]
async fn answers_come_back() {
    let server = Running::start(registry([counter("transport/one")]), options());
    let transport = to(&server);
    for _ in 0..2 {
        let answer = transport.call(batch_with_seen("transport/one", 1).into()).await.unwrap();
        FromFunction::decode(answer).unwrap().response.unwrap();
    }
}

#[tokio::test]
async fn it_sends_what_the_runtime_sends() {
    let (transport, server) =
        answering("HTTP/1.1 202 Accepted\r\ncontent-type: application/octet-stream\r\ncontent-length: 2\r\n\r\nok")
            .await;
    assert_eq!(transport.call(Bytes::from_static(b"hello")).await.unwrap(), "ok");
    let got = server.await.unwrap();
    assert!(got.starts_with("POST /a/path?query=1 HTTP/1.1\r\n"), "{got}");
    for line in [
        "content-type: application/octet-stream",
        "accept: application/octet-stream",
        "user-agent: statefun",
        "content-length: 5",
    ] {
        assert!(got.contains(&format!("\r\n{line}\r\n")), "no {line} in {got}");
    }
}

#[tokio::test]
async fn a_refusal_is_an_error_with_status_and_line() {
    let server = Running::start(registry([counter("transport/two")]), options());
    let error = to(&server).call(batch("transport/none", &[("demo/message", b"")]).into()).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("404 Not Found") && text.contains("unknown function \"transport/none\""), "{text}");
    assert!(!text.contains('\n'), "{text:?}");
}

#[tokio::test]
async fn another_content_type_is_refused_as_the_runtime_does() {
    for head in ["content-type: application/octet-stream; charset=utf-8\r\n", "content-type: text/plain\r\n", ""] {
        let answer = format!("HTTP/1.1 200 OK\r\n{head}content-length: 2\r\n\r\nok").leak();
        let (transport, _server) = answering(answer).await;
        let error = transport.call(Bytes::from_static(b"hello")).await.unwrap_err().to_string();
        assert!(error.contains("content type") && error.contains("application/octet-stream"), "{error}");
    }
}

#[tokio::test]
async fn no_answer_in_time_is_an_error() {
    let gate = Gate::new();
    let server = Running::start(registry([gate.function("transport/gate")]), options());
    let transport = to(&server).call_timeout(Duration::from_millis(50));
    let error = transport.call(batch("transport/gate", &[("demo/message", b"")]).into()).await.unwrap_err();
    assert!(error.to_string().contains("no response within 50ms"), "{error}");
}

#[tokio::test]
async fn nobody_there_is_an_error_that_names_the_url() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/statefun", listener.local_addr().unwrap());
    drop(listener);
    let error = HttpTransport::new(&url).unwrap().call(Bytes::new()).await.unwrap_err().to_string();
    assert!(error.contains(&url) && error.contains("refused"), "{error}");
}

#[test]
fn what_is_no_url_is_refused() {
    for url in ["", "localhost:8000", "/statefun", "ftp://localhost/", "http://"] {
        let error = HttpTransport::new(url).unwrap_err().to_string();
        assert!(error.contains("expected http://HOST:PORT/PATH"), "{url}: {error}");
    }
}

/// What the next test runs, with an authority and a URL in its environment; without them it is nothing.
#[tokio::test]
async fn https_from_the_environment() {
    let Ok(url) = std::env::var("STATEFUN_TEST_URL") else { return };
    let transport = HttpTransport::new(url).unwrap();
    let answer = transport.call(batch_with_seen("transport/https", 1).into()).await.unwrap();
    FromFunction::decode(answer).unwrap().response.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn https_is_spoken_to_servers_of_trusted_authorities() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    authority.issue("server");
    let options = Options { tls: Some(Tls::Files(authority.tls(None))), ..options() };
    let server = Running::start(registry([counter("transport/https")]), options);
    let url = format!("https://localhost:{}/statefun", server.address.port());
    for (trusted, succeeds) in [(&authority, true), (&stranger, false)] {
        let child = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "transport::https_from_the_environment"])
            .env("SSL_CERT_FILE", trusted.path("ca.pem"))
            .env("STATEFUN_TEST_URL", &url)
            .output();
        let output = child.await.unwrap();
        assert_eq!(output.status.success(), succeeds, "{}", String::from_utf8_lossy(&output.stdout));
    }
}

//! What is answered when there is nothing to answer.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use prost::Message as _;
use statefun_sdk::protocol::reqreply::{ToFunction, to_function};
use tempfile::TempDir;

use statefun_test_support::process::wait_until;

use crate::server::Server;
use crate::stored::request;
use statefun_test_support::request::{Batch, address, typed, value_of};

/// A file with a body.
struct Body(TempDir);

impl Body {
    fn of(bytes: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("body"), bytes).expect("written");
        Self(folder)
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("body")
    }
}

fn batch(batch: to_function::InvocationBatchRequest) -> Vec<u8> {
    ToFunction { request: Some(to_function::Request::Invocation(batch)) }.encode_to_vec()
}

#[test]
fn requests_that_no_runtime_sends_are_400() {
    let server = Server::start(&[]);
    let message = to_function::Invocation { caller: None, argument: Some(value_of(1)) };
    let nobody = batch(to_function::InvocationBatchRequest { invocations: vec![message], ..Default::default() });
    let nothing =
        batch(to_function::InvocationBatchRequest { target: Some(address("example/cart", "a")), ..Default::default() });
    let whole = Batch::to("example/cart", "a").message(value_of(1)).bytes();
    for (body, expected) in [
        (&b""[..], "empty body: expected the protobuf message"),
        (b"{\"secret\":1}", "undecodable body: expected the protobuf message"),
        (&whole[..whole.len() - 1], "undecodable body: expected the protobuf message"),
        (&nobody, "no target: expected"),
        (&nothing, "no invocation: expected"),
        (&[0x08, 0x01], "no invocation: expected"),
    ] {
        let answer = server.post(&Body::of(body).path(), &[]);
        let line = answer.refusal(400);
        assert!(line.starts_with(expected) && !line.contains("secret"), "{line}");
    }
}

#[test]
fn an_unknown_function_is_404_with_the_names_of_those_that_exist() {
    let server = Server::start(&[]);
    let body = Body::of(Batch::to("example/nobody", "a").message(value_of(1)).bytes());
    let answer = server.post(&body.path(), &[]);
    let line = answer.refusal(404);
    assert!(
        line.contains("\"example/nobody\": expected one of example/router, ") && line.contains(", demo/greeter"),
        "{line}"
    );
}

#[test]
fn another_method_is_405_and_another_path_404() {
    let server = Server::start(&[]);
    for method in ["GET", "PUT", "DELETE"] {
        let answer = server.curl("/statefun", &["--request", method]);
        assert!(answer.refusal(405).contains("POST"));
        assert_eq!(answer.header("allow"), Some("POST"));
    }
    let greeter = format!("@{}", request("greeter").display());
    let post = ["--data-binary", &greeter, "--header", "content-type: application/octet-stream"];
    assert!(server.curl("/elsewhere", &post).refusal(404).contains("/statefun"));
    let anywhere = Server::start(&["--any-path"]);
    assert_eq!(anywhere.curl("/elsewhere?stage=1", &post).status, 200);
    assert_eq!(anywhere.curl("/", &post).status, 200);
    assert!(anywhere.curl("/", &[]).text().contains("demo/greeter"));
}

#[test]
fn another_content_type_is_415_and_none_is_taken() {
    let server = Server::start(&[]);
    let greeter = format!("@{}", request("greeter").display());
    for (header, status) in [
        ("content-type: application/json", 415),
        ("content-type: application/octet-stream-not", 415),
        ("content-type:", 200),
        ("content-type: Application/Octet-Stream; charset=binary", 200),
    ] {
        let answer = server.curl("/statefun", &["--data-binary", &greeter, "--header", header]);
        assert_eq!(answer.status, status, "{header}: {answer:?}");
        if status != 200 {
            assert!(answer.refusal(status).contains("expected application/octet-stream"));
        }
    }
}

#[test]
fn a_body_over_the_limit_is_413_announced_or_not() {
    let server = Server::start(&["--body-limit", "1KiB"]);
    let fits = Batch::to("demo/greeter", "a").state("seen", None).message(typed("x/y", vec![0; 900])).bytes();
    assert_eq!(server.post(&Body::of(&fits).path(), &[]).status, 200);
    let large = Body::of(vec![0; 10_000_000]);
    for options in [&[][..], &["--header", "transfer-encoding: chunked"]] {
        let answer = server.post(&large.path(), options);
        assert!(answer.refusal(413).contains("at most 1024 bytes"));
    }
}

/// As `curl` cannot end a body early and still read.
#[test]
fn a_body_that_is_cut_short_is_408() {
    let server = Server::start(&[]);
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).expect("connects");
    stream.write_all(b"POST /statefun HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nnot all").expect("written");
    stream.shutdown(Shutdown::Write).expect("half closed");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[test]
fn what_the_failure_policy_fails_is_500_and_names_the_message_not_its_payload() {
    let server = Server::start(&[]);
    let body = Batch::to("demo/greeter", "ann")
        .state("seen", Some(typed("io.statefun.types/int", vec![0xff])))
        .message(typed("demo/login", r#"{"user_name":"secret"}"#));
    let answer = server.post(&Body::of(body.bytes()).path(), &[]);
    let line = answer.refusal(500);
    assert!(line.contains("demo/greeter/ann failed (state) at message 0 of 1, of type demo/login"), "{line}");
    assert!(!line.contains("secret"));
    server.until_metric("statefun_undecodable_states_total{function=\"demo/greeter\"} 1");
}

#[test]
fn what_the_server_is_can_be_asked() {
    let server = Server::start(&[]);
    assert_eq!(server.curl("/healthz", &[]).status, 200);
    assert_eq!(server.curl("/readyz", &[]).status, 200);
    let list: serde_json::Value = serde_json::from_slice(&server.curl("/", &[]).body).expect("JSON");
    let text = list.to_string();
    for part in ["example/router", "example/product", "example/cart", "demo/greeter", "subscribers", "example/egress"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert_eq!(server.post(&request("greeter"), &[]).status, 200);
    assert_eq!(server.post(&request("router-poison"), &[]).status, 200);
    assert_eq!(server.post(&request("product-first-contact"), &[]).status, 200);
    for line in [
        "statefun_invocations_total{function=\"demo/greeter\"} 1",
        "statefun_invocations_total{function=\"example/router\"} 2",
        "statefun_dead_letters_total{function=\"example/router\"} 1",
        "statefun_missing_states_total{function=\"example/product\"} 1",
    ] {
        server.until_metric(line);
    }
}

#[test]
fn sigterm_drains_and_ends_well() {
    let server = Server::start(&["--drain-delay", "1s"]);
    assert_eq!(server.curl("/readyz", &[]).status, 200);
    server.terminate();
    wait_until("it is not ready", || (server.curl("/readyz", &[]).status == 503).then_some(()));
    assert_eq!(server.post(&request("greeter"), &[]).status, 200);
    assert!(server.ended().success());
}

#[test]
fn more_requests_than_may_be_in_flight_are_503() {
    let server = Server::start(&["--max-in-flight", "0"]);
    let answer = server.post(&request("greeter"), &[]);
    assert!(answer.refusal(503).contains("at most 0 requests"));
}

//! Options of fraud detection reach its functions.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;

use prost::Message as _;
use rcgen::CertifiedKey;
use rustls::crypto::ring;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use statefun_applications::fraud::messages::{CustomThreshold, MerchantScore};
use statefun_sdk::protocol::reqreply::FromFunction;
use statefun_sdk::protocol::reqreply::from_function::{InvocationResponse, Response};
use statefun_sdk::{Typed, TypedValue};

use crate::server::Server;
use crate::stored::request;

/// The answer to a stored request.
fn response(server: &Server, name: &str) -> Response {
    let answer = server.post(&request(name), &[]);
    assert_eq!(answer.status, 200, "{answer:?}");
    FromFunction::decode(&*answer.body).expect("a FromFunction").response.expect("a response")
}

fn result(server: &Server, name: &str) -> InvocationResponse {
    let response = response(server, name);
    let Response::InvocationResult(result) = response else { panic!("{response:?}") };
    result
}

/// The only message that is sent as the answer to a stored request.
fn sent<M: statefun_sdk::Decode + Typed>(server: &Server, name: &str) -> M {
    let result = result(server, name);
    let [message] = &result.outgoing_messages[..] else { panic!("{result:?}") };
    let argument = message.argument.clone().expect("a value");
    let type_name = String::from_utf8(argument.typename.to_vec()).expect("text");
    TypedValue::from_bytes(type_name, argument.value).get().expect("a message of this type")
}

/// A service on loopback that gives every merchant a score of 42; its port. The program's end is its end.
fn scoring_service<C: Read + Write>(mut accept: impl FnMut(TcpStream) -> C + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = BufReader::new(accept(connection.expect("a connection")));
            let mut head = String::new();
            // A client that trusts the service not goes away.
            while !head.ends_with("\r\n\r\n") && connection.read_line(&mut head).is_ok_and(|read| read > 0) {}
            if head.is_empty() {
                continue;
            }
            assert!(head.starts_with("GET /scores?key=secret&merchant=Hypergrid HTTP/1.1\r\n"), "{head}");
            let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 13\r\n\r\n{\"score\": 42}";
            connection.get_mut().write_all(answer).expect("answered");
        }
    });
    port
}

#[test]
fn the_window_the_default_threshold_and_the_time_of_scores() {
    let options = ["--fraud-window", "90s", "--default-threshold", "7", "--score-ttl", "5min"];
    for (options, [window, threshold, ttl]) in
        [(&[][..], [2_592_000_000, 1, 3_600_000]), (&options, [90_000, 7, 300_000])]
    {
        let server = Server::start(options);
        assert_eq!(result(&server, "fraud-confirmed").delayed_invocations[0].delay_in_ms, window);
        let answered: CustomThreshold = sent(&server, "fraud-threshold-query");
        assert_eq!(i64::from(answered.threshold), threshold);
        let asked = response(&server, "fraud-merchant-first-contact");
        let Response::IncompleteInvocationContext(asked) = asked else { panic!("{asked:?}") };
        let expiration = asked.missing_values[0].expiration_spec.as_ref().expect("an expiration");
        assert_eq!(expiration.expire_after_millis, ttl);
    }
}

#[test]
fn the_scoring_service() {
    let url = format!("http://127.0.0.1:{}/scores?key=secret", scoring_service(|connection| connection));
    let server = Server::start(&["--scoring-url", &url]);
    assert_eq!(sent::<MerchantScore>(&server, "fraud-merchant-query").score, 42);
    server.until_metric("statefun_fraud_fallback_scores_total 0");

    let nobody = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
    let url = format!("http://{nobody}/");
    let server = Server::start(&["--scoring-url", &url, "--fallback-score", "13", "--scoring-retries", "0"]);
    for _ in 0..5 {
        assert_eq!(sent::<MerchantScore>(&server, "fraud-merchant-query").score, 13);
    }
    server.until_metric("statefun_fraud_fallback_scores_total 5");
}

#[test]
fn the_scoring_service_behind_tls() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let certified = |name| {
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let path = folder.path().join(name);
        std::fs::write(&path, certified.cert.pem()).expect("written");
        (certified, path)
    };
    let (CertifiedKey { cert, signing_key }, own) = certified("own.pem");
    let (_, another) = certified("another.pem");
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key.into()))
        .map(Arc::new)
        .expect("a configuration");
    let port = scoring_service(move |connection| {
        StreamOwned::new(ServerConnection::new(config.clone()).expect("a connection"), connection)
    });
    let url = format!("https://localhost:{port}/scores?key=secret");
    let options = ["--scoring-url", &url, "--scoring-retries", "0"];
    for (trusted, score) in [(own, 42), (another, 50)] {
        let server = Server::start_with(&options, &[("SSL_CERT_FILE", &trusted)]);
        assert_eq!(sent::<MerchantScore>(&server, "fraud-merchant-query").score, score);
    }
}

#[test]
fn without_custom_thresholds_nobody_is_asked_for_one() {
    let server = Server::start(&["--custom-thresholds", "false"]);
    assert_eq!(result(&server, "fraud-transaction").outgoing_messages.len(), 2);
    assert!(server.post(&request("fraud-threshold-query"), &[]).refusal(404).contains("\"ververica/threshold\""));
    let server = Server::start(&[]);
    assert_eq!(result(&server, "fraud-transaction").outgoing_messages.len(), 3);
}

#[test]
fn options_that_mean_nothing_are_refused() {
    for (options, code, reason) in [
        (["--fraud-window", "0s"], 2, "expected a duration above zero"),
        (["--fraud-window", "soon"], 2, "expected number"),
        (["--score-ttl", "0s"], 2, "expected a duration above zero"),
        (["--fallback-score", "101"], 2, "101 is not in 0..=100"),
        (["--default-threshold", "many"], 2, "invalid digit"),
        (["--custom-thresholds", "maybe"], 2, "value was not a boolean"),
        (["--scoring-timeout", "0s"], 2, "expected a duration above zero"),
        (["--scoring-retries", "11"], 2, "11 is not in 0..=10"),
        (["--scoring-concurrency", "0"], 2, "would be zero"),
        (["--scoring-url", "http://a b"], 1, "error: --scoring-url: invalid uri character"),
        (["--scoring-url", "ftp://localhost"], 1, "error: --scoring-url: expected http://HOST:PORT/PATH or https:"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_statefun-server"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(options)
            .output()
            .expect("the program starts");
        let error = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(code), "{options:?}: {error}");
        assert!(error.contains(reason), "{options:?}: {error}");
    }
}

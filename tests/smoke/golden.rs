//! Requests of the stock runtime and the answers of the official Python SDK.

use prost::Message as _;
use serde::Deserialize;
use statefun_sdk::protocol::reqreply::FromFunction;
use statefun_sdk::protocol::reqreply::from_function::{ExpirationSpec, Response};
use statefun_sdk::{Bytes, Registry, RequestReplyHandler};

use statefun_test_support::smoke::function::{Sinks, function};

#[derive(Deserialize)]
struct Pair {
    kind: String,
    to_function: String,
    from_function: String,
}

fn bytes(hex: &str) -> Bytes {
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    digits.map(|pair| u8::from_str_radix(pair, 16).expect("hex digits")).collect()
}

/// Python writes an expiration without content where others write none.
fn normal(answer: &Bytes) -> Response {
    let mut response = FromFunction::decode(answer.clone()).expect("a FromFunction").response.expect("a response");
    if let Response::IncompleteInvocationContext(missing) = &mut response {
        for spec in &mut missing.missing_values {
            spec.expiration_spec = spec.expiration_spec.filter(|spec| *spec != ExpirationSpec::default());
        }
    }
    response
}

#[tokio::test]
async fn our_answers_mean_what_pythons_do() {
    let registry = Registry::builder().function(function(Sinks::Local)).build().expect("a valid registry");
    let handler = RequestReplyHandler::new(registry);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/golden");
    let mut compared = 0;
    for file in std::fs::read_dir(folder).expect("the golden pairs") {
        let text = std::fs::read(file.expect("a file").path()).expect("a file");
        let pair: Pair = serde_json::from_slice(&text).expect("a pair");
        let reply = handler.handle(bytes(&pair.to_function)).await.expect("an answer");
        assert_eq!(normal(&reply.body), normal(&bytes(&pair.from_function)), "{}", pair.kind);
        compared += 1;
    }
    assert_eq!(compared, 14);
}

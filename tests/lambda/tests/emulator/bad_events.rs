//! Events that no API sends, or one that is set up wrongly: each gets an answer that says what is wrong, and the program
//! goes on.

use serde_json::{Value, json};

use crate::{product, request, test_functions};
use statefun_lambda_tests::emulator::{Emulator, OCTET_STREAM, SOURCES, Source, event, event_with, repository};

/// Runs `feed`, and checks that the same process answers well before and after.
async fn lives(emulator: &Emulator, feed: impl AsyncFnOnce()) {
    let good =
        event(Source::HttpApi, &std::fs::read(repository("tests/protocol/requests/greeter.bin")).expect("a file"));
    assert_eq!(emulator.answer(&good).await.status, 200);
    let program = emulator.program();
    feed().await;
    assert_eq!(emulator.answer(&good).await.status, 200);
    assert_eq!(emulator.program(), program, "another process answers");
}

#[tokio::test]
#[ignore = "needs the emulator of Lambda"]
async fn events_with_a_body_that_is_none() {
    let emulator = product();
    lives(&emulator, async || {
        for source in SOURCES {
            for (content_type, body, is_base64, status, line) in [
                (OCTET_STREAM, Value::Null, false, 400, "empty body: expected the protobuf message"),
                (OCTET_STREAM, Value::Null, true, 400, "empty body: expected the protobuf message"),
                (OCTET_STREAM, json!(""), true, 400, "empty body: expected the protobuf message"),
                (OCTET_STREAM, json!("bm90IHByb3RvYnVm"), true, 400, "undecodable body: expected the protobuf message"),
                (OCTET_STREAM, json!("not base64"), true, 400, "body is not base64: expected isBase64Encoded"),
                (OCTET_STREAM, json!("bm90IHByb3RvYnV"), true, 400, "body is not base64: expected isBase64Encoded"),
                // As a REST API without binary media types sends it.
                (
                    OCTET_STREAM,
                    json!("\u{fffd}\u{fffd}text"),
                    false,
                    400,
                    "body is not base64: expected isBase64Encoded",
                ),
                ("application/json", json!("{}"), false, 415, "wrong content type: expected application/octet-stream"),
            ] {
                let event = event_with(source, content_type, &body, is_base64);
                let answer = emulator.answer(&event).await;
                assert_eq!(answer.status, status, "{body} by {source:?}: {}", answer.text());
                assert!(answer.text().starts_with(line) && answer.text().ends_with('\n'), "{}", answer.text());
                assert_eq!(answer.content_type, "text/plain; charset=utf-8");
            }
        }
    })
    .await;
}

#[tokio::test]
#[ignore = "needs the emulator of Lambda"]
async fn events_of_others() {
    let emulator = product();
    lives(&emulator, async || {
        let queue = json!({"Records": [{"messageId": "1", "body": "x", "eventSource": "aws:sqs"}]}).to_string();
        let of_none = "expects a JSON payload from Amazon API Gateway";
        let number = event_with(Source::HttpApi, OCTET_STREAM, &json!(7), true).to_string();
        for (event, error) in [
            (queue.as_str(), of_none),
            ("{}", of_none),
            ("[]", of_none),
            ("7", of_none),
            (&number, of_none),
            ("{\"version\": \"2.0\", \"rawPath\"", "failed to deserialize"),
            ("", "failed to deserialize"),
        ] {
            let answer = emulator.invoke(event.to_owned()).await;
            let text = answer["errorMessage"].as_str().unwrap_or_else(|| panic!("no error for {event}: {answer}"));
            assert!(text.contains(error), "{event}: {text}");
        }
    })
    .await;
}

#[tokio::test]
#[ignore = "needs the emulator of Lambda"]
async fn a_function_that_panics() {
    let emulator = test_functions(&[]);
    let panics = event(Source::Rest, &request("panics", "a".to_owned(), 1));
    let answer = emulator.answer(&panics).await;
    let program = emulator.program();
    assert_eq!(answer.status, 500, "{}", answer.text());
    assert!(answer.text().contains("lambda.tests/panics/a failed (panic) at message 0 of 1"), "{}", answer.text());
    assert_eq!(emulator.answer(&panics).await, answer);
    assert_eq!(emulator.program(), program, "another process answers");
}

//! What the program logs.

use serde_json::json;

use crate::{request, test_functions};
use statefun_lambda_tests::emulator::{OCTET_STREAM, Source, event, event_with};

#[tokio::test]
#[ignore = "needs the emulator of Lambda"]
async fn lines_are_json_with_the_id_of_their_event() {
    let emulator = test_functions(&[("STATEFUN_FUNCTION_TIMEOUT", "300ms")]);
    for event in [
        event(Source::Rest, &request("panics", "a".to_owned(), 1)),
        event(Source::HttpApi, &request("late", "a".to_owned(), 1)),
        event(Source::Rest, &request("large", 5_000_000.to_string(), 1)),
        event_with(Source::Rest, OCTET_STREAM, &json!("*"), true),
        event(Source::HttpApi, b"no request"),
    ] {
        emulator.answer(&event).await;
    }
    emulator.invoke("{}").await;
    let log = emulator.into_log();
    let ids: Vec<_> =
        log.iter().map(|line| line["spans"][0]["requestId"].as_str().unwrap_or_else(|| panic!("{line}"))).collect();
    let messages: Vec<_> = log.iter().map(|line| line["message"].as_str().expect("a message")).collect();
    for expected in [
        "panic",
        "batch failed",
        "request cancelled: the functions took too long",
        "the response is too large for Lambda",
        "the event's body is marked as base64 and is not",
        "request rejected",
    ] {
        assert!(messages.contains(&expected), "{expected} is not in {messages:?}");
    }
    let mut events = ids.clone();
    events.dedup();
    assert_eq!(events.len(), 6, "each event has an id of its own: {ids:?}");
    let text = format!("{log:?}");
    assert!(!text.contains("xxxx") && !text.contains("no request"), "a payload is in the log: {text}");
}

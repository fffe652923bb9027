//! What `GET` answers.

use std::time::Duration;

use serde_json::{Value, json};
use statefun_sdk::{Context, DeadLetter, Destination, Egress, FailurePolicy, Function, TypeName, ValueSpec};

use crate::support::{Running, SEEN, counter, options, registry};

#[tokio::test]
async fn the_functions_are_listed_with_what_they_declare() {
    const KEPT: ValueSpec<String> = ValueSpec::new("kept").expire_after_write(Duration::from_millis(1500));
    const CALLED: ValueSpec<f64> = ValueSpec::new("called").expire_after_call(Duration::from_secs(60));
    let dead_letter = DeadLetter::new(Egress::new("pages/dead-letter"), Destination::kafka("dead"));
    let full = Function::new("pages/full")
        .on(async |_: &mut Context, _: String| Ok(()))
        .state(&SEEN)
        .state(&KEPT)
        .state(&CALLED)
        .sends_to(TypeName::new("pages/other"))
        .replies()
        .emits(Egress::new("pages/out"))
        .on_failure(FailurePolicy::DeadLetter(dead_letter));
    let server = Running::start(registry([full, counter("pages/plain")]), options());
    let answer = server.get("/").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let seen = json!({ "name": "seen", "type": "io.statefun.types/int", "expiration": null });
    let listed: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        listed,
        json!({ "functions": [
            {
                "typename": "pages/full",
                "states": [
                    seen,
                    { "name": "kept", "type": "io.statefun.types/string",
                      "expiration": { "mode": "after_write", "seconds": 1.5 } },
                    { "name": "called", "type": "io.statefun.types/double",
                      "expiration": { "mode": "after_call", "seconds": 60.0 } },
                ],
                "accepts": ["io.statefun.types/string"],
                "targets": ["pages/other"],
                "replies": true,
                "egresses": ["pages/out", "pages/dead-letter"],
                "on_failure": { "policy": "dead-letter", "egress": "pages/dead-letter" },
            },
            {
                "typename": "pages/plain",
                "states": [seen],
                "accepts": [],
                "targets": [],
                "replies": false,
                "egresses": [],
                "on_failure": { "policy": "fail" },
            },
        ]})
    );
}

#[tokio::test]
async fn a_server_is_alive_and_ready() {
    let server = Running::start(registry([counter("pages/alive")]), options());
    assert_eq!(server.get("/healthz").await.status, 200);
    assert_eq!(server.get("/readyz").await.status, 200);
    let mut client = server.connect().await;
    client.send("HEAD /healthz HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 200 OK\r\n"));
}

//! What `GET` answers.

use std::time::Duration;

use serde_json::{Value, json};
use statefun_sdk::{
    Connector, Context, DeadLetter, Destination, Egress, FailurePolicy, Function, Ingress, Registry, TypeName,
    UnexpectedTypePolicy, ValueSpec,
};

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
        .sends::<i32>(TypeName::new("pages/another"))
        .sends::<bool>(TypeName::new("pages/another"))
        .replies()
        .emits(Egress::new("pages/out"))
        .emits_to(Egress::new("pages/records"), Connector::Kinesis)
        .on_failure(FailurePolicy::DeadLetter(dead_letter))
        .on_unexpected_type(UnexpectedTypePolicy::DeadLetter);
    let ingress =
        Ingress::new("pages/in", "in", TypeName::new("io.statefun.types/string"), TypeName::new("pages/full"));
    let functions = Registry::builder().functions([full, counter("pages/plain")]).ingress(ingress).build();
    let server = Running::start(functions.unwrap(), options());
    let answer = server.get("/").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let seen = json!({ "type": "io.statefun.types/int", "expiration": null });
    assert!(answer.body.ends_with(b"}\n"), "the prompt of a terminal follows");
    let listed: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        listed,
        json!({
            "format": 2,
            "functions": {
                "pages/full": {
                    "states": {
                        "seen": seen,
                        "kept": { "type": "io.statefun.types/string",
                                  "expiration": { "after": "write", "milliseconds": 1500 } },
                        "called": { "type": "io.statefun.types/double",
                                    "expiration": { "after": "call", "milliseconds": 60_000 } },
                    },
                    "accepts": ["io.statefun.types/string"],
                    "targets": ["pages/another", "pages/other"],
                    "sends": { "pages/another": ["io.statefun.types/bool", "io.statefun.types/int"] },
                    "replies": true,
                    "egresses": { "pages/out": null, "pages/records": "kinesis", "pages/dead-letter": "kafka" },
                    "on_failure": { "policy": "dead-letter", "egress": "pages/dead-letter", "destination": "kafka:dead" },
                    "on_unexpected_type": "dead-letter",
                },
                "pages/plain": {
                    "states": { "seen": seen },
                    "accepts": [],
                    "targets": [],
                    "sends": {},
                    "replies": false,
                    "egresses": {},
                    "on_failure": { "policy": "fail" },
                    "on_unexpected_type": "fail",
                },
            },
            "ingresses": {
                "pages/in": { "topic": "in", "type": "io.statefun.types/string", "target": "pages/full" },
            },
            "dead_letter_budgets": { "pages/full": { "used": 0, "limit": 100, "exhausted": false } },
        })
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

use serde_json::{Value, json};
use statefun_applications::product_cart::{CloudEvent, EVENTS, ROUTER, record_key};
use statefun_applications::{Destinations, Settings};
use statefun_sdk::local::{Emitted, LocalRuntime};
use statefun_sdk::{Bytes, Decode, Registry, Typed};

use super::support::{json, message};

/// Feeds the events of the demo, each to quiescence.
async fn run(deliver_twice: bool) -> Vec<Emitted> {
    let registry = Registry::builder()
        .functions(statefun_applications::all(&Destinations::default(), &Settings::default()))
        .build()
        .unwrap();
    let mut runtime = LocalRuntime::in_process(registry);
    if deliver_twice {
        runtime = runtime.deliver_twice();
    }
    for line in EVENTS.lines() {
        let key = record_key(line.as_bytes()).unwrap_or_default();
        runtime.send(ROUTER.with_id(key), message(line)).unwrap();
        runtime.run().await.unwrap();
    }
    runtime.take_emitted()
}

#[tokio::test]
async fn the_events_of_the_demo_make_two_statuses() {
    let emitted = run(false).await;
    let statuses: Vec<_> = emitted.iter().map(|emitted| json(emitted.record.value())).collect();
    let [first, last] = &statuses[..] else { panic!("{statuses:?}") };
    let item = |current: &str| {
        json!([{
            "productId": "product-1",
            "originPrice": 42,
            "quantity": 1,
            "currentPrice": serde_json::from_str::<Value>(current).unwrap(),
            "availability": "IN_STOCK",
        }])
    };
    assert_eq!(first["type"], "example.cart-status");
    assert_eq!(first["data"]["cartItemStatuses"], item("42"));
    assert_eq!(last["type"], "example.cart-status");
    assert_eq!(last["data"]["cartItemStatuses"], item("42.42"));
}

#[tokio::test]
async fn a_request_that_is_replayed_gives_the_same_bytes() {
    assert_eq!(run(true).await, run(false).await);
}

#[test]
fn every_line_of_the_demo_is_an_event() {
    for line in EVENTS.lines() {
        assert!(CloudEvent::decode(&Bytes::from_static(line.as_bytes())).is_ok(), "{line}");
    }
    assert_eq!(CloudEvent::TYPE_NAME.as_str(), "example/cloudevent");
}

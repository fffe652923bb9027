use statefun_applications::Destinations;
use statefun_applications::product_cart::{record_key, router};
use statefun_sdk::TypedValue;
use statefun_sdk::local::TestContext;

use super::support::{
    Events, Fed, assert_all_ignored, assert_all_poison, assert_dead_letter, changes_states, json, message,
};

fn function() -> statefun_sdk::Function {
    router::function(&Destinations::default())
}

#[tokio::test]
async fn every_event_goes_to_whom_it_is_about_as_the_bytes_that_came() {
    let mut router = Fed::new(function(), "any", "router.jsonl");
    for (id, target) in [
        ("product", "example/product/apple"),
        ("cart-product", "example/cart/cart-1"),
        ("cart-cleared", "example/cart/cart-1"),
    ] {
        router.feed(&[id]).await;
        assert_eq!(router.targets(), [target]);
        let sent = &router.context.sent()[0].value;
        assert_eq!(sent.type_name(), "example/cloudevent");
        assert_eq!(sent.value(), router.line(id).as_bytes());
    }
}

#[tokio::test]
async fn a_batch_keeps_its_order() {
    let events = Events::read("router.jsonl");
    let mut router = TestContext::new(function(), "any").unwrap();
    router.invoke_batch(events.lines().map(message)).await.unwrap();
    let sent: Vec<_> = router.sent().iter().map(|sent| sent.value.value().clone()).collect();
    assert_eq!(sent, events.lines().map(str::as_bytes).collect::<Vec<_>>());
}

#[tokio::test]
async fn unknown_event_types_and_directives_are_ignored_with_one_line() {
    assert_all_ignored(function(), "router_ignored.jsonl").await;
}

#[tokio::test]
async fn a_message_of_an_unknown_type_is_a_dead_letter() {
    let mut router = TestContext::new(function(), "any").unwrap().expect_dead_letters();
    router.invoke(TypedValue::from_bytes("elsewhere/type", &b"not JSON"[..])).await.unwrap();
    assert_eq!((router.sent().len(), router.emitted().len()), (0, 1));
}

/// Two bytes of an array were some thirty of memory.
#[tokio::test]
async fn an_event_is_not_read_beyond_what_routes_it() {
    let event = |member: &str| {
        let json = format!(
            r#"{{"specversion":"1.0","id":"1","source":"s","type":"example.product",{member},"data":{{"id":"p","more":[1,2]}}}}"#
        );
        TypedValue::from_bytes("example/cloudevent", json)
    };
    let mut router = TestContext::new(function(), "any").unwrap();
    router.invoke(event(r#""traceparent":"00-1""#)).await.unwrap();
    assert_eq!(router.sent().len(), 1);
    for (member, error) in [
        (r#""array":[1,2]"#.to_owned(), "no string, number or boolean"),
        (r#""object":{}"#.to_owned(), "no string, number or boolean"),
        (format!(r#""long":"{}""#, "x".repeat(64 * 1024)), "larger than 64 KiB"),
        ((0..20_000).map(|name| format!(r#""a{name}":1"#)).collect::<Vec<_>>().join(","), "larger than 64 KiB"),
    ] {
        let mut router = TestContext::new(function(), "any").unwrap();
        let failure = router.invoke(event(&member)).await.expect_err("poison").to_string();
        assert!(failure.contains(error), "{failure}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_becomes_a_dead_letter() {
    assert_all_poison(function, "router_poison.jsonl").await;
}

#[tokio::test]
async fn a_dead_letter_says_what_was_expected() {
    for (text, error) in [
        ("{", "not a valid example/cloudevent: the text ends too early (line 1, column 1)"),
        ("{}", "not a valid example/cloudevent: missing field `specversion`"),
        (r#"{"specversion":"2.0"}"#, "not a valid example/cloudevent: expected `0.3` or `1.0`"),
        (r#"{"specversion":"1.0","id":1}"#, "not a valid example/cloudevent: expected a string"),
        (
            r#"{"specversion":"1.0","id":"1","source":"s","type":"example.product","data":{}}"#,
            "data of an event: missing field `id` (line 1, column 2)",
        ),
    ] {
        let mut router = TestContext::new(function(), "any").unwrap().expect_dead_letters();
        router.invoke(message(text)).await.unwrap();
        assert_eq!(json(router.emitted()[0].record.value())["error"], error);
    }
}

#[tokio::test]
async fn a_dead_letter_leaves_the_rest_of_the_batch_alone() {
    let good = Events::read("router.jsonl");
    let mut router = TestContext::new(function(), "any").unwrap().expect_dead_letters();
    router
        .invoke_batch([good.message("product"), message("no JSON at all"), good.message("cart-cleared")])
        .await
        .unwrap();
    let targets: Vec<_> = router.sent().iter().map(|sent| sent.target.to_string()).collect();
    assert_eq!(targets, ["example/product/apple", "example/cart/cart-1"]);
    assert_eq!(router.emitted().len(), 1);
    assert!(!changes_states(&router));
}

#[tokio::test]
async fn json_without_bounds_is_poison_not_a_crash() {
    let mut router = TestContext::new(function(), "any").unwrap().expect_dead_letters();
    let deep = "[".repeat(1_000_000);
    router.invoke(message(&deep)).await.unwrap();
    assert_dead_letter(&router, "a million brackets");
}

#[test]
fn a_record_is_keyed_by_what_its_event_is_about() {
    let events = Events::read("router.jsonl");
    let key = |text: &str| record_key(text.as_bytes());
    assert_eq!(key(events.line("product")).as_deref(), Some("apple"));
    assert_eq!(key(events.line("cart-product")).as_deref(), Some("cart-1"));
    assert_eq!(key(events.line("cart-cleared")).as_deref(), Some("cart-1"));
    for file in ["router_ignored.jsonl", "router_poison.jsonl"] {
        for line in Events::read(file).lines() {
            assert_eq!(key(line), None, "{line}");
        }
    }
}

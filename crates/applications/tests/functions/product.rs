use serde_json::{Value, json};
use statefun_applications::Destinations;
use statefun_applications::product_cart::product;
use statefun_sdk::{Bytes, Function, TypeName, ValueSpec};

use super::support::{self, Fed, assert_all_ignored, assert_all_poison, changes_states};

/// The states' bytes.
const STATE: ValueSpec<Bytes> = ValueSpec::with_type("state", TypeName::new("example/product-state"));
const SUBSCRIBERS: ValueSpec<Bytes> = ValueSpec::with_type("subscribers", TypeName::new("example/product-subscribers"));

fn function() -> Function {
    product::function(&Destinations::default())
}

fn product() -> Fed {
    Fed::new(function(), "apple", "product.jsonl")
}

fn state(product: &Fed) -> Option<String> {
    product.context.get(&STATE).unwrap().map(|bytes| String::from_utf8(bytes.into()).unwrap())
}

fn subscribers(product: &Fed) -> Vec<String> {
    let subscribers = product.context.get(&product::SUBSCRIBERS).unwrap();
    subscribers.map(|subscribers| subscribers.0.into_keys().collect()).unwrap_or_default()
}

#[tokio::test]
async fn details_are_kept_with_the_price_as_it_came() {
    let mut product = product();
    for price in ["42", "42.42", "42.420", "9.98999999999999999999"] {
        product.feed(&[&format!("at-{price}")]).await;
        let expected = format!(
            r#"{{"id":"apple","title":"Apple","description":"Red","price":{price},"availability":"IN_STOCK"}}"#
        );
        assert_eq!(state(&product), Some(expected));
        assert_eq!(product.targets(), [""; 0]);
    }
}

#[tokio::test]
async fn details_that_are_known_are_not_written_again() {
    let mut product = product();
    product.feed(&["at-42.42", "at-42.42"]).await;
    product.assert_no_effects();
    product.feed(&["at-42.420"]).await;
    assert!(changes_states(&product.context), "42.420 reads differently from 42.42");
}

#[tokio::test]
async fn a_subscriber_gets_the_details_and_then_every_event_as_the_bytes_that_came() {
    let mut product = product();
    product.feed(&["at-42", "subscribe"]).await;
    assert_eq!(product.targets(), ["example/cart/cart-1"]);
    let answer = product.only_sent();
    assert_eq!(answer["type"], "example.product");
    assert_eq!(answer["source"], "http://stateful_functions.example.com/product-function");
    assert_eq!(answer["data"]["price"].to_string(), "42");
    assert_eq!(subscribers(&product), ["example/cart/cart-1"]);

    product.feed(&["at-42.42"]).await;
    assert_eq!(product.targets(), ["example/cart/cart-1"]);
    assert_eq!(product.context.sent()[0].value.value(), product.line("at-42.42").as_bytes());
    assert_eq!(product.context.sent()[0].value.type_name(), "example/cloudevent");
}

#[tokio::test]
async fn subscribers_are_told_in_the_order_of_their_addresses() {
    let mut product = product();
    product.feed(&["subscribe-other", "subscribe"]).await;
    product.feed(&["at-42"]).await;
    assert_eq!(product.targets(), ["example/cart/cart-1", "example/cart/cart-2"]);
    let stored = product.context.get(&SUBSCRIBERS).unwrap().unwrap();
    let address = |id| json!({"namespace": "example", "type": "cart", "id": id});
    let expected = json!({"example/cart/cart-1": address("cart-1"), "example/cart/cart-2": address("cart-2")});
    assert_eq!(support::json(&stored), expected);
}

#[tokio::test]
async fn an_answer_is_made_from_the_subscription_alone() {
    let mut product = product();
    product.feed(&["at-9.98999999999999999999", "subscribe-traced"]).await;
    let answer = String::from_utf8(product.context.sent()[0].value.value().to_vec()).unwrap();
    let id = product.only_sent()["id"].as_str().unwrap().to_owned();
    assert_eq!(
        answer,
        [
            r#"{"specversion":"1.0","id":""#,
            &id,
            r#"","type":"example.product","source":"http://stateful_functions.example.com/product-function","#,
            r#""datacontenttype":"application/json","time":"2024-05-06T09:00:00Z","#,
            r#""traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","tracestate":"vendor=1","#,
            r#""data":{"id":"apple","title":"Apple","description":"Red","#,
            r#""price":9.98999999999999999999,"availability":"IN_STOCK"}}"#,
        ]
        .concat()
    );
    assert_eq!(id.as_bytes()[14], b'5', "{id} is no UUID of version 5");
}

#[tokio::test]
async fn an_answer_to_an_event_without_time_has_none() {
    let mut product = product();
    product.feed(&["at-42", "subscribe-other"]).await;
    assert_eq!(product.only_sent().get("time"), None);
}

#[tokio::test]
async fn one_who_subscribes_before_the_product_is_known_gets_its_first_event() {
    let mut product = product();
    product.feed(&["subscribe"]).await;
    assert_eq!(product.targets(), [""; 0]);
    assert_eq!(subscribers(&product), ["example/cart/cart-1"]);
    product.feed(&["at-42"]).await;
    assert_eq!(product.targets(), ["example/cart/cart-1"]);
}

#[tokio::test]
async fn subscribing_twice_answers_twice_and_changes_nothing() {
    let mut product = product();
    product.feed(&["at-42", "subscribe", "subscribe"]).await;
    assert_eq!(product.targets(), ["example/cart/cart-1"; 2]);
    assert!(!changes_states(&product.context));
    assert_eq!(subscribers(&product), ["example/cart/cart-1"]);
}

#[tokio::test]
async fn a_query_is_answered_and_remembers_nobody() {
    let mut product = product();
    product.feed(&["query"]).await;
    product.assert_no_effects();
    product.feed(&["at-42", "query"]).await;
    assert_eq!(product.targets(), ["example/cart/cart-1"]);
    assert_eq!(product.only_sent()["data"]["id"], "apple");
    assert_eq!(subscribers(&product), [""; 0]);
}

#[tokio::test]
async fn the_answer_goes_to_the_subscriber_whoever_the_caller_is() {
    let mut product = product();
    let elsewhere = TypeName::new("elsewhere/function").with_id("1");
    product.context = product.context.with_caller(elsewhere);
    product.feed(&["at-42", "query"]).await;
    assert_eq!(product.targets(), ["example/cart/cart-1"]);
}

#[tokio::test]
async fn one_who_unsubscribed_is_told_nothing() {
    let mut product = product();
    product.feed(&["subscribe", "subscribe-other"]).await;
    product.feed(&["unsubscribe"]).await;
    assert_eq!(product.targets(), [""; 0]);
    assert_eq!(subscribers(&product), ["example/cart/cart-2"]);
    product.feed(&["at-42"]).await;
    assert_eq!(product.targets(), ["example/cart/cart-2"]);
    product.feed(&["unsubscribe-other"]).await;
    assert_eq!(product.context.get(&SUBSCRIBERS).unwrap(), None, "an empty map is no value");
}

#[tokio::test]
async fn unsubscribing_a_stranger_changes_nothing() {
    let mut product = product();
    product.feed(&["unsubscribe"]).await;
    product.assert_no_effects();
    product.feed(&["subscribe"]).await;
    product.feed(&["unsubscribe-other"]).await;
    product.assert_no_effects();
    assert_eq!(subscribers(&product), ["example/cart/cart-1"]);
}

#[tokio::test]
async fn only_what_is_needed_is_demanded() {
    let mut product = product();
    product.feed(&["details-only", "query"]).await;
    let expected: Value = json!({"id": "apple", "price": 1, "availability": "DISCONTINUED"});
    assert_eq!(product.only_sent()["data"], expected);
}

#[tokio::test]
async fn other_event_types_are_ignored_with_one_line() {
    assert_all_ignored(function(), "product_ignored.jsonl").await;
}

#[tokio::test]
async fn invalid_events_and_undeclared_subscribers_become_dead_letters() {
    assert_all_poison(function, "product_poison.jsonl").await;
}

#[tokio::test]
async fn a_retry_gives_the_same_bytes() {
    let run = async || {
        let mut product = product();
        product.feed(&["subscribe-other", "at-42", "subscribe"]).await;
        (product.context.last_response().clone(), product.context.get(&SUBSCRIBERS).unwrap())
    };
    assert_eq!(run().await, run().await);
}

#[tokio::test]
async fn answers_to_different_events_have_different_ids() {
    let mut product = product();
    product.feed(&["at-42", "subscribe", "subscribe-other", "query"]).await;
    let mut ids: Vec<_> =
        product.context.sent().iter().map(|sent| support::json(sent.value.value())["id"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

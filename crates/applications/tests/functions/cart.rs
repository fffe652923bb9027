use serde_json::{Value, json};
use statefun_applications::Destinations;
use statefun_applications::product_cart::cart::{self, Cart};
use statefun_sdk::local::EmittedRecord;
use statefun_sdk::{Destination, Function};

use super::support::{self, Fed, assert_all_ignored, assert_all_poison, changes_states};

fn function() -> Function {
    cart::function(&Destinations::default())
}

fn cart() -> Fed {
    Fed::new(function(), "cart-1", "cart.jsonl")
}

fn state(cart: &Fed) -> Option<Cart> {
    cart.context.get(&cart::STATE).unwrap().map(|state| state.0)
}

/// Product ids with quantities.
fn items(cart: &Fed) -> Vec<(String, i64)> {
    let items = state(cart).map(|cart| cart.items).unwrap_or_default();
    items.into_iter().map(|(product_id, item)| (product_id, item.quantity)).collect()
}

/// What was asked of which product.
fn subscriptions(cart: &Fed) -> Vec<(String, Value)> {
    let sent = cart.context.sent().iter();
    sent.map(|sent| (sent.target.to_string(), support::json(sent.value.value())["data"]["action"].clone())).collect()
}

fn apple(quantity: i64) -> Vec<(String, i64)> {
    vec![("apple".to_owned(), quantity)]
}

#[tokio::test]
async fn the_first_of_a_product_subscribes_to_it() {
    let mut cart = cart();
    cart.feed(&["one-apple"]).await;
    assert_eq!(cart.targets(), ["example/product/apple"]);
    let subscription = cart.only_sent();
    let expected = json!({
        "specversion": "1.0",
        "id": subscription["id"],
        "type": "example.function-subscription",
        "source": "http://stateful_functions.example.com/example.cart/cart-1",
        "datacontenttype": "application/json",
        "time": "2024-05-06T09:00:00Z",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "tracestate": "vendor=1",
        "data": {
            "publisher": {"namespace": "example", "type": "product", "id": "apple"},
            "subscriber": {"namespace": "example", "type": "cart", "id": "cart-1"},
            "action": "SUBSCRIBE",
            "correlationId": null,
        },
    });
    assert_eq!(subscription, expected);
    assert_eq!(cart.context.emitted(), [], "there is no price to tell of");

    let state = serde_json::to_value(state(&cart)).unwrap();
    let expected = json!({
        "cartId": "cart-1",
        "creationTime": "2024-05-06T09:00:00Z",
        "items": {
            "apple": {"quantity": 1, "originPrice": 42, "price": null, "availability": null, "subscribed": true},
        },
    });
    assert_eq!(state, expected);
}

#[tokio::test]
async fn more_of_a_product_adds_up_and_subscribes_once() {
    let mut cart = cart();
    cart.feed(&["one-apple", "two-apples", "two-apples"]).await;
    assert_eq!(items(&cart), apple(5));
    assert_eq!(cart.targets(), ["example/product/apple"]);
    assert_eq!(state(&cart).unwrap().items["apple"].origin_price.to_string(), "42.5");
}

#[tokio::test]
async fn a_part_that_is_taken_out_leaves_the_rest() {
    let mut cart = cart();
    cart.feed(&["two-apples"]).await;
    cart.feed(&["apple-out"]).await;
    assert_eq!(items(&cart), apple(1));
    assert_eq!(subscriptions(&cart), []);
    assert_eq!(state(&cart).unwrap().items["apple"].origin_price.to_string(), "41.99");
}

#[tokio::test]
async fn the_last_of_a_product_unsubscribes_from_it_and_an_empty_cart_is_no_state() {
    let mut cart = cart();
    cart.feed(&["one-apple"]).await;
    cart.feed(&["apple-out"]).await;
    assert_eq!(subscriptions(&cart), [("example/product/apple".to_owned(), json!("UNSUBSCRIBE"))]);
    assert_eq!(state(&cart), None);
    cart.feed(&["one-apple"]).await;
    assert_eq!(subscriptions(&cart), [("example/product/apple".to_owned(), json!("SUBSCRIBE"))]);
}

#[tokio::test]
async fn the_last_of_one_product_keeps_the_others() {
    let mut cart = cart();
    cart.feed(&["one-apple", "one-pear"]).await;
    cart.feed(&["pear-out"]).await;
    assert_eq!(subscriptions(&cart), [("example/product/pear".to_owned(), json!("UNSUBSCRIBE"))]);
    assert_eq!(items(&cart), apple(1));
}

#[tokio::test]
async fn more_than_there_is_cannot_be_taken_out() {
    let mut cart = cart();
    cart.feed(&["two-apples", "many-apples-out"]).await;
    assert_eq!(state(&cart), None);
    cart.feed(&["one-apple"]).await;
    assert_eq!(items(&cart), apple(1), "there is no debt");
}

#[tokio::test]
async fn taking_out_what_is_not_there_changes_nothing() {
    let mut cart = cart();
    cart.feed(&["apple-out"]).await;
    cart.assert_no_effects();
    cart.feed(&["no-apples"]).await;
    cart.assert_no_effects();
    cart.feed(&["one-apple"]).await;
    cart.feed(&["pear-out"]).await;
    cart.assert_no_effects();
}

#[tokio::test]
async fn quantities_do_not_overflow() {
    let mut cart = cart();
    cart.feed(&["most-apples", "most-apples"]).await;
    assert_eq!(items(&cart), apple(i64::MAX));
    cart.feed(&["fewest-apples"]).await;
    assert_eq!(state(&cart), None);
}

#[tokio::test]
async fn an_event_that_changes_nothing_writes_nothing() {
    let mut cart = cart();
    cart.feed(&["one-apple"]).await;
    cart.feed(&["no-apples"]).await;
    cart.assert_no_effects();
}

#[tokio::test]
async fn clearing_unsubscribes_from_every_product() {
    let mut cart = cart();
    cart.feed(&["one-pear", "one-apple"]).await;
    cart.feed(&["cleared"]).await;
    let unsubscribe = |product: &str| (format!("example/product/{product}"), json!("UNSUBSCRIBE"));
    assert_eq!(subscriptions(&cart), [unsubscribe("apple"), unsubscribe("pear")]);
    assert_eq!(state(&cart), None);
    let id = |index: usize| support::json(cart.context.sent()[index].value.value())["id"].clone();
    assert_ne!(id(0), id(1));
}

#[tokio::test]
async fn clearing_an_empty_cart_changes_nothing() {
    let mut cart = cart();
    cart.feed(&["cleared"]).await;
    cart.assert_no_effects();
}

#[tokio::test]
async fn a_price_is_kept_and_told() {
    let mut cart = cart();
    cart.feed(&["one-apple"]).await;
    cart.feed(&["apple-at-42"]).await;
    assert_eq!(subscriptions(&cart), []);
    let status = cart.only_emitted();
    let expected = json!({
        "specversion": "1.0",
        "id": status["id"],
        "type": "example.cart-status",
        "source": "http://stateful_functions.example.com/cart-function",
        "datacontenttype": "application/json",
        "time": "2024-05-06T09:30:00.500Z",
        "data": {
            "cartId": "cart-1",
            "cartItemStatuses": [
                {"productId": "apple", "originPrice": 42, "quantity": 1, "currentPrice": 42, "availability": "IN_STOCK"},
            ],
        },
    });
    assert_eq!(status, expected);
    let EmittedRecord::Kafka { topic, key, .. } = &cart.context.emitted()[0].record else { panic!("no Kafka record") };
    assert_eq!(
        (cart.context.emitted()[0].egress.as_str(), &**topic, &**key),
        ("example/egress", "example-egress", "cart-1")
    );
}

#[tokio::test]
async fn a_status_is_of_the_whole_cart_with_null_where_no_price_is_known() {
    let mut cart = cart();
    cart.feed(&["one-pear", "two-apples"]).await;
    cart.feed(&["apple-at-42"]).await;
    let item = |product, origin: &str, quantity, current, availability| {
        json!({
            "productId": product,
            "originPrice": serde_json::from_str::<Value>(origin).unwrap(),
            "quantity": quantity,
            "currentPrice": current,
            "availability": availability,
        })
    };
    let items =
        [item("apple", "42.5", 2, json!(42), json!("IN_STOCK")), item("pear", "3.10", 1, Value::Null, Value::Null)];
    assert_eq!(cart.only_emitted()["data"]["cartItemStatuses"], json!(items));
}

#[tokio::test]
async fn prices_are_exact_in_states_and_statuses() {
    let mut cart = cart();
    cart.feed(&["one-apple", "one-pear"]).await;
    cart.feed(&["apple-at-9.98999999999999999999", "pear-at-3.10"]).await;
    let text = String::from_utf8(cart.context.emitted()[1].record.value().to_vec()).unwrap();
    for exact in [r#""currentPrice":9.98999999999999999999,"#, r#""currentPrice":3.10,"#, r#""originPrice":3.10,"#] {
        assert!(text.contains(exact), "{exact} is not in {text}");
    }
}

#[tokio::test]
async fn a_status_has_the_trace_of_the_event_that_triggered_it_and_no_other_extension() {
    let mut cart = cart();
    cart.feed(&["one-apple"]).await;
    cart.feed(&["apple-at-42.42"]).await;
    let status = cart.only_emitted();
    assert_eq!(status["traceparent"], "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    assert_eq!((status.get("tracestate"), status.get("zone")), (None, None));
}

#[tokio::test]
async fn a_product_event_without_time_makes_a_status_without_time() {
    let mut cart = cart();
    cart.feed(&["one-apple"]).await;
    cart.feed(&["apple-gone"]).await;
    let status = cart.only_emitted();
    assert_eq!(status.get("time"), None);
    assert_eq!(status["data"]["cartItemStatuses"][0]["availability"], "DISCONTINUED");
}

#[tokio::test]
async fn the_same_price_again_is_told_again_and_not_written() {
    let mut cart = cart();
    cart.feed(&["one-apple", "apple-at-42"]).await;
    cart.feed(&["apple-at-42"]).await;
    assert_eq!(cart.context.emitted().len(), 1);
    assert!(!changes_states(&cart.context));
}

#[tokio::test]
async fn a_price_survives_a_change_of_quantity() {
    let mut cart = cart();
    cart.feed(&["one-apple", "apple-at-42", "two-apples"]).await;
    assert_eq!(state(&cart).unwrap().items["apple"].price.unwrap().to_string(), "42");
}

#[tokio::test]
async fn a_product_that_is_not_in_the_cart_changes_nothing() {
    let mut cart = cart();
    cart.feed(&["apple-at-42"]).await;
    cart.assert_no_effects();
    cart.feed(&["one-pear"]).await;
    cart.feed(&["apple-at-42"]).await;
    cart.assert_no_effects();
}

#[tokio::test]
async fn a_source_is_a_uri_whatever_the_id_holds() {
    let mut cart = Fed::new(function(), "Ann's cart/ä", "cart.jsonl");
    cart.feed(&["one-odd"]).await;
    assert_eq!(cart.targets(), ["example/product/a/b %c"]);
    let subscription = cart.only_sent();
    assert_eq!(subscription["source"], "http://stateful_functions.example.com/example.cart/Ann%27s%20cart%2F%C3%A4");
    assert_eq!(subscription["data"]["subscriber"]["id"], "Ann's cart/ä");
}

#[tokio::test]
async fn other_event_types_are_ignored_with_one_line() {
    assert_all_ignored(function(), "cart_ignored.jsonl").await;
}

#[tokio::test]
async fn invalid_events_become_dead_letters() {
    assert_all_poison(function, "cart_poison.jsonl").await;
}

#[tokio::test]
async fn a_retry_gives_the_same_bytes() {
    let run = async || {
        let mut cart = cart();
        cart.feed(&["one-pear", "one-apple", "apple-at-42"]).await;
        let status = cart.context.last_response().clone();
        cart.feed(&["cleared"]).await;
        (status, cart.context.last_response().clone())
    };
    assert_eq!(run().await, run().await);
}

#[tokio::test]
async fn statuses_go_where_they_are_configured_to() {
    let mut destinations = Destinations::default();
    destinations.set("example/egress", Destination::kinesis("carts")).unwrap();
    let mut cart = Fed::new(cart::function(&destinations), "cart-1", "cart.jsonl");
    cart.feed(&["one-apple", "apple-at-42"]).await;
    let EmittedRecord::Kinesis { stream, partition_key, .. } = &cart.context.emitted()[0].record else {
        panic!("no Kinesis record")
    };
    assert_eq!((&**stream, &**partition_key), ("carts", "cart-1"));
}

#[tokio::test]
async fn a_batch_does_what_its_messages_do_one_by_one() {
    let ids = ["one-pear", "one-apple", "apple-at-42", "two-apples", "pear-out", "apple-at-42.42", "apple-gone"];
    let mut one_by_one = cart();
    one_by_one.feed(&ids).await;
    let mut batch = cart();
    let messages = ids.map(|id| support::message(batch.line(id)));
    batch.context.invoke_batch(messages).await.unwrap();
    assert_eq!(batch.context.sent(), one_by_one.context.sent());
    assert_eq!(batch.context.emitted(), one_by_one.context.emitted());
    assert_eq!(state(&batch), state(&one_by_one));
    assert_eq!(batch.context.emitted().len(), 3);
}

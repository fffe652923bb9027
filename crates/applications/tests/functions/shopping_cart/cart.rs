use statefun_applications::Destinations;
use statefun_applications::shopping_cart::cart::{self, CART_ITEMS};
use statefun_applications::shopping_cart::messages::{
    AddToCart, ItemReserved, ItemUnavailable, ItemsInCart, NumInStock, RequestItem,
};
use statefun_sdk::local::{Emitted, EmittedRecord, TestContext};
use statefun_sdk::{Connector, TypedValue};

use super::DEAD_LETTERS;
use crate::protobuf::{assert_poison, assert_unexpected, message, mutations, only_sent, unreadable};

fn cart() -> TestContext {
    TestContext::new(cart::function(&Destinations::default()), "ann").unwrap()
}

fn add(item: &str, quantity: i32) -> TypedValue {
    message(AddToCart { item_id: item.to_owned(), quantity })
}

fn reserved(item: &str, quantity: i32) -> TypedValue {
    message(ItemReserved { id: item.to_owned(), quantity })
}

fn unavailable(item: &str, quantity: i32) -> TypedValue {
    message(ItemUnavailable { id: item.to_owned(), quantity })
}

fn items<const N: usize>(items: [(&str, i32); N]) -> Option<ItemsInCart> {
    Some(ItemsInCart { items: items.map(|(item, quantity)| (item.to_owned(), quantity)).into() })
}

/// The values of what was told the user. Everything else about the records is checked here.
fn told(cart: &TestContext) -> Vec<&[u8]> {
    let values = cart.emitted().iter().map(|Emitted { egress, record }| {
        let EmittedRecord::Kafka { topic, key, value } = record else { panic!("no Kafka record") };
        assert_eq!(
            (egress.as_str(), &**topic, &**key),
            ("shopping-cart-example/cart_results_egress", "cart_results", "ann")
        );
        &**value
    });
    values.collect()
}

#[tokio::test]
async fn a_request_asks_the_inventory_of_the_item() {
    let mut cart = cart();
    cart.invoke(add("towel", 3)).await.unwrap();
    assert_eq!(only_sent(&cart), ("shopping-cart-example/inventory/towel".to_owned(), RequestItem { quantity: 3 }));
    assert_eq!((told(&cart), mutations(&cart)), (vec![], vec![]), "nothing is in the cart yet");
}

#[tokio::test]
async fn what_is_reserved_is_in_the_cart_and_the_user_is_told() {
    let mut cart = cart();
    cart.invoke(reserved("towel", 3)).await.unwrap();
    assert_eq!(cart.get(&CART_ITEMS).unwrap(), items([("towel", 3)]));
    assert_eq!(told(&cart), [b"\x12\x05towel\x18\x03"]);
    assert_eq!(cart.sent(), []);
}

#[tokio::test]
async fn quantities_add_up() {
    let mut cart = cart();
    cart.invoke(reserved("towel", 3)).await.unwrap();
    cart.invoke(reserved("towel", 2)).await.unwrap();
    cart.invoke_batch([reserved("pear", 1), reserved("towel", 4)]).await.unwrap();
    assert_eq!(cart.get(&CART_ITEMS).unwrap(), items([("pear", 1), ("towel", 9)]));
    let state = b"\x0a\x08\x0a\x04pear\x10\x01\x0a\x09\x0a\x05towel\x10\x09".to_vec();
    assert_eq!(mutations(&cart), [("cart_items".to_owned(), Some(state))], "a state has one form");
    let expected =
        [&b"\x12\x05towel\x18\x03"[..], b"\x12\x05towel\x18\x02", b"\x12\x04pear\x18\x01", b"\x12\x05towel\x18\x04"];
    assert_eq!(told(&cart), expected, "told is what each request brought");
}

#[tokio::test]
async fn quantities_do_not_overflow() {
    let mut cart = cart();
    cart.invoke_batch([reserved("towel", i32::MAX), reserved("towel", 1)]).await.unwrap();
    assert_eq!(cart.get(&CART_ITEMS).unwrap(), items([("towel", i32::MAX)]));
}

#[tokio::test]
async fn what_is_unavailable_is_told_and_leaves_the_cart_alone() {
    let mut cart = cart();
    cart.invoke(reserved("towel", 3)).await.unwrap();
    cart.clear_effects();
    cart.invoke(unavailable("towel", 300)).await.unwrap();
    assert_eq!(told(&cart), [b"\x08\x01\x12\x05towel\x18\xac\x02"]);
    assert_eq!((cart.sent(), mutations(&cart)), (&[][..], vec![]));
    assert_eq!(cart.get(&CART_ITEMS).unwrap(), items([("towel", 3)]));
}

#[tokio::test]
async fn a_quantity_that_is_not_positive_fails_at_once() {
    for (quantity, answer) in [
        (0, &b"\x08\x01\x12\x05towel"[..]),
        (-1, b"\x08\x01\x12\x05towel\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        (i32::MIN, b"\x08\x01\x12\x05towel\x18\x80\x80\x80\x80\xf8\xff\xff\xff\xff\x01"),
    ] {
        let mut cart = cart();
        cart.invoke(add("towel", quantity)).await.unwrap();
        assert_eq!(told(&cart), [answer]);
        assert_eq!((cart.sent(), mutations(&cart)), (&[][..], vec![]), "{quantity}");
    }
    // A request without a single field is one of nothing.
    let mut cart = cart();
    cart.invoke(add("", 0)).await.unwrap();
    assert_eq!(told(&cart), [b"\x08\x01"]);
}

#[tokio::test]
async fn the_user_may_be_told_by_kinesis() {
    let mut destinations = Destinations::default();
    destinations.set_all(Connector::Kinesis);
    let mut cart = TestContext::new(cart::function(&destinations), "ann").unwrap();
    cart.invoke(reserved("towel", 3)).await.unwrap();
    let [Emitted { record: EmittedRecord::Kinesis { stream, partition_key, value, .. }, .. }] = cart.emitted() else {
        panic!("{:?}", cart.emitted())
    };
    assert_eq!((&**stream, &**partition_key, &**value), ("cart_results", "ann", &b"\x12\x05towel\x18\x03"[..]));
}

#[tokio::test]
async fn what_cannot_be_read_becomes_a_dead_letter() {
    let unreadable =
        [unreadable::<AddToCart>(), unreadable::<ItemReserved>(), unreadable::<ItemUnavailable>()].concat();
    assert_poison(cart(), unreadable, DEAD_LETTERS, "com.googleapis/").await;
}

#[tokio::test]
async fn a_dead_letter_leaves_the_rest_of_the_batch_alone() {
    let mut cart = cart().expect_dead_letters();
    let [cut_short, ..] = unreadable::<AddToCart>();
    cart.invoke_batch([reserved("towel", 1), cut_short, add("pear", 2)]).await.unwrap();
    assert_eq!(cart.get(&CART_ITEMS).unwrap(), items([("towel", 1)]));
    assert_eq!(only_sent(&cart), ("shopping-cart-example/inventory/pear".to_owned(), RequestItem { quantity: 2 }));
    assert_eq!(cart.emitted().len(), 2);
}

#[tokio::test]
async fn messages_of_other_types_are_dead_letters() {
    let others = [
        TypedValue::new("a text").unwrap(),
        message(RequestItem { quantity: 1 }),
        message(NumInStock { quantity: 1 }),
        TypedValue::from_bytes("com.googleapis/RemoveFromCart", &b"\x0a\x7f"[..]),
    ];
    assert_unexpected(cart(), others).await;
}

#[tokio::test]
async fn a_retry_gives_the_same_bytes() {
    let run = async || {
        let mut cart = cart();
        cart.invoke_batch([reserved("pear", 1), add("towel", 3), reserved("apple", 2), unavailable("towel", 3)])
            .await
            .unwrap();
        cart.last_response().clone()
    };
    assert_eq!(run().await, run().await);
}

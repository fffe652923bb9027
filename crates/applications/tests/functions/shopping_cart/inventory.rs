use statefun_applications::Destinations;
use statefun_applications::shopping_cart::Settings;
use statefun_applications::shopping_cart::inventory::{self, IN_STOCK, RESERVED};
use statefun_applications::shopping_cart::messages::{
    AddToCart, ItemReserved, ItemUnavailable, NumInStock, NumReserved, RequestItem, RestockItem,
};
use statefun_sdk::local::TestContext;
use statefun_sdk::{Function, Typed, TypedValue};

use super::DEAD_LETTERS;
use crate::protobuf::{asked, asker, assert_poison, assert_unexpected, message, mutations, only_sent, unreadable};

fn function(initial_stock: i32) -> Function {
    inventory::function(&Destinations::default(), &Settings { initial_stock })
}

fn inventory(initial_stock: i32) -> TestContext {
    asked(function(initial_stock), "towel")
}

fn request(quantity: i32) -> TypedValue {
    message(RequestItem { quantity })
}

fn restock(quantity: i32) -> TypedValue {
    message(RestockItem { quantity })
}

/// In stock and reserved, as far as they are kept.
fn kept(inventory: &TestContext) -> (Option<i32>, Option<i32>) {
    let in_stock = inventory.get(&IN_STOCK).unwrap().map(|NumInStock { quantity }| quantity);
    let reserved = inventory.get(&RESERVED).unwrap().map(|NumReserved { quantity }| quantity);
    (in_stock, reserved)
}

async fn assert_reserved(inventory: &mut TestContext, quantity: i32) {
    inventory.clear_effects();
    inventory.invoke(request(quantity)).await.unwrap();
    let expected = ItemReserved { id: "towel".to_owned(), quantity };
    assert_eq!(only_sent(inventory), (asker().to_string(), expected));
}

async fn assert_unavailable(inventory: &mut TestContext, quantity: i32) {
    inventory.clear_effects();
    inventory.invoke(request(quantity)).await.unwrap();
    let expected = ItemUnavailable { id: "towel".to_owned(), quantity };
    assert_eq!(only_sent(inventory), (asker().to_string(), expected));
    assert_eq!(mutations(inventory), [], "{quantity}: nothing changes");
}

#[tokio::test]
async fn an_item_that_was_never_stocked_has_the_initial_stock() {
    let mut inventory = inventory(5);
    assert_unavailable(&mut inventory, 6).await;
    assert_eq!(kept(&inventory), (None, None));
    assert_reserved(&mut inventory, 5).await;
    assert_eq!(kept(&inventory), (Some(0), Some(5)));
}

#[tokio::test]
async fn the_initial_stock_is_unlimited_unless_told() {
    let mut inventory = inventory(Settings::default().initial_stock);
    assert_reserved(&mut inventory, 3).await;
    assert_eq!(kept(&inventory), (Some(2_147_483_644), Some(3)));
    let mut other = asked(function(Settings::default().initial_stock), "towel");
    assert_reserved(&mut other, i32::MAX).await;
    assert_eq!(kept(&other), (Some(0), Some(i32::MAX)));
}

#[tokio::test]
async fn nothing_left_is_not_the_same_as_never_stocked() {
    let mut inventory = inventory(2);
    assert_reserved(&mut inventory, 2).await;
    // A message of 0 has no bytes. It is a value all the same.
    let expected = [("in_stock".to_owned(), Some(vec![])), ("reserved".to_owned(), Some(vec![0x08, 0x02]))];
    assert_eq!(mutations(&inventory), expected);
    assert_unavailable(&mut inventory, 1).await;
}

#[tokio::test]
async fn reservations_move_from_stock_and_add_up() {
    let mut inventory = inventory(10);
    assert_reserved(&mut inventory, 3).await;
    assert_reserved(&mut inventory, 4).await;
    assert_eq!(kept(&inventory), (Some(3), Some(7)));
    assert_unavailable(&mut inventory, 4).await;
    assert_reserved(&mut inventory, 3).await;
    assert_eq!(kept(&inventory), (Some(0), Some(10)));
}

#[tokio::test]
async fn messages_of_a_batch_see_what_the_ones_before_them_took() {
    let mut inventory = inventory(3);
    inventory.invoke_batch([request(2), request(2), restock(1), request(2)]).await.unwrap();
    let answers: Vec<&str> = inventory.sent().iter().map(|sent| sent.value.type_name()).collect();
    let (reserved, unavailable) = (ItemReserved::TYPE_NAME, ItemUnavailable::TYPE_NAME);
    assert_eq!(answers, [reserved.as_str(), unavailable.as_str(), reserved.as_str()]);
    assert_eq!(kept(&inventory), (Some(0), Some(4)));
}

#[tokio::test]
async fn a_quantity_that_is_not_positive_is_unavailable() {
    for quantity in [0, -1, i32::MIN] {
        let mut inventory = inventory(5);
        assert_unavailable(&mut inventory, quantity).await;
        assert_reserved(&mut inventory, 2).await;
        assert_unavailable(&mut inventory, quantity).await;
        assert_eq!(kept(&inventory), (Some(3), Some(2)));
    }
}

#[tokio::test]
async fn a_restock_adds_to_what_there_is() {
    let mut inventory = inventory(5);
    inventory.invoke(restock(10)).await.unwrap();
    assert_eq!(kept(&inventory), (Some(15), None));
    assert_eq!((inventory.sent(), inventory.emitted()), (&[][..], &[][..]), "nobody is told");
    assert_reserved(&mut inventory, 15).await;
    inventory.invoke(restock(1)).await.unwrap();
    assert_eq!(kept(&inventory), (Some(1), Some(15)));
}

#[tokio::test]
async fn stock_and_reservations_do_not_overflow() {
    let mut inventory = inventory(1);
    inventory.invoke(restock(i32::MAX)).await.unwrap();
    assert_eq!(kept(&inventory), (Some(i32::MAX), None));
    assert_reserved(&mut inventory, i32::MAX).await;
    inventory.invoke(restock(1)).await.unwrap();
    assert_reserved(&mut inventory, 1).await;
    assert_eq!(kept(&inventory), (Some(0), Some(i32::MAX)));
}

#[tokio::test]
async fn a_restock_that_is_not_positive_becomes_a_dead_letter() {
    let restocks = [0, -1, i32::MIN].map(restock);
    assert_poison(inventory(5), restocks, DEAD_LETTERS, "RestockItem: expected a quantity above 0").await;
}

#[tokio::test]
async fn a_request_that_nobody_sent_becomes_a_dead_letter_and_reserves_nothing() {
    let from_ingress = TestContext::new(function(5), "towel").unwrap();
    assert_poison(from_ingress, [request(1), request(9), request(0)], DEAD_LETTERS, "ingress").await;
}

#[tokio::test]
async fn what_cannot_be_read_becomes_a_dead_letter() {
    let unreadable = [unreadable::<RequestItem>(), unreadable::<RestockItem>()].concat();
    assert_poison(inventory(5), unreadable, DEAD_LETTERS, "com.googleapis/").await;
}

#[tokio::test]
async fn messages_of_other_types_are_dead_letters() {
    let others = [
        TypedValue::new("a text").unwrap(),
        message(AddToCart { item_id: "towel".to_owned(), quantity: 1 }),
        TypedValue::from_bytes("com.googleapis/CountItems", &b"\x0a\x7f"[..]),
    ];
    assert_unexpected(inventory(5), others).await;
}

#[tokio::test]
async fn a_retry_gives_the_same_bytes() {
    let run = async || {
        let mut inventory = inventory(5);
        inventory.invoke_batch([restock(3), request(4), request(9)]).await.unwrap();
        inventory.last_response().clone()
    };
    assert_eq!(run().await, run().await);
}

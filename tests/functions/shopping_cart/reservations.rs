//! Carts and inventories together, on the embedded runtime.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use statefun_sdk::Registry;
use statefun_sdk::local::LocalRuntime;
use statefun_server::functions::shopping_cart::cart::CART_ITEMS;
use statefun_server::functions::shopping_cart::inventory::{IN_STOCK, RESERVED};
use statefun_server::functions::shopping_cart::messages::add_to_cart_result::Type;
use statefun_server::functions::shopping_cart::messages::{AddToCart, AddToCartResult, RestockItem};
use statefun_server::functions::shopping_cart::{CART, CART_RESULTS, INVENTORY};
use statefun_server::functions::{self, Destinations, Settings};

use crate::protobuf::message;

const USERS: u32 = 8;
const ITEMS: u32 = 5;
const INITIAL_STOCK: i32 = 20;

/// By item.
type Quantities = BTreeMap<String, i32>;

fn item(number: u32) -> String {
    format!("item-{number}")
}

fn user(number: u32) -> String {
    format!("user-{number}")
}

/// Crowds of users who want the same few things, all at once: what is told, kept in carts and kept in inventories has to
/// go together, and no more than there is may be given away.
async fn assert_nothing_is_lost_or_oversold(seed: u64, deliver_twice: bool) {
    let mut settings = Settings::default();
    settings.shopping_cart.initial_stock = INITIAL_STOCK;
    let registry = Registry::builder().functions(functions::all(&Destinations::default(), &settings)).build().unwrap();
    let mut runtime = LocalRuntime::in_process(registry).concurrency(4).max_batch(7);
    if deliver_twice {
        runtime = runtime.deliver_twice();
    }
    let mut random = StdRng::seed_from_u64(seed);
    let mut stocked: Quantities = (0..ITEMS).map(|number| (item(number), INITIAL_STOCK)).collect();
    let mut requests = 0;
    for _ in 0..500 {
        let item = item(random.random_range(0..ITEMS));
        if random.random_ratio(1, 10) {
            let quantity = random.random_range(1..20);
            *stocked.get_mut(&item).unwrap() += quantity;
            runtime.send(INVENTORY.with_id(item), message(RestockItem { quantity })).unwrap();
        } else {
            let user = user(random.random_range(0..USERS));
            let quantity = random.random_range(-1..10);
            runtime.send(CART.with_id(user), message(AddToCart { item_id: item, quantity })).unwrap();
            requests += 1;
        }
    }
    runtime.run().await.unwrap();

    let mut told: BTreeMap<String, Quantities> = BTreeMap::new();
    let results = runtime.take_emitted();
    assert_eq!(results.len(), requests, "one answer a request");
    let mut refused = 0;
    for result in &results {
        assert_eq!(result.egress, *CART_RESULTS.id());
        let AddToCartResult { r#type, item_id, quantity } =
            prost::Message::decode(result.record.value().clone()).unwrap();
        if r#type == i32::from(Type::Success) {
            assert!(quantity > 0);
            *told.entry(result.record.key().to_owned()).or_default().entry(item_id).or_default() += quantity;
        } else {
            refused += 1;
        }
    }
    assert!(refused > 0 && refused < requests, "some get what they want, and some do not");

    let mut in_carts = Quantities::new();
    for number in 0..USERS {
        let cart = runtime.state(&CART.with_id(user(number)), &CART_ITEMS).unwrap().unwrap_or_default();
        assert_eq!(told.remove(&user(number)).unwrap_or_default(), cart.items, "what was told is in the cart");
        for (item, quantity) in cart.items {
            *in_carts.entry(item).or_default() += quantity;
        }
    }
    for (item, stocked) in stocked {
        let inventory = INVENTORY.with_id(item.as_str());
        let in_stock = runtime.state(&inventory, &IN_STOCK).unwrap().unwrap();
        let reserved = runtime.state(&inventory, &RESERVED).unwrap().unwrap_or_default();
        assert_eq!(in_carts.remove(&item).unwrap_or_default(), reserved.quantity, "{item}");
        assert!(in_stock.quantity >= 0, "{item}");
        assert_eq!(in_stock.quantity + reserved.quantity, stocked, "{item}");
    }
}

#[tokio::test]
async fn nothing_is_lost_or_oversold() {
    for seed in 0..5 {
        assert_nothing_is_lost_or_oversold(seed, false).await;
    }
}

#[tokio::test]
async fn nothing_is_lost_or_oversold_when_every_request_comes_twice() {
    assert_nothing_is_lost_or_oversold(7, true).await;
}

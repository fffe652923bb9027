//! Nothing is lost between inventories and carts, and each request has one result.

use std::collections::BTreeMap;

use prost::Message as _;
use statefun_applications::Settings;
use statefun_applications::shopping_cart::messages::add_to_cart_result::Type;
use statefun_applications::shopping_cart::messages::{AddToCart, AddToCartResult, RestockItem};
use statefun_applications::shopping_cart::{self, CART, CART_RESULTS, INVENTORY, cart, inventory};
use statefun_sdk::local::simulation::{Simulation, View, expect_eq};
use statefun_sdk::{Address, BoxError};

use crate::{check, registry};

const ITEMS: [&str; 2] = ["towel", "fish"];
const USERS: [&str; 3] = ["ann", "bob", "cid"];

fn simulation() -> Simulation {
    let mut settings = Settings::default();
    settings.set(shopping_cart::Settings { initial_stock: 0 });
    let mut simulation = Simulation::new(move || registry("shopping-cart", &settings));
    for item in ITEMS {
        simulation = simulation.send(INVENTORY.with_id(item), RestockItem { quantity: 5 });
        for (user, quantity) in USERS.into_iter().zip([3, 2, 4]) {
            simulation = simulation.send(CART.with_id(user), AddToCart { item_id: item.to_owned(), quantity });
        }
        simulation = simulation.send(INVENTORY.with_id(item), RestockItem { quantity: 1 });
        simulation = simulation.send(CART.with_id("ann"), AddToCart { item_id: item.to_owned(), quantity: 1 });
    }
    simulation
        .always("no stock is below zero", |view| {
            let address = |item: &str| INVENTORY.with_id(item);
            let in_stock =
                |item| Ok::<_, BoxError>(view.state(&address(item), &inventory::IN_STOCK)?.unwrap_or_default());
            ITEMS.into_iter().try_for_each(|item| match in_stock(item)?.quantity {
                0.. => Ok(()),
                below => Err(format!("{item}: {below}").into()),
            })
        })
        .at_rest("each request has one result", results)
        .at_rest("what is reserved is in carts, and nothing is lost", conserved)
}

fn results(view: &View<'_, ()>) -> Result<(), BoxError> {
    let mut asked = Vec::new();
    for (user, message) in view.sent().filter(|(target, _)| target.is(&CART)) {
        let AddToCart { item_id, quantity } = message.get()?;
        asked.push((user.id().to_string(), item_id, quantity));
    }
    let mut answered = Vec::new();
    for record in view.records(CART_RESULTS) {
        let AddToCartResult { item_id, quantity, .. } = AddToCartResult::decode(record.value().clone())?;
        answered.push((record.key().to_owned(), item_id, quantity));
    }
    asked.sort();
    answered.sort();
    expect_eq(answered, asked)
}

fn conserved(view: &View<'_, ()>) -> Result<(), BoxError> {
    let mut restocked = BTreeMap::<_, i32>::new();
    for (item, message) in view.sent().filter(|(target, _)| target.is(&INVENTORY)) {
        *restocked.entry(item.id().to_string()).or_default() += message.get::<RestockItem>()?.quantity;
    }
    let carts: Vec<_> = USERS.into_iter().map(|user| view.state(&CART.with_id(user), &cart::CART_ITEMS)).collect();
    let carts = carts.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut successes = BTreeMap::<_, i32>::new();
    for record in view.records(CART_RESULTS) {
        let result = AddToCartResult::decode(record.value().clone())?;
        if result.r#type() == Type::Success {
            *successes.entry(result.item_id).or_default() += result.quantity;
        }
    }
    for item in ITEMS {
        let address: Address = INVENTORY.with_id(item);
        let in_stock = view.state(&address, &inventory::IN_STOCK)?.unwrap_or_default().quantity;
        let reserved = view.state(&address, &inventory::RESERVED)?.unwrap_or_default().quantity;
        let in_carts: i32 = carts.iter().flatten().filter_map(|cart| cart.items.get(item)).sum();
        let (restocked, sold) = (restocked.get(item).copied(), successes.get(item).copied());
        let expected = (restocked.unwrap_or_default() - reserved, reserved, reserved);
        expect_eq((in_stock, in_carts, sold.unwrap_or_default()), expected)
            .map_err(|error| format!("{item}: {error}"))?;
    }
    Ok(())
}

#[test]
fn stock_is_conserved() {
    check("shopping-cart", simulation(), 1);
}

//! Carts know the last price of what is in them, and products know the carts that hold them.

use std::collections::BTreeMap;

use statefun_applications::Settings;
use statefun_applications::product_cart::{CART, CartStatus, CloudEvent, PRODUCT, ROUTER, cart, product, record_key};
use statefun_sdk::local::simulation::{Simulation, View, expect_eq};
use statefun_sdk::{BoxError, Egress, Json, Typed, TypedValue};

use crate::{check, registry};

fn event(id: usize, kind: &str, data: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"http://shop.example.com","type":"example.{kind}","datacontenttype":"application/json","data":{data}}}"#
    )
}

fn product(id: usize, product: &str, price: &str) -> String {
    event(id, "product", &format!(r#"{{"id":"{product}","price":{price},"availability":"IN_STOCK"}}"#))
}

fn cart_product(id: usize, cart: &str, product: &str, quantity: i64) -> String {
    let data = format!(r#"{{"cartId":"{cart}","productId":"{product}","quantity":{quantity},"originPrice":1}}"#);
    event(id, "cart-product", &data)
}

fn simulation() -> Simulation {
    let events = [
        product(0, "towel", "42"),
        product(1, "fish", "7.50"),
        cart_product(2, "ann", "towel", 1),
        cart_product(3, "ann", "fish", 2),
        cart_product(4, "bob", "towel", 3),
        product(5, "towel", "42.42"),
        cart_product(6, "ann", "towel", -1),
        product(7, "fish", "8"),
        cart_product(8, "bob", "fish", 1),
        event(9, "cart-cleared", r#"{"cartId":"ann"}"#),
        cart_product(10, "ann", "towel", 5),
        product(11, "towel", "40.00"),
    ];
    let simulation = Simulation::new(|| registry("product-cart", &Settings::default()));
    let simulation = events.into_iter().fold(simulation, |simulation, event| {
        let key = record_key(event.as_bytes()).expect("an event of an entity");
        simulation.send(ROUTER.with_id(key), TypedValue::from_bytes(CloudEvent::TYPE_NAME.as_str(), event))
    });
    simulation
        .at_rest("carts hold what was put into them, at the last price", carts)
        .at_rest("products know the carts that hold them", subscribers)
        .at_rest("the last status of a cart has the last prices", statuses)
}

#[derive(Default)]
struct Expected {
    prices: BTreeMap<String, String>,
    /// By cart and product.
    quantities: BTreeMap<(String, String), i64>,
}

impl Expected {
    fn of(view: &View<'_, ()>) -> Result<Self, BoxError> {
        let mut expected = Self::default();
        for (_, message) in view.sent() {
            let event: serde_json::Value = serde_json::from_slice(message.value())?;
            let data = &event["data"];
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            match event["type"].as_str() {
                Some("example.product") => {
                    expected.prices.insert(text(&data["id"]), data["price"].to_string());
                }
                Some("example.cart-product") => {
                    let key = (text(&data["cartId"]), text(&data["productId"]));
                    let quantity = expected.quantities.entry(key).or_default();
                    *quantity = (*quantity + data["quantity"].as_i64().unwrap_or_default()).max(0);
                }
                _ => expected.quantities.retain(|(cart, _), _| *cart != text(&data["cartId"])),
            }
        }
        expected.quantities.retain(|_, quantity| *quantity > 0);
        Ok(expected)
    }
}

fn carts(view: &View<'_, ()>) -> Result<(), BoxError> {
    let expected = Expected::of(view)?;
    let expected = expected.quantities.iter().map(|((cart, product), quantity)| {
        (cart.clone(), product.clone(), *quantity, expected.prices.get(product).cloned())
    });
    let mut found = Vec::new();
    for instance in view.instances(CART) {
        let Some(Json(cart)) = view.state(instance, &cart::STATE)? else { continue };
        for (product, item) in cart.items {
            let price = item.price.map(|price| price.to_string());
            found.push((instance.id().to_string(), product, item.quantity, price));
        }
    }
    expect_eq(found, expected.collect())
}

fn subscribers(view: &View<'_, ()>) -> Result<(), BoxError> {
    let expected = Expected::of(view)?;
    let mut expected: Vec<_> = expected.quantities.into_keys().map(|(cart, product)| (product, cart)).collect();
    expected.sort();
    let mut found = Vec::new();
    for instance in view.instances(PRODUCT) {
        let Some(Json(subscribers)) = view.state(instance, &product::SUBSCRIBERS)? else { continue };
        found.extend(subscribers.into_values().map(|subscriber| (instance.id().to_string(), subscriber.id)));
    }
    expect_eq(found, expected)
}

fn statuses(view: &View<'_, ()>) -> Result<(), BoxError> {
    #[derive(serde::Deserialize)]
    struct Status {
        data: CartStatus,
    }
    let expected = Expected::of(view)?;
    let mut last = BTreeMap::new();
    for record in view.records(Egress::new("example/egress")) {
        let Status { data } = serde_json::from_slice(record.value())?;
        last.insert(data.cart_id.clone(), data);
    }
    expected.quantities.keys().try_for_each(|(cart, product)| {
        let Some(price) = expected.prices.get(product) else { return Ok(()) };
        let mut statuses = last.get(cart).into_iter().flat_map(|status| &status.cart_item_statuses);
        let status = statuses.find(|status| status.product_id == *product);
        let found = status.and_then(|status| status.current_price).map(|price| price.to_string());
        expect_eq(found, Some(price.clone())).map_err(|error| format!("{product} in {cart}: {error}").into())
    })
}

#[test]
fn prices_reach_the_carts() {
    check("product-cart", simulation(), 1);
}

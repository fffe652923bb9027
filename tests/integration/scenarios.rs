//! Products, carts and customers.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::demo::{event, fed, json};

fn product(id: u32, product: &str, price: &str, availability: &str) -> String {
    let data = format!(
        r#"{{"id":"{product}","title":"Title","description":"About it","price":{price},"availability":"{availability}"}}"#
    );
    event("example.product", id, &data)
}

fn into_cart(id: u32, cart: &str, product: &str, quantity: i64, price: &str) -> String {
    let data = format!(r#"{{"cartId":"{cart}","productId":"{product}","quantity":{quantity},"originPrice":{price}}}"#);
    event("example.cart-product", id, &data)
}

fn clear(id: u32, cart: &str) -> String {
    event("example.cart-cleared", id, &format!(r#"{{"cartId":"{cart}"}}"#))
}

/// Cart and items of each status that was printed.
fn statuses(lines: &[String]) -> Vec<(String, Value)> {
    let statuses = lines.iter().map(|line| {
        let line = json(line);
        assert_eq!(line["egress"], "example/egress", "{line}");
        (line["key"].as_str().expect("a key").to_owned(), line["value"]["data"]["cartItemStatuses"].clone())
    });
    statuses.collect()
}

#[test]
fn every_digit_of_a_price_comes_out_as_it_went_in() {
    let price = "9.98999999999999999999";
    let lines = fed(&[product(1, "p", price, "IN_STOCK"), into_cart(2, "c", "p", 1, "1000000000000000.3")]);
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains(r#""currentPrice":9.98999999999999999999,"#), "{}", lines[0]);
    assert!(lines[0].contains(r#""originPrice":1000000000000000.3,"#), "{}", lines[0]);
}

#[test]
fn a_price_that_cannot_be_kept_exactly_is_a_dead_letter() {
    let lines = fed(&[product(1, "p", "1.23456789012345678901234567891", "IN_STOCK")]);
    let line = json(&lines[0]);
    assert_eq!((lines.len(), &line["egress"], &line["key"]), (1, &"example/dead-letter".into(), &"p".into()));
}

#[test]
fn a_customer_who_comes_before_the_product_is_told_once_it_is_there() {
    let lines = fed(&[into_cart(1, "c", "p", 2, "5"), product(2, "p", "6", "OUT_OF_STOCK")]);
    let item = json!([{"productId":"p","originPrice":5,"quantity":2,"currentPrice":6,"availability":"OUT_OF_STOCK"}]);
    assert_eq!(statuses(&lines), [("c".to_owned(), item)]);
}

#[test]
fn a_status_tells_the_whole_cart_also_what_has_no_price_yet() {
    let lines =
        fed(&[into_cart(1, "c", "unknown", 1, "5"), into_cart(2, "c", "p", 1, "7"), product(3, "p", "8", "IN_STOCK")]);
    let items = json!([
        {"productId":"p","originPrice":7,"quantity":1,"currentPrice":8,"availability":"IN_STOCK"},
        {"productId":"unknown","originPrice":5,"quantity":1,"currentPrice":null,"availability":null},
    ]);
    assert_eq!(statuses(&lines), [("c".to_owned(), items)]);
}

#[test]
fn who_took_everything_out_is_told_nothing_more() {
    let lines = fed(&[
        product(1, "p", "1", "IN_STOCK"),
        into_cart(2, "c", "p", 3, "1"),
        into_cart(3, "c", "p", -2, "1"),
        product(4, "p", "2", "IN_STOCK"),
        into_cart(5, "c", "p", -9, "2"),
        product(6, "p", "3", "IN_STOCK"),
        into_cart(7, "c", "p", 1, "3"),
        clear(8, "c"),
        product(9, "p", "4", "IN_STOCK"),
    ]);
    let quantities: Vec<_> = statuses(&lines).into_iter().map(|(_, items)| items[0]["quantity"].clone()).collect();
    assert_eq!(quantities, [3, 1, 1]);
}

/// Random shopping, and what every cart must have been told.
#[test]
fn random_shopping_tells_every_cart_every_price() {
    let mut random = StdRng::seed_from_u64(7);
    let mut prices: BTreeMap<String, u32> = BTreeMap::new();
    let mut carts: BTreeMap<String, BTreeMap<String, (i64, u32)>> = BTreeMap::new();
    let mut lines = Vec::new();
    let mut expected = Vec::new();
    for id in 0..1500 {
        let thing = format!("p{}", random.random_range(0..8));
        let cart = format!("c{}", random.random_range(0..10));
        let price = random.random_range(1..1000);
        let mut told = Vec::new();
        match random.random_range(0..10) {
            0..4 => {
                lines.push(product(id, &thing, &price.to_string(), "IN_STOCK"));
                prices.insert(thing.clone(), price);
                told.extend(carts.iter().filter(|(_, items)| items.contains_key(&thing)).map(|(cart, _)| cart.clone()));
            }
            4..9 => {
                let quantity = random.random_range(-3..5);
                lines.push(into_cart(id, &cart, &thing, quantity, &price.to_string()));
                let items = carts.entry(cart.clone()).or_default();
                let before = items.get(&thing).map_or(0, |item| item.0);
                if (before + quantity) <= 0 {
                    items.remove(&thing);
                } else {
                    items.insert(thing.clone(), (before + quantity, price));
                    if before == 0 && prices.contains_key(&thing) {
                        told.push(cart);
                    }
                }
            }
            _ => {
                lines.push(clear(id, &cart));
                carts.remove(&cart);
            }
        }
        for cart in told {
            // What has a price was told it on subscribing; the rest has none yet.
            let items = carts[&cart].iter().map(|(thing, (quantity, origin))| {
                json!({
                    "productId": thing,
                    "originPrice": origin,
                    "quantity": quantity,
                    "currentPrice": prices.get(thing),
                    "availability": prices.get(thing).map(|_| "IN_STOCK"),
                })
            });
            expected.push((cart, items.collect::<Value>()));
        }
    }
    let statuses = statuses(&fed(&lines));
    assert!(statuses.len() > 500);
    assert_eq!(statuses, expected);
}

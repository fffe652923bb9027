//! Users, carts and inventories.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::demo::{demo, fed_to, json, run_on};

const APP: [&str; 2] = ["--app", "shopping-cart"];

fn restock(item: &str, quantity: i64) -> String {
    json!({"type": "restock", "item_id": item, "quantity": quantity}).to_string()
}

fn add(user: &str, item: &str, quantity: i64) -> String {
    json!({"type": "add-to-cart", "user": user, "item_id": item, "quantity": quantity}).to_string()
}

/// What a user is told.
fn result(user: &str, r#type: &str, item: &str, quantity: i64) -> Value {
    json!({
        "egress": "shopping-cart-example/cart_results_egress",
        "key": user,
        "value": {"type": r#type, "item_id": item, "quantity": quantity},
    })
}

fn told(lines: &[String]) -> Vec<Value> {
    fed_to(&APP, lines).iter().map(|line| json(line)).collect()
}

#[test]
fn the_demo_tells_what_each_user_got_and_the_same_each_time() {
    let output = demo(&APP);
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    let results: Vec<_> = printed.lines().map(json).collect();
    let expected = [
        result("ann", "SUCCESS", "towel", 3),
        result("bob", "FAIL", "towel", 3),
        result("bob", "SUCCESS", "towel", 2),
        result("bob", "FAIL", "towel", 0),
        result("ann", "SUCCESS", "towel", 1),
    ];
    assert_eq!(results, expected);
    assert_eq!(demo(&APP).stdout, output.stdout);

    let told = String::from_utf8(output.stderr).expect("UTF-8");
    for part in [
        "▶ add-to-cart 3 of towel for ann",
        "shopping-cart-example/cart/ann (1 message) sent to shopping-cart-example/inventory/towel",
        "wrote in_stock, wrote reserved, sent to shopping-cart-example/cart/ann",
        "wrote cart_items, emitted to shopping-cart-example/cart_results_egress",
    ] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
}

#[test]
fn what_was_never_restocked_cannot_be_had() {
    assert_eq!(told(&[add("ann", "towel", 1)]), [result("ann", "FAIL", "towel", 1)]);
}

#[test]
fn a_quantity_that_is_not_positive_fails_and_costs_nothing() {
    let lines = [
        restock("towel", 2),
        add("ann", "towel", 0),
        add("ann", "towel", -2_147_483_648),
        add("ann", "towel", 2),
        add("ann", "towel", 1),
    ];
    let expected = [
        result("ann", "FAIL", "towel", 0),
        result("ann", "FAIL", "towel", -2_147_483_648),
        result("ann", "SUCCESS", "towel", 2),
        result("ann", "FAIL", "towel", 1),
    ];
    assert_eq!(told(&lines), expected);
}

#[test]
fn a_restock_of_nothing_is_a_dead_letter() {
    let letters = told(&[restock("towel", 0), restock("towel", -1)]);
    assert_eq!(letters.len(), 2);
    for letter in letters {
        assert_eq!((&letter["egress"], &letter["key"]), (&"shopping-cart-example/dead-letter".into(), &"towel".into()));
        assert_eq!(letter["value"]["error"], "RestockItem: expected a quantity above 0");
    }
}

#[test]
fn stock_does_not_overflow() {
    let most = i64::from(i32::MAX);
    let lines = [restock("towel", most), restock("towel", most), add("ann", "towel", most), add("bob", "towel", 1)];
    assert_eq!(told(&lines), [result("ann", "SUCCESS", "towel", most), result("bob", "FAIL", "towel", 1)]);
}

#[test]
fn a_line_that_says_nothing_is_an_error_that_says_what_was_expected() {
    let expected = r#"; expected {"type":"add-to-cart","user":…,"item_id":…,"quantity":…} or "#;
    for (line, reason) in [
        ("{", "EOF while parsing an object at column 1"),
        ("[]", "expected an object"),
        (r#"{"type":"remove"}"#, "unknown variant `remove`"),
        (r#"{"type":"restock","item_id":"towel"}"#, "missing field `quantity`"),
        (r#"{"type":"restock","item_id":"towel","quantity":2147483648}"#, "expected i32"),
        (r#"{"type":"restock","item_id":"towel","quantity":0.5}"#, "expected i32"),
        (r#"{"type":"restock","item_id":"towel","quantity":1,"user":"ann"}"#, "restock with a user"),
        (r#"{"type":"add-to-cart","item_id":"towel","quantity":1}"#, "missing field `user`"),
    ] {
        let output = run_on(&APP, &[restock("towel", 1), add("ann", "towel", 1), String::new(), line.to_owned()]);
        assert_eq!(output.status.code(), Some(1), "{line}");
        let printed = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(printed.lines().map(json).collect::<Vec<_>>(), [result("ann", "SUCCESS", "towel", 1)], "{line}");
        let told = String::from_utf8(output.stderr).expect("UTF-8");
        let error = told.lines().last().expect("an error");
        assert!(error.starts_with("error: --events ") && error.contains(", line 4: "), "{error}");
        assert!(error.contains(reason) && error.contains(expected), "{error}");
    }
}

/// Random shopping, and what every user must have been told.
#[test]
fn random_shopping_gives_what_there_is() {
    let mut random = StdRng::seed_from_u64(7);
    let mut stock: BTreeMap<String, i64> = BTreeMap::new();
    let (mut lines, mut expected) = (Vec::new(), Vec::new());
    for _ in 0..1000 {
        let item = format!("item-{}", random.random_range(0..6));
        let in_stock = stock.entry(item.clone()).or_default();
        if random.random_ratio(1, 4) {
            let quantity = random.random_range(1..20);
            lines.push(restock(&item, quantity));
            *in_stock += quantity;
        } else {
            let user = format!("user-{}", random.random_range(0..6));
            let quantity = random.random_range(-2..12);
            lines.push(add(&user, &item, quantity));
            let enough = (1..=*in_stock).contains(&quantity);
            if enough {
                *in_stock -= quantity;
            }
            expected.push(result(&user, if enough { "SUCCESS" } else { "FAIL" }, &item, quantity));
        }
    }
    let successes = expected.iter().filter(|result| result["value"]["type"] == "SUCCESS").count();
    assert!(successes > 100 && successes < expected.len() - 100, "{successes} of {}", expected.len());
    assert_eq!(told(&lines), expected);
}

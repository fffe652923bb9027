//! The stored requests that are not recordings.

use statefun_sdk::Bytes;
use statefun_sdk::protocol::reqreply::TypedValue;

use statefun_test_support::request::{Batch, address, typed, value_of};

const EVENT: &str = "example/cloudevent";

fn event(id: &str, r#type: &str, data: &str) -> TypedValue {
    let text = format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"http://example.com/shop","type":"{type}","time":"2024-05-06T09:00:00Z","datacontenttype":"application/json","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","data":{data}}}"#
    );
    typed(EVENT, text)
}

fn product(id: &str, price: &str) -> TypedValue {
    let data = format!(r#"{{"id":"p1","title":"Towel","description":"","price":{price},"availability":"IN_STOCK"}}"#);
    event(id, "example.product", &data)
}

const PRODUCT_STATE: &str = r#"{"id":"p1","title":"Towel","description":"","price":42,"availability":"IN_STOCK"}"#;
const SUBSCRIBERS: &str = r#"{"example/cart/c1":{"namespace":"example","type":"cart","id":"c1"}}"#;
const CART_STATE: &str = r#"{"cartId":"c1","creationTime":"2024-05-06T09:00:00Z","items":{"p1":{"quantity":1,"originPrice":42,"price":null,"availability":null,"subscribed":true}}}"#;

/// Requests to carts and inventories; the messages are written by hand.
fn shopping_cart() -> Vec<(&'static str, Batch)> {
    let message = |name: &str, bytes: &'static [u8]| typed(&format!("com.googleapis/{name}"), bytes);
    let cart = || Batch::to("shopping-cart-example/cart", "ann");
    let inventory = || Batch::to("shopping-cart-example/inventory", "towel");
    let (of_cart, of_inventory) =
        (address("shopping-cart-example/cart", "ann"), address("shopping-cart-example/inventory", "towel"));
    vec![
        (
            "shopping-cart-request",
            cart().state("cart_items", None).message(message("AddToCart", b"\x0a\x05towel\x10\x03")),
        ),
        (
            "shopping-cart-batch",
            cart()
                .state("cart_items", Some(message("ItemsInCart", b"\x0a\x09\x0a\x05towel\x10\x02")))
                .message_from(Some(of_inventory.clone()), Some(message("ItemReserved", b"\x0a\x05towel\x10\x03")))
                .message_from(Some(of_inventory), Some(message("ItemUnavailable", b"\x0a\x05towel\x10\xac\x02")))
                .message(message("AddToCart", b"\x0a\x04pear"))
                .message(message("AddToCart", b"\x0a\x04pe")),
        ),
        (
            "inventory-first-contact",
            inventory().message_from(Some(of_cart.clone()), Some(message("RequestItem", b"\x08\x03"))),
        ),
        (
            "inventory-never-stocked",
            inventory()
                .state("in_stock", None)
                .state("reserved", None)
                .message_from(Some(of_cart.clone()), Some(message("RequestItem", b"\x08\x03"))),
        ),
        (
            "inventory-batch",
            inventory()
                .state("in_stock", Some(message("NumInStock", b"")))
                .state("reserved", Some(message("NumReserved", b"\x08\x03")))
                .message_from(Some(of_cart.clone()), Some(message("RequestItem", b"\x08\x01")))
                .message(message("RestockItem", b"\x08\x05"))
                .message_from(Some(of_cart), Some(message("RequestItem", b"\x08\x05"))),
        ),
    ]
}

/// By name: what a runtime sends to the functions of this program.
pub(crate) fn made() -> Vec<(&'static str, Bytes)> {
    let from_product = || Some(address("example/product", "p1"));
    let cart = || Batch::to("example/cart", "c1").state("state", Some(typed("example/cart-state", CART_STATE)));
    let requests = vec![
        ("router-product", Batch::to("example/router", "p1").message(product("e1", "42"))),
        ("router-unknown-event", Batch::to("example/router", "x").message(event("e2", "example.unknown", "{}"))),
        (
            "router-poison",
            Batch::to("example/router", "x").message(product("e1", "42")).message(typed(EVENT, "not an event")),
        ),
        ("product-first-contact", Batch::to("example/product", "p1").message(product("e1", "42"))),
        (
            "product-unset-states",
            Batch::to("example/product", "p1")
                .state("state", None)
                .state("subscribers", None)
                .message_from(Some(address("example/router", "p1")), Some(product("e1", "9.98999999999999999999"))),
        ),
        (
            "product-with-subscriber",
            Batch::to("example/product", "p1")
                .state("state", Some(typed("example/product-state", PRODUCT_STATE)))
                .state("subscribers", Some(typed("example/product-subscribers", SUBSCRIBERS)))
                .message(product("e3", "42.42")),
        ),
        (
            "cart-new-item",
            Batch::to("example/cart", "c1").state("state", None).message(event(
                "e4",
                "example.cart-product",
                r#"{"cartId":"c1","productId":"p1","quantity":1,"originPrice":42}"#,
            )),
        ),
        ("cart-status", cart().message_from(from_product(), Some(product("e5", "42.42")))),
        (
            "cart-batch",
            cart()
                .message_from(from_product(), Some(product("e6", "42")))
                .message(event(
                    "e7",
                    "example.cart-product",
                    r#"{"cartId":"c1","productId":"p2","quantity":3,"originPrice":1.50}"#,
                ))
                .message_from(from_product(), Some(product("e8", "42.42")))
                .message(event("e9", "example.cart-cleared", r#"{"cartId":"c1"}"#)),
        ),
        (
            "greeter",
            Batch::to("demo/greeter", "ann")
                .state("seen", Some(value_of(2)))
                .message(typed("demo/login", r#"{"user_name":"Ann"}"#)),
        ),
        (
            "greeter-message-of-another-type",
            Batch::to("demo/greeter", "ann").state("seen", Some(value_of(2))).message(value_of(1)),
        ),
    ];
    requests.into_iter().chain(shopping_cart()).chain(fraud()).map(|(name, request)| (name, request.bytes())).collect()
}

/// Requests to fraud detection; the messages are written by hand.
fn fraud() -> Vec<(&'static str, Batch)> {
    let message = |name: &str, bytes: &'static [u8]| typed(&format!("com.googleapis/workshop.{name}"), bytes);
    let of = |function: &str, id: &str| Some(address(&format!("ververica/{function}"), id));
    let to = |function: &str, id: &str| Batch::to(&format!("ververica/{function}"), id);
    let (account, merchant, transaction) = ("0x00F3CD51", "Hypergrid", "7d1cbd1f6a5b4d0c9d0e3f2a1c84b6e7");
    let counter = |count| to("counter", account).state("fraud_count", count);
    let by_manager =
        |request: Batch, query| request.message_from(of("transaction-manager", transaction), Some(message(query, b"")));
    let manager = |states: [Option<TypedValue>; 4]| {
        let names = ["transaction", "fraud_count", "merchant_score", "threshold"];
        names
            .into_iter()
            .zip(states)
            .fold(to("transaction-manager", transaction), |request, (name, value)| request.state(name, value))
    };
    let payment =
        || message("Transaction", b"\x0a\x0a0x00F3CD51\x12\x06\x08\xf0\xb9\xe2\xb1\x06\x1a\x09Hypergrid\x20\x24");
    let threshold = |answer| Some(message("AskedThreshold", answer));
    vec![
        ("fraud-confirmed", counter(None).message(message("ConfirmFraud", b"\x0a\x0a0x00F3CD51"))),
        ("fraud-last-expires", counter(Some(value_of(1))).message(message("ExpireFraud", b""))),
        ("fraud-count-of-zero", by_manager(counter(None), "QueryFraud")),
        ("fraud-merchant-first-contact", by_manager(to("merchant", merchant), "QueryMerchantScore")),
        (
            "fraud-merchant-query",
            by_manager(to("merchant", merchant).state("merchant_score", None), "QueryMerchantScore"),
        ),
        (
            "fraud-merchant-known",
            by_manager(to("merchant", merchant).state("merchant_score", Some(value_of(0))), "QueryMerchantScore")
                .message(message("ExpireMerchantScore", b"")),
        ),
        ("fraud-threshold-query", by_manager(to("threshold", account).state("threshold", None), "QueryThreshold")),
        (
            "fraud-model",
            to("model", account).message_from(
                of("transaction-manager", transaction),
                Some(message("FeatureVector", b"\x08\x03\x10\x07\x18\x24")),
            ),
        ),
        ("fraud-transaction", manager([None, None, None, None]).message(payment())),
        (
            "fraud-answers",
            manager([Some(payment()), None, None, threshold(b"")])
                .message_from(of("threshold", account), Some(message("CustomThreshold", b"\x08\x3c\x12\x0a0x00F3CD51")))
                .message_from(of("merchant", merchant), Some(message("MerchantScore", b"")))
                .message_from(of("counter", account), Some(message("ReportedFraud", b""))),
        ),
        (
            "fraud-alert",
            manager([Some(payment()), Some(value_of(0)), Some(value_of(0)), threshold(b"\x08\x3c")])
                .message_from(of("model", account), Some(message("FraudScore", b"\x08\x3d")))
                .message_from(of("model", account), Some(message("FraudScore", b"\x08\x3d"))),
        ),
        (
            "fraud-poison",
            manager([None, None, None, None])
                .message(message("Transaction", b""))
                .message(message("Transaction", b"\x0a\x7f")),
        ),
    ]
}

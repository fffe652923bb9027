//! The bytes of the messages, computed by hand from the field numbers.

use std::fmt::Debug;

use prost::Message;
use statefun_applications::shopping_cart::messages::add_to_cart_result::Type;
use statefun_applications::shopping_cart::messages::{
    AddToCart, AddToCartResult, ItemReserved, ItemUnavailable, ItemsInCart, NumInStock, NumReserved, RequestItem,
    RestockItem,
};
use statefun_sdk::Typed;

fn assert_bytes<M: Message + Typed + Default + PartialEq + Debug>(message: M, type_name: &str, bytes: &[u8]) {
    assert_eq!(M::TYPE_NAME.as_str(), type_name);
    assert_eq!(message.encode_to_vec(), bytes, "{message:?}");
    assert_eq!(M::decode(bytes).unwrap(), message);
}

#[test]
fn messages_are_the_bytes_that_their_field_numbers_say() {
    let item_id = || "towel".to_owned();
    assert_bytes(AddToCart { item_id: item_id(), quantity: 3 }, "com.googleapis/AddToCart", b"\x0a\x05towel\x10\x03");
    assert_bytes(
        AddToCart { item_id: item_id(), quantity: -1 },
        "com.googleapis/AddToCart",
        b"\x0a\x05towel\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    );
    assert_bytes(AddToCart::default(), "com.googleapis/AddToCart", b"");
    assert_bytes(
        AddToCartResult { r#type: Type::Success.into(), item_id: item_id(), quantity: 3 },
        "com.googleapis/AddToCartResult",
        b"\x12\x05towel\x18\x03",
    );
    assert_bytes(
        AddToCartResult { r#type: Type::Fail.into(), item_id: item_id(), quantity: 300 },
        "com.googleapis/AddToCartResult",
        b"\x08\x01\x12\x05towel\x18\xac\x02",
    );
    assert_bytes(
        ItemsInCart { items: [(item_id(), 3), ("pear".to_owned(), 1)].into() },
        "com.googleapis/ItemsInCart",
        b"\x0a\x08\x0a\x04pear\x10\x01\x0a\x09\x0a\x05towel\x10\x03",
    );
    assert_bytes(RequestItem { quantity: 3 }, "com.googleapis/RequestItem", b"\x08\x03");
    assert_bytes(ItemReserved { id: item_id(), quantity: 3 }, "com.googleapis/ItemReserved", b"\x0a\x05towel\x10\x03");
    assert_bytes(
        ItemUnavailable { id: item_id(), quantity: 3 },
        "com.googleapis/ItemUnavailable",
        b"\x0a\x05towel\x10\x03",
    );
    assert_bytes(NumReserved { quantity: 300 }, "com.googleapis/NumReserved", b"\x08\xac\x02");
    assert_bytes(NumInStock { quantity: i32::MAX }, "com.googleapis/NumInStock", b"\x08\xff\xff\xff\xff\x07");
    assert_bytes(RestockItem { quantity: 5 }, "com.googleapis/RestockItem", b"\x08\x05");
}

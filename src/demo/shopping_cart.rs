//! Carts and inventories: input lines and printed records are the JSON form of the protobuf records.

use prost::Message;
use serde::{Deserialize, Serialize};
use statefun_sdk::local::Emitted;
use statefun_sdk::{Address, BoxError, Bytes, Typed, TypedValue};

use super::app::{App, Event};
use super::output;
use crate::functions::Settings;
use crate::functions::shopping_cart::messages::{AddToCart, AddToCartResult, RestockItem};
use crate::functions::shopping_cart::{CART, CART_RESULTS, EVENTS, INVENTORY};

pub(super) struct ShoppingCart;

/// A line of a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Input {
    r#type: InputType,
    user: Option<String>,
    item_id: String,
    quantity: i32,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum InputType {
    AddToCart,
    Restock,
}

const EXPECTED: &str = r#"expected {"type":"add-to-cart","user":…,"item_id":…,"quantity":…} or {"type":"restock","item_id":…,"quantity":…}"#;

/// An `AddToCartResult`.
#[derive(Serialize)]
struct Output {
    r#type: &'static str,
    item_id: String,
    quantity: i32,
}

impl App for ShoppingCart {
    /// Nothing is in stock initially; the default stock would never run out.
    fn configure(&self, settings: &mut Settings) {
        settings.shopping_cart.initial_stock = 0;
    }

    fn events(&self) -> Bytes {
        EVENTS.into()
    }

    fn event(&self, line: Bytes) -> Result<Event, BoxError> {
        let input = serde_json::from_slice(&line).map_err(|error| {
            // The input is a single line, so the column is enough.
            let text = error.to_string().replace(" at line 1 column ", " at column ");
            format!("{text}; {EXPECTED}")
        })?;
        match input {
            Input { r#type: InputType::AddToCart, user: Some(user), item_id, quantity } => {
                let id = format!("{quantity} of {item_id} for {user}");
                Ok(event("add-to-cart", id, CART.with_id(user), &AddToCart { item_id, quantity }))
            }
            Input { r#type: InputType::Restock, user: None, item_id, quantity } => {
                let id = format!("{quantity} of {item_id}");
                Ok(event("restock", id, INVENTORY.with_id(item_id), &RestockItem { quantity }))
            }
            Input { r#type: InputType::AddToCart, .. } => Err(format!("missing field `user`; {EXPECTED}").into()),
            Input { r#type: InputType::Restock, .. } => Err(format!("restock with a user; {EXPECTED}").into()),
        }
    }

    fn line(&self, emitted: &Emitted) -> Result<String, BoxError> {
        if emitted.egress != *CART_RESULTS.id() {
            return output::line(emitted);
        }
        let result = AddToCartResult::decode(emitted.record.value().clone())?;
        let r#type = result.r#type().as_str_name();
        output::line_with(emitted, Output { r#type, item_id: result.item_id, quantity: result.quantity })
    }
}

fn event<M: Message + Typed>(kind: &str, id: String, target: Address, message: &M) -> Event {
    let message = TypedValue::from_bytes(M::TYPE_NAME.as_str(), message.encode_to_vec());
    Event { target, message, kind: kind.to_owned(), id }
}

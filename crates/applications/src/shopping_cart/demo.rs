//! Carts and inventories: input lines and printed records are the JSON form of the protobuf records.

use clap::Args;
use prost::Message;
use serde::{Deserialize, Serialize};
use statefun_sdk::local::Emitted;
use statefun_sdk::{BoxError, Bytes};

use super::messages::{AddToCart, AddToCartResult, RestockItem};
use super::{CART, CART_RESULTS, EVENTS, INVENTORY, Settings};
use crate::demo::{Demo, Event, parse, protobuf, record, record_with};
use crate::settings;

/// Events from a file, or the demo's own.
#[derive(Debug, Args)]
pub(super) struct ShoppingCartDemo {}

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

impl Demo for ShoppingCartDemo {
    /// Nothing is in stock initially; the default stock would never run out.
    fn configure(&self, settings: &mut settings::Settings) {
        settings.set(Settings { initial_stock: 0 });
    }

    fn events(&self) -> Bytes {
        EVENTS.into()
    }

    fn event(&self, line: Bytes) -> Result<Event, BoxError> {
        match parse(&line, EXPECTED)? {
            Input { r#type: InputType::AddToCart, user: Some(user), item_id, quantity } => {
                let id = format!("{quantity} of {item_id} for {user}");
                Ok(protobuf("add-to-cart", id, CART.with_id(user), &AddToCart { item_id, quantity }))
            }
            Input { r#type: InputType::Restock, user: None, item_id, quantity } => {
                let id = format!("{quantity} of {item_id}");
                Ok(protobuf("restock", id, INVENTORY.with_id(item_id), &RestockItem { quantity }))
            }
            Input { r#type: InputType::AddToCart, .. } => Err(format!("missing field `user`; {EXPECTED}").into()),
            Input { r#type: InputType::Restock, .. } => Err(format!("restock with a user; {EXPECTED}").into()),
        }
    }

    fn line(&self, emitted: &Emitted) -> Result<String, BoxError> {
        if emitted.egress != *CART_RESULTS.id() {
            return record(emitted);
        }
        let result = AddToCartResult::decode(emitted.record.value().clone())?;
        let r#type = result.r#type().as_str_name();
        record_with(emitted, Output { r#type, item_id: result.item_id, quantity: result.quantity })
    }
}

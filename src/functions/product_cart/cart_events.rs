use serde::{Deserialize, Serialize};

use super::{Availability, Price};

/// The data of an `example.cart-product`, as the cart needs it: which cart is meant was the router's question.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CartProduct {
    pub(super) product_id: String,
    /// How many are put into the cart; taken out, where negative.
    pub(super) quantity: i64,
    /// The price that the customer saw.
    pub(super) origin_price: Price,
}

/// The data of an `example.cart-status`: what is in a cart, with what it costs now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CartStatus {
    /// The cart's id.
    pub cart_id: String,
    /// What is in it, by product id.
    pub cart_item_statuses: Vec<CartItemStatus>,
}

/// A product in a [`CartStatus`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CartItemStatus {
    /// The product's id.
    pub product_id: String,
    /// The price that the customer saw.
    pub origin_price: Price,
    /// How many are in the cart.
    pub quantity: i64,
    /// What it costs now; `None` until the product told.
    pub current_price: Option<Price>,
    /// Whether it can be had; `None` until the product told.
    pub availability: Option<Availability>,
}

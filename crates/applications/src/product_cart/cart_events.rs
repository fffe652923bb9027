use serde::{Deserialize, Serialize};

use super::{Availability, Price};

/// The data of an `example.cart-product`, without the cart id, which only the router needs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CartProduct {
    pub(super) product_id: String,
    /// The quantity to add to the cart; to remove, if negative.
    pub(super) quantity: i64,
    /// The price that the customer saw.
    pub(super) origin_price: Price,
}

/// The data of an `example.cart-status`: a cart's items with their current prices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CartStatus {
    /// The cart's id.
    pub cart_id: String,
    /// The items, ordered by product id.
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
    /// The quantity in the cart.
    pub quantity: i64,
    /// The current price; `None` until the product has sent it.
    pub current_price: Option<Price>,
    /// The availability; `None` until the product has sent it.
    pub availability: Option<Availability>,
}

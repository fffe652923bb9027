use serde::{Deserialize, Serialize};

use super::Price;

/// The data of an `example.product`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductDetails {
    /// The product's id.
    pub id: String,
    /// The product's title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The product's description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The product's price.
    pub price: Price,
    /// The product's availability.
    pub availability: Availability,
}

/// Whether a product is available.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Availability {
    /// Available now.
    InStock,
    /// Available later.
    OutOfStock,
    /// No longer available.
    Discontinued,
}

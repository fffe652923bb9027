use serde::{Deserialize, Serialize};

use super::Price;

/// The data of an `example.product`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductDetails {
    /// The product's id.
    pub id: String,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What is said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it costs.
    pub price: Price,
    /// Whether it can be had.
    pub availability: Availability,
}

/// Whether a product can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Availability {
    /// Now.
    InStock,
    /// Later.
    OutOfStock,
    /// Never again.
    Discontinued,
}

//! The shopping cart: each function by itself, then both on the embedded runtime.

mod cart;
mod inventory;
mod messages;
mod reservations;

const DEAD_LETTERS: &str = "shopping-cart-example/dead-letter";

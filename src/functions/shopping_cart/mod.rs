//! Carts that take only what the inventory has.

mod settings;

pub use settings::Settings;

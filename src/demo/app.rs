use clap::ValueEnum;
use statefun_sdk::local::Emitted;
use statefun_sdk::{Address, BoxError, Bytes, TypedValue};

use super::output;
use super::product_cart::ProductCart;
use super::shopping_cart::ShoppingCart;
use crate::functions::Settings;

/// An application as the demo shows it.
pub(super) trait App {
    /// Settings with which there is something to see.
    fn configure(&self, _settings: &mut Settings) {}

    /// The lines to feed where the user has no file.
    fn events(&self) -> Bytes;

    /// What a line means to the functions.
    ///
    /// # Errors
    /// When it means nothing; the error says what was expected.
    fn event(&self, line: Bytes) -> Result<Event, BoxError>;

    /// A record as a line of standard output.
    ///
    /// # Errors
    /// When it is not what the application emits.
    fn line(&self, emitted: &Emitted) -> Result<String, BoxError> {
        output::line(emitted)
    }
}

/// A line for the functions.
pub(super) struct Event {
    /// Who gets it.
    pub(super) target: Address,
    pub(super) message: TypedValue,
    /// What it is, for people.
    pub(super) kind: String,
    /// Which one it is, for people.
    pub(super) id: String,
}

/// The applications that can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum AppName {
    /// Carts that are told of price changes
    ProductCart,
    /// Carts that take what the inventory has
    ShoppingCart,
}

impl AppName {
    pub(super) fn app(self) -> Box<dyn App> {
        match self {
            Self::ProductCart => Box::new(ProductCart),
            Self::ShoppingCart => Box::new(ShoppingCart),
        }
    }
}

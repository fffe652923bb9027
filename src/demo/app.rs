use clap::{Args, ValueEnum};
use statefun_sdk::local::Emitted;
use statefun_sdk::{Address, BoxError, Bytes, TypedValue};

use super::fraud::Fraud;
use super::output;
use super::product_cart::ProductCart;
use super::shopping_cart::ShoppingCart;
use crate::functions::Settings;

/// An application in the demo.
pub(super) trait App {
    /// Changes settings so that the demo shows something.
    fn configure(&self, _settings: &mut Settings) {}

    /// The lines to send without `--events`.
    fn events(&self) -> Bytes;

    /// Parses a line into an event for the functions.
    ///
    /// # Errors
    /// When the line is invalid; the error says what was expected.
    fn event(&self, line: Bytes) -> Result<Event, BoxError>;

    /// Formats a record as a line of standard output.
    ///
    /// # Errors
    /// When the record is not one that the application emits.
    fn line(&self, emitted: &Emitted) -> Result<String, BoxError> {
        output::line(emitted)
    }
}

/// A message for the functions.
pub(super) struct Event {
    /// The receiving function.
    pub(super) target: Address,
    pub(super) message: TypedValue,
    /// The kind of event, for display.
    pub(super) kind: String,
    /// The event's id, for display.
    pub(super) id: String,
}

/// Which events to generate.
#[derive(Debug, Args)]
pub(super) struct GeneratorArgs {
    /// For fraud: the seed of the generated events; the same seed generates the same events [default: 1]
    #[arg(long, env = "STATEFUN_SEED", value_name = "N", conflicts_with = "events")]
    seed: Option<u64>,
    /// For fraud: how many transactions to generate, one per second [default: 1000]
    #[arg(long, env = "STATEFUN_TRANSACTIONS", value_name = "N", conflicts_with = "events")]
    transactions: Option<usize>,
}

/// The applications in the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum AppName {
    /// Carts that follow the current prices of their products
    ProductCart,
    /// Carts that reserve items from an inventory
    ShoppingCart,
    /// Fraud detection for payments
    Fraud,
}

impl AppName {
    /// The application; `generator` applies to those that generate their events.
    ///
    /// # Errors
    /// When `generator` is set for an application that does not generate its events.
    pub(super) fn app(self, generator: &GeneratorArgs) -> Result<Box<dyn App>, BoxError> {
        let GeneratorArgs { seed, transactions } = generator;
        Ok(match self {
            Self::Fraud => Box::new(Fraud { seed: seed.unwrap_or(1), transactions: transactions.unwrap_or(1000) }),
            _ if seed.is_some() || transactions.is_some() => {
                return Err("--seed and --transactions: only --app fraud generates its events".into());
            }
            Self::ProductCart => Box::new(ProductCart),
            Self::ShoppingCart => Box::new(ShoppingCart),
        })
    }
}

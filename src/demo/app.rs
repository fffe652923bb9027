use clap::{Args, ValueEnum};
use statefun_sdk::local::Emitted;
use statefun_sdk::{Address, BoxError, Bytes, TypedValue};

use super::fraud::Fraud;
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

/// Which events to make up.
#[derive(Debug, Args)]
pub(super) struct MadeUp {
    /// For fraud: the same seed makes up the same events [default: 1]
    #[arg(long, env = "STATEFUN_SEED", value_name = "N", conflicts_with = "events")]
    seed: Option<u64>,
    /// For fraud: how many transactions to make up, one a second [default: 1000]
    #[arg(long, env = "STATEFUN_TRANSACTIONS", value_name = "N", conflicts_with = "events")]
    transactions: Option<usize>,
}

/// The applications that can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum AppName {
    /// Carts that are told of price changes
    ProductCart,
    /// Carts that take what the inventory has
    ShoppingCart,
    /// Payments that may be fraud
    Fraud,
}

impl AppName {
    /// The application. `made_up` says which events to make up, where that is what it feeds.
    ///
    /// # Errors
    /// When it is said of one that feeds others.
    pub(super) fn app(self, made_up: &MadeUp) -> Result<Box<dyn App>, BoxError> {
        let MadeUp { seed, transactions } = made_up;
        Ok(match self {
            Self::Fraud => Box::new(Fraud { seed: seed.unwrap_or(1), transactions: transactions.unwrap_or(1000) }),
            _ if seed.is_some() || transactions.is_some() => {
                return Err("--seed and --transactions: only --app fraud makes up its events".into());
            }
            Self::ProductCart => Box::new(ProductCart),
            Self::ShoppingCart => Box::new(ShoppingCart),
        })
    }
}

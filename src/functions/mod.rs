//! The functions that the server hosts.
//!
//! Every application is one folder (or file) here and one line in `APPLICATIONS`:
//!
//! | application | namespace | functions |
//! |---|---|---|
//! | [`product_cart`] | `example` | `router`, `product`, `cart` |
//! | [`greeter`] | `demo` | `greeter`, the tutorial |
//!
//! An application knows the SDK only. Where its egresses lead is configuration, see [`Destinations`].

pub mod greeter;
pub mod product_cart;

mod destinations;

pub use destinations::{Destinations, EgressSetting, InvalidEgressSetting, UnknownEgress};

use statefun_sdk::{Egress, Function};

const APPLICATIONS: &[Application] = &[product_cart::APPLICATION, greeter::APPLICATION];

/// All functions of all applications, for [`RegistryBuilder::functions`](statefun_sdk::RegistryBuilder::functions).
pub fn all(destinations: &Destinations) -> Vec<Function> {
    APPLICATIONS.iter().flat_map(|application| (application.functions)(destinations)).collect()
}

/// What an application brings along.
struct Application {
    egresses: &'static [ConfigurableEgress],
    functions: fn(&Destinations) -> Vec<Function>,
}

/// An egress whose destination is configuration.
struct ConfigurableEgress {
    egress: Egress,
    /// The Kafka topic that it leads to unless it is configured otherwise.
    default_topic: &'static str,
}

impl ConfigurableEgress {
    const fn new(egress: Egress, default_topic: &'static str) -> Self {
        Self { egress, default_topic }
    }
}

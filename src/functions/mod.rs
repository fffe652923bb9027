//! The functions that the server hosts.
//!
//! Every application is one folder (or file) here and one line in `APPLICATIONS`:
//!
//! | application | namespace | functions |
//! |---|---|---|
//! | [`product_cart`] | `example` | `router`, `product`, `cart` |
//! | [`shopping_cart`] | `shopping-cart-example` | `cart`, `inventory` |
//! | [`fraud`] | `ververica` | `transaction-manager`, `counter`, `merchant`, `threshold`, `model` |
//! | [`greeter`] | `demo` | `greeter`, the tutorial |
//!
//! An application knows the SDK only. What is configuration is given to it: where its egresses lead, see
//! [`Destinations`], and what it has of its own, see [`Settings`].

pub mod fraud;
pub mod greeter;
pub mod product_cart;
pub mod shopping_cart;

mod destinations;

pub use destinations::{Connector, Destinations, EgressSetting, InvalidEgressSetting, UnknownConnector, UnknownEgress};

use statefun_sdk::{Egress, Function, TypeName};

const APPLICATIONS: &[Application] =
    &[product_cart::APPLICATION, shopping_cart::APPLICATION, fraud::APPLICATION, greeter::APPLICATION];

/// All applications.
pub fn applications() -> &'static [Application] {
    APPLICATIONS
}

/// All functions of all applications, for [`RegistryBuilder::functions`](statefun_sdk::RegistryBuilder::functions).
pub fn all(destinations: &Destinations, settings: &Settings) -> Vec<Function> {
    APPLICATIONS.iter().flat_map(|application| application.functions(destinations, settings)).collect()
}

/// What is configuration of each application, beside where its egresses lead.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Of [`shopping_cart`].
    pub shopping_cart: shopping_cart::Settings,
    /// Of [`fraud`].
    pub fraud: fraud::Settings,
}

/// What an application brings along.
pub struct Application {
    name: &'static str,
    ingresses: &'static [Ingress],
    egresses: &'static [ConfigurableEgress],
    functions: fn(&Destinations, &Settings) -> Vec<Function>,
}

impl Application {
    /// The name by which the command line knows it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Where its messages come from.
    pub fn ingresses(&self) -> &'static [Ingress] {
        self.ingresses
    }

    /// Its functions.
    pub fn functions(&self, destinations: &Destinations, settings: &Settings) -> Vec<Function> {
        (self.functions)(destinations, settings)
    }
}

/// A way into the cluster: records of one Kafka topic or Kinesis stream, as messages to one function type. A record's
/// key is the id of the function that it goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingress {
    /// The id of the ingress in module.yaml.
    pub id: TypeName,
    /// The topic or stream.
    pub topic: &'static str,
    /// The type that the records are messages of.
    pub value_type: TypeName,
    /// Who gets them.
    pub target: TypeName,
}

/// An egress whose destination is configuration.
struct ConfigurableEgress {
    egress: Egress,
    /// The Kafka topic or Kinesis stream that it leads to unless it is configured otherwise.
    default_topic: &'static str,
}

impl ConfigurableEgress {
    const fn new(egress: Egress, default_topic: &'static str) -> Self {
        Self { egress, default_topic }
    }
}

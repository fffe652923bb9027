//! The functions that the server hosts.
//!
//! Each application is one folder (or file) here and one line in `APPLICATIONS`:
//!
//! | application | namespace | functions |
//! |---|---|---|
//! | [`product_cart`] | `example` | `router`, `product`, `cart` |
//! | [`shopping_cart`] | `shopping-cart-example` | `cart`, `inventory` |
//! | [`fraud`] | `ververica` | `transaction-manager`, `counter`, `merchant`, `threshold`, `model` |
//! | [`greeter`] | `demo` | `greeter`, the tutorial |
//!
//! An application depends only on the SDK. It is configured with the destinations of its egresses, see
//! [`Destinations`], and its own settings, see [`Settings`].

pub mod fraud;
pub mod greeter;
pub mod product_cart;
pub mod shopping_cart;

mod destinations;

pub use destinations::{Destinations, EgressSetting, InvalidEgressSetting, UnknownEgress};

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

/// The settings of each application, apart from the destinations of its egresses.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Settings of [`shopping_cart`].
    pub shopping_cart: shopping_cart::Settings,
    /// Settings of [`fraud`].
    pub fraud: fraud::Settings,
}

/// An application: its name, ingresses, egresses and functions.
pub struct Application {
    name: &'static str,
    ingresses: &'static [Ingress],
    egresses: &'static [ConfigurableEgress],
    functions: fn(&Destinations, &Settings) -> Vec<Function>,
}

impl Application {
    /// The application's name on the command line.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The sources of its messages.
    pub fn ingresses(&self) -> &'static [Ingress] {
        self.ingresses
    }

    /// Its functions.
    pub fn functions(&self, destinations: &Destinations, settings: &Settings) -> Vec<Function> {
        (self.functions)(destinations, settings)
    }
}

/// An ingress: records of one Kafka topic or Kinesis stream become messages to one function type. A record's key is the
/// id of the target function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingress {
    /// The id of the ingress in module.yaml.
    pub id: TypeName,
    /// The topic or stream.
    pub topic: &'static str,
    /// The message type of the records.
    pub value_type: TypeName,
    /// The function type that receives them.
    pub target: TypeName,
}

/// An egress with a configurable destination.
struct ConfigurableEgress {
    egress: Egress,
    /// The default name of its Kafka topic or Kinesis stream.
    default_topic: &'static str,
}

impl ConfigurableEgress {
    const fn new(egress: Egress, default_topic: &'static str) -> Self {
        Self { egress, default_topic }
    }
}

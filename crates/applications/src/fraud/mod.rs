//! Real-time fraud detection for payments.
//!
//! For each transaction a manager collects the number of recent fraud confirmations for the account, the merchant's
//! score and the account's alert threshold. A model scores the transaction from these; a score above the threshold is
//! emitted as an alert.
//!
//! ```text
//!  transactions ─▶ transaction-manager ─┬─ QueryFraud ─────────▶ counter ◀─── ConfirmFraud ──── confirmed
//!                   │  ▲  ▲             ├─ QueryMerchantScore ─▶ merchant ──▶ scoring service
//!                   │  │  │             └─ QueryThreshold ─────▶ threshold ◀─ CustomThreshold ─ thresholds
//!                   │  │  └─ ReportedFraud, MerchantScore, CustomThreshold ──┘
//!                   │  └──── FraudScore ◀── model ◀── FeatureVector, once all three are there
//!                   └─ Transaction, if the score is above the threshold ─▶ alerts
//! ```
//!
//! Function names begin with `ververica/`, message types with `com.googleapis/workshop.`; topics have no prefix.
//!
//! # Layout
//!
//! | module | contents |
//! |---|---|
//! | this file | the names of the functions, and the ingresses and egresses |
//! | [`transaction_manager`], [`counter`], [`merchant`], [`threshold`], [`model`] | the functions and their states |
//! | [`messages`] | their messages |
//! | `scoring_service`, `http_scoring_service`, `circuit_breaker` | the service that scores merchants, and a fake of it; its client; what spares it while it is down |
//! | [`randomness`] | pseudo-random numbers that are the same when a request is retried |
//! | [`generator`] | generated (synthetic) events |
//! | `settings`, `args` | the configuration; its options |
//! | `demo` | what the lines of the demo mean |

pub mod counter;
pub mod generator;
pub mod merchant;
pub mod messages;
pub mod model;
pub mod randomness;
pub mod threshold;
pub mod transaction_manager;

mod args;
mod circuit_breaker;
mod demo;
mod http_scoring_service;
mod scoring_service;
mod settings;

pub use http_scoring_service::{HttpScoringService, ScoringOptions};
pub use scoring_service::{FakeScoringService, ScoringService};
pub use settings::Settings;

use statefun_sdk::{Egress, Function, Ingress, TypeName, Typed};

use crate::application::{Application, DemoOptions, Options};
use crate::destinations::{ConfigurableEgress, Destinations};
use args::FraudArgs;
use demo::FraudDemo;
use messages::{ConfirmFraud, CustomThreshold, Transaction};

pub(super) const APPLICATION: Application = Application {
    name: "fraud",
    about: "Fraud detection for payments",
    ingresses: &[TRANSACTIONS, CONFIRMED, THRESHOLDS],
    egresses: &[ALERTS, DEAD_LETTERS],
    functions: |destinations, settings| functions(destinations, &settings.get()),
    options: Options::of::<FraudArgs>(),
    demo: DemoOptions::of::<FraudDemo>(),
    events: r#"{"type":"transaction","id":…,"account":…,"timestamp":…,"merchant":…,"amount":…}, {"type":"confirm-fraud","account":…} or {"type":"custom-threshold","account":…,"threshold":…}"#,
};

/// All functions; [`threshold`] only with custom thresholds.
pub fn functions(destinations: &Destinations, settings: &Settings) -> Vec<Function> {
    let mut functions = vec![
        transaction_manager::function(destinations, settings),
        counter::function(destinations, settings),
        merchant::function(destinations, settings),
        model::function(destinations, randomness::pick),
    ];
    if settings.custom_thresholds {
        functions.push(threshold::function(destinations, settings));
    }
    functions
}

/// The type name of [`transaction_manager`]; its ids are those of transactions.
pub const TRANSACTION_MANAGER: TypeName = TypeName::new("ververica/transaction-manager");
/// The type name of [`counter`]; its ids are accounts.
pub const COUNTER: TypeName = TypeName::new("ververica/counter");
/// The type name of [`merchant`]; its ids are names of merchants.
pub const MERCHANT: TypeName = TypeName::new("ververica/merchant");
/// The type name of [`threshold`]; its ids are accounts.
pub const THRESHOLD: TypeName = TypeName::new("ververica/threshold");
/// The type name of [`model`]; its ids are accounts.
pub const MODEL: TypeName = TypeName::new("ververica/model");

/// The topic of payments.
pub const TRANSACTIONS_TOPIC: &str = "transactions";
/// The topic of confirmations of fraud.
pub const CONFIRMED_TOPIC: &str = "confirmed";
/// The topic of custom thresholds.
pub const THRESHOLDS_TOPIC: &str = "thresholds";

/// Payments; the key is the id of the transaction.
pub const TRANSACTIONS: Ingress =
    Ingress::new("ververica/transactions", TRANSACTIONS_TOPIC, Transaction::TYPE_NAME, TRANSACTION_MANAGER);
/// Confirmations of fraud; the key is the account.
pub const CONFIRMED: Ingress = Ingress::new("ververica/confirmed", CONFIRMED_TOPIC, ConfirmFraud::TYPE_NAME, COUNTER);
/// Custom thresholds of accounts; the key is the account.
pub const THRESHOLDS: Ingress =
    Ingress::new("ververica/thresholds", THRESHOLDS_TOPIC, CustomThreshold::TYPE_NAME, THRESHOLD);

/// The default topic of the alerts; the key is the account.
pub const ALERTS_TOPIC: &str = "alerts";

/// The egress of the alerts.
pub const ALERTS_EGRESS: Egress = Egress::new("ververica/kafka-egress");

const ALERTS: ConfigurableEgress = ConfigurableEgress::new(ALERTS_EGRESS, ALERTS_TOPIC);
const DEAD_LETTERS: ConfigurableEgress =
    ConfigurableEgress::new(Egress::new("ververica/dead-letter"), "ververica-dead-letter");

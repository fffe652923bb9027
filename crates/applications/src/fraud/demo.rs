//! Payments: a line is the JSON form of the protobuf record; an alert is printed as a sentence.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use clap::Args;
use prost::Message;
use serde::Deserialize;
use serde_json::{Value, json};
use statefun_sdk::local::Emitted;
use statefun_sdk::{BoxError, Bytes, Escaped};

use super::generator::{EventMessage, Events};
use super::messages::{Alert, ConfirmFraud, CustomThreshold, Transaction};
use super::{ALERTS_EGRESS, COUNTER, FakeScoringService, Settings, THRESHOLD, TRANSACTION_MANAGER};
use crate::demo::{Demo, Event, parse, protobuf, record};
use crate::settings;

/// Generated payments.
#[derive(Debug, Args)]
#[command(next_help_heading = "Fraud detection")]
pub(super) struct FraudDemo {
    /// The seed of the generated events; the same seed generates the same events
    #[arg(long, env = "STATEFUN_SEED", value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many transactions to generate, one per second
    #[arg(
        long,
        env = "STATEFUN_TRANSACTIONS",
        value_name = "N",
        default_value_t = 1000,
        // All of them are made before the first is sent.
        value_parser = clap::value_parser!(u64).range(..=1_000_000),
    )]
    transactions: u64,
}

/// The time from one transaction to the next.
const EVERY: Duration = Duration::from_secs(1);

/// The start of 2024. It is fixed, so that the same events have the same timestamps.
const START: Duration = Duration::from_secs(1_704_067_200);

/// The type of a line.
#[derive(Deserialize)]
struct Head {
    r#type: LineType,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum LineType {
    Transaction,
    ConfirmFraud,
    CustomThreshold,
}

#[derive(Deserialize)]
struct TransactionLine {
    id: String,
    account: String,
    timestamp: Option<DateTime<Utc>>,
    merchant: String,
    amount: i32,
}

#[derive(Deserialize)]
struct ConfirmFraudLine {
    account: String,
}

#[derive(Deserialize)]
struct CustomThresholdLine {
    account: String,
    threshold: i32,
}

const EXPECTED: &str = r#"expected {"type":"transaction","id":…,"account":…,"merchant":…,"amount":…}, {"type":"confirm-fraud","account":…} or {"type":"custom-threshold","account":…,"threshold":…}"#;

impl Demo for FraudDemo {
    /// Merchants' scores come without delay.
    fn configure(&self, settings: &mut settings::Settings) {
        let scoring_service = Arc::new(FakeScoringService::quick());
        settings.set(Settings { scoring_service, ..settings.get() });
    }

    fn events(&self) -> Bytes {
        let (mut lines, mut now, mut transactions) = (String::new(), Duration::ZERO, 0);
        for event in Events::new(self.seed, EVERY, SystemTime::UNIX_EPOCH + START) {
            if event.at > now {
                if transactions == self.transactions {
                    break;
                }
                transactions += 1;
                let delay = json!({"type": "test.delay", "data": millis(event.at - now)});
                lines += &format!("{delay}\n");
                now = event.at;
            }
            lines += &format!("{}\n", line(event.key, event.message));
        }
        lines.into()
    }

    fn event(&self, line: Bytes) -> Result<Event, BoxError> {
        let Head { r#type } = parse(&line, EXPECTED)?;
        Ok(match r#type {
            LineType::Transaction => {
                let TransactionLine { id, account, timestamp, merchant, amount } = parse(&line, EXPECTED)?;
                let text = format!("{id}: {amount} USD from {account} to {merchant}");
                let timestamp = timestamp.map(|time| SystemTime::from(time).into());
                let target = TRANSACTION_MANAGER.with_id(id);
                protobuf("transaction", text, target, &Transaction { account, timestamp, merchant, amount })
            }
            LineType::ConfirmFraud => {
                let ConfirmFraudLine { account } = parse(&line, EXPECTED)?;
                protobuf("confirm-fraud", account.clone(), COUNTER.with_id(account.as_str()), &ConfirmFraud { account })
            }
            LineType::CustomThreshold => {
                let CustomThresholdLine { account, threshold } = parse(&line, EXPECTED)?;
                let (text, target) = (format!("{threshold} for {account}"), THRESHOLD.with_id(account.as_str()));
                protobuf("custom-threshold", text, target, &CustomThreshold { threshold, account })
            }
        })
    }

    fn line(&self, emitted: &Emitted) -> Result<String, BoxError> {
        if emitted.egress != *ALERTS_EGRESS.id() {
            return record(emitted);
        }
        Ok(Escaped(Alert(&Transaction::decode(emitted.record.value().clone())?)).to_string())
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Formats an event as a line of an events file.
fn line(key: String, message: EventMessage) -> Value {
    match message {
        EventMessage::Transaction(Transaction { account, timestamp, merchant, amount }) => {
            let timestamp = timestamp.and_then(|time| SystemTime::try_from(time).ok()).map(DateTime::<Utc>::from);
            json!({
                "type": "transaction",
                "id": key,
                "account": account,
                "timestamp": timestamp,
                "merchant": merchant,
                "amount": amount,
            })
        }
        EventMessage::ConfirmFraud(ConfirmFraud { account }) => json!({"type": "confirm-fraud", "account": account}),
        EventMessage::CustomThreshold(CustomThreshold { threshold, account }) => {
            json!({"type": "custom-threshold", "account": account, "threshold": threshold})
        }
    }
}

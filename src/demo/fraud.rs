//! Payments: a line is the JSON form of the protobuf record; an alert is printed as a sentence.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use prost::Message;
use serde::Deserialize;
use serde_json::{Value, json};
use statefun_sdk::local::Emitted;
use statefun_sdk::{Address, BoxError, Bytes, Typed, TypedValue};

use super::app::{App, Event};
use super::output;
use crate::functions::Settings;
use crate::functions::fraud::generator::{EventMessage, Events};
use crate::functions::fraud::messages::{Alert, ConfirmFraud, CustomThreshold, Transaction};
use crate::functions::fraud::{ALERTS_EGRESS, COUNTER, FakeScoringService, THRESHOLD, TRANSACTION_MANAGER};

/// Generated payments.
pub(super) struct Fraud {
    pub(super) seed: u64,
    pub(super) transactions: usize,
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

impl App for Fraud {
    /// Merchants' scores come without delay.
    fn configure(&self, settings: &mut Settings) {
        settings.fraud.scoring_service = Arc::new(FakeScoringService::quick());
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
        let Head { r#type } = read(&line)?;
        Ok(match r#type {
            LineType::Transaction => {
                let TransactionLine { id, account, timestamp, merchant, amount } = read(&line)?;
                let text = format!("{id}: {amount} USD from {account} to {merchant}");
                let timestamp = timestamp.map(|time| SystemTime::from(time).into());
                let target = TRANSACTION_MANAGER.with_id(id);
                event("transaction", text, target, &Transaction { account, timestamp, merchant, amount })
            }
            LineType::ConfirmFraud => {
                let ConfirmFraudLine { account } = read(&line)?;
                event("confirm-fraud", account.clone(), COUNTER.with_id(account.as_str()), &ConfirmFraud { account })
            }
            LineType::CustomThreshold => {
                let CustomThresholdLine { account, threshold } = read(&line)?;
                let (text, target) = (format!("{threshold} for {account}"), THRESHOLD.with_id(account.as_str()));
                event("custom-threshold", text, target, &CustomThreshold { threshold, account })
            }
        })
    }

    fn line(&self, emitted: &Emitted) -> Result<String, BoxError> {
        if emitted.egress != *ALERTS_EGRESS.id() {
            return output::line(emitted);
        }
        Ok(Alert(&Transaction::decode(emitted.record.value().clone())?).to_string())
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

fn read<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(line).map_err(|error| {
        // The input is a single line, so the column is enough.
        let text = error.to_string().replace(" at line 1 column ", " at column ");
        format!("{text}; {EXPECTED}")
    })
}

fn event<M: Message + Typed>(kind: &str, id: String, target: Address, message: &M) -> Event {
    let message = TypedValue::from_bytes(M::TYPE_NAME.as_str(), message.encode_to_vec());
    Event { target, message, kind: kind.to_owned(), id }
}

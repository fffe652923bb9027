//! What all of fraud detection has to come to, in a few lines: no messages, no states, one event after the other.

use std::collections::BTreeMap;
use std::time::Duration;

use statefun_applications::fraud::generator::{Event, EventMessage};
use statefun_applications::fraud::messages::Transaction;
use statefun_applications::fraud::randomness;

/// The alerts of these events, if each is handled to its end before the next.
pub fn alerts(events: impl IntoIterator<Item = Event>, window: Duration, default_threshold: i32) -> Vec<Transaction> {
    let mut confirmed: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
    let mut thresholds: BTreeMap<String, i32> = BTreeMap::new();
    let mut alerts = Vec::new();
    for Event { at, key, message } in events {
        match message {
            EventMessage::ConfirmFraud(_) => confirmed.entry(key).or_default().push(at),
            EventMessage::CustomThreshold(custom) => {
                thresholds.insert(key, custom.threshold);
            }
            EventMessage::Transaction(transaction) => {
                let confirmed = confirmed.get(&transaction.account).map(Vec::as_slice).unwrap_or_default();
                let count = confirmed.iter().filter(|confirmed| at < **confirmed + window).count();
                let lowest = i32::try_from(count.min(99)).expect("at most 99");
                let score = randomness::pick(&format!("ververica/transaction-manager/{key}"), lowest..=100);
                if score > thresholds.get(&transaction.account).copied().unwrap_or(default_threshold) {
                    alerts.push(transaction);
                }
            }
        }
    }
    alerts
}

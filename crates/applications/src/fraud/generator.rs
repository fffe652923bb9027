//! Generated (synthetic) events for demos, tests and load tests: the same seed always generates the same events.

use std::time::{Duration, SystemTime};

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use statefun_sdk::Ingress;

use super::messages::{ConfirmFraud, CustomThreshold, Transaction};
use super::{CONFIRMED, CONFIRMED_TOPIC, THRESHOLDS, THRESHOLDS_TOPIC, TRANSACTIONS, TRANSACTIONS_TOPIC, randomness};

/// The number of accounts. It is small, so that confirmations and thresholds apply to accounts with transactions.
pub const ACCOUNTS: usize = 100;

/// This many transactions are followed by one confirmation and one threshold.
const TRANSACTIONS_PER_ROUND: u32 = 10;

const PREFIXES: [&str; 16] = [
    "Aero", "Astro", "Blue", "Cyber", "Delta", "Eco", "Giga", "Hyper", "Inter", "Macro", "Nano", "Omni", "Quick",
    "Solar", "Terra", "Ultra",
];
const SUFFIXES: [&str; 16] = [
    "bank", "base", "cart", "cast", "desk", "fare", "grid", "hub", "labs", "mart", "net", "park", "shop", "soft",
    "ware", "works",
];

/// An event from an ingress.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The time since the start. Events are in the order of their times.
    pub at: Duration,
    /// The record's key.
    pub key: String,
    /// The record's value.
    pub message: EventMessage,
}

/// The message of an [`Event`].
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum EventMessage {
    Transaction(Transaction),
    ConfirmFraud(ConfirmFraud),
    CustomThreshold(CustomThreshold),
}

impl Event {
    /// The ingress of the event, which also names the target function.
    pub fn ingress(&self) -> Ingress {
        match self.message {
            EventMessage::Transaction(_) => TRANSACTIONS,
            EventMessage::ConfirmFraud(_) => CONFIRMED,
            EventMessage::CustomThreshold(_) => THRESHOLDS,
        }
    }

    /// The topic of its ingress.
    pub fn topic(&self) -> &'static str {
        match self.message {
            EventMessage::Transaction(_) => TRANSACTIONS_TOPIC,
            EventMessage::ConfirmFraud(_) => CONFIRMED_TOPIC,
            EventMessage::CustomThreshold(_) => THRESHOLDS_TOPIC,
        }
    }

    /// The record's value, encoded.
    pub fn value(&self) -> Vec<u8> {
        use prost::Message as _;
        match &self.message {
            EventMessage::Transaction(message) => message.encode_to_vec(),
            EventMessage::ConfirmFraud(message) => message.encode_to_vec(),
            EventMessage::CustomThreshold(message) => message.encode_to_vec(),
        }
    }
}

/// An infinite iterator of events: transactions, with a fraud confirmation and a threshold after every tenth.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use statefun_applications::fraud::generator::Events;
///
/// let events = || Events::new(7, Duration::from_secs(1), SystemTime::UNIX_EPOCH).take(100);
/// assert!(events().eq(events()));
/// ```
#[derive(Debug, Clone)]
pub struct Events {
    numbers: ChaCha8Rng,
    accounts: Vec<String>,
    every: Duration,
    start: SystemTime,
    /// The time of the last transaction.
    at: Duration,
    /// The next event of the current round: ten transactions, a confirmation, a threshold.
    position: u32,
}

impl Events {
    /// Events for this seed, with one transaction per `every`. Timestamps of transactions count from `start`.
    pub fn new(seed: u64, every: Duration, start: SystemTime) -> Self {
        let mut numbers = randomness::numbers(&seed.to_string());
        let accounts = (0..ACCOUNTS).map(|_| format!("0x{:08X}", numbers.random_range(0x0010_0000..=0x0100_0000)));
        Self { accounts: accounts.collect(), numbers, every, start, at: Duration::ZERO, position: 0 }
    }

    fn transaction(&mut self) -> (String, EventMessage) {
        let id = uuid::Builder::from_random_bytes(self.numbers.random()).into_uuid().simple().to_string();
        let transaction = Transaction {
            account: self.account(),
            timestamp: self.start.checked_add(self.at).map(Into::into),
            merchant: [PREFIXES, SUFFIXES].map(|names| names[self.numbers.random_range(0..names.len())]).concat(),
            amount: self.numbers.random_range(1..=1000),
        };
        (id, EventMessage::Transaction(transaction))
    }

    fn confirmation(&mut self) -> (String, EventMessage) {
        let account = self.account();
        (account.clone(), EventMessage::ConfirmFraud(ConfirmFraud { account }))
    }

    fn threshold(&mut self) -> (String, EventMessage) {
        let account = self.account();
        let threshold = self.numbers.random_range(1..=100);
        (account.clone(), EventMessage::CustomThreshold(CustomThreshold { threshold, account }))
    }

    fn account(&mut self) -> String {
        self.accounts[self.numbers.random_range(0..self.accounts.len())].clone()
    }
}

impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let (key, message) = match self.position {
            ..TRANSACTIONS_PER_ROUND => {
                self.at = self.at.saturating_add(self.every);
                self.transaction()
            }
            TRANSACTIONS_PER_ROUND => self.confirmation(),
            _ => self.threshold(),
        };
        self.position = (self.position + 1) % (TRANSACTIONS_PER_ROUND + 2);
        Some(Event { at: self.at, key, message })
    }
}

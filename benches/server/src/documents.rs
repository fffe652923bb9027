//! The JSON documents of the workload. Types that are read own their text, types that are only written borrow it.

use serde::{Deserialize, Serialize};
use statefun_sdk::Typed;

/// An event of the shop: the counter's message, about 200 bytes.
#[derive(Debug, Deserialize, Typed)]
#[typed("bench.types/event")]
#[expect(missing_docs)]
pub struct Event {
    pub event_id: String,
    pub user_id: String,
    pub item: String,
    pub action: String,
    pub quantity: u32,
    pub price_cents: u64,
    pub ts: u64,
    pub note: String,
}

/// A user's profile: a state of the counter, about 1 KB.
#[derive(Debug, Default, Serialize, Deserialize, Typed)]
#[typed("bench.types/profile")]
#[expect(missing_docs)]
pub struct Profile {
    pub user_id: String,
    pub name: String,
    pub email: String,
    pub address: Address,
    pub tags: Vec<String>,
    pub preferences: Preferences,
    pub history: Vec<Entry>,
    pub last_event_id: String,
}

/// A user's address.
#[derive(Debug, Default, Serialize, Deserialize)]
#[expect(missing_docs)]
pub struct Address {
    pub street: String,
    pub city: String,
    pub zip: String,
    pub country: String,
}

/// A user's preferences.
#[derive(Debug, Default, Serialize, Deserialize)]
#[expect(missing_docs)]
pub struct Preferences {
    pub theme: String,
    pub language: String,
    pub currency: String,
    pub newsletter: bool,
}

/// A user's earlier purchase.
#[derive(Debug, Serialize, Deserialize)]
#[expect(missing_docs)]
pub struct Entry {
    pub event_id: String,
    pub item: String,
    pub quantity: u32,
    pub price_cents: u64,
    pub ts: u64,
}

/// The counter's message to the item.
#[derive(Debug, Serialize, Typed)]
#[typed("bench.types/update")]
#[expect(missing_docs)]
pub struct Update<'a> {
    pub user_id: &'a str,
    pub item: &'a str,
    pub quantity: u32,
    pub seen: i32,
}

/// The record that the counter emits, about 200 bytes.
#[derive(Debug, Serialize)]
#[expect(missing_docs)]
pub struct Receipt<'a> {
    pub event_id: &'a str,
    pub user_id: &'a str,
    pub item: &'a str,
    pub action: &'a str,
    pub quantity: u32,
    pub price_cents: u64,
    pub seen: i32,
    pub note: &'a str,
}

//! The JSON documents of the workload. What is read owns its text, what is only written borrows it.

use serde::{Deserialize, Serialize};
use statefun_sdk::{TypeName, Typed};

/// What happened in the shop: the counter's message, about 200 bytes.
#[derive(Debug, Deserialize)]
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

impl Typed for Event {
    const TYPE_NAME: TypeName = TypeName::new("bench.types/event");
}

/// What is known of a user: a state of the counter, about 1 KB.
#[derive(Debug, Default, Serialize, Deserialize)]
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

/// Where a user lives.
#[derive(Debug, Default, Serialize, Deserialize)]
#[expect(missing_docs)]
pub struct Address {
    pub street: String,
    pub city: String,
    pub zip: String,
    pub country: String,
}

/// What a user likes.
#[derive(Debug, Default, Serialize, Deserialize)]
#[expect(missing_docs)]
pub struct Preferences {
    pub theme: String,
    pub language: String,
    pub currency: String,
    pub newsletter: bool,
}

/// What a user once bought.
#[derive(Debug, Serialize, Deserialize)]
#[expect(missing_docs)]
pub struct Entry {
    pub event_id: String,
    pub item: String,
    pub quantity: u32,
    pub price_cents: u64,
    pub ts: u64,
}

impl Typed for Profile {
    const TYPE_NAME: TypeName = TypeName::new("bench.types/profile");
}

/// What the counter tells the item.
#[derive(Debug, Serialize)]
#[expect(missing_docs)]
pub struct Update<'a> {
    pub user_id: &'a str,
    pub item: &'a str,
    pub quantity: u32,
    pub seen: i32,
}

impl Typed for Update<'_> {
    const TYPE_NAME: TypeName = TypeName::new("bench.types/update");
}

/// What the counter emits, about 200 bytes.
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

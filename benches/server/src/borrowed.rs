//! Optimized variants of the counter: events that borrow their text from the request, and a state whose untouched parts
//! stay raw.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use statefun_sdk::{Context, Function, FunctionError, Json, KafkaRecord, Message, ResultExt, Typed, ValueSpec};

use crate::documents::{Profile, Receipt, Update};
use crate::functions::{OUT, PROFILE, SEEN, SINK};

const RAW_PROFILE: ValueSpec<RawProfile> = ValueSpec::new("profile");

/// Like [`documents::Event`]; strings without escapes are slices of the request.
#[derive(Debug, Deserialize, Typed)]
#[typed("bench.types/event")]
struct Event<'a> {
    #[serde(borrow)]
    event_id: Cow<'a, str>,
    #[serde(borrow)]
    user_id: Cow<'a, str>,
    #[serde(borrow)]
    item: Cow<'a, str>,
    #[serde(borrow)]
    action: Cow<'a, str>,
    quantity: u32,
    price_cents: u64,
    #[serde(rename = "ts")]
    _ts: u64,
    #[serde(borrow)]
    note: Cow<'a, str>,
}

/// Like [`Profile`]; fields that the function does not use are validated as JSON and kept unchanged.
#[derive(Debug, Serialize, Deserialize, Typed)]
#[typed("bench.types/profile")]
struct RawProfile {
    user_id: Box<RawValue>,
    name: Box<RawValue>,
    email: Box<RawValue>,
    address: Box<RawValue>,
    tags: Box<RawValue>,
    preferences: Box<RawValue>,
    history: Box<RawValue>,
    last_event_id: String,
}

impl RawProfile {
    fn empty() -> Result<Self, serde_json::Error> {
        serde_json::from_str(&serde_json::to_string(&Profile::default())?)
    }
}

/// The counter with events that borrow.
pub fn counter() -> Function {
    Function::new("bench.fns/counter")
        .on_message::<Event<'_>, _>(count)
        .state(&SEEN)
        .state(&PROFILE)
        .sends_to(SINK)
        .emits(OUT)
}

/// The counter with events that borrow and a state in raw parts.
pub fn raw_counter() -> Function {
    Function::new("bench.fns/counter")
        .on_message::<Event<'_>, _>(count_raw)
        .state(&SEEN)
        .state(&RAW_PROFILE)
        .sends_to(SINK)
        .emits(OUT)
}

async fn count(context: &mut Context, message: Message) -> Result<(), FunctionError> {
    let event: Event<'_> = message.json()?;
    context.update(&PROFILE, |profile| event.event_id.as_ref().clone_into(&mut profile.last_event_id))?;
    send(context, &event)
}

async fn count_raw(context: &mut Context, message: Message) -> Result<(), FunctionError> {
    let event: Event<'_> = message.json()?;
    match context.get_mut(&RAW_PROFILE)? {
        Some(profile) => event.event_id.as_ref().clone_into(&mut profile.last_event_id),
        None => {
            let profile = RawProfile::empty().or_poison()?;
            context.set(&RAW_PROFILE, RawProfile { last_event_id: event.event_id.clone().into_owned(), ..profile })?;
        }
    }
    send(context, &event)
}

fn send(context: &mut Context, event: &Event<'_>) -> Result<(), FunctionError> {
    let seen = context.update(&SEEN, |seen| {
        *seen += 1;
        *seen
    })?;
    let Event { event_id, user_id, item, action, quantity, price_cents, note, .. } = event;
    let (quantity, price_cents) = (*quantity, *price_cents);
    context.send(SINK.with_id(&**item), Update { user_id, item, quantity, seen })?;
    let receipt = Receipt { event_id, user_id, item, action, quantity, price_cents, seen, note };
    context.emit(OUT, KafkaRecord::topic("bench-out").key(&**user_id).value_as(Json(&receipt)))
}

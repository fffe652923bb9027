//! The counter with what its author can do beyond: an event that borrows its text from the request, and a state whose
//! parts stay raw where the function does not touch them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use statefun_sdk::{Context, Function, FunctionError, Json, KafkaRecord, Message, TypeName, Typed, ValueSpec};

use crate::documents::{self, Profile, Receipt, Update};
use crate::functions::{OUT, PROFILE, SEEN, SINK};

const RAW_PROFILE: ValueSpec<Json<RawProfile>> = ValueSpec::new("profile");

/// As [`documents::Event`]; text without escapes is a slice of the request.
#[derive(Debug, Deserialize)]
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

impl Typed for Event<'_> {
    const TYPE_NAME: TypeName = documents::Event::TYPE_NAME;
}

/// As [`Profile`]; what the function does not touch is checked to be JSON and kept as it came.
#[derive(Debug, Serialize, Deserialize)]
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

impl Typed for RawProfile {
    const TYPE_NAME: TypeName = Profile::TYPE_NAME;
}

impl RawProfile {
    fn empty() -> Result<Self, serde_json::Error> {
        serde_json::from_str(&serde_json::to_string(&Profile::default())?)
    }
}

/// The counter with events that borrow.
pub fn counter() -> Function {
    Function::new("bench.fns/counter", count)
        .state(&SEEN)
        .state(&PROFILE)
        .accepts::<Event<'_>>()
        .sends_to(SINK)
        .emits(OUT)
}

/// The counter with events that borrow and a state in raw parts.
pub fn raw_counter() -> Function {
    Function::new("bench.fns/counter", count_raw)
        .state(&SEEN)
        .state(&RAW_PROFILE)
        .accepts::<Event<'_>>()
        .sends_to(SINK)
        .emits(OUT)
}

async fn count(context: &mut Context, message: Message) -> Result<(), FunctionError> {
    let event: Event<'_> = message.json()?;
    context.update(&PROFILE, |profile| event.event_id.as_ref().clone_into(&mut profile.last_event_id))?;
    tell(context, &event)
}

async fn count_raw(context: &mut Context, message: Message) -> Result<(), FunctionError> {
    let event: Event<'_> = message.json()?;
    match context.get_mut(&RAW_PROFILE)? {
        Some(profile) => event.event_id.as_ref().clone_into(&mut profile.last_event_id),
        None => {
            let profile = RawProfile::empty().map_err(FunctionError::poison)?;
            context.set(
                &RAW_PROFILE,
                Json(RawProfile { last_event_id: event.event_id.clone().into_owned(), ..profile }),
            )?;
        }
    }
    tell(context, &event)
}

fn tell(context: &mut Context, event: &Event<'_>) -> Result<(), FunctionError> {
    let seen = context.update(&SEEN, |seen| {
        *seen += 1;
        *seen
    })?;
    let Event { event_id, user_id, item, action, quantity, price_cents, note, .. } = event;
    let (quantity, price_cents) = (*quantity, *price_cents);
    context.send(SINK.with_id(&**item), Json(&Update { user_id, item, quantity, seen }))?;
    let receipt = Receipt { event_id, user_id, item, action, quantity, price_cents, seen, note };
    context.emit(OUT, KafkaRecord::topic("bench-out").key(&**user_id).value_as(Json(&receipt)))
}

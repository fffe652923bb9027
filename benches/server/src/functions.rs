//! The functions in their usual form: states as typed values, whole documents, types that own their text.

use statefun_sdk::{Context, Egress, Function, FunctionError, Json, KafkaRecord, Message, TypeName, ValueSpec};

use crate::documents::{Event, Profile, Receipt, Update};

pub(crate) const SEEN: ValueSpec<i32> = ValueSpec::new("seen");
pub(crate) const PROFILE: ValueSpec<Profile> = ValueSpec::new("profile");
pub(crate) const SINK: TypeName = TypeName::new("bench.fns/sink");
pub(crate) const OUT: Egress = Egress::new("bench.io/out");

/// Counts a user's events, stores the last one, sends a message to the item and emits a receipt.
pub fn counter() -> Function {
    Function::new("bench.fns/counter").on(count).state(&SEEN).state(&PROFILE).sends_to(SINK).emits(OUT)
}

async fn count(context: &mut Context, event: Event) -> Result<(), FunctionError> {
    let seen = context.update(&SEEN, |seen| {
        *seen += 1;
        *seen
    })?;
    context.update(&PROFILE, |profile| profile.last_event_id.clone_from(&event.event_id))?;
    let Event { event_id, user_id, item, action, quantity, price_cents, note, .. } = &event;
    let (quantity, price_cents) = (*quantity, *price_cents);
    context.send(SINK.with_id(item.as_str()), Update { user_id, item, quantity, seen })?;
    let receipt = Receipt { event_id, user_id, item, action, quantity, price_cents, seen, note };
    context.emit(OUT, KafkaRecord::topic("bench-out").key(user_id.as_str()).value_as(Json(&receipt)))
}

/// Emits every message unchanged.
pub fn echo() -> Function {
    Function::new("bench.fns/echo").fallback(forward).emits(OUT)
}

async fn forward(context: &mut Context, message: Message) -> Result<(), FunctionError> {
    let record = KafkaRecord::topic("bench-echo").key(context.self_id()).value(message.value().clone());
    context.emit(OUT, record)
}

/// Receives the counter's messages: on a cluster every target has to be served.
pub fn sink() -> Function {
    Function::new("bench.fns/sink").fallback(discard)
}

async fn discard(_: &mut Context, _: Message) -> Result<(), FunctionError> {
    Ok(())
}

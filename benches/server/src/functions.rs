//! The functions as their author would write them: states as typed values, whole documents, types that own their text.

use statefun_sdk::{Context, Egress, Function, FunctionError, Json, KafkaRecord, Message, TypeName, ValueSpec};

use crate::documents::{Event, Profile, Receipt, Update};

pub(crate) const SEEN: ValueSpec<i32> = ValueSpec::new("seen");
pub(crate) const PROFILE: ValueSpec<Json<Profile>> = ValueSpec::new("profile");
pub(crate) const SINK: TypeName = TypeName::new("bench.fns/sink");
pub(crate) const OUT: Egress = Egress::new("bench.io/out");

/// Counts the events of a user, remembers the last one, tells the item and emits a receipt.
pub fn counter() -> Function {
    Function::new("bench.fns/counter", count).state(&SEEN).state(&PROFILE).accepts::<Event>().sends_to(SINK).emits(OUT)
}

async fn count(context: &mut Context, message: Message) -> Result<(), FunctionError> {
    let event: Event = message.json()?;
    let seen = context.update(&SEEN, |seen| {
        *seen += 1;
        *seen
    })?;
    context.update(&PROFILE, |profile| profile.last_event_id.clone_from(&event.event_id))?;
    let Event { event_id, user_id, item, action, quantity, price_cents, note, .. } = &event;
    let (quantity, price_cents) = (*quantity, *price_cents);
    context.send(SINK.with_id(item.as_str()), Json(&Update { user_id, item, quantity, seen }))?;
    let receipt = Receipt { event_id, user_id, item, action, quantity, price_cents, seen, note };
    context.emit(OUT, KafkaRecord::topic("bench-out").key(user_id.as_str()).value_as(Json(&receipt)))
}

/// Emits every message as it came.
pub fn echo() -> Function {
    Function::new("bench.fns/echo", pass_on).emits(OUT)
}

async fn pass_on(context: &mut Context, message: Message) -> Result<(), FunctionError> {
    let record = KafkaRecord::topic("bench-echo").key(context.self_id().clone()).value(message.raw().clone());
    context.emit(OUT, record)
}

/// Takes what the counter sends: on a cluster every target has to be served.
pub fn sink() -> Function {
    Function::new("bench.fns/sink", take)
}

async fn take(_: &mut Context, _: Message) -> Result<(), FunctionError> {
    Ok(())
}

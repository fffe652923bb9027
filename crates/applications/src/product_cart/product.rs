//! `example/product`: a product's details and their subscribers.

use std::collections::BTreeMap;

use statefun_sdk::{
    Address, Context, Function, FunctionError, Json, Message, TypeName, UnexpectedTypePolicy, ValueSpec,
};

use super::event::{self, CloudEvent, TriggeredEvents, ignore};
use super::subscription::{Action, FunctionAddress, FunctionSubscription};
use super::{CART, DEAD_LETTERS, PRODUCT, ProductDetails};
use crate::destinations::Destinations;

/// The product's details, as of its latest event.
pub const STATE: ValueSpec<Json<ProductDetails>> =
    ValueSpec::with_type("state", TypeName::new("example/product-state"));

/// The subscribers to the product's changes, by the text of their address.
pub const SUBSCRIBERS: ValueSpec<Json<BTreeMap<String, FunctionAddress>>> =
    ValueSpec::with_type("subscribers", TypeName::new("example/product-subscribers"));

/// `example/product`. It declares every function type that can subscribe as a target.
pub fn function(destinations: &Destinations) -> Function {
    Function::new(PRODUCT)
        .on(product)
        .state(&STATE)
        .state(&SUBSCRIBERS)
        .sends::<CloudEvent>(CART)
        .on_failure(destinations.dead_letters_to(&DEAD_LETTERS))
        .on_unexpected_type(UnexpectedTypePolicy::DeadLetter)
}

async fn product(context: &mut Context, (event, message): (CloudEvent, Message)) -> Result<(), FunctionError> {
    match event.ty() {
        event::PRODUCT => publish(context, &event, &message),
        event::FUNCTION_SUBSCRIPTION => handle_subscription(context, &event),
        _ => {
            ignore(context, &event);
            Ok(())
        }
    }
}

/// Stores the details and forwards the event unchanged to every subscriber.
fn publish(context: &mut Context, event: &CloudEvent, message: &Message) -> Result<(), FunctionError> {
    let details: ProductDetails = event.data()?;
    let subscribers = context.get(&SUBSCRIBERS)?.into_iter().flat_map(|subscribers| subscribers.values());
    let subscribers = subscribers.map(FunctionAddress::to_address).collect::<Result<Vec<_>, _>>()?;
    for subscriber in subscribers {
        context.send(subscriber, message)?;
    }
    if context.get(&STATE)?.is_none_or(|Json(known)| *known != details) {
        context.set(&STATE, Json(details))?;
    }
    Ok(())
}

fn handle_subscription(context: &mut Context, event: &CloudEvent) -> Result<(), FunctionError> {
    let FunctionSubscription { subscriber, action, .. } = event.data()?;
    let address = subscriber.to_address()?;
    // Checked before anything is stored: one invalid subscriber would make every later event of the product fail.
    context.check_target(&address)?;
    match action {
        Action::Subscribe => {
            reply(context, event, &address)?;
            add(context, &address, subscriber)
        }
        Action::Query => reply(context, event, &address),
        Action::Unsubscribe => remove(context, &address),
    }
}

/// Sends the details if they are known. Otherwise the subscriber gets the product's first event.
fn reply(context: &mut Context, event: &CloudEvent, subscriber: &Address) -> Result<(), FunctionError> {
    let Some(Json(details)) = context.get(&STATE)? else { return Ok(()) };
    let source = format!("{}/product-function", event::SOURCE);
    let reply = TriggeredEvents::new(context, event).create(event::PRODUCT, source, subscriber, details)?;
    context.send(subscriber, reply)
}

fn add(context: &mut Context, address: &Address, subscriber: FunctionAddress) -> Result<(), FunctionError> {
    let key = address.to_string();
    if context.get(&SUBSCRIBERS)?.is_none_or(|subscribers| !subscribers.contains_key(&key)) {
        context.update(&SUBSCRIBERS, |subscribers| subscribers.insert(key, subscriber))?;
    }
    Ok(())
}

fn remove(context: &mut Context, address: &Address) -> Result<(), FunctionError> {
    let key = address.to_string();
    match context.get(&SUBSCRIBERS)? {
        Some(subscribers) if subscribers.contains_key(&key) && subscribers.len() == 1 => context.remove(&SUBSCRIBERS),
        Some(subscribers) if subscribers.contains_key(&key) => {
            context.update(&SUBSCRIBERS, |subscribers| subscribers.remove(&key)).map(drop)
        }
        _ => Ok(()),
    }
}

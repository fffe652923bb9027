//! `example/product`: knows a product's details, and who wants to be told of them.

use std::collections::BTreeMap;

use statefun_sdk::{Address, Context, Function, FunctionError, Json, Message, TypeName, TypedValue, ValueSpec};

use super::event::{self, CloudEvent, TriggeredEvents, ignore};
use super::subscription::{Action, FunctionAddress, FunctionSubscription};
use super::{CART, DEAD_LETTERS, PRODUCT, ProductDetails};
use crate::functions::Destinations;

/// The product's details, as of its latest event.
pub const STATE: ValueSpec<Json<ProductDetails>> =
    ValueSpec::with_type("state", TypeName::new("example/product-state"));

/// Who is told of the product's changes, by the text of their address.
pub const SUBSCRIBERS: ValueSpec<Json<BTreeMap<String, FunctionAddress>>> =
    ValueSpec::with_type("subscribers", TypeName::new("example/product-subscribers"));

/// `example/product`. Functions of every type that is to subscribe are declared as targets here.
pub fn function(destinations: &Destinations) -> Function {
    Function::new(PRODUCT, product)
        .state(&STATE)
        .state(&SUBSCRIBERS)
        .accepts::<CloudEvent>()
        .sends_to(CART)
        .on_failure(destinations.dead_letters_to(&DEAD_LETTERS))
}

async fn product(context: &mut Context, message: Message) -> Result<(), FunctionError> {
    let event: CloudEvent = message.as_()?;
    match event.ty() {
        event::PRODUCT => publish(context, &event, &message),
        event::FUNCTION_SUBSCRIPTION => handle_subscription(context, &event),
        _ => {
            ignore(context, &event);
            Ok(())
        }
    }
}

/// Keeps the details and passes the event on, as it came, to every subscriber.
fn publish(context: &mut Context, event: &CloudEvent, message: &Message) -> Result<(), FunctionError> {
    let details: ProductDetails = event.data()?;
    let subscribers = context.get(&SUBSCRIBERS)?.into_iter().flat_map(|subscribers| subscribers.values());
    let subscribers = subscribers.map(FunctionAddress::to_address).collect::<Result<Vec<_>, _>>()?;
    for subscriber in subscribers {
        context.send(subscriber, TypedValue::from(message))?;
    }
    if context.get(&STATE)?.is_none_or(|Json(known)| *known != details) {
        context.set(&STATE, Json(details))?;
    }
    Ok(())
}

fn handle_subscription(context: &mut Context, event: &CloudEvent) -> Result<(), FunctionError> {
    let FunctionSubscription { subscriber, action, .. } = event.data()?;
    let address = subscriber.to_address()?;
    // Before anything is stored: one subscriber that cannot be reached would make every later event of the product fail.
    context.check_target(&address)?;
    match action {
        Action::Subscribe => {
            answer(context, event, &address)?;
            add(context, &address, subscriber)
        }
        Action::Query => answer(context, event, &address),
        Action::Unsubscribe => remove(context, &address),
    }
}

/// Tells the details, if they are known: a subscriber who came too early gets the first event of the product.
fn answer(context: &mut Context, event: &CloudEvent, subscriber: &Address) -> Result<(), FunctionError> {
    let Some(Json(details)) = context.get(&STATE)? else { return Ok(()) };
    let source = format!("{}/product-function", event::SOURCE);
    let answer = TriggeredEvents::new(context, event).make(event::PRODUCT, source, subscriber, details)?;
    context.send(subscriber.clone(), answer)
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

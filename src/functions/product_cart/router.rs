//! `example/router`: reads the records of the ingress and sends each to whom it is about.
//!
//! It has no state. An event goes on as the bytes that came, so that its extensions and numbers are what they were.

use statefun_sdk::{Context, Function, FunctionError, Message, TypedValue};

use super::event::{CloudEvent, ignore};
use super::forwarder::FORWARDERS;
use super::{DEAD_LETTERS, ROUTER};
use crate::functions::Destinations;

/// `example/router`.
pub fn function(destinations: &Destinations) -> Function {
    let function =
        Function::new(ROUTER, route).accepts::<CloudEvent>().on_failure(destinations.dead_letters_to(&DEAD_LETTERS));
    FORWARDERS.iter().fold(function, |function, forwarder| function.sends_to(forwarder.target_type()))
}

async fn route(context: &mut Context, message: Message) -> Result<(), FunctionError> {
    let event: CloudEvent = message.as_()?;
    let mut accepted = false;
    for forwarder in FORWARDERS.iter().filter(|forwarder| forwarder.accept(&event)) {
        accepted = true;
        context.send(forwarder.target(&event)?, TypedValue::from(&message))?;
    }
    if !accepted {
        ignore(context, &event);
    }
    Ok(())
}

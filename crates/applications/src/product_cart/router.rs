//! `example/router`: reads the records of the ingress and sends each to the function of its entity.
//!
//! It has no state. Events are forwarded as their original bytes, so that extensions and numbers are preserved.

use statefun_sdk::{Context, Function, FunctionError, Message, UnexpectedTypePolicy};

use super::event::{CloudEvent, ignore};
use super::forwarder::FORWARDERS;
use super::{DEAD_LETTERS, ROUTER};
use crate::destinations::Destinations;

/// `example/router`.
pub fn function(destinations: &Destinations) -> Function {
    let function = Function::new(ROUTER)
        .on(route)
        .on_failure(destinations.dead_letters_to(&DEAD_LETTERS))
        .on_unexpected_type(UnexpectedTypePolicy::DeadLetter);
    FORWARDERS.iter().fold(function, |function, forwarder| function.sends::<CloudEvent>(forwarder.target_type()))
}

async fn route(context: &mut Context, (event, message): (CloudEvent, Message)) -> Result<(), FunctionError> {
    let mut accepted = false;
    for forwarder in FORWARDERS.iter().filter(|forwarder| forwarder.accept(&event)) {
        accepted = true;
        context.send(forwarder.target(&event)?, &message)?;
    }
    if !accepted {
        ignore(context, &event);
    }
    Ok(())
}

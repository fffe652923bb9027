//! The tutorial: a function that greets users and counts their visits. README and the SDK's docs build the same.
//!
//! It reads `demo/login` messages, whose id is the user's, and emits a greeting that names the visit count, keyed by
//! the user's id.

use std::borrow::Cow;

use serde::Deserialize;
use statefun_sdk::{
    Context, Destination, Egress, Function, FunctionError, Message, StatefulFunction, TypeName, Typed, ValueSpec,
};

use super::{Application, ConfigurableEgress, Destinations, Ingress};

pub(super) const APPLICATION: Application = Application {
    name: "greeter",
    ingresses: &[Ingress {
        id: TypeName::new("demo/logins"),
        topic: "demo-logins",
        value_type: Login::TYPE_NAME,
        target: GREETER,
    }],
    egresses: &[GREETINGS, DEAD_LETTERS],
    functions: |destinations, _| vec![function(destinations)],
};

/// The function's type name.
pub const GREETER: TypeName = TypeName::new("demo/greeter");

/// How often the user was seen.
pub const SEEN: ValueSpec<i32> = ValueSpec::new("seen");

const GREETINGS: ConfigurableEgress = ConfigurableEgress::new(Egress::new("demo/greetings"), "greetings");
const DEAD_LETTERS: ConfigurableEgress = ConfigurableEgress::new(Egress::new("demo/dead-letter"), "demo-dead-letter");

/// `demo/greeter`.
pub fn function(destinations: &Destinations) -> Function {
    Function::new(GREETER, Greeter { greetings: destinations.of_own(&GREETINGS) })
        .state(&SEEN)
        .accepts::<Login<'_>>()
        .emits(GREETINGS.egress)
        .on_failure(destinations.dead_letters_to(&DEAD_LETTERS))
}

/// The JSON of a `demo/login`.
#[derive(Deserialize)]
struct Login<'a> {
    #[serde(borrow)]
    user_name: Cow<'a, str>,
}

impl Typed for Login<'_> {
    const TYPE_NAME: TypeName = TypeName::new("demo/login");
}

struct Greeter {
    greetings: Destination,
}

impl StatefulFunction for Greeter {
    async fn invoke(&self, context: &mut Context, message: Message) -> Result<(), FunctionError> {
        let Login { user_name } = message.json()?;
        let seen = context.update(&SEEN, |seen| {
            *seen = seen.saturating_add(1);
            *seen
        })?;
        let greeting = format!("Hello {user_name}, this is visit number {seen}.");
        context.emit(GREETINGS.egress, self.greetings.record(context.self_id().clone(), greeting))
    }
}

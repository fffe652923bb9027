//! The tutorial: a function that greets users and counts their visits. The README and the SDK's docs build the same
//! one.
//!
//! It reads `demo/login` messages, addressed by user id, and emits a greeting with the visit count, keyed by the user
//! id.

mod demo;

use std::borrow::Cow;

use serde::Deserialize;
use statefun_sdk::{
    Context, Destination, Egress, Function, FunctionError, Ingress, Message, TypeName, Typed, UnexpectedTypePolicy,
    ValueSpec,
};

use crate::application::{Application, DemoOptions, NoOptions, Options};
use crate::destinations::{ConfigurableEgress, Destinations};
use demo::GreeterDemo;

pub(super) const APPLICATION: Application = Application {
    name: "greeter",
    about: "Greetings that count the visits of each user: the tutorial",
    ingresses: &[Ingress::new("demo/logins", "demo-logins", Login::TYPE_NAME, GREETER)],
    egresses: &[GREETINGS, DEAD_LETTERS],
    functions: |destinations, _| vec![function(destinations)],
    options: Options::of::<NoOptions>(),
    demo: DemoOptions::of::<GreeterDemo>(),
    events: r#"{"user_name":…}"#,
};

/// The function's type name.
pub const GREETER: TypeName = TypeName::new("demo/greeter");

/// The number of the user's visits.
pub const SEEN: ValueSpec<i32> = ValueSpec::new("seen");

const GREETINGS: ConfigurableEgress = ConfigurableEgress::new(Egress::new("demo/greetings"), "greetings");
const DEAD_LETTERS: ConfigurableEgress = ConfigurableEgress::new(Egress::new("demo/dead-letter"), "demo-dead-letter");

/// `demo/greeter`.
pub fn function(destinations: &Destinations) -> Function {
    Function::new(GREETER)
        .on_message::<Login<'_>, _>(Greeter::greet)
        .with(Greeter { greetings: destinations.of_own(&GREETINGS) })
        .state(&SEEN)
        .emits_to(GREETINGS.egress, destinations.of_own(&GREETINGS).connector())
        .on_failure(destinations.dead_letters_to(&DEAD_LETTERS))
        .on_unexpected_type(UnexpectedTypePolicy::DeadLetter)
}

/// The JSON of a `demo/login`.
#[derive(Deserialize, Typed)]
#[typed("demo/login")]
struct Login<'a> {
    #[serde(borrow)]
    user_name: Cow<'a, str>,
}

struct Greeter {
    greetings: Destination,
}

impl Greeter {
    async fn greet(&self, context: &mut Context, message: Message) -> Result<(), FunctionError> {
        let Login { user_name } = message.json()?;
        let seen = context.update(&SEEN, |seen| {
            *seen = seen.saturating_add(1);
            *seen
        })?;
        let greeting = format!("Hello {user_name}, this is visit number {seen}.");
        context.emit(GREETINGS.egress, self.greetings.record(context.self_id(), greeting))
    }
}

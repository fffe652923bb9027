//! What the servers have in common: the greeter, and how it is checked. See the README.

use serde::Deserialize;
use statefun_sdk::{Context, Egress, Function, FunctionError, KafkaRecord, Registry, RegistryError, Typed, ValueSpec};

#[derive(Deserialize, Typed)]
#[typed("demo/login")]
struct Login {
    user_name: String,
}

const SEEN: ValueSpec<i32> = ValueSpec::new("seen");
const GREETINGS: Egress = Egress::new("demo/greetings");

/// The function `demo/greeter`.
///
/// # Errors
/// When it cannot be registered.
pub fn registry() -> Result<Registry, RegistryError> {
    Registry::builder().function(Function::new("demo/greeter").on(greet).state(&SEEN).emits(GREETINGS)).build()
}

async fn greet(context: &mut Context, login: Login) -> Result<(), FunctionError> {
    let seen = context.update(&SEEN, |seen| {
        *seen += 1;
        *seen
    })?;
    let text = format!("Hello {}, this is visit number {seen}.", login.user_name);
    context.emit(GREETINGS, KafkaRecord::topic("greetings").key(context.self_id()).utf8(text))
}

/// A request of the runtime: two logins of Ann, who was there twice before.
pub const REQUEST: &[u8] = include_bytes!("../../tests/protocol/requests/greeter.bin");

/// What has to be in the response.
pub const GREETING: &str = "Hello Ann, this is visit number 3.";

//! The functions: what they are called, what they keep, and what they send.

use serde::{Deserialize, Serialize};
use statefun_sdk::{
    Connector, Context, DeadLetter, Destination, Egress, FailurePolicy, Function, FunctionError, Ingress, KafkaRecord, Registry,
    RegistryError, TypeName, Typed, ValueSpec,
};

/// A message, as JSON.
#[derive(Debug, Serialize, Deserialize, Typed)]
#[typed("{{name}}/login")]
pub struct Login {
    pub user_name: String,
}

/// The function; each user is an instance of it, with states of its own.
pub const GREETER: TypeName = TypeName::new("{{name}}/greeter");

/// How often the user was here. A state's type can never change.
const SEEN: ValueSpec<i32> = ValueSpec::new("seen");

/// The topic `{{name}}-logins`, whose records become messages. A record's key is the user.
const LOGINS: Ingress = Ingress::new("{{name}}/logins", "{{name}}-logins", Login::TYPE_NAME, GREETER);

const GREETINGS: Egress = Egress::new("{{name}}/greetings");

/// Messages that can never be handled.
const DEAD_LETTERS: Egress = Egress::new("{{name}}/dead-letters");

async fn greet(context: &mut Context, login: Login) -> Result<(), FunctionError> {
    let seen = context.update(&SEEN, |seen| {
        *seen += 1;
        *seen
    })?;
    let text = format!("Hello {}, this is visit number {seen}.", login.user_name);
    context.emit(GREETINGS, KafkaRecord::topic("{{name}}-greetings").key(context.self_id()).utf8(text))
}

/// All functions, with everything that a cluster has to know of them.
pub fn functions() -> Result<Registry, RegistryError> {
    let dead_letters = DeadLetter::new(DEAD_LETTERS, Destination::kafka("{{name}}-dead-letters"));
    let greeter = Function::new(GREETER)
        .on(greet)
        .state(&SEEN)
        .emits_to(GREETINGS, Connector::Kafka)
        .on_failure(FailurePolicy::DeadLetter(dead_letters));
    Registry::builder().function(greeter).ingress(LOGINS).build()
}

#[cfg(test)]
mod tests {
    use statefun_sdk::local::LocalRuntime;

    use super::*;

    #[tokio::test]
    async fn each_user_has_a_count() {
        let mut runtime = LocalRuntime::in_process(functions().unwrap());
        for user in ["Ann", "Bob", "Ann"] {
            runtime.send(GREETER.with_id(user), Login { user_name: user.to_owned() }).unwrap();
        }
        runtime.run().await.unwrap();
        let greetings: Vec<_> = runtime.take_emitted().iter().map(|emitted| emitted.record.value().clone()).collect();
        assert!(greetings.contains(&"Hello Ann, this is visit number 2.".into()), "{greetings:?}");
        assert!(greetings.contains(&"Hello Bob, this is visit number 1.".into()), "{greetings:?}");
    }
}

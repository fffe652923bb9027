//! Fraud detection: each function by itself, then all of them on the embedded runtime.

mod counter;
mod expected;
mod generator;
mod merchant;
mod model;
mod pipeline;
mod threshold;
mod transaction_manager;
mod upgrade;

use prost::Message as _;
use statefun_sdk::local::{Emitted, SentMessage, TestContext};
use statefun_sdk::protocol::reqreply::FromFunction;
use statefun_sdk::protocol::reqreply::from_function::Response;
use statefun_sdk::protocol::reqreply::from_function::persisted_value_mutation::MutationType;
use statefun_sdk::{Address, Function, Proto, TypeName, Typed, TypedValue};

use super::support::Log;

/// A message as it travels.
fn message<M: prost::Message + Typed>(message: M) -> TypedValue {
    TypedValue::of(Proto(message)).expect("encoded")
}

/// A message of this type that cannot be decoded.
fn broken<M: Typed>() -> TypedValue {
    // The tag of a text of 127 bytes, of which none follows.
    TypedValue::raw(M::TYPE_NAME.as_str(), &b"\x0a\x7f"[..])
}

/// Someone who asks.
fn asker() -> Address {
    TypeName::new("elsewhere/asker").with_id("1")
}

fn called_by_asker(function: Function, id: &str) -> TestContext {
    TestContext::new(function, id).expect("a function").with_caller(asker())
}

/// The only message that was sent, and to whom.
fn only_sent<M: prost::Message + Typed + Default>(context: &TestContext) -> (String, M) {
    let [SentMessage { target, value }] = context.sent() else { panic!("{:?}", context.sent()) };
    (target.to_string(), value.proto().expect("a message of the type"))
}

/// The changes of states in the last answer: name, and bytes unless it is deleted.
fn mutations(context: &TestContext) -> Vec<(String, Option<Vec<u8>>)> {
    let reply = FromFunction::decode(context.last_reply().clone()).expect("a FromFunction");
    let Some(Response::InvocationResult(result)) = reply.response else { panic!("no result") };
    let mutations = result.state_mutations.into_iter().map(|mutation| {
        let name = String::from_utf8(mutation.state_name.to_vec()).expect("a name");
        match mutation.mutation_type() {
            MutationType::Delete => (name, None),
            MutationType::Modify => {
                let value = mutation.state_value.expect("a value");
                assert!(value.has_value, "{name}");
                (name, Some(value.value.to_vec()))
            }
        }
    });
    mutations.collect()
}

fn assert_no_effects(context: &TestContext) {
    assert_eq!((context.sent(), context.delayed(), context.emitted()), (&[][..], &[][..], &[][..]));
    assert_eq!(mutations(context), []);
}

/// Each of these has to become a dead letter, and to leave nothing else behind.
async fn assert_poison(mut context: TestContext, messages: impl IntoIterator<Item = TypedValue>) {
    for message in messages {
        context.clear_effects();
        context.invoke(message.clone()).await.expect("an answer");
        let [Emitted { egress, .. }] = context.emitted() else { panic!("{message:?}: {:?}", context.emitted()) };
        assert_eq!(egress.as_str(), "ververica/dead-letter", "{message:?}");
        assert_eq!((context.sent(), context.delayed()), (&[][..], &[][..]), "{message:?}");
        assert_eq!(mutations(&context), [], "{message:?}");
    }
}

/// A message of a type that the function does not know has to be ignored with one line at INFO.
async fn assert_others_are_ignored(mut context: TestContext) {
    let log = Log::capture();
    context.invoke(TypedValue::of("a text").expect("encoded")).await.expect("an answer");
    assert_no_effects(&context);
    let logged = log.take();
    assert!(matches!(&logged[..], [only] if only.contains("INFO") && only.contains("ignored")), "{logged:?}");
}

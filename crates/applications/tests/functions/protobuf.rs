//! Functions whose messages are protobuf.

use prost::Message as _;
use statefun_sdk::local::{Emitted, SentMessage, TestContext};
use statefun_sdk::protocol::reqreply::FromFunction;
use statefun_sdk::protocol::reqreply::from_function::Response;
use statefun_sdk::protocol::reqreply::from_function::persisted_value_mutation::MutationType;
use statefun_sdk::{Address, Function, TypeName, Typed, TypedValue};

/// A message as it travels.
pub(super) fn message<M: statefun_sdk::Encode + Typed>(message: M) -> TypedValue {
    TypedValue::new(message).expect("encoded")
}

/// Messages of this type that cannot be read: one that is cut short, one that is text, and none at all.
pub(super) fn unreadable<M: Typed>() -> [TypedValue; 3] {
    let type_name = M::TYPE_NAME.to_string();
    [
        // The tag of a text of 127 bytes, of which none follows.
        TypedValue::from_bytes(type_name.as_str(), &b"\x0a\x7f"[..]),
        TypedValue::from_bytes(type_name.as_str(), &b"{\"quantity\":1}"[..]),
        TypedValue::unset(type_name),
    ]
}

/// Someone who asks.
pub(super) fn asker() -> Address {
    TypeName::new("elsewhere/asker").with_id("1")
}

/// A function that is called by someone who asks.
pub(super) fn asked(function: Function, id: &str) -> TestContext {
    TestContext::new(function, id).expect("a function").with_caller(asker())
}

/// The only message that was sent, and to whom.
pub(super) fn only_sent<M: statefun_sdk::Decode + Typed>(context: &TestContext) -> (String, M) {
    let [SentMessage { target, value }] = context.sent() else { panic!("{:?}", context.sent()) };
    (target.to_string(), value.get().expect("a message of the type"))
}

/// The changes of states in the last answer: name, and bytes unless it is deleted.
pub(super) fn mutations(context: &TestContext) -> Vec<(String, Option<Vec<u8>>)> {
    let reply = FromFunction::decode(context.last_response().clone()).expect("a FromFunction");
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

/// Each of these has to become a dead letter that says this, and to leave nothing else behind.
pub(super) async fn assert_poison(
    context: TestContext,
    messages: impl IntoIterator<Item = TypedValue>,
    egress_id: &str,
    error: &str,
) {
    let mut context = context.expect_dead_letters();
    for message in messages {
        context.clear_effects();
        context.invoke(message.clone()).await.expect("an answer");
        let [Emitted { egress, record }] = context.emitted() else { panic!("{message:?}: {:?}", context.emitted()) };
        assert_eq!(egress.as_str(), egress_id, "{message:?}");
        let letter = super::support::json(record.value());
        assert_eq!(letter["failure"], "poison", "{letter}");
        assert!(letter["error"].as_str().is_some_and(|text| text.contains(error)), "{letter}");
        assert_eq!((context.sent(), context.delayed()), (&[][..], &[][..]), "{message:?}");
        assert_eq!(mutations(&context), [], "{message:?}");
    }
}

/// Each of these is of a type that the function does not read: a dead letter, and nothing else.
pub(super) async fn assert_unexpected(context: TestContext, messages: impl IntoIterator<Item = TypedValue>) {
    let mut context = context.expect_dead_letters();
    for message in messages {
        context.clear_effects();
        context.invoke(message.clone()).await.expect("an answer");
        let [Emitted { record, .. }] = context.emitted() else { panic!("{message:?}: {:?}", context.emitted()) };
        assert_eq!(super::support::json(record.value())["failure"], "unexpected_type", "{message:?}");
        assert_eq!((context.sent(), context.delayed()), (&[][..], &[][..]), "{message:?}");
        assert_eq!(mutations(&context), [], "{message:?}");
    }
}

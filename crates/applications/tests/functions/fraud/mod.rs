//! Fraud detection: each function by itself, then all of them on the embedded runtime.

mod counter;
mod generator;
mod merchant;
mod model;
mod pipeline;
mod threshold;
mod transaction_manager;
mod upgrade;

use statefun_sdk::local::{Emitted, TestContext};
use statefun_sdk::{Typed, TypedValue};

use super::protobuf::{asked as called_by_asker, asker, assert_unexpected, message, mutations, only_sent};

/// A message of this type that cannot be decoded.
fn broken<M: Typed>() -> TypedValue {
    // The tag of a text of 127 bytes, of which none follows.
    TypedValue::from_bytes(M::TYPE_NAME.as_str(), &b"\x0a\x7f"[..])
}

fn assert_no_effects(context: &TestContext) {
    assert_eq!((context.sent(), context.delayed(), context.emitted()), (&[][..], &[][..], &[][..]));
    assert_eq!(mutations(context), []);
}

/// Each of these has to become a dead letter, and to leave nothing else behind.
async fn assert_poison(context: TestContext, messages: impl IntoIterator<Item = TypedValue>) {
    let mut context = context.expect_dead_letters();
    for message in messages {
        context.clear_effects();
        context.invoke(message.clone()).await.expect("an answer");
        let [Emitted { egress, .. }] = context.emitted() else { panic!("{message:?}: {:?}", context.emitted()) };
        assert_eq!(egress.as_str(), "ververica/dead-letter", "{message:?}");
        assert_eq!((context.sent(), context.delayed()), (&[][..], &[][..]), "{message:?}");
        assert_eq!(mutations(&context), [], "{message:?}");
    }
}

/// A message of a type that the function does not know has to be ignored.
async fn assert_others_are_dead_letters(context: TestContext) {
    assert_unexpected(context, [TypedValue::new("a text").expect("encoded")]).await;
}

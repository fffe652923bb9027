//! `ververica/threshold`: above which score an account wants to be told.

use statefun_sdk::{Context, Function, FunctionError, Message, Proto, StatefulFunction, ValueSpec};

use super::messages::{CustomThreshold, QueryThreshold};
use super::{DEAD_LETTERS, Settings, THRESHOLD};
use crate::functions::Destinations;

/// The account's own threshold.
pub const STATE: ValueSpec<i32> = ValueSpec::new("threshold");

/// `ververica/threshold`.
pub fn function(destinations: &Destinations, settings: &Settings) -> Function {
    Function::new(THRESHOLD, Threshold { default: settings.default_threshold })
        .state(&STATE)
        .accepts::<CustomThreshold>()
        .accepts::<QueryThreshold>()
        .replies()
        .on_failure(destinations.dead_letters_to(&DEAD_LETTERS))
}

struct Threshold {
    default: i32,
}

impl StatefulFunction for Threshold {
    async fn invoke(&self, context: &mut Context, message: Message) -> Result<(), FunctionError> {
        if message.is::<CustomThreshold>() {
            let CustomThreshold { threshold, .. } = message.proto()?;
            return context.set(&STATE, threshold);
        }
        let QueryThreshold {} = message.proto()?;
        let threshold = context.get(&STATE)?.copied().unwrap_or(self.default);
        let account = context.self_id().to_string();
        context.reply(Proto(CustomThreshold { threshold, account }))
    }
}

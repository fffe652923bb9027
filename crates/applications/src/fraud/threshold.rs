//! `ververica/threshold`: the score above which an account gets an alert.

use statefun_sdk::{Context, Function, FunctionError, UnexpectedTypePolicy, ValueSpec};

use super::messages::{CustomThreshold, QueryThreshold};
use super::{DEAD_LETTERS, Settings, THRESHOLD};
use crate::destinations::Destinations;

/// The account's own threshold.
pub const STATE: ValueSpec<i32> = ValueSpec::new("threshold");

/// `ververica/threshold`.
pub fn function(destinations: &Destinations, settings: &Settings) -> Function {
    Function::new(THRESHOLD)
        .on(change)
        .on(Threshold::report)
        .with(Threshold { default: settings.default_threshold })
        .state(&STATE)
        .replies()
        .on_failure(destinations.dead_letters_to(&DEAD_LETTERS))
        .on_unexpected_type(UnexpectedTypePolicy::DeadLetter)
}

struct Threshold {
    default: i32,
}

async fn change(context: &mut Context, message: CustomThreshold) -> Result<(), FunctionError> {
    context.set(&STATE, message.threshold)
}

impl Threshold {
    async fn report(&self, context: &mut Context, _: QueryThreshold) -> Result<(), FunctionError> {
        let threshold = context.get(&STATE)?.copied().unwrap_or(self.default);
        let account = context.self_id().to_string();
        context.reply(CustomThreshold { threshold, account })
    }
}

//! `ververica/counter`: counts the recent fraud confirmations of an account.

use std::time::Duration;

use statefun_sdk::{Context, Function, FunctionError, UnexpectedTypePolicy, ValueSpec};

use super::messages::{ConfirmFraud, ExpireFraud, QueryFraud, ReportedFraud};
use super::{COUNTER, DEAD_LETTERS, Settings};
use crate::destinations::Destinations;

/// The number of confirmations that have not expired; no value if there are none.
pub const FRAUD_COUNT: ValueSpec<i32> = ValueSpec::new("fraud_count");

/// `ververica/counter`.
pub fn function(destinations: &Destinations, settings: &Settings) -> Function {
    Function::new(COUNTER)
        .on(Counter::count)
        .on(expire)
        .on(report)
        .with(Counter { window: settings.window })
        .state(&FRAUD_COUNT)
        .replies()
        .on_failure(destinations.dead_letters_to(&DEAD_LETTERS))
        .on_unexpected_type(UnexpectedTypePolicy::DeadLetter)
}

struct Counter {
    window: Duration,
}

impl Counter {
    async fn count(&self, context: &mut Context, _: ConfirmFraud) -> Result<(), FunctionError> {
        context.update(&FRAUD_COUNT, |count| *count = count.saturating_add(1))?;
        context.send_after(self.window, context.self_address().clone(), ExpireFraud {})
    }
}

async fn expire(context: &mut Context, _: ExpireFraud) -> Result<(), FunctionError> {
    match context.get(&FRAUD_COUNT)? {
        Some(count) if *count > 1 => context.update(&FRAUD_COUNT, |count| *count -= 1),
        _ => context.remove(&FRAUD_COUNT),
    }
}

async fn report(context: &mut Context, _: QueryFraud) -> Result<(), FunctionError> {
    let count = context.get(&FRAUD_COUNT)?.copied().unwrap_or_default();
    context.reply(ReportedFraud { count })
}

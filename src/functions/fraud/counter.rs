//! `ververica/counter`: how often fraud was confirmed for an account of late.

use std::time::Duration;

use statefun_sdk::{Context, Function, FunctionError, Message, Proto, StatefulFunction, ValueSpec};

use super::messages::{ConfirmFraud, ExpireFraud, QueryFraud, ReportedFraud};
use super::{COUNTER, DEAD_LETTERS, Settings};
use crate::functions::Destinations;

/// The confirmations that are not forgotten yet; no value where there are none.
pub const FRAUD_COUNT: ValueSpec<i32> = ValueSpec::new("fraud_count");

/// `ververica/counter`.
pub fn function(destinations: &Destinations, settings: &Settings) -> Function {
    Function::new(COUNTER, Counter { window: settings.window })
        .state(&FRAUD_COUNT)
        .accepts::<ConfirmFraud>()
        .accepts::<ExpireFraud>()
        .accepts::<QueryFraud>()
        .sends_to(COUNTER)
        .replies()
        .on_failure(destinations.dead_letters_to(&DEAD_LETTERS))
}

struct Counter {
    window: Duration,
}

impl StatefulFunction for Counter {
    async fn invoke(&self, context: &mut Context, message: Message) -> Result<(), FunctionError> {
        if message.is::<ConfirmFraud>() {
            let ConfirmFraud { .. } = message.proto()?;
            self.count(context)
        } else if message.is::<ExpireFraud>() {
            let ExpireFraud {} = message.proto()?;
            forget(context)
        } else {
            let QueryFraud {} = message.proto()?;
            let count = context.get(&FRAUD_COUNT)?.copied().unwrap_or_default();
            context.reply(Proto(ReportedFraud { count }))
        }
    }
}

impl Counter {
    fn count(&self, context: &mut Context) -> Result<(), FunctionError> {
        context.update(&FRAUD_COUNT, |count| *count = count.saturating_add(1))?;
        context.send_after(self.window, context.self_address().clone(), Proto(ExpireFraud {}))
    }
}

fn forget(context: &mut Context) -> Result<(), FunctionError> {
    match context.get(&FRAUD_COUNT)? {
        Some(count) if *count > 1 => context.update(&FRAUD_COUNT, |count| *count -= 1),
        _ => context.remove(&FRAUD_COUNT),
    }
}

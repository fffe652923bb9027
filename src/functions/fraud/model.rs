//! `ververica/model`: how likely a transaction is fraud.
//!
//! A real one would be trained. This one throws dice, and the more often fraud was confirmed for the account the higher
//! is the least that it says.

use std::ops::RangeInclusive;

use statefun_sdk::{Context, Function, FunctionError, Message, Proto, StatefulFunction};

use super::messages::{FeatureVector, FraudScore};
use super::{DEAD_LETTERS, MODEL};
use crate::functions::Destinations;

const HIGHEST: i32 = 100;

/// `ververica/model`. `random` gives a number out of a range, the same one for the same seed.
pub fn function(
    destinations: &Destinations,
    random: impl Fn(&str, RangeInclusive<i32>) -> i32 + Send + Sync + 'static,
) -> Function {
    Function::new(MODEL, Model { random })
        .accepts::<FeatureVector>()
        .replies()
        .on_failure(destinations.dead_letters_to(&DEAD_LETTERS))
}

struct Model<R> {
    random: R,
}

impl<R> StatefulFunction for Model<R>
where
    R: Fn(&str, RangeInclusive<i32>) -> i32 + Send + Sync + 'static,
{
    async fn invoke(&self, context: &mut Context, message: Message) -> Result<(), FunctionError> {
        let FeatureVector { fraud_count, .. } = message.proto()?;
        // Whoever asks is the manager of one transaction.
        let transaction = context.caller().map(ToString::to_string).unwrap_or_default();
        let score = (self.random)(&transaction, fraud_count.min(HIGHEST - 1)..=HIGHEST);
        context.reply(Proto(FraudScore { score }))
    }
}

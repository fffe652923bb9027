//! `ververica/model`: how likely a transaction is fraud.
//!
//! A real model would be trained. This one picks a random score, whose minimum is the number of fraud confirmations for
//! the account.

use std::ops::RangeInclusive;

use statefun_sdk::{Context, Function, FunctionError, UnexpectedTypePolicy};

use super::messages::{FeatureVector, FraudScore};
use super::{DEAD_LETTERS, MODEL};
use crate::destinations::Destinations;

const MAX_SCORE: i32 = 100;

/// `ververica/model`. `random` returns a number in a range, always the same one for the same seed.
pub fn function(
    destinations: &Destinations,
    random: impl Fn(&str, RangeInclusive<i32>) -> i32 + Send + Sync + 'static,
) -> Function {
    Function::new(MODEL)
        .on(Model::score)
        .with(Model { random })
        .replies()
        .on_failure(destinations.dead_letters_to(&DEAD_LETTERS))
        .on_unexpected_type(UnexpectedTypePolicy::DeadLetter)
}

struct Model<R> {
    random: R,
}

impl<R: Fn(&str, RangeInclusive<i32>) -> i32 + Sync> Model<R> {
    async fn score(&self, context: &mut Context, features: FeatureVector) -> Result<(), FunctionError> {
        // The caller is the manager of one transaction.
        let transaction = context.caller().map(ToString::to_string).unwrap_or_default();
        let score = (self.random)(&transaction, features.fraud_count.min(MAX_SCORE - 1)..=MAX_SCORE);
        context.reply(FraudScore { score })
    }
}

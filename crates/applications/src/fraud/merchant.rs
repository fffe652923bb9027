//! `ververica/merchant`: caches a merchant's score, so that not every transaction needs a call to the scoring service.

use std::sync::Arc;

use metrics::counter;
use statefun_sdk::{Context, Function, FunctionError, LogSampler, UnexpectedTypePolicy, ValueSpec};
use tracing::warn;

use super::messages::{ExpireMerchantScore, MerchantScore, QueryMerchantScore};
use super::{DEAD_LETTERS, MERCHANT, ScoringService, Settings};
use crate::destinations::Destinations;

/// The merchant's score, until it expires.
pub const MERCHANT_SCORE: ValueSpec<i32> = ValueSpec::new("merchant_score");

/// Counts the replies with the fallback score.
const FALLBACKS: &str = "statefun_fraud_fallback_scores_total";

/// `ververica/merchant`.
pub fn function(destinations: &Destinations, settings: &Settings) -> Function {
    Function::new(MERCHANT)
        .on(Merchant::report)
        .on(expire)
        .with(Merchant {
            service: settings.scoring_service.clone(),
            fallback: settings.fallback_score,
            log: LogSampler::new(),
        })
        .state(&MERCHANT_SCORE.expire_after_write(settings.score_ttl))
        .replies()
        .on_failure(destinations.dead_letters_to(&DEAD_LETTERS))
        .on_unexpected_type(UnexpectedTypePolicy::DeadLetter)
}

struct Merchant {
    service: Arc<dyn ScoringService>,
    fallback: i32,
    /// Of scores that cannot be had.
    log: LogSampler,
}

async fn expire(context: &mut Context, _: ExpireMerchantScore) -> Result<(), FunctionError> {
    context.remove(&MERCHANT_SCORE)
}

impl Merchant {
    async fn report(&self, context: &mut Context, _: QueryMerchantScore) -> Result<(), FunctionError> {
        let score = match context.get(&MERCHANT_SCORE)? {
            Some(score) => *score,
            None => self.fetch(context).await?,
        };
        context.reply(MerchantScore { score })
    }

    /// Fetches the score from the service and stores it. While the service is down, transactions use the fallback
    /// score.
    async fn fetch(&self, context: &mut Context) -> Result<i32, FunctionError> {
        // Registers the counter, so that it is exported as 0 before the first fallback.
        let fallbacks = counter!(FALLBACKS);
        match self.service.score(context.self_id()).await {
            Ok(score) => {
                context.set(&MERCHANT_SCORE, score)?;
                Ok(score)
            }
            Err(error) => {
                fallbacks.increment(1);
                if let Some(suppressed) = self.log.sample() {
                    let (function, fallback) = (context.self_address(), self.fallback);
                    warn!(
                        ?function,
                        error, fallback, suppressed, "no score available: replying with the fallback score"
                    );
                }
                Ok(self.fallback)
            }
        }
    }
}

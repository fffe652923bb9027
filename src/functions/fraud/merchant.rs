//! `ververica/merchant`: keeps a merchant's score for a while, so that the scoring service is not asked for each
//! transaction.

use std::sync::Arc;

use metrics::counter;
use statefun_sdk::{Context, Function, FunctionError, Message, Proto, StatefulFunction, ValueSpec};
use tracing::warn;

use super::messages::{ExpireMerchantScore, MerchantScore, QueryMerchantScore};
use super::{DEAD_LETTERS, MERCHANT, ScoringService, Settings};
use crate::functions::Destinations;

/// The merchant's score, until it expires.
pub const MERCHANT_SCORE: ValueSpec<i32> = ValueSpec::new("merchant_score");

/// Counts the answers with the fallback score.
const FALLBACKS: &str = "statefun_fraud_fallback_scores_total";

/// `ververica/merchant`.
pub fn function(destinations: &Destinations, settings: &Settings) -> Function {
    let merchant = Merchant { service: settings.scoring_service.clone(), fallback: settings.fallback_score };
    Function::new(MERCHANT, merchant)
        .state(&MERCHANT_SCORE.expire_after_write(settings.score_ttl))
        .accepts::<QueryMerchantScore>()
        .accepts::<ExpireMerchantScore>()
        .replies()
        .on_failure(destinations.dead_letters_to(&DEAD_LETTERS))
}

struct Merchant {
    service: Arc<dyn ScoringService>,
    fallback: i32,
}

impl StatefulFunction for Merchant {
    async fn invoke(&self, context: &mut Context, message: Message) -> Result<(), FunctionError> {
        if message.is::<ExpireMerchantScore>() {
            let ExpireMerchantScore {} = message.proto()?;
            return context.remove(&MERCHANT_SCORE);
        }
        let QueryMerchantScore {} = message.proto()?;
        let score = match context.get(&MERCHANT_SCORE)? {
            Some(score) => *score,
            None => self.ask(context).await?,
        };
        context.reply(Proto(MerchantScore { score }))
    }
}

impl Merchant {
    /// Asks the service, and keeps what it says. While it is down, transactions go on with the fallback score.
    async fn ask(&self, context: &mut Context) -> Result<i32, FunctionError> {
        // Before there is anything to count, so that it is seen as 0.
        let fallbacks = counter!(FALLBACKS);
        match self.service.score(context.self_id()).await {
            Ok(score) => {
                context.set(&MERCHANT_SCORE, score)?;
                Ok(score)
            }
            Err(error) => {
                fallbacks.increment(1);
                let function = context.self_address();
                warn!(?function, error, fallback = self.fallback, "no score to be had: the fallback is answered");
                Ok(self.fallback)
            }
        }
    }
}

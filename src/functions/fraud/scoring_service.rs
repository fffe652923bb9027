//! The service that knows how trustworthy merchants are.

use std::sync::Once;
use std::time::Duration;

use futures_util::future::BoxFuture;
use rand::Rng;
use statefun_sdk::BoxError;
use tokio::time::sleep;
use tracing::warn;

use super::randomness;

/// Gives merchants a score, 0 to 100. It is asked over a network, so it takes its time and may be down.
pub trait ScoringService: Send + Sync + 'static {
    /// The score of the merchant of this name.
    ///
    /// # Errors
    /// When there is none to be had, after as many attempts as are worth it. The text is logged.
    fn score<'a>(&'a self, merchant: &'a str) -> BoxFuture<'a, Result<i32, BoxError>>;
}

/// Stands in for a scoring service where none is configured: a name always has the same score, and takes the same time.
#[derive(Debug)]
pub struct StandIn {
    longest_delay: Duration,
    said: Once,
}

impl StandIn {
    /// Answers within a second, as something far away would.
    pub const fn slow() -> Self {
        Self { longest_delay: Duration::from_secs(1), said: Once::new() }
    }

    /// Answers at once, for demos and tests.
    pub const fn quick() -> Self {
        Self { longest_delay: Duration::ZERO, said: Once::new() }
    }
}

impl ScoringService for StandIn {
    fn score<'a>(&'a self, merchant: &'a str) -> BoxFuture<'a, Result<i32, BoxError>> {
        self.said.call_once(|| warn!("there is no scoring service: the scores of merchants are made up"));
        Box::pin(async move {
            let mut numbers = randomness::numbers(merchant);
            let score = numbers.random_range(0..=100);
            let delay = self.longest_delay.mul_f64(numbers.random());
            if !delay.is_zero() {
                sleep(delay).await;
            }
            Ok(score)
        })
    }
}

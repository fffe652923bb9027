//! The service that scores how trustworthy merchants are.

use std::sync::Once;
use std::time::Duration;

use futures_util::future::BoxFuture;
use rand::Rng;
use statefun_sdk::BoxError;
use tokio::time::sleep;
use tracing::warn;

use super::randomness;

/// Scores merchants, 0 to 100. Calls go over a network, so they take time and can fail.
pub trait ScoringService: Send + Sync + 'static {
    /// The score of the merchant with this name.
    ///
    /// # Errors
    /// When no score is available, after all retries. The error is logged.
    fn score<'a>(&'a self, merchant: &'a str) -> BoxFuture<'a, Result<i32, BoxError>>;
}

/// Replaces a scoring service if none is configured. The score and the delay depend on the merchant's name only.
#[derive(Debug)]
pub struct FakeScoringService {
    max_delay: Duration,
    warned: Once,
}

impl FakeScoringService {
    /// Responds within a second, like a remote service.
    pub const fn slow() -> Self {
        Self { max_delay: Duration::from_secs(1), warned: Once::new() }
    }

    /// Responds at once, for demos and tests.
    pub const fn quick() -> Self {
        Self { max_delay: Duration::ZERO, warned: Once::new() }
    }
}

impl ScoringService for FakeScoringService {
    fn score<'a>(&'a self, merchant: &'a str) -> BoxFuture<'a, Result<i32, BoxError>> {
        self.warned.call_once(|| warn!("no scoring service configured: using generated scores for merchants"));
        Box::pin(async move {
            let mut numbers = randomness::numbers(merchant);
            let score = numbers.random_range(0..=100);
            let delay = self.max_delay.mul_f64(numbers.random());
            if !delay.is_zero() {
                sleep(delay).await;
            }
            Ok(score)
        })
    }
}

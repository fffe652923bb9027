use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{FakeScoringService, ScoringService};

/// Settings of fraud detection.
#[derive(Clone)]
pub struct Settings {
    /// How long a confirmation of fraud counts.
    pub window: Duration,
    /// How long a merchant's score is kept; not zero.
    pub score_ttl: Duration,
    /// The threshold of accounts without one of their own: a score above it is an alert.
    pub default_threshold: i32,
    /// The score of merchants while the scoring service is down.
    pub fallback_score: i32,
    /// Whether accounts can have their own thresholds; if false, there is no `ververica/threshold`.
    pub custom_thresholds: bool,
    /// The source of merchants' scores.
    pub scoring_service: Arc<dyn ScoringService>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(30 * 24 * 60 * 60),
            score_ttl: Duration::from_secs(60 * 60),
            default_threshold: 1,
            fallback_score: 50,
            custom_thresholds: true,
            scoring_service: Arc::new(FakeScoringService::slow()),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("window", &self.window)
            .field("score_ttl", &self.score_ttl)
            .field("default_threshold", &self.default_threshold)
            .field("fallback_score", &self.fallback_score)
            .field("custom_thresholds", &self.custom_thresholds)
            .finish_non_exhaustive()
    }
}

//! Options of fraud detection.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args};
use http::Uri;
use statefun_sdk::BoxError;

use super::{HttpScoringService, ScoringOptions, ScoringService, Settings};
use crate::application::ApplicationOptions;
use crate::settings;

/// How long calls fail at once after the scoring service was found to be down.
const COOL_DOWN: Duration = Duration::from_secs(5);

/// Options of fraud detection.
#[derive(Debug, Args)]
#[command(next_help_heading = "Fraud detection")]
pub(super) struct FraudArgs {
    /// Whether accounts can have their own thresholds; if false, there is no ververica/threshold
    #[arg(
        long,
        env = "STATEFUN_CUSTOM_THRESHOLDS",
        value_name = "BOOL",
        default_value_t = true,
        action = ArgAction::Set,
        value_parser = BoolishValueParser::new(),
    )]
    custom_thresholds: bool,
    /// How long a confirmation of fraud counts
    #[arg(long, env = "STATEFUN_FRAUD_WINDOW", value_name = "TIME", default_value = "30days", value_parser = some_time)]
    fraud_window: Duration,
    /// The threshold of accounts without one of their own: a score above it is an alert
    #[arg(
        long,
        env = "STATEFUN_DEFAULT_THRESHOLD",
        value_name = "N",
        default_value_t = Settings::default().default_threshold,
        allow_negative_numbers = true,
    )]
    default_threshold: i32,
    /// How long a merchant's score is kept
    ///
    /// A running job keeps the time that it started with, even if a later release changes it.
    #[arg(long, env = "STATEFUN_SCORE_TTL", value_name = "TIME", default_value = "1h", value_parser = some_time)]
    score_ttl: Duration,
    /// The score of merchants while the scoring service is down, 0 to 100
    #[arg(
        long,
        env = "STATEFUN_FALLBACK_SCORE",
        value_name = "N",
        default_value_t = Settings::default().fallback_score,
        value_parser = clap::value_parser!(i32).range(0..=100),
    )]
    fallback_score: i32,
    /// The URL of the scoring service, http or https: a GET with ?merchant=NAME returns {"score": N} [default: a fake
    /// service in this process]
    #[arg(long, env = "STATEFUN_SCORING_URL", value_name = "URL", hide_env_values = true)]
    scoring_url: Option<String>,
    /// The timeout of a request to the scoring service
    #[arg(long, env = "STATEFUN_SCORING_TIMEOUT", value_name = "TIME", default_value = "1s", value_parser = some_time)]
    scoring_timeout: Duration,
    /// How often a request to the scoring service is retried after a transient error, 0 to 10
    ///
    /// If the service stays down, three messages to a merchant wait for all retries before its circuit breaker opens.
    /// Together these have to take less time than the cluster's call timeout.
    #[arg(
        long,
        env = "STATEFUN_SCORING_RETRIES",
        value_name = "N",
        default_value_t = 2,
        value_parser = clap::value_parser!(u8).range(0..=10),
    )]
    scoring_retries: u8,
    /// The most concurrent requests to the scoring service
    #[arg(long, env = "STATEFUN_SCORING_CONCURRENCY", value_name = "N", default_value = "64")]
    scoring_concurrency: NonZeroU16,
}

impl ApplicationOptions for FraudArgs {
    fn configure(self, settings: &mut settings::Settings) -> Result<(), BoxError> {
        let scoring_service = match &self.scoring_url {
            Some(url) => self.scoring_service(url).map_err(|error| format!("--scoring-url: {error}"))?,
            None => Settings::default().scoring_service,
        };
        settings.set(Settings {
            window: self.fraud_window,
            score_ttl: self.score_ttl,
            default_threshold: self.default_threshold,
            fallback_score: self.fallback_score,
            custom_thresholds: self.custom_thresholds,
            scoring_service,
        });
        Ok(())
    }
}

impl FraudArgs {
    fn scoring_service(&self, url: &str) -> Result<Arc<dyn ScoringService>, BoxError> {
        let options = ScoringOptions {
            // Its own error does not repeat the URL, which may hold a key.
            url: url.parse::<Uri>()?,
            timeout: self.scoring_timeout,
            retries: self.scoring_retries,
            concurrency: self.scoring_concurrency,
            cool_down: COOL_DOWN,
        };
        Ok(Arc::new(HttpScoringService::new(options)?))
    }
}

/// Parses a duration above zero.
fn some_time(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time.is_zero() => Err("expected a duration above zero".to_owned()),
        other => other.map_err(|error| error.to_string()),
    }
}

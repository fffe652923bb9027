//! Options of fraud detection.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args};
use http::Uri;
use statefun_sdk::BoxError;

use crate::functions::Settings;
use crate::functions::fraud::{self, ScoringService};
use crate::scoring::{HttpScoringService, Options};

/// How long a service that is down is left alone.
const REST: Duration = Duration::from_secs(5);

/// What decides which functions there are.
#[derive(Debug, Args)]
#[command(next_help_heading = "Fraud detection")]
pub struct FunctionArgs {
    /// Whether accounts may have thresholds of their own; without, there is no ververica/threshold
    ///
    /// Give the server that answers the cluster, `module` and `contract` the same.
    #[arg(
        long,
        env = "STATEFUN_CUSTOM_THRESHOLDS",
        value_name = "BOOL",
        default_value_t = true,
        action = ArgAction::Set,
        value_parser = BoolishValueParser::new(),
    )]
    pub custom_thresholds: bool,
}

impl FunctionArgs {
    /// Settings with these functions.
    pub fn settings(&self) -> Settings {
        let fraud = fraud::Settings { custom_thresholds: self.custom_thresholds, ..fraud::Settings::default() };
        Settings { fraud, ..Settings::default() }
    }
}

/// What is configuration of fraud detection.
#[derive(Debug, Args)]
#[command(next_help_heading = "Fraud detection")]
pub(super) struct FraudArgs {
    #[command(flatten)]
    functions: FunctionArgs,
    /// How long a confirmation of fraud counts
    #[arg(long, env = "STATEFUN_FRAUD_WINDOW", value_name = "TIME", default_value = "30days", value_parser = some_time)]
    fraud_window: Duration,
    /// The threshold of accounts that have none of their own: a score above it is an alert
    #[arg(
        long,
        env = "STATEFUN_DEFAULT_THRESHOLD",
        value_name = "N",
        default_value_t = fraud::Settings::default().default_threshold,
        allow_negative_numbers = true,
    )]
    default_threshold: i32,
    /// How long a merchant's score is kept
    ///
    /// A running job keeps the time that it began with, whatever a later release says.
    #[arg(long, env = "STATEFUN_SCORE_TTL", value_name = "TIME", default_value = "1h", value_parser = some_time)]
    score_ttl: Duration,
    /// The score of merchants while the scoring service is down, 0 to 100
    #[arg(
        long,
        env = "STATEFUN_FALLBACK_SCORE",
        value_name = "N",
        default_value_t = fraud::Settings::default().fallback_score,
        value_parser = clap::value_parser!(i32).range(0..=100),
    )]
    fallback_score: i32,
    /// Where the scoring service is, http or https: it is asked with ?merchant=NAME and answers {"score": N} [default: a
    /// stand-in in this server]
    #[arg(long, env = "STATEFUN_SCORING_URL", value_name = "URL", hide_env_values = true)]
    scoring_url: Option<Uri>,
    /// How long the scoring service may take to answer
    #[arg(long, env = "STATEFUN_SCORING_TIMEOUT", value_name = "TIME", default_value = "1s", value_parser = some_time)]
    scoring_timeout: Duration,
    /// How often the scoring service is asked again after a failure that may pass, 0 to 10
    ///
    /// Should it stay down, three messages to a merchant wait for all of its retries before it is left alone for a while:
    /// together that has to be shorter than the cluster waits for an answer.
    #[arg(
        long,
        env = "STATEFUN_SCORING_RETRIES",
        value_name = "N",
        default_value_t = 2,
        value_parser = clap::value_parser!(u8).range(0..=10),
    )]
    scoring_retries: u8,
    /// How many requests the scoring service gets at once
    #[arg(long, env = "STATEFUN_SCORING_CONCURRENCY", value_name = "N", default_value = "64")]
    scoring_concurrency: NonZeroU16,
}

impl FraudArgs {
    /// # Errors
    /// When the URL is not one of a scoring service.
    pub(super) fn settings(&self) -> Result<fraud::Settings, BoxError> {
        let defaults = fraud::Settings::default();
        let scoring_service = match &self.scoring_url {
            Some(url) => self.scoring_service(url).map_err(|error| format!("--scoring-url: {error}"))?,
            None => defaults.scoring_service,
        };
        Ok(fraud::Settings {
            window: self.fraud_window,
            score_ttl: self.score_ttl,
            default_threshold: self.default_threshold,
            fallback_score: self.fallback_score,
            custom_thresholds: self.functions.custom_thresholds,
            scoring_service,
        })
    }

    fn scoring_service(&self, url: &Uri) -> Result<Arc<dyn ScoringService>, BoxError> {
        let options = Options {
            url: url.clone(),
            timeout: self.scoring_timeout,
            retries: self.scoring_retries,
            concurrency: self.scoring_concurrency,
            rest: REST,
        };
        Ok(Arc::new(HttpScoringService::new(options)?))
    }
}

/// A time that is not zero.
fn some_time(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time.is_zero() => Err("no time at all".to_owned()),
        other => other.map_err(|error| error.to_string()),
    }
}

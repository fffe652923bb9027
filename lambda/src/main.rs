//! The program that Lambda starts.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use mimalloc::MiMalloc;
use statefun_lambda::FUNCTION_TIMEOUT;
use statefun_sdk::{BoxError, Registry};
use statefun_server::config::{ApplicationArgs, EgressArgs};
use statefun_server::functions;
use statefun_server::telemetry::{self, LogFormat};
use tracing::error;

/// As in the server.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Stateful functions for Apache Flink on AWS Lambda
///
/// Answers the events of API Gateway and of Function URLs. Lambda, or an emulator of it, starts this program and gives it
/// no arguments: each option is the environment variable that its help names.
#[derive(Debug, Parser)]
#[command(name = "bootstrap", version)]
struct Settings {
    #[command(flatten)]
    egresses: EgressArgs,
    #[command(flatten)]
    applications: ApplicationArgs,
    /// How long functions may take for a request; then they are cut off, and the cluster sends the request again
    ///
    /// Below the time-outs of the API and of the Lambda function.
    #[arg(
        long,
        env = "STATEFUN_FUNCTION_TIMEOUT",
        value_name = "TIME",
        default_value_t = FUNCTION_TIMEOUT.into(),
        value_parser = some_time,
    )]
    function_timeout: humantime::Duration,
    /// What to log: a level (error, warn, info, debug, trace), or levels by module
    #[arg(long, env = "STATEFUN_LOG", value_name = "FILTER", default_value = "info")]
    log: String,
}

// One event at a time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let settings = match Settings::try_parse() {
        Err(help) if !help.use_stderr() => help.exit(),
        settings => settings,
    };
    let filter = settings.as_ref().map_or("info", |settings| &settings.log);
    let log = telemetry::start(filter, LogFormat::Json).or_else(|wrong| {
        telemetry::start("info", LogFormat::Json)?;
        Err(wrong)
    });
    let outcome = match (settings, log) {
        (Err(error), _) => Err(error.into()),
        (_, Err(error)) => Err(error),
        (Ok(settings), Ok(())) => run(&settings).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let error = error.to_string();
            error!(
                error = error.trim_end(),
                "cannot start: options are environment variables, --egress is STATEFUN_EGRESS"
            );
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: &Settings) -> Result<(), BoxError> {
    let functions = functions::all(&settings.egresses.destinations()?, &settings.applications.settings()?);
    let registry = Registry::builder().functions(functions).build()?;
    statefun_lambda::run(registry, Duration::from(settings.function_timeout)).await
}

/// A time that is not zero.
fn some_time(text: &str) -> Result<humantime::Duration, String> {
    match text.parse::<humantime::Duration>() {
        Ok(time) if time.is_zero() => Err("no time at all".to_owned()),
        other => other.map_err(|error| error.to_string()),
    }
}

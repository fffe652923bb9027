//! The program `bootstrap`, which Lambda starts.

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
/// Serves the events of API Gateway and of Function URLs. Lambda, or an emulator of it, starts this program without
/// arguments: set the options by the environment variables in their help.
#[derive(Debug, Parser)]
#[command(name = "bootstrap", version)]
struct Settings {
    #[command(flatten)]
    egresses: EgressArgs,
    #[command(flatten)]
    applications: ApplicationArgs,
    /// The timeout of a request; a request that takes longer is cancelled, and the cluster retries it
    ///
    /// Must be shorter than the timeouts of the API and of the Lambda function.
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

// Lambda sends one event at a time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let settings = match Settings::try_parse() {
        Err(help) if !help.use_stderr() => help.exit(),
        settings => settings,
    };
    let filter = settings.as_ref().map_or("info", |settings| &settings.log);
    let log = telemetry::start(filter, LogFormat::Json).or_else(|error| {
        telemetry::start("info", LogFormat::Json)?;
        Err(error)
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
                "cannot start: set options by environment variables, such as STATEFUN_EGRESS for --egress"
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

/// Parses a duration above zero.
fn some_time(text: &str) -> Result<humantime::Duration, String> {
    match text.parse::<humantime::Duration>() {
        Ok(time) if time.is_zero() => Err("expected a duration above zero".to_owned()),
        other => other.map_err(|error| error.to_string()),
    }
}

//! A program that Lambda starts.

use std::process::ExitCode;

use clap::{Args, Parser};
use statefun_sdk::{BoxError, ErrorChain, LogSampler, Registry};
use tracing::error;
use tracing_subscriber::EnvFilter;

use crate::runtime::{Timeouts, run};

/// Stateful functions for Apache Flink on AWS Lambda
///
/// Serves the events of API Gateway and of Function URLs. Lambda, or an emulator of it, starts this program without
/// arguments: set the options by the environment variables in their help.
#[derive(Debug, Parser)]
#[command(name = "bootstrap")]
struct Settings<A: Args> {
    #[command(flatten)]
    functions: A,
    /// The timeout of a request; a request that takes longer is cancelled, and the cluster retries it
    ///
    /// Must be shorter than the timeouts of the API and of the Lambda function.
    #[arg(
        long,
        env = "STATEFUN_FUNCTION_TIMEOUT",
        value_name = "TIME",
        default_value_t = Timeouts::default().function.into(),
        value_parser = some_time,
    )]
    function_timeout: humantime::Duration,
    /// How long a function may take over one message; then its batch fails, and the cluster retries it
    ///
    /// Shorter than the timeout of a request, so that the log says which function it was.
    #[arg(
        long,
        env = "STATEFUN_INVOCATION_TIMEOUT",
        value_name = "TIME",
        default_value_t = Timeouts::default().invocation.into(),
        value_parser = some_time,
    )]
    invocation_timeout: humantime::Duration,
    /// What to log: a level (error, warn, info, debug, trace), or levels by module
    #[arg(long, env = "STATEFUN_LOG", value_name = "FILTER", default_value = "info")]
    log: String,
}

/// The options of functions that have none, for [`bootstrap`].
#[derive(Debug, Args)]
pub struct NoOptions {}

/// The whole of a program `bootstrap`: reads the options from the environment, those of the functions (`A`) included, logs
/// lines of JSON on standard error, and serves the events of Lambda until it ends the process.
///
/// What keeps it from starting is the last line of the log, and the exit code is 1. It is the process's only subscriber of
/// `tracing`, and sets the panic hook.
pub async fn bootstrap<A: Args>(functions: impl FnOnce(A) -> Result<Registry, BoxError>) -> ExitCode {
    let settings = match Settings::<A>::try_parse() {
        Err(help) if !help.use_stderr() => help.exit(),
        settings => settings,
    };
    let filter = settings.as_ref().map_or("info", |settings| &settings.log);
    let log = start_log(filter).or_else(|error| {
        start_log("info")?;
        Err(error)
    });
    let outcome = match (settings, log) {
        (Err(error), _) => Err(error.into()),
        (_, Err(error)) => Err(error),
        (Ok(settings), Ok(())) => serve(settings, functions).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let error = ErrorChain(&*error).to_string();
            error!(
                error = error.trim_end(),
                "cannot start: set options by environment variables, such as STATEFUN_LOG for --log"
            );
            ExitCode::FAILURE
        }
    }
}

async fn serve<A: Args>(
    settings: Settings<A>,
    functions: impl FnOnce(A) -> Result<Registry, BoxError>,
) -> Result<(), BoxError> {
    let timeouts =
        Timeouts { function: settings.function_timeout.into(), invocation: settings.invocation_timeout.into() };
    run(functions(settings.functions)?, timeouts).await
}

/// Lambda keeps each line of standard error as an event of CloudWatch. Lines are written at once, not by a thread: between events
/// the process is frozen, and may never run again.
fn start_log(filter: &str) -> Result<(), BoxError> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| format!("--log {filter:?}: {error}; expected a level such as info, or module=level,…"))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // The list of spans already contains the current one.
    lines.json().flatten_event(true).with_current_span(false).try_init()?;
    // The panic of a function is caught elsewhere and logged there with its message. This logs its location.
    std::panic::set_hook(Box::new(|panic| {
        // A message may make a function panic as often as it is sent.
        static PANICS: LogSampler = LogSampler::new();
        if let Some(suppressed) = PANICS.sample() {
            let location = panic.location().map(ToString::to_string);
            error!(location = location.as_deref(), suppressed, "panic");
        }
    }));
    Ok(())
}

/// Parses a duration above zero.
fn some_time(text: &str) -> Result<humantime::Duration, String> {
    match text.parse::<humantime::Duration>() {
        Ok(time) if time.is_zero() => Err("expected a duration above zero".to_owned()),
        other => other.map_err(|error| error.to_string()),
    }
}

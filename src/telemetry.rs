//! The log: lines on standard error.

use std::panic;

use clap::{Args, ValueEnum};
use statefun_sdk::BoxError;
use tracing_subscriber::EnvFilter;

/// Options of the log.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// What to log: a level (error, warn, info, debug, trace), or levels by module [default: info; error for demo]
    #[arg(long, global = true, env = "STATEFUN_LOG", value_name = "FILTER")]
    log: Option<String>,
    /// The format of log lines
    #[arg(long, global = true, env = "STATEFUN_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

/// The format of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Readable text
    Text,
    /// One JSON object per line
    Json,
}

/// Starts logging; `default` is the filter if the options have none.
///
/// # Errors
/// When the filter is invalid.
pub fn init(args: &LogArgs, default: &str) -> Result<(), BoxError> {
    start(args.log.as_deref().unwrap_or(default), args.log_format)
}

/// Like [`init`], for programs other than the server.
///
/// # Errors
/// When the filter is invalid.
pub fn start(filter: &str, format: LogFormat) -> Result<(), BoxError> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| format!("--log {filter:?}: {error}; expected a level such as info, or module=level,…"))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => {
            lines.with_ansi(anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never).init()
        }
        // The list of spans already contains the current one.
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).init(),
    }
    // The panic of a function is caught elsewhere and logged there with its message. This logs its location, in the
    // format of the other lines.
    panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(location = location.as_deref(), "panic");
    }));
    Ok(())
}

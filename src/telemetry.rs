//! The log: lines on standard error, which a thread writes.

mod background;

use std::{io, panic};

use anstyle::Style;
use clap::{Args, ValueEnum};
use statefun_sdk::{BoxError, Escaped, LogSampler};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::debug_fn;

use self::background::Background;

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

/// Logging that was started. When it is dropped, it waits up to a second for lines that are not written yet.
#[must_use]
pub struct Log(Background);

impl Drop for Log {
    fn drop(&mut self) {
        self.0.flush();
    }
}

/// Starts logging; `default` is the filter if the options have none.
///
/// # Errors
/// When the filter is invalid, or there is no thread for it.
pub fn init(args: &LogArgs, default: &str) -> Result<Log, BoxError> {
    start(args.log.as_deref().unwrap_or(default), args.log_format)
}

/// Like [`init`], for programs other than the server.
///
/// # Errors
/// As [`init`].
pub fn start(filter: &str, format: LogFormat) -> Result<Log, BoxError> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| format!("--log {filter:?}: {error}; expected a level such as info, or module=level,…"))?;
    let writer = Background::start(io::stderr())?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer.clone());
    match format {
        LogFormat::Text => {
            let colours = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
            lines.with_ansi(colours).fmt_fields(fields()).init()
        }
        // The list of spans already contains the current one.
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).init(),
    }
    // The panic of a function is caught elsewhere and logged there with its message. This logs its location, in the
    // format of the other lines.
    panic::set_hook(Box::new(|panic| {
        // A message may make a function panic as often as it is sent.
        static PANICS: LogSampler = LogSampler::new();
        if let Some(suppressed) = PANICS.sample() {
            let location = panic.location().map(ToString::to_string);
            tracing::error!(location = location.as_deref(), suppressed, "panic");
        }
    }));
    Ok(Log(writer))
}

/// The fields of a line of text. They hold what comes from outside, such as ids and texts of errors.
fn fields() -> impl for<'a> FormatFields<'a> + Send + Sync + 'static {
    debug_fn(|out, field, value| {
        let value = Escaped(value);
        match field.name() {
            "message" => write!(out, "{value:?}"),
            name if out.has_ansi_escapes() => {
                let (italic, dimmed) = (Style::new().italic(), Style::new().dimmed());
                write!(out, "{italic}{name}{italic:#}{dimmed}={dimmed:#}{value:?}")
            }
            name => write!(out, "{name}={value:?}"),
        }
    })
    .delimited(" ")
}

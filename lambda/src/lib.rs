#![doc = include_str!("../README.md")]
//!
//! # Layout
//!
//! | module | what lives there |
//! |---|---|
//! | [`run`] | a registry of functions behind Lambda's events |
//! | `events` | events whose body cannot be read are found before lambda_http stumbles over them |
//! | `answers` | one event's request: how long it may take, how large its answer may be |
//! | `main.rs` | the program `bootstrap`: settings from the environment, the log, the registry |

mod answers;
mod events;

use std::env;
use std::sync::Arc;
use std::time::Duration;

use lambda_http::Error;
use statefun_http::Options;
use statefun_sdk::Registry;

use crate::answers::Answers;
pub use crate::answers::LARGEST_BODY;
use crate::events::Readable;

/// How long functions may take unless told otherwise. API Gateway waits 29 s (REST) or 30 s (HTTP API) for an answer.
pub const FUNCTION_TIMEOUT: Duration = Duration::from_secs(25);

/// What Lambda tells each process, without which lambda_runtime panics.
const RUNTIME_VARIABLES: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
];

/// Answers the events of API Gateway (REST and HTTP APIs) and of Function URLs with the functions of `registry`, at every
/// path, until Lambda ends the process.
///
/// An answer that takes longer than `function_timeout`, or than Lambda leaves to this event, is cut off: nothing of its
/// batch is applied.
///
/// # Errors
/// When it is not Lambda or an emulator that started this process: then environment variables of its Runtime API are
/// missing. When that API cannot be reached.
pub async fn run(registry: impl Into<Arc<Registry>>, function_timeout: Duration) -> Result<(), Error> {
    if let Some(missing) = RUNTIME_VARIABLES.iter().find(|name| env::var_os(name).is_none()) {
        return Err(format!(
            "{missing} is not set: this program is started by Lambda or an emulator of it, such as `cargo lambda watch`"
        )
        .into());
    }
    // A stage is part of the path, and what the gateway lets through is for the functions.
    let options = Options { any_path: true, body_limit: LARGEST_BODY, ..Options::default() };
    let router = statefun_http::router(registry, &options);
    lambda_http::lambda_runtime::run(Readable::new(Answers::new(router, function_timeout))).await
}

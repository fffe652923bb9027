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

/// Answers the events of API Gateway (REST and HTTP APIs) and of Function URLs with the functions of `registry`, at every
/// path, until Lambda ends the process.
///
/// An answer that takes longer than `function_timeout`, or than Lambda leaves to this event, is cut off: nothing of its
/// batch is applied.
///
/// # Errors
/// When Lambda's Runtime API cannot be reached.
///
/// # Panics
/// When it is not Lambda or an emulator that started this process: then the environment variables of its Runtime API are
/// missing.
pub async fn run(registry: impl Into<Arc<Registry>>, function_timeout: Duration) -> Result<(), Error> {
    // A stage is part of the path, and what the gateway lets through is for the functions.
    let options = Options { any_path: true, body_limit: LARGEST_BODY, ..Options::default() };
    let router = statefun_http::router(registry, &options);
    lambda_http::lambda_runtime::run(Readable::new(Answers::new(router, function_timeout))).await
}

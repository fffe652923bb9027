use std::convert::Infallible;
use std::env;
use std::sync::Arc;
use std::time::Duration;

use lambda_http::request::LambdaRequest;
use lambda_http::{Error, LambdaEvent, Service};
use serde::Serialize;
use statefun_http::Options;
use statefun_sdk::Registry;

use crate::events::Readable;
use crate::responses::{LARGEST_BODY, Responses};

/// How long a request may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// The whole of it: then it is cancelled with 504. Default: 25 seconds, as API Gateway waits 29 s (REST) or 30 s (HTTP API).
    pub function: Duration,
    /// One message: then its invocation is dropped at an await, and the batch fails with 503 and says which. Default: 20 seconds.
    pub invocation: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { function: Duration::from_secs(25), invocation: Duration::from_secs(20) }
    }
}

/// The environment variables that Lambda sets and without which lambda_runtime panics.
const RUNTIME_VARIABLES: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
];

/// Serves the events of API Gateway (REST and HTTP APIs) and of Function URLs with the functions of `registry`, at
/// every path, until Lambda ends the process.
///
/// A request that takes longer than these timeouts, or than Lambda allows for the event, is cancelled: nothing of its
/// batch is applied.
///
/// # Errors
/// When this process was not started by Lambda or an emulator, so that environment variables of the Runtime API are
/// missing, or when that API cannot be reached.
pub async fn run(registry: impl Into<Arc<Registry>>, timeouts: Timeouts) -> Result<(), Error> {
    if let Some(missing) = RUNTIME_VARIABLES.iter().find(|name| env::var_os(name).is_none()) {
        return Err(format!(
            "{missing} is not set: this program is started by Lambda or an emulator of it, such as `cargo lambda watch`"
        )
        .into());
    }
    lambda_http::lambda_runtime::run(service(registry, timeouts)).await
}

/// What [`run`] serves, without the Runtime API: for tests.
#[doc(hidden)]
pub fn service(
    registry: impl Into<Arc<Registry>>,
    timeouts: Timeouts,
) -> impl Service<LambdaEvent<LambdaRequest>, Response: Serialize + Send, Error = Infallible, Future: Send> {
    // The path includes the stage, and the gateway decides which paths reach the functions.
    let options = Options {
        any_path: true,
        body_limit: LARGEST_BODY,
        invocation_timeout: timeouts.invocation,
        ..Options::default()
    };
    let router = statefun_http::router(registry, &options);
    Readable::new(Responses::new(router, timeouts.function))
}

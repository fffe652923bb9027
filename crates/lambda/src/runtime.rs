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

/// The default timeout of functions. API Gateway waits 29 s (REST) or 30 s (HTTP API) for a response.
pub const FUNCTION_TIMEOUT: Duration = Duration::from_secs(25);

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
/// A request that takes longer than `function_timeout`, or than Lambda allows for the event, is cancelled: nothing of
/// its batch is applied.
///
/// # Errors
/// When this process was not started by Lambda or an emulator, so that environment variables of the Runtime API are
/// missing, or when that API cannot be reached.
pub async fn run(registry: impl Into<Arc<Registry>>, function_timeout: Duration) -> Result<(), Error> {
    if let Some(missing) = RUNTIME_VARIABLES.iter().find(|name| env::var_os(name).is_none()) {
        return Err(format!(
            "{missing} is not set: this program is started by Lambda or an emulator of it, such as `cargo lambda watch`"
        )
        .into());
    }
    lambda_http::lambda_runtime::run(service(registry, function_timeout)).await
}

/// What [`run`] serves, without the Runtime API: for tests.
#[doc(hidden)]
pub fn service(
    registry: impl Into<Arc<Registry>>,
    function_timeout: Duration,
) -> impl Service<LambdaEvent<LambdaRequest>, Response: Serialize + Send, Error = Infallible, Future: Send> {
    // The path includes the stage, and the gateway decides which paths reach the functions.
    let options = Options { any_path: true, body_limit: LARGEST_BODY, ..Options::default() };
    let router = statefun_http::router(registry, &options);
    Readable::new(Responses::new(router, function_timeout))
}

//! The functions of the tests' own on AWS Lambda, as anybody's would be.

use std::time::Duration;

use statefun_sdk::BoxError;
use statefun_server::telemetry::{self, LogFormat};

/// Functions may take as many milliseconds as the environment variable `FUNCTION_TIMEOUT_MS` says.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    telemetry::start("info", LogFormat::Json)?;
    let timeout = match std::env::var("FUNCTION_TIMEOUT_MS") {
        Ok(millis) => Duration::from_millis(millis.parse()?),
        Err(_) => statefun_lambda::FUNCTION_TIMEOUT,
    };
    statefun_lambda::run(statefun_lambda_tests::registry()?, timeout).await
}

//! The test functions on AWS Lambda.

use std::process::ExitCode;

use statefun_lambda::{NoOptions, bootstrap};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    bootstrap(|_: NoOptions| Ok(statefun_lambda_tests::registry()?)).await
}

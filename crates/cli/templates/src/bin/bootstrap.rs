//! Serves the functions on AWS Lambda, which starts this program.

use std::process::ExitCode;

use statefun_lambda::{NoOptions, bootstrap};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    bootstrap(|_: NoOptions| Ok({{crate}}::functions()?)).await
}

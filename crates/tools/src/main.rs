//! The command line; see `statefun_tools::cli`.

use std::process::ExitCode;

use clap::Parser;
use statefun_tools::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    Cli::parse().run().await
}

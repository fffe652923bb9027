//! The command line; see `statefun_cli::cli`.

use std::process::ExitCode;

use clap::Parser;
use statefun_cli::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    Cli::parse().run().await
}

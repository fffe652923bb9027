//! The server's command line; see `statefun_server::cli`.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use statefun_sdk::ErrorChain;
use statefun_server::cli::Cli;

/// A batch allocates and frees some hundred small strings.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", ErrorChain(&*error));
            ExitCode::FAILURE
        }
    }
}

//! The server's command line; see `statefun_server::cli`.

use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::Parser;
use mimalloc::MiMalloc;
use statefun_sdk::{ErrorChain, Escaped};
use statefun_server::cli::Cli;

/// A batch allocates and frees some hundred small strings.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(ErrorChain(&*error).to_string());
            ExitCode::FAILURE
        }
    }
}

/// Prints an error. Waits at most a second, in case standard error is not read.
fn print_error(text: String) {
    let (printed, done) = mpsc::channel();
    thread::spawn(move || {
        // It may have several lines, and quote what comes from outside.
        let lines: Vec<_> = text.lines().map(|line| Escaped(line).to_string()).collect();
        eprintln!("error: {}", lines.join("\n"));
        let _ = printed.send(());
    });
    let _ = done.recv_timeout(Duration::from_secs(1));
}

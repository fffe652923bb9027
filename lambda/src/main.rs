//! The program `bootstrap`, which Lambda starts: the applications of the server behind the adapter of `statefun-lambda`.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use statefun_applications::ApplicationArgs;

/// As in the server.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

// Lambda sends one event at a time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    statefun_lambda::bootstrap(|applications: ApplicationArgs| applications.registry()).await
}

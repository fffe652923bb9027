//! The server under test: the functions of the benchmark, served by `statefun-http` with its limits and metrics, and
//! the log of `statefun-server` at its default level. `benches/run` and `benches/grow` start it.

use std::num::NonZeroU32;
use std::time::Duration;

use clap::Parser;
use statefun_bench::{Documents, registry, wide};
use statefun_http::{Options, serve};
use tracing_subscriber::EnvFilter;

/// Serves the functions of the benchmark on 127.0.0.1.
#[derive(Debug, Parser)]
struct Cli {
    /// The port to listen on
    #[arg(long, env = "PORT", default_value = "8000")]
    port: u16,
    /// How the counter reads its JSON
    #[arg(long, value_enum, default_value = "owned")]
    documents: Documents,
    /// Serve bench.fns/wide with this many states, instead of the counter and the echo
    #[arg(long, value_name = "N")]
    states: Option<usize>,
    /// The most requests per second
    #[arg(long, value_name = "N")]
    rate_limit: Option<NonZeroU32>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Cli { port, documents, states, rate_limit } = Cli::parse();
    tracing_subscriber::fmt().with_env_filter(EnvFilter::try_new("info")?).with_writer(std::io::stderr).init();
    // No drain delay, as the benchmark waits for the shutdown.
    let options = Options {
        listen: ([127, 0, 0, 1], port).into(),
        drain_delay: Duration::ZERO,
        rate_limit,
        ..Options::default()
    };
    let registry = states.map_or_else(|| registry(documents), wide::registry)?;
    serve(registry, options).await?;
    Ok(())
}

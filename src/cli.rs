//! The commands.

use clap::{Args, Parser, Subcommand};
use statefun_applications::ApplicationArgs;
use statefun_sdk::BoxError;

use crate::config::ServeArgs;
use crate::demo::{self, DemoArgs};
use crate::health::{self, HealthArgs};
use crate::module::{ContractCommand, ModuleCommand};
use crate::telemetry::{self, LogArgs};

/// Stateful functions for Apache Flink, in Rust.
///
/// A StateFun cluster keeps the state, routes the messages and delivers exactly once; this process runs the functions
/// and serves the cluster's requests over HTTP.
#[derive(Debug, Parser)]
#[command(
    name = "statefun-server",
    version,
    after_help = "Every option can also be set by the environment variable in its help."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the requests of a StateFun cluster
    ///
    /// The urlPathTemplate of a module.yaml names POST /statefun. GET / lists the functions, GET /healthz and GET
    /// /readyz are for probes, GET /metrics is for Prometheus. On SIGTERM the server stops being ready, accepts
    /// requests for the drain delay, finishes the requests in flight within the drain timeout and shuts down.
    #[command(after_long_help = SERVE_EXAMPLES)]
    Serve(Box<ServeCommand>),
    /// Check a server's health
    ///
    /// For the health check of a container: the exit code is 0 if the server on this machine, or the server at the URL,
    /// responds with 200 within three seconds.
    Health(HealthArgs),
    /// Run the functions without a cluster
    ///
    /// Starts this server on a free local port and feeds it events one by one, as a cluster would. Prints each record
    /// that the functions emit to standard output: one line of JSON, or a sentence for fraud. Traces every step on
    /// standard error.
    #[command(after_long_help = DEMO_EXAMPLES)]
    Demo(DemoArgs),
    /// Write or check module.yaml, which describes the functions to a cluster
    ///
    /// `statefun module` does the same for functions of your own.
    #[command(subcommand)]
    Module(ModuleCommand),
    /// Print a release's contract with a running job, or check it against an older one
    ///
    /// Prints the functions with their states, types, expirations, accepted messages, targets and egresses as JSON,
    /// always in the same order. Store it with each release and run `contract check` in the next one to compare them.
    /// `statefun contract` does the same for functions of your own.
    Contract(Box<ContractCommand>),
}

#[derive(Debug, Args)]
struct ServeCommand {
    #[command(flatten)]
    serve: ServeArgs,
    #[command(flatten)]
    applications: ApplicationArgs,
}

const SERVE_EXAMPLES: &str = "\
Examples:
  statefun-server serve
  statefun-server serve --listen 127.0.0.1:9000 --log debug
  statefun-server serve --egress example/egress=kinesis:cart-status
  statefun-server serve --initial-stock 100
  STATEFUN_LISTEN=0.0.0.0:9000 statefun-server serve --log-format json";

const DEMO_EXAMPLES: &str = "\
Examples:
  statefun-server demo
  statefun-server demo --app shopping-cart | jq .value
  statefun-server demo --events my-events.jsonl | jq .value.data
  statefun-server demo --app fraud --seed 7 | grep Hypergrid
  statefun-server demo --app greeter
  statefun-server demo --clock real";

impl Cli {
    /// Runs the command to completion.
    ///
    /// # Errors
    /// When the command fails; the error says what to change.
    pub async fn run(self) -> Result<(), BoxError> {
        match self.command {
            Command::Serve(command) => {
                let ServeCommand { serve, applications } = *command;
                let _log = telemetry::init(&self.log, "info")?;
                Ok(statefun_http::serve(applications.registry()?, serve.options()?).await?)
            }
            Command::Health(args) => health::run(&args).await,
            Command::Demo(demo) => {
                // The demo already traces its steps on standard error; the log would repeat half of them.
                let _log = telemetry::init(&self.log, "error")?;
                demo::run(demo).await
            }
            Command::Module(command) => command.run(),
            Command::Contract(command) => command.run(),
        }
    }
}

//! The commands.

use clap::{Args, Parser, Subcommand};
use statefun_sdk::{BoxError, Registry};

use crate::config::{ApplicationArgs, EgressArgs, ServeArgs};
use crate::contract::{self, ContractArgs};
use crate::demo::{self, DemoArgs};
use crate::functions;
use crate::health::{self, HealthArgs};
use crate::module::ModuleCommand;
use crate::telemetry::{self, LogArgs};

/// Stateful functions for Apache Flink, in Rust.
///
/// A StateFun cluster keeps the state, routes the messages and delivers exactly once; this process holds the functions
/// and answers the cluster's requests over HTTP.
#[derive(Debug, Parser)]
#[command(
    name = "statefun-server",
    version,
    after_help = "Every option is also the environment variable that its help names."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer the requests of a StateFun cluster
    ///
    /// POST /statefun is what a module.yaml names as urlPathTemplate. GET / lists the functions, GET /healthz and
    /// GET /readyz tell probes how it is, GET /metrics tells Prometheus. On SIGTERM it is not ready any more, takes
    /// requests for the drain delay, finishes what is in flight and ends.
    #[command(after_long_help = SERVE_EXAMPLES)]
    Serve(Box<ServeCommand>),
    /// Ask a server how it is
    ///
    /// For the health check of a container: ends with 0 if the server on this machine, or what is at the URL, answers with
    /// 200 within three seconds.
    Health(HealthArgs),
    /// Watch the functions at work, without a cluster
    ///
    /// Starts this server on a free port of this machine and feeds it events, one after the other, as a cluster would.
    /// Each record that the functions emit is one line of JSON on standard output, or for fraud a sentence; what happens
    /// is told on standard error.
    #[command(after_long_help = DEMO_EXAMPLES)]
    Demo(DemoArgs),
    /// Write or check module.yaml, which tells a cluster of the functions
    #[command(subcommand)]
    Module(ModuleCommand),
    /// Tell what a release promises to a running job, or what it breaks of an older one's promises
    ///
    /// Prints the functions with their states, types, expirations, accepted messages, targets and egresses as JSON, always
    /// in the same order. Keep it with each release, and let `contract check` compare the next one with it.
    #[command(after_long_help = contract::EXAMPLES)]
    Contract(ContractArgs),
}

#[derive(Debug, Args)]
struct ServeCommand {
    #[command(flatten)]
    serve: ServeArgs,
    #[command(flatten)]
    egresses: EgressArgs,
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
  statefun-server demo --clock real";

impl Cli {
    /// Does what the command says, to its end.
    ///
    /// # Errors
    /// When it cannot; the error says what to change.
    pub async fn run(self) -> Result<(), BoxError> {
        match self.command {
            Command::Serve(command) => {
                let ServeCommand { serve, egresses, applications } = *command;
                telemetry::init(&self.log, "info")?;
                let functions = functions::all(&egresses.destinations()?, &applications.settings()?);
                let registry = Registry::builder().functions(functions).build()?;
                Ok(statefun_http::serve(registry, serve.options()?).await?)
            }
            Command::Health(args) => health::run(&args).await,
            Command::Demo(demo) => {
                // Standard error tells what happens; the log would tell half of it a second time.
                telemetry::init(&self.log, "error")?;
                demo::run(demo).await
            }
            Command::Module(command) => command.run(),
            Command::Contract(args) => contract::run(&args),
        }
    }
}

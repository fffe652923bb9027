//! The commands.

use std::io;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use statefun_sdk::{ErrorChain, Escaped};

use crate::completions::{self, CompletionsArgs};
use crate::module::{ContractCommand, ModuleCommand};
use crate::new::{self, NewArgs};
use crate::receive::{self, Outcome, ReceiveArgs};
use crate::send::{self, SendArgs};
use crate::simulate::{self, SimulateArgs};

/// Create, check and operate stateful functions for Apache Flink
///
/// `new` writes a project with functions of your own. `module` writes and checks the file that describes functions to a cluster,
/// and `contract` compares releases; both ask a running server. `send` and `receive` feed a cluster's ingresses and read its
/// egresses: Kafka topics or Kinesis streams.
#[derive(Debug, Parser)]
#[command(name = "statefun", version, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a project with functions of your own
    ///
    /// It builds, is tested, and has a module.yaml, a Dockerfile and a CI file. Then, in its folder: `cargo test`, and `cargo run`
    /// serves the functions on port 8000.
    #[command(after_long_help = NEW_EXAMPLES)]
    New(NewArgs),
    /// Write or check module.yaml, which describes the functions to a cluster
    #[command(subcommand)]
    Module(ModuleCommand),
    /// Print the contract of functions with a running job, or check it against an older release's
    ///
    /// Prints the functions with their states, types, expirations, accepted messages, targets and egresses as JSON,
    /// always in the same order. Store it with each release, and compare the next one with it by `contract check`.
    #[command(after_long_help = CONTRACT_EXAMPLES)]
    Contract(ContractCommand),
    /// Send the lines of a file to an ingress
    ///
    /// Every record gets a key: the id of the function that the ingress sends the record to. Records with the same key
    /// keep their order. A line {"type":"test.keys","data":"/user"} says where the keys of later lines are; options
    /// override it. Waits until each record is confirmed and reports those that are not; if a connection breaks, Kinesis may store a record twice.
    #[command(after_long_help = SEND_EXAMPLES)]
    Send(SendArgs),
    /// Print the records of an egress, one JSON object per line
    ///
    /// From Kafka {"topic","partition","offset","key","value"}; from Kinesis "stream", "shard" and "sequence" replace
    /// the first three. A value that is not JSON is printed as "value_text" if it is UTF-8, otherwise as
    /// "value_base64"; a key that is not UTF-8 is printed as "key_base64". A tombstone has no value, a record without a
    /// key has no key. Commits no offsets and joins no consumer group, so other consumers are not affected.
    #[command(after_long_help = RECEIVE_EXAMPLES)]
    Receive(ReceiveArgs),
    /// Send generated payments to fraud detection, and print its alerts
    ///
    /// Sends transactions, and after every tenth a fraud confirmation and a threshold, to the Kafka topics
    /// transactions, confirmed and thresholds, and prints a line for each alert in the topic alerts. The events depend
    /// on the seed only, except for the timestamps of transactions. The alerts of an exactly-once egress are visible
    /// after the next checkpoint. Missing topics are created.
    #[command(after_long_help = SIMULATE_EXAMPLES)]
    Simulate(SimulateArgs),
    /// Print the script with which a shell completes this command line
    #[command(after_long_help = COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArgs),
}

const EXIT_CODES: &str = "\
Exit codes:
  0  success
  1  an error occurred, or a check found errors
  2  the command line is invalid
  3  a timeout elapsed";

const NEW_EXAMPLES: &str = "\
Examples:
  statefun new shop && cd shop && cargo test && cargo run
  statefun new shop --lambda
  statefun new shop --sdk ../statefun

Exit codes:
  0  the project was written
  1  an error occurred, such as a folder that is there already
  2  the command line is invalid";

const CONTRACT_EXAMPLES: &str = "\
Examples:
  statefun contract >contract.json
  statefun contract --functions http://functions:8000 check contract.json
  statefun contract --functions built-in

Exit codes:
  0  the contract was printed, or no change is incompatible
  1  an error occurred, or a change is incompatible
  2  the command line is invalid";

const SEND_EXAMPLES: &str = "\
Examples:
  statefun send kafka:example-ingress events.jsonl
  statefun send kafka:example-ingress events.jsonl --rate 200/s
  jq -c .user users.json | statefun send kafka:users --key-pointer /name
  statefun send kafka:orders orders.jsonl --key-rule 'order.*=/data/id'
  statefun send kinesis:cart_events events.jsonl --region eu-central-1

A local Kinesis emulator, such as LocalStack:
  export AWS_ENDPOINT_URL=http://localhost:4566 AWS_REGION=us-east-1
  export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any
  statefun send kinesis:cart_events events.jsonl

Exit codes:
  0  every record was confirmed
  1  an error occurred, or a record was not confirmed
  2  the command line is invalid";

const RECEIVE_EXAMPLES: &str = "\
Examples:
  statefun receive kafka:example-egress | jq .value.data
  statefun receive kafka:example-egress --from-beginning --count 2
  statefun receive kafka:example-egress --from-beginning --to-end | wc -l
  statefun receive kinesis:cart_results --timeout 5min

Exit codes:
  0  all requested records were received
  1  an error occurred
  2  the command line is invalid
  3  --timeout elapsed before --count records or the end were received";

const SIMULATE_EXAMPLES: &str = "\
Examples:
  statefun simulate
  statefun simulate --rate 200/s --duration 1min --seed 42
  statefun simulate --brokers localhost:9094 | grep 'Hypergrid'

An alert:
  Suspected Fraud for account id 0x00F3CD51 at Hypergrid for 36 USD

Exit codes:
  0  every event was confirmed
  1  an error occurred, or an event was not confirmed
  2  the command line is invalid";

const COMPLETIONS_EXAMPLES: &str = "\
For bash with the package bash-completion; it applies to new shells:
  mkdir -p ~/.local/share/bash-completion/completions
  statefun completions bash >~/.local/share/bash-completion/completions/statefun

For bash without that package, in ~/.bashrc:
  source <(statefun completions bash)

Exit codes:
  0  the script was printed
  1  an error occurred
  2  the command line is invalid";

/// The exit code of a timeout.
const TIMED_OUT: u8 = 3;

impl Cli {
    /// Runs the command and prints its error, if any, on standard error.
    pub async fn run(self) -> ExitCode {
        let result = match self.command {
            Command::New(args) => new::run(&args).map(|()| Outcome::Complete),
            Command::Module(command) => command.run().map(|()| Outcome::Complete),
            Command::Contract(command) => command.run().map(|()| Outcome::Complete),
            Command::Send(args) => send::run(args).await.map(|()| Outcome::Complete),
            Command::Receive(args) => receive::run(args).await,
            Command::Simulate(args) => simulate::run(args).await.map(|()| Outcome::Complete),
            Command::Completions(args) => {
                completions::run(&args, Self::command(), io::stdout()).map(|()| Outcome::Complete)
            }
        };
        match result {
            Ok(Outcome::Complete) => ExitCode::SUCCESS,
            Ok(Outcome::TimedOut) => ExitCode::from(TIMED_OUT),
            Err(error) => {
                // It may have several lines, and quote what comes from outside.
                let text = ErrorChain(&*error).to_string();
                let lines: Vec<_> = text.lines().map(|line| Escaped(line).to_string()).collect();
                eprintln!("error: {}", lines.join("\n"));
                ExitCode::FAILURE
            }
        }
    }
}

//! The commands.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::chain;
use crate::receive::{self, End, ReceiveArgs};
use crate::send::{self, SendArgs};
use crate::simulate::{self, SimulateArgs};

/// Events into the ingresses of a StateFun cluster, and records out of its egresses
///
/// Both are Kafka topics or Kinesis streams.
#[derive(Debug, Parser)]
#[command(name = "statefun-tools", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send the lines of a file to an ingress
    ///
    /// Every record gets a key: it is the id of the function that the ingress hands the record to, and records of one
    /// key keep their order. The keys of products and carts are found without an option. Waits until each record is
    /// confirmed; when a connection breaks, Kinesis may store one twice. None is lost without a word.
    #[command(after_long_help = SEND_EXAMPLES)]
    Send(SendArgs),
    /// Print what comes out of an egress, one JSON object a line
    ///
    /// From Kafka {"topic","partition","offset","key","value"}, from Kinesis the same with "stream", "shard" and
    /// "sequence" for the first three. A value that is not JSON is "value_text" where it is text, else "value_base64"; "key_base64" likewise. A
    /// tombstone has no value, a record without a key has no key. Commits no offsets and joins no group, so it disturbs
    /// nobody.
    #[command(after_long_help = RECEIVE_EXAMPLES)]
    Receive(ReceiveArgs),
    /// Make up payments for fraud detection, and print its alerts
    ///
    /// Sends transactions, each tenth time a confirmation of fraud and a threshold as well, to the Kafka topics
    /// transactions, confirmed and thresholds, and prints a line for each alert that comes out of the topic alerts. What
    /// is sent depends on the seed alone, but for the transactions' times. An exactly-once egress tells its alerts when a
    /// checkpoint is done. Topics that are missing are made.
    #[command(after_long_help = SIMULATE_EXAMPLES)]
    Simulate(SimulateArgs),
}

const SEND_EXAMPLES: &str = "\
Examples:
  statefun-tools send kafka:example-ingress events.jsonl
  statefun-tools send kafka:example-ingress events.jsonl --rate 200/s
  jq -c .user users.json | statefun-tools send kafka:users --key-pointer /name
  statefun-tools send kafka:orders orders.jsonl --key-rule 'order.*=/data/id'
  statefun-tools send kinesis:cart_events events.jsonl --region eu-central-1

A stand-in of Kinesis on this machine, such as LocalStack:
  export AWS_ENDPOINT_URL=http://localhost:4566 AWS_REGION=us-east-1
  export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any
  statefun-tools send kinesis:cart_events events.jsonl

Exit codes:
  0  every record was confirmed
  1  not so
  2  the command line is wrong";

const RECEIVE_EXAMPLES: &str = "\
Examples:
  statefun-tools receive kafka:example-egress | jq .value.data
  statefun-tools receive kafka:example-egress --from-beginning --count 2
  statefun-tools receive kafka:example-egress --from-beginning --to-end | wc -l
  statefun-tools receive kinesis:cart_results --timeout 5min

Exit codes:
  0  what was asked for has come
  1  something failed
  2  the command line is wrong
  3  the time was over before --count records or the end had come";

const SIMULATE_EXAMPLES: &str = "\
Examples:
  statefun-tools simulate
  statefun-tools simulate --rate 200/s --duration 1min --seed 42
  statefun-tools simulate --brokers localhost:9094 | grep 'Hypergrid'

An alert:
  Suspected Fraud for account id 0x00F3CD51 at Hypergrid for 36 USD

Exit codes:
  0  every event was confirmed
  1  not so, or the alerts cannot be had
  2  the command line is wrong";

/// The exit code of a time-out.
const TIMED_OUT: u8 = 3;

impl Cli {
    /// Does what the command says, and tells on standard error why not.
    pub async fn run(self) -> ExitCode {
        let done = match self.command {
            Command::Send(args) => send::run(args).await.map(|()| End::Complete),
            Command::Receive(args) => receive::run(args).await,
            Command::Simulate(args) => simulate::run(args).await.map(|()| End::Complete),
        };
        match done {
            Ok(End::Complete) => ExitCode::SUCCESS,
            Ok(End::TimedOut) => ExitCode::from(TIMED_OUT),
            Err(error) => {
                eprintln!("error: {}", chain(error.as_ref()));
                ExitCode::FAILURE
            }
        }
    }
}

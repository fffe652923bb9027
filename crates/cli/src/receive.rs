//! `receive`: prints the records of an egress as lines of JSON.

use std::future::Future;
use std::io::{self, Write};
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::time::{Instant, timeout_at};

use crate::kafka::KafkaArgs;
use crate::kinesis::KinesisArgs;
use crate::received::Received;
use statefun_sdk::BoxError;
use statefun_sdk::Destination;

/// Options of `receive`.
#[derive(Debug, Args)]
pub struct ReceiveArgs {
    /// The topic or stream to read: kafka:TOPIC or kinesis:STREAM
    #[arg(value_name = "SOURCE")]
    pub destination: Destination,
    /// Which records
    #[command(flatten)]
    pub extent: Extent,
    /// Stop after this many records
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// Stop after this time, such as 30s or 2min
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub timeout: Option<Duration>,
    /// For kafka:TOPIC
    #[command(flatten)]
    pub kafka: KafkaArgs,
    /// For kinesis:STREAM
    #[command(flatten)]
    pub kinesis: KinesisArgs,
}

/// Which records to receive.
#[derive(Debug, Clone, Copy, Args)]
pub struct Extent {
    /// Start at the beginning, not with new records
    #[arg(long)]
    pub from_beginning: bool,
    /// Stop after the last existing record
    #[arg(long, requires = "from_beginning", conflicts_with = "count")]
    pub to_end: bool,
    /// Which transactional records to print: an exactly-once egress writes in transactions
    #[arg(long, value_name = "LEVEL", default_value = "read-committed", help_heading = "Kafka")]
    pub isolation: Isolation,
}

impl Extent {
    /// New records, without an end.
    pub const FROM_NOW: Self = Self { from_beginning: false, to_end: false, isolation: Isolation::ReadCommitted };
}

/// Which transactional records are received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Isolation {
    /// Records of committed transactions, after the commit
    ReadCommitted,
    /// All records, including those of aborted transactions
    ReadUncommitted,
}

/// A source of records; the records of one partition or shard are in order.
pub trait Source {
    /// The next record; `None` at the end, if the source was asked to stop there.
    ///
    /// # Errors
    /// When no more records can be received.
    fn next(&mut self) -> impl Future<Output = Result<Option<Received>, BoxError>> + Send;
}

/// The outcome of `receive`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All requested records were received.
    Complete,
    /// The timeout elapsed first.
    TimedOut,
}

/// Prints records until all requested ones are received.
///
/// # Errors
/// When the records cannot be received or printed.
pub async fn run(args: ReceiveArgs) -> Result<Outcome, BoxError> {
    match &args.destination {
        #[cfg(feature = "kafka")]
        Destination::Kafka(topic) => {
            receive(crate::kafka::Consumer::connect(&args.kafka, topic, args.extent)?, &args, io::stdout()).await
        }
        #[cfg(feature = "kinesis")]
        Destination::Kinesis(stream) => {
            receive(crate::kinesis::Consumer::connect(&args, stream).await?, &args, io::stdout()).await
        }
        #[cfg(not(all(feature = "kafka", feature = "kinesis")))]
        destination => Err(crate::features::no_client(destination.connector())),
    }
}

/// Writes the records of this source as lines of JSON.
///
/// # Errors
/// As [`run`].
pub async fn receive(mut source: impl Source, args: &ReceiveArgs, mut output: impl Write) -> Result<Outcome, BoxError> {
    let position = if args.extent.from_beginning { "the beginning" } else { "now" };
    eprintln!("receiving from {} from {position} on", args.destination);
    let deadline = args.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut received = 0;
    let outcome = loop {
        if args.count.is_some_and(|count| received >= count) {
            break Outcome::Complete;
        }
        let next = match deadline {
            Some(deadline) => timeout_at(deadline, source.next()).await,
            None => Ok(source.next().await),
        };
        match next {
            // Without --count and --to-end, the timeout is the requested end.
            Err(_) if args.count.is_none() && !args.extent.to_end => break Outcome::Complete,
            Err(_) => break Outcome::TimedOut,
            Ok(next) => match next? {
                Some(record) if print(&mut output, &record)? => received += 1,
                _ => break Outcome::Complete,
            },
        }
    };
    match (outcome, args.count) {
        (Outcome::TimedOut, Some(count)) => eprintln!("received {received} of {count} records before the timeout"),
        (Outcome::TimedOut, None) => eprintln!("received {received} records before the timeout, without the end"),
        (Outcome::Complete, _) => eprintln!("received {received} records"),
    }
    Ok(outcome)
}

/// Prints a record; returns `false` if the reader closed the pipe.
fn print(output: &mut impl Write, record: &Received) -> Result<bool, BoxError> {
    let mut line = record.to_line()?;
    line.push('\n');
    match output.write_all(line.as_bytes()).and_then(|()| output.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(format!("standard output: {error}").into()),
    }
}

//! `receive`: an egress to lines of JSON.

use std::future::Future;
use std::io::{self, Write};
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::time::{Instant, timeout_at};

use crate::BoxError;
use crate::channel::Channel;
use crate::kafka::KafkaArgs;
use crate::kinesis::KinesisArgs;
use crate::received::Received;

/// What to receive, and until when.
#[derive(Debug, Args)]
pub struct ReceiveArgs {
    /// Where from: kafka:TOPIC or kinesis:STREAM
    #[arg(value_name = "CHANNEL")]
    pub channel: Channel,
    /// Which records
    #[command(flatten)]
    pub extent: Extent,
    /// End after this many records
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// End after this time, such as 30s or 2min
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub timeout: Option<Duration>,
    /// For kafka:TOPIC
    #[command(flatten)]
    pub kafka: KafkaArgs,
    /// For kinesis:STREAM
    #[command(flatten)]
    pub kinesis: KinesisArgs,
}

/// Which records of a channel there are to receive.
#[derive(Debug, Clone, Copy, Args)]
pub struct Extent {
    /// Begin with what is already there, not with what comes from now on
    #[arg(long)]
    pub from_beginning: bool,
    /// End once all that is there was received
    #[arg(long, requires = "from_beginning", conflicts_with = "count")]
    pub to_end: bool,
    /// Which records of transactions to show: an exactly-once egress writes in transactions
    #[arg(long, value_name = "LEVEL", default_value = "read-committed", help_heading = "Kafka")]
    pub isolation: Isolation,
}

impl Extent {
    /// What comes from now on, without an end.
    pub const FROM_NOW: Self = Self { from_beginning: false, to_end: false, isolation: Isolation::ReadCommitted };
}

/// Which records of transactions are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Isolation {
    /// Those of transactions that were committed, once they are
    ReadCommitted,
    /// All, those of aborted transactions too
    ReadUncommitted,
}

/// Gives records, those of one partition or shard in order.
pub trait Source {
    /// The next record; `None` at the end, where that was asked for.
    ///
    /// # Errors
    /// When there will be no more.
    fn next(&mut self) -> impl Future<Output = Result<Option<Received>, BoxError>> + Send;
}

/// Why it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// What was asked for has come.
    Complete,
    /// The time was over before.
    TimedOut,
}

/// Prints records until there are enough.
///
/// # Errors
/// When the records cannot be had, or printed.
pub async fn run(args: ReceiveArgs) -> Result<End, BoxError> {
    match &args.channel {
        #[cfg(feature = "kafka")]
        Channel::Kafka(topic) => {
            receive(crate::kafka::Consumer::connect(&args.kafka, topic, args.extent)?, &args, io::stdout()).await
        }
        #[cfg(feature = "kinesis")]
        Channel::Kinesis(stream) => {
            receive(crate::kinesis::Consumer::connect(&args, stream).await?, &args, io::stdout()).await
        }
        #[cfg(not(all(feature = "kafka", feature = "kinesis")))]
        channel => Err(channel.not_built()),
    }
}

/// Writes what this source gives as lines of JSON.
///
/// # Errors
/// As [`run`].
pub async fn receive(mut source: impl Source, args: &ReceiveArgs, mut output: impl Write) -> Result<End, BoxError> {
    let position = if args.extent.from_beginning { "the beginning" } else { "now" };
    eprintln!("receiving from {} from {position} on", args.channel);
    let deadline = args.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut received = 0;
    let end = loop {
        if args.count.is_some_and(|count| received >= count) {
            break End::Complete;
        }
        let next = match deadline {
            Some(deadline) => timeout_at(deadline, source.next()).await,
            None => Ok(source.next().await),
        };
        match next {
            // Without a number to reach, the time is all that was asked for.
            Err(_) if args.count.is_none() && !args.extent.to_end => break End::Complete,
            Err(_) => break End::TimedOut,
            Ok(next) => match next? {
                Some(record) if print(&mut output, &record)? => received += 1,
                _ => break End::Complete,
            },
        }
    };
    match (end, args.count) {
        (End::TimedOut, Some(count)) => eprintln!("received {received} of {count} records before the time was over"),
        (End::TimedOut, None) => eprintln!("received {received} records before the time was over, and not the end"),
        (End::Complete, _) => eprintln!("received {received} records"),
    }
    Ok(end)
}

/// Whether anyone still reads: a reader that went away has enough.
fn print(output: &mut impl Write, record: &Received) -> Result<bool, BoxError> {
    let mut line = record.to_line()?;
    line.push('\n');
    match output.write_all(line.as_bytes()).and_then(|()| output.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(format!("standard output: {error}").into()),
    }
}

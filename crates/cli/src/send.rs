//! `send`: sends the lines of a file to an ingress.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::kafka::KafkaArgs;
use crate::kinesis::KinesisArgs;
use crate::progress::Progress;
use crate::schedule::{Rate, Schedule};
use crate::sink::{Deliveries, Record, Sink};
use statefun_dev::{Directive, KeyRule, Keys, Line, Lines, NoKey, Pointer};
use statefun_sdk::{BoxError, Destination, Escaped};

/// Options of `send`.
#[derive(Debug, Args)]
pub struct SendArgs {
    /// The topic or stream to send to: kafka:TOPIC or kinesis:STREAM
    #[arg(value_name = "DESTINATION")]
    pub destination: Destination,
    /// The file with one event per line; - is standard input
    ///
    /// Each line that is not empty becomes the value of one record, byte for byte, whether it is JSON or not.
    #[arg(value_name = "FILE", default_value = "-")]
    pub file: PathBuf,
    /// Print what was sent as one JSON object on standard output: destination, sent, confirmed, failed, test_lines, seconds
    #[arg(long)]
    pub json: bool,
    /// How lines are sent
    #[command(flatten)]
    pub plan: Plan,
    /// For kafka:TOPIC
    #[command(flatten)]
    pub kafka: KafkaArgs,
    /// For kinesis:STREAM
    #[command(flatten)]
    pub kinesis: KinesisArgs,
}

/// How lines are sent.
#[derive(Debug, Args)]
pub struct Plan {
    /// The JSON pointer to the key in events of TYPE; a * at the end of TYPE matches any suffix
    ///
    /// Can be repeated; the first matching rule applies.
    #[arg(long = "key-rule", value_name = "TYPE=POINTER", help_heading = "Keys")]
    pub key_rules: Vec<KeyRule>,
    /// The JSON pointer to the key in every event
    #[arg(long, value_name = "POINTER", conflicts_with = "key_rules", help_heading = "Keys")]
    pub key_pointer: Option<Pointer>,
    /// The key of every record
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["key_rules", "key_pointer"], help_heading = "Keys")]
    pub key: Option<String>,
    /// What to do with a line without a key
    #[arg(long, value_name = "WHAT", default_value = "error", help_heading = "Keys")]
    pub no_key: WithoutKey,
    /// The most records per second, such as 200/s
    #[arg(long, value_name = "N/s")]
    pub rate: Option<Rate>,
    /// Send no more than this many records
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// What to do with lines of type test.comment, test.delay, test.delay-between-events and test.keys
    #[arg(long, value_name = "WHAT", default_value = "honour")]
    pub directives: Directives,
}

/// What to do with a line without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WithoutKey {
    /// Stop with an error that names the line
    Error,
    /// Send it with an empty key (Kafka only), to the function with the empty id
    Empty,
}

/// What to do with a test directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Directives {
    /// Print comments, wait for delays, and take keys from where test.keys says
    Honour,
    /// Skip comments and delays
    Skip,
    /// Send them like any other event
    Send,
}

/// What to do about a line without a key.
const KEY_ADVICE: &str = "use --key-pointer, --key-rule, --key or --no-key, or a line of type test.keys";

/// The numbers of processed lines.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    sent: u64,
    directives: u64,
}

/// Sends all lines, or the requested number of records, and reports the result on standard error.
///
/// # Errors
/// When a line cannot be sent or a record is not confirmed. Waits for the records that were already sent.
pub async fn run(args: SendArgs) -> Result<(), BoxError> {
    let deliveries = Deliveries::default();
    let lines = Lines::open(&args.file).await?;
    match &args.destination {
        #[cfg(feature = "kafka")]
        Destination::Kafka(topic) => {
            let sink = crate::kafka::Producer::connect(&args.kafka, topic, deliveries.clone())?;
            send(lines, sink, &args, deliveries).await
        }
        #[cfg(feature = "kinesis")]
        Destination::Kinesis(_) if args.plan.no_key == WithoutKey::Empty => Err(
            "--no-key empty: Kinesis has no empty keys; use --no-key error, or --key TEXT for the same key everywhere"
                .into(),
        ),
        #[cfg(feature = "kinesis")]
        Destination::Kinesis(stream) => {
            let sink = crate::kinesis::Producer::connect(&args.kinesis, stream, deliveries.clone()).await;
            send(lines, sink, &args, deliveries).await
        }
        #[cfg(not(all(feature = "kafka", feature = "kinesis")))]
        destination => {
            drop((lines, deliveries));
            Err(crate::features::no_client(destination.connector()))
        }
    }
}

/// Sends the lines to this sink.
///
/// # Errors
/// As [`run`].
pub async fn send(
    mut lines: Lines,
    mut sink: impl Sink,
    args: &SendArgs,
    deliveries: Deliveries,
) -> Result<(), BoxError> {
    let start = Instant::now();
    let mut progress = Progress::new(lines.size(), deliveries.clone());
    let mut counts = Counts::default();
    let result = feed(&mut lines, &mut sink, &args.plan, &deliveries, &mut progress, &mut counts).await;
    sink.finish().await;
    progress.finish();
    for failure in deliveries.failures() {
        eprintln!("{}", Escaped(failure));
    }
    let time = start.elapsed();
    if args.json {
        // A reader that closed its end wants no more.
        let _ = writeln!(io::stdout(), "{}", json(&counts, &deliveries, &args.destination, time));
    } else {
        eprintln!("{}", summary(&counts, &deliveries, &args.destination, time));
    }
    result?;
    match deliveries.failed() {
        0 => Ok(()),
        failed => Err(format!("{failed} of {} records were not delivered to {}", counts.sent, args.destination).into()),
    }
}

async fn feed(
    lines: &mut Lines,
    sink: &mut impl Sink,
    plan: &Plan,
    deliveries: &Deliveries,
    progress: &mut Progress,
    counts: &mut Counts,
) -> Result<(), BoxError> {
    let (options, name) = (plan.keys(), lines.name().to_owned());
    // Options override what the file says.
    let mut keys = options.clone();
    let mut schedule = Schedule::new(plan.rate);
    // Later records would overtake one that was not delivered.
    while plan.count.is_none_or(|count| counts.sent < count) && deliveries.failed() == 0 {
        let Some(Line { number, text }) = lines.next().await? else { break };
        let at = |problem: &dyn Display| format!("{name}, line {number}: {problem}");
        let event: Option<Value> = serde_json::from_slice(&text).ok();
        if plan.directives != Directives::Send
            && let Some(event) = &event
            && let Some(directive) = Directive::of(event).map_err(|problem| at(&problem))?
        {
            counts.directives += 1;
            match directive {
                Directive::Keys(_) if options.is_some() => {}
                Directive::Keys(of_file) => keys = Some(of_file),
                _ if plan.directives == Directives::Skip => {}
                Directive::Comment(text) => progress.println(&format!("# {text}")),
                Directive::Delay(delay) => schedule.delay(delay),
                Directive::DelayBetweenEvents(delay) => schedule.delay_between(delay),
            }
            continue;
        }
        let key = match keys.as_ref().map_or_else(|| Err(NoKey::unknown()), |keys| keys.of(event.as_ref())) {
            Ok(key) => key,
            Err(_) if plan.no_key == WithoutKey::Empty => String::new(),
            Err(problem) => return Err(format!("{}; {KEY_ADVICE}", at(&problem)).into()),
        };
        schedule.wait().await;
        sink.send(Record { line: number, key, value: text }).await.map_err(|error| at(&error))?;
        counts.sent += 1;
        progress.update(lines.read(), counts.sent);
    }
    Ok(())
}

impl Plan {
    fn keys(&self) -> Option<Keys> {
        match (&self.key, &self.key_pointer, &self.key_rules[..]) {
            (Some(key), _, _) => Some(Keys::Constant(key.clone())),
            (None, Some(pointer), _) => Some(Keys::Pointer(pointer.clone())),
            (None, None, []) => None,
            (None, None, rules) => Some(Keys::Rules(rules.to_vec())),
        }
    }
}

fn summary(counts: &Counts, deliveries: &Deliveries, destination: &Destination, time: Duration) -> String {
    let confirmed = deliveries.confirmed();
    let rate = confirmed as f64 / time.as_secs_f64().max(0.001);
    let directives = match counts.directives {
        0 => String::new(),
        1 => "; 1 line of type test.* not sent".to_owned(),
        n => format!("; {n} lines of type test.* not sent"),
    };
    format!(
        "sent {} records to {destination}, {confirmed} confirmed, in {:.1} s ({rate:.0}/s){directives}",
        counts.sent,
        time.as_secs_f64()
    )
}

fn json(counts: &Counts, deliveries: &Deliveries, destination: &Destination, time: Duration) -> Value {
    json!({
        "destination": destination.to_string(),
        "sent": counts.sent,
        "confirmed": deliveries.confirmed(),
        "failed": deliveries.failed(),
        "test_lines": counts.directives,
        "seconds": time.as_secs_f64(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_says_what_was_not_sent() {
        let deliveries = Deliveries::default();
        deliveries.confirm();
        let summary = |directives| {
            let destination = "kafka:t".parse().expect("a destination");
            summary(&Counts { sent: 1, directives }, &deliveries, &destination, Duration::from_secs(1))
        };
        let sent = "sent 1 records to kafka:t, 1 confirmed, in 1.0 s (1/s)";
        assert_eq!(summary(0), sent);
        assert_eq!(summary(1), format!("{sent}; 1 line of type test.* not sent"));
        assert_eq!(summary(4), format!("{sent}; 4 lines of type test.* not sent"));
    }

    #[test]
    fn scripts_get_the_same_as_json() {
        let deliveries = Deliveries::default();
        deliveries.confirm();
        deliveries.fail(2, "too large");
        let destination = "kafka:t".parse().expect("a destination");
        assert_eq!(
            json(&Counts { sent: 2, directives: 3 }, &deliveries, &destination, Duration::from_millis(1500)),
            json!({
                "destination": "kafka:t", "sent": 2, "confirmed": 1, "failed": 1, "test_lines": 3, "seconds": 1.5
            })
        );
    }
}

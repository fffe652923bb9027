//! `send`: the lines of a file to an ingress.

use std::fmt::Display;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::BoxError;
use crate::channel::Channel;
use crate::directive::Directive;
use crate::kafka::KafkaArgs;
use crate::key::{KeyRule, Keys, Pointer};
use crate::kinesis::KinesisArgs;
use crate::lines::{Line, Lines};
use crate::pace::{Pace, Rate};
use crate::progress::Progress;
use crate::sink::{Deliveries, Record, Sink};

/// What to send, where to, and how.
#[derive(Debug, Args)]
pub struct SendArgs {
    /// Where to: kafka:TOPIC or kinesis:STREAM
    #[arg(value_name = "CHANNEL")]
    pub channel: Channel,
    /// The file with one event a line; - is standard input
    ///
    /// Each line that is not empty becomes the value of one record, byte for byte, whether it is JSON or not.
    #[arg(value_name = "FILE", default_value = "-")]
    pub file: PathBuf,
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
    /// In events of TYPE, the key is at POINTER; a * at the end of TYPE stands for anything
    ///
    /// May be given several times; the first rule that matches decides.
    #[arg(long = "key-rule", value_name = "TYPE=POINTER",
        default_values = KeyRule::PRODUCT_CART, help_heading = "Keys")]
    pub key_rules: Vec<KeyRule>,
    /// In every event, the key is at this JSON pointer
    #[arg(long, value_name = "POINTER", conflicts_with = "key_rules", help_heading = "Keys")]
    pub key_pointer: Option<Pointer>,
    /// The key of every record
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["key_rules", "key_pointer"], help_heading = "Keys")]
    pub key: Option<String>,
    /// What to do with a line that has no key
    #[arg(long, value_name = "WHAT", default_value = "error", help_heading = "Keys")]
    pub no_key: WithoutKey,
    /// The most records a second, such as 200/s
    #[arg(long, value_name = "N/s")]
    pub rate: Option<Rate>,
    /// Send no more than this many records
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// What to do with lines of type test.comment, test.delay and test.delay-between-events
    #[arg(long, value_name = "WHAT", default_value = "honour")]
    pub directives: Directives,
}

/// What becomes of a line that has no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WithoutKey {
    /// Stop there, and say which line it is
    Error,
    /// Send it with an empty key (Kafka only): to the function with the empty id
    Empty,
}

/// What becomes of a test directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Directives {
    /// Show the comments, wait for the delays
    Honour,
    /// Leave them out
    Skip,
    /// They are events like any other
    Send,
}

/// What to do about a line without a key.
const CHOICES: &str = "--key-rule, --key-pointer, --key and --no-key can change that";

/// What has been done with the lines.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fed {
    sent: u64,
    directives: u64,
}

/// Sends until the lines or the wanted records end, and tells on standard error what became of them.
///
/// # Errors
/// When a line cannot be sent, or a record was not confirmed. Records that were sent before are still waited for.
pub async fn run(args: SendArgs) -> Result<(), BoxError> {
    let deliveries = Deliveries::default();
    let lines = Lines::open(&args.file).await?;
    match &args.channel {
        #[cfg(feature = "kafka")]
        Channel::Kafka(topic) => {
            let sink = crate::kafka::Producer::connect(&args.kafka, topic, deliveries.clone())?;
            send(lines, sink, &args, deliveries).await
        }
        #[cfg(feature = "kinesis")]
        Channel::Kinesis(_) if args.plan.no_key == WithoutKey::Empty => {
            Err("--no-key empty: Kinesis has no empty keys; expected --no-key error, or a key for all by --key TEXT"
                .into())
        }
        #[cfg(feature = "kinesis")]
        Channel::Kinesis(stream) => {
            let sink = crate::kinesis::Producer::connect(&args.kinesis, stream, deliveries.clone()).await;
            send(lines, sink, &args, deliveries).await
        }
        #[cfg(not(all(feature = "kafka", feature = "kinesis")))]
        channel => {
            drop((lines, deliveries));
            Err(channel.not_built())
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
    let mut fed = Fed::default();
    let result = feed(&mut lines, &mut sink, &args.plan, &deliveries, &mut progress, &mut fed).await;
    sink.finish().await;
    progress.end();
    for failure in deliveries.failures() {
        eprintln!("{failure}");
    }
    eprintln!("{}", summary(&fed, &deliveries, &args.channel, start.elapsed()));
    result?;
    match deliveries.failed() {
        0 => Ok(()),
        failed => Err(format!("{failed} of {} records were not delivered to {}", fed.sent, args.channel).into()),
    }
}

async fn feed(
    lines: &mut Lines,
    sink: &mut impl Sink,
    plan: &Plan,
    deliveries: &Deliveries,
    progress: &mut Progress,
    fed: &mut Fed,
) -> Result<(), BoxError> {
    let (keys, name) = (plan.keys(), lines.name().to_owned());
    let mut pace = Pace::new(plan.rate);
    // What follows a record that could not be delivered would overtake it.
    while plan.count.is_none_or(|count| fed.sent < count) && deliveries.failed() == 0 {
        let Some(Line { number, text }) = lines.next().await? else { break };
        let at = |problem: &dyn Display| format!("{name}, line {number}: {problem}");
        let event: Option<Value> = serde_json::from_slice(&text).ok();
        if plan.directives != Directives::Send
            && let Some(event) = &event
            && let Some(directive) = Directive::of(event).map_err(|problem| at(&problem))?
        {
            fed.directives += 1;
            match directive {
                _ if plan.directives == Directives::Skip => {}
                Directive::Comment(text) => progress.say(&format!("# {text}")),
                Directive::Delay(delay) => pace.delay(delay),
                Directive::DelayBetweenEvents(delay) => pace.delay_between(delay),
            }
            continue;
        }
        let key = match keys.of(event.as_ref()) {
            Ok(key) => key,
            Err(_) if plan.no_key == WithoutKey::Empty => String::new(),
            Err(problem) => return Err(format!("{}; {CHOICES}", at(&problem)).into()),
        };
        pace.turn().await;
        sink.send(Record { line: number, key, value: text }).await.map_err(|error| at(&error))?;
        fed.sent += 1;
        progress.tell(lines.read(), fed.sent);
    }
    Ok(())
}

impl Plan {
    fn keys(&self) -> Keys {
        match (&self.key, &self.key_pointer) {
            (Some(key), _) => Keys::Constant(key.clone()),
            (None, Some(pointer)) => Keys::Pointer(pointer.clone()),
            (None, None) => Keys::Rules(self.key_rules.clone()),
        }
    }
}

fn summary(fed: &Fed, deliveries: &Deliveries, channel: &Channel, time: Duration) -> String {
    let confirmed = deliveries.confirmed();
    let rate = confirmed as f64 / time.as_secs_f64().max(0.001);
    let directives = match fed.directives {
        0 => String::new(),
        1 => "; 1 directive".to_owned(),
        n => format!("; {n} directives"),
    };
    format!(
        "sent {} records to {channel}, {confirmed} confirmed, in {:.1} s ({rate:.0}/s){directives}",
        fed.sent,
        time.as_secs_f64()
    )
}

//! `simulate`: payments that nobody made to fraud detection, and its alerts to lines.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::pin::pin;
use std::time::{Duration, Instant, SystemTime};

use clap::Args;
use prost::Message as _;
use statefun_server::functions::fraud::ALERTS_TOPIC;
use statefun_server::functions::fraud::generator::{EventMessage, Events};
use statefun_server::functions::fraud::messages::{Alert, Transaction};
use tokio::select;
use tokio::time::sleep;

use crate::BoxError;
use crate::kafka::KafkaArgs;
use crate::pace::{Pace, Rate};
use crate::receive::Source;
use crate::sink::{Deliveries, Record, Sink};

/// What to make up.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// Transactions a second; confirmations of fraud and thresholds are a tenth as many each
    #[arg(long, value_name = "N/s", default_value = "1/s")]
    pub rate: Rate,
    /// End after this time, such as 30s or 2min [default: at Ctrl-C]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub duration: Option<Duration>,
    /// How long to wait for alerts after the last event: longer than a checkpoint takes to come
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    pub linger: Duration,
    /// The same seed makes up the same events [default: one by chance, which is told]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// How to reach Kafka
    #[command(flatten)]
    pub kafka: KafkaArgs,
}

impl SimulateArgs {
    /// The seed, or one that nobody chose; short enough to be typed again.
    fn seed(&self) -> u64 {
        self.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish() % 1_000_000)
    }
}

/// Sends events to fraud detection and prints its alerts, until the time is over or someone presses Ctrl-C.
///
/// # Errors
/// When an event cannot be sent, or was not confirmed, or the alerts cannot be had.
#[cfg(feature = "kafka")]
pub async fn run(args: SimulateArgs) -> Result<(), BoxError> {
    use statefun_server::functions::fraud::{CONFIRMED, THRESHOLDS, TRANSACTIONS};

    use crate::kafka::{Consumer, Producer, create_missing};
    use crate::receive::Extent;

    let topics = [TRANSACTIONS, CONFIRMED, THRESHOLDS].map(|ingress| ingress.topic);
    // Before the first alert there may be no topic for it, and for thresholds none before someone reads them.
    for topic in topics.into_iter().chain([ALERTS_TOPIC]) {
        create_missing(&args.kafka, topic).await?;
    }
    let alerts = Consumer::connect(&args.kafka, ALERTS_TOPIC, Extent::FROM_NOW)?;
    let deliveries = Deliveries::of("event");
    let mut sinks = BTreeMap::new();
    for topic in topics {
        sinks.insert(topic, Producer::connect(&args.kafka, topic, deliveries.clone())?);
    }
    let stop = async {
        // Where it cannot be waited for it does not come.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    };
    simulate(&args, sinks, deliveries, alerts, io::stdout(), stop).await
}

/// Says how to build a program that can.
///
/// # Errors
/// Always.
#[cfg(not(feature = "kafka"))]
pub async fn run(_: SimulateArgs) -> Result<(), BoxError> {
    Err(crate::channel::Channel::Kafka(ALERTS_TOPIC.to_owned()).not_built())
}

/// Sends events to these sinks, which are by topic, and writes what comes out of `alerts` as lines. `stop` ends it before
/// its time.
///
/// # Errors
/// As [`run`].
pub async fn simulate(
    args: &SimulateArgs,
    mut sinks: BTreeMap<&'static str, impl Sink>,
    deliveries: Deliveries,
    alerts: impl Source,
    output: impl Write,
    stop: impl Future<Output = ()>,
) -> Result<(), BoxError> {
    let seed = args.seed();
    let start = Instant::now();
    eprintln!(
        "seed {seed}: a transaction in {:?} to {}; alerts from {ALERTS_TOPIC}",
        args.rate.every(),
        sinks.keys().copied().collect::<Vec<_>>().join(", "),
    );
    let (mut sent, told) = (Sent::default(), Cell::new(0));
    let result = {
        let mut printing = pin!(print(alerts, output, &told));
        let mut stop = pin!(stop);
        let sending = select! {
            result = feed(args, seed, &mut sinks, &deliveries, &mut sent) => result.map(|()| End::OfTime),
            result = &mut printing => result.map(|()| End::OfInterest),
            () = &mut stop => Ok(End::OfInterest),
        };
        match sending {
            Ok(End::OfTime) => select! {
                result = &mut printing => result,
                () = sleep(args.linger) => Ok(()),
                () = &mut stop => Ok(()),
            },
            other => other.map(drop),
        }
    };
    for sink in sinks.into_values() {
        sink.finish().await;
    }
    for failure in deliveries.failures() {
        eprintln!("{failure}");
    }
    let (confirmed, alerts, time) = (deliveries.confirmed(), told.get(), start.elapsed().as_secs_f64());
    eprintln!("seed {seed}: {sent}; {confirmed} of {} confirmed, in {time:.1} s; {alerts} alerts", sent.all());
    result?;
    match deliveries.failed() {
        0 => Ok(()),
        failed => Err(format!("{failed} of {} events were not delivered", sent.all()).into()),
    }
}

/// Why no more is sent.
enum End {
    /// There was so much time.
    OfTime,
    /// Someone interrupted it, or reads no more.
    OfInterest,
}

/// How much was sent.
#[derive(Debug, Default)]
struct Sent {
    transactions: u64,
    confirmations: u64,
    thresholds: u64,
}

impl Sent {
    fn all(&self) -> u64 {
        self.transactions + self.confirmations + self.thresholds
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { transactions, confirmations, thresholds } = self;
        write!(f, "{transactions} transactions, {confirmations} confirmations, {thresholds} thresholds")
    }
}

async fn feed(
    args: &SimulateArgs,
    seed: u64,
    sinks: &mut BTreeMap<&'static str, impl Sink>,
    deliveries: &Deliveries,
    sent: &mut Sent,
) -> Result<(), BoxError> {
    let mut pace = Pace::new(Some(args.rate));
    let events = Events::new(seed, args.rate.every(), SystemTime::now());
    for event in events.take_while(|event| args.duration.is_none_or(|duration| event.at <= duration)) {
        let count = match event.message {
            EventMessage::Transaction(_) => {
                pace.turn().await;
                &mut sent.transactions
            }
            EventMessage::ConfirmFraud(_) => &mut sent.confirmations,
            EventMessage::CustomThreshold(_) => &mut sent.thresholds,
        };
        // Those that follow would fail as well.
        if deliveries.failed() > 0 {
            break;
        }
        *count += 1;
        let (topic, value) = (event.ingress().topic, event.value());
        let Some(sink) = sinks.get_mut(topic) else { return Err(format!("no way to topic {topic}").into()) };
        sink.send(Record { line: sent.all(), key: event.key, value }).await?;
    }
    Ok(())
}

/// Writes a line for each alert, as long as someone reads.
async fn print(mut alerts: impl Source, mut output: impl Write, told: &Cell<u64>) -> Result<(), BoxError> {
    while let Some(record) = alerts.next().await? {
        let Some(Ok(transaction)) = record.value.as_deref().map(Transaction::decode) else {
            eprintln!("a record in {ALERTS_TOPIC} that is no transaction: is it another's topic?");
            continue;
        };
        match writeln!(output, "{}", Alert(&transaction)).and_then(|()| output.flush()) {
            Ok(()) => told.set(told.get() + 1),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(format!("standard output: {error}").into()),
        }
    }
    Ok(())
}

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::pin::pin;
use std::time::{Instant, SystemTime};

use prost::Message as _;
use statefun_applications::fraud::ALERTS_TOPIC;
use statefun_applications::fraud::generator::{EventMessage, Events};
use statefun_applications::fraud::messages::{Alert, Transaction};
use tokio::select;
use tokio::time::sleep;

use super::SimulateArgs;
use crate::receive::Source;
use crate::schedule::Schedule;
use crate::sink::{Deliveries, Record, Sink};
use statefun_sdk::{BoxError, Escaped};

impl SimulateArgs {
    /// The seed, or a random one that is short enough to retype.
    fn seed(&self) -> u64 {
        self.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish() % 1_000_000)
    }
}

/// Sends events to these sinks, by topic, and writes the records of `alerts` as lines. Stops early when `stop`
/// completes.
///
/// # Errors
/// As [`super::run`].
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
        "seed {seed}: a transaction every {:?} to {}; alerts from {ALERTS_TOPIC}",
        args.rate.every(),
        sinks.keys().copied().collect::<Vec<_>>().join(", "),
    );
    let (mut sent, printed) = (Sent::default(), Cell::new(0));
    let result = {
        let mut printing = pin!(print(alerts, output, &printed));
        let mut stop = pin!(stop);
        let sending = select! {
            result = feed(args, seed, &mut sinks, &deliveries, &mut sent) => result.map(|()| End::Complete),
            result = &mut printing => result.map(|()| End::Interrupted),
            () = &mut stop => Ok(End::Interrupted),
        };
        match sending {
            Ok(End::Complete) => select! {
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
        eprintln!("{}", Escaped(failure));
    }
    let (confirmed, alerts, time) = (deliveries.confirmed(), printed.get(), start.elapsed().as_secs_f64());
    eprintln!("seed {seed}: {sent}; {confirmed} of {} confirmed, in {time:.1} s; {alerts} alerts", sent.all());
    result?;
    match deliveries.failed() {
        0 => Ok(()),
        failed => Err(format!("{failed} of {} events were not delivered", sent.all()).into()),
    }
}

/// Why sending ended.
enum End {
    /// All events of the duration were sent.
    Complete,
    /// The user interrupted it, or the reader closed the pipe.
    Interrupted,
}

/// The numbers of sent events.
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
    let mut schedule = Schedule::new(Some(args.rate));
    let events = Events::new(seed, args.rate.every(), SystemTime::now());
    for event in events.take_while(|event| args.duration.is_none_or(|duration| event.at <= duration)) {
        let count = match event.message {
            EventMessage::Transaction(_) => {
                schedule.wait().await;
                &mut sent.transactions
            }
            EventMessage::ConfirmFraud(_) => &mut sent.confirmations,
            EventMessage::CustomThreshold(_) => &mut sent.thresholds,
        };
        // Later events would fail as well.
        if deliveries.failed() > 0 {
            break;
        }
        *count += 1;
        let (topic, value) = (event.topic(), event.value());
        let Some(sink) = sinks.get_mut(topic) else { return Err(format!("no sink for topic {topic}").into()) };
        sink.send(Record { line: sent.all(), key: event.key, value }).await?;
    }
    Ok(())
}

/// Writes a line for each alert, until the reader closes the pipe.
async fn print(mut alerts: impl Source, mut output: impl Write, printed: &Cell<u64>) -> Result<(), BoxError> {
    while let Some(record) = alerts.next().await? {
        let Some(Ok(transaction)) = record.value.as_deref().map(Transaction::decode) else {
            eprintln!(
                "skipped a record in {ALERTS_TOPIC} that is not a transaction: is the topic used by another application?"
            );
            continue;
        };
        match writeln!(output, "{}", Alert(&transaction)).and_then(|()| output.flush()) {
            Ok(()) => printed.set(printed.get() + 1),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(format!("standard output: {error}").into()),
        }
    }
    Ok(())
}

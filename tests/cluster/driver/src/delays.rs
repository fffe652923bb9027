//! Delayed messages, their cancellation, and states that expire, on the clock of the real runtime.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use statefun_sdk::{
    CancellationToken, Context, Egress, Function, FunctionError, Json, KafkaRecord, TypeName, Typed, ValueSpec,
};

use crate::broker::{Broker, Keyed, Record};
use crate::cluster::Cluster;
use crate::figures::{Figures, Report};
use crate::kafka::Reader;

const CLOCK: TypeName = TypeName::new("delays/clock");
const EGRESS: Egress = Egress::new("delays/egress");
const ORDERS_TOPIC: &str = "delays-orders";
const TOLD_TOPIC: &str = "delays-told";

/// Of both states.
const TTL: Duration = Duration::from_secs(6);
const WRITTEN: ValueSpec<i64> = ValueSpec::new("written").expire_after_write(TTL);
const CALLED: ValueSpec<i64> = ValueSpec::new("called").expire_after_call(TTL);

const LIMIT: Duration = Duration::from_secs(120);

/// What the function is told to do.
#[derive(Debug, Clone, Serialize, Deserialize, Typed)]
#[serde(rename_all = "snake_case")]
#[typed("delays/order")]
enum Order {
    /// Write both states.
    Write,
    /// Tell `text` after so long, unless it is cancelled.
    Tell { text: String, after_ms: u64, token: Option<String> },
    /// Cancel what has this token.
    Cancel { token: String },
    /// What the function sends to itself.
    Due { text: String, since_ms: u64 },
}

/// What the function tells when something is due.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    text: String,
    waited_ms: u64,
    written: bool,
    called: bool,
}

pub(crate) fn function() -> Function {
    Function::new(CLOCK).on(clock).state(&WRITTEN).state(&CALLED).emits(EGRESS)
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64)
}

async fn clock(context: &mut Context, order: Order) -> Result<(), FunctionError> {
    match order {
        Order::Write => {
            context.set(&WRITTEN, 1)?;
            context.set(&CALLED, 1)
        }
        Order::Tell { text, after_ms, token } => {
            let (delay, target) = (Duration::from_millis(after_ms), context.self_address().clone());
            let due = Order::Due { text, since_ms: now_ms() };
            match token.map(CancellationToken::new).transpose()? {
                Some(token) => context.send_cancellable(delay, &token, target, due),
                None => context.send_after(delay, target, due),
            }
        }
        Order::Cancel { token } => {
            context.cancel(&CancellationToken::new(token)?);
            Ok(())
        }
        Order::Due { text, since_ms } => {
            let told = Told {
                text,
                waited_ms: now_ms().saturating_sub(since_ms),
                written: context.get(&WRITTEN)?.is_some(),
                called: context.get(&CALLED)?.is_some(),
            };
            let record = KafkaRecord::topic(TOLD_TOPIC).key(context.self_id()).value_as(Json(told));
            context.emit(EGRESS, record)
        }
    }
}

fn order(id: &str, order: &Order) -> Result<Keyed> {
    Ok((id.to_owned(), serde_json::to_vec(order)?))
}

fn tell(id: &str, text: &str, after: Duration, token: Option<&str>) -> Result<Keyed> {
    let after_ms = u64::try_from(after.as_millis())?;
    order(id, &Order::Tell { text: text.to_owned(), after_ms, token: token.map(str::to_owned) })
}

/// One step: what was told while it lasted.
struct Step<'a> {
    cluster: &'a Cluster,
    reader: &'a Reader,
    start: Instant,
    restarts: u64,
    events: usize,
    told: Vec<(String, Told)>,
}

impl<'a> Step<'a> {
    fn begin(cluster: &'a Cluster, reader: &'a Reader) -> Result<Self> {
        let restarts = cluster.restarts()?;
        Ok(Self { cluster, reader, start: Instant::now(), restarts, events: 0, told: Vec::new() })
    }

    fn send(&mut self, orders: &[Keyed]) -> Result<()> {
        self.events += orders.len();
        self.cluster.kafka.send(ORDERS_TOPIC, orders)
    }

    /// Waits until `text` is told.
    fn until(&mut self, text: &str) -> Result<()> {
        let told = &mut self.told;
        self.reader.read_until(&format!("{text:?}"), LIMIT, |Record { key, value }| {
            told.push((key, serde_json::from_slice(&value)?));
            Ok(told.last().is_some_and(|(_, told)| told.text == text))
        })
    }

    /// Compares what was told, sorted by text, with what should have been.
    fn end(mut self, step: &str, expected: &[&str], report: &mut Report) -> Result<Vec<(String, Told)>> {
        self.told.sort_by(|left, right| left.1.text.cmp(&right.1.text));
        let texts: Vec<_> = self.told.iter().map(|(_, told)| told.text.as_str()).collect();
        let count = |list: &[&str], text: &str| list.iter().filter(|other| **other == text).count();
        report.step(Figures {
            step: step.to_owned(),
            events: self.events,
            results: texts.len(),
            lost: expected.iter().filter(|text| count(&texts, text) == 0).count(),
            doubled: texts.iter().filter(|text| count(&texts, text) > count(expected, text)).count(),
            restarts: self.cluster.restarts()? - self.restarts,
            seconds: self.start.elapsed().as_secs_f64(),
        });
        ensure!(texts == expected, "told {texts:?}, expected {expected:?}");
        Ok(self.told)
    }
}

pub(crate) fn run(cluster: &mut Cluster, report: &mut Report) -> Result<()> {
    cluster.kafka.create(&[TOLD_TOPIC])?;
    let reader = cluster.kafka.reader(TOLD_TOPIC)?;
    delay_and_cancel(cluster, &reader, report)?;
    through_a_restart(cluster, &reader, report)?;
    expire(cluster, &reader, report)?;
    cluster.await_checkpoints(2)?;
    let told = cluster.kafka.read_all(TOLD_TOPIC)?.len();
    ensure!(told == 2 + 3 + 7, "{told} records in all");
    Ok(())
}

fn delay_and_cancel(cluster: &Cluster, reader: &Reader, report: &mut Report) -> Result<()> {
    let mut step = Step::begin(cluster, reader)?;
    step.send(&[
        tell("a", "1 delayed", Duration::from_millis(1500), None)?,
        tell("b", "2 cancelled", Duration::from_secs(3), Some("first"))?,
        tell("b", "2 not cancelled", Duration::from_secs(5), Some("second"))?,
        order("b", &Order::Cancel { token: "first".to_owned() })?,
    ])?;
    step.until("2 not cancelled")?;
    let told = step.end("delayed and cancelled messages", &["1 delayed", "2 not cancelled"], report)?;
    for ((key, told), (id, at_least)) in told.iter().zip([("a", 1500), ("b", 5000)]) {
        ensure!(key == id && told.waited_ms >= at_least, "{key} was told {told:?}");
    }
    Ok(())
}

/// Timers and tokens are state: both outlive the process that held them.
fn through_a_restart(cluster: &Cluster, reader: &Reader, report: &mut Report) -> Result<()> {
    let mut step = Step::begin(cluster, reader)?;
    step.send(&[
        tell("c", "1 before the restart", Duration::from_millis(1), None)?,
        tell("c", "2 pending at the restart", Duration::from_secs(8), None)?,
        tell("c", "cancelled after the restart", Duration::from_secs(600), Some("third"))?,
    ])?;
    step.until("1 before the restart")?;
    cluster.await_checkpoints(1)?;
    cluster.kill("taskmanager-1")?;
    cluster.up_again(&[])?;
    let restarts = cluster.restarts()?;
    // A token that is still pending would make the job fail when it is used again.
    step.send(&[
        order("c", &Order::Cancel { token: "third".to_owned() })?,
        tell("c", "3 with the token of what was cancelled", Duration::from_secs(2), Some("third"))?,
    ])?;
    step.until("3 with the token of what was cancelled")?;
    if !step.told.iter().any(|(_, told)| told.text.starts_with('2')) {
        step.until("2 pending at the restart")?;
    }
    let expected = ["1 before the restart", "2 pending at the restart", "3 with the token of what was cancelled"];
    let told = step.end("timers and tokens while a TaskManager is killed", &expected, report)?;
    ensure!(told[1].1.waited_ms >= 8000, "{told:?}");
    ensure!(cluster.restarts()? == restarts, "the job restarted: {:#?}", cluster.exceptions()?);
    Ok(())
}

fn expire(cluster: &Cluster, reader: &Reader, report: &mut Report) -> Result<()> {
    let mut step = Step::begin(cluster, reader)?;
    let seconds = |id: &str, seconds: u64| tell(id, &format!("{id} {seconds:02}"), Duration::from_secs(seconds), None);
    step.send(&[
        order("written", &Order::Write)?,
        seconds("written", 2)?,
        seconds("written", 4)?,
        seconds("written", 8)?,
        order("called", &Order::Write)?,
        seconds("called", 4)?,
        seconds("called", 8)?,
        seconds("called", 12)?,
        seconds("called", 20)?,
    ])?;
    step.until("called 20")?;
    let expected = ["called 04", "called 08", "called 12", "called 20", "written 02", "written 04", "written 08"];
    let told = step.end("states that expire after 6 s", &expected, report)?;
    let states: Vec<_> = told.iter().map(|(_, told)| (&*told.text, told.written, told.called)).collect();
    let expected = [
        // Each call within 6 s of the one before keeps the one state; the other goes 6 s after it was written.
        ("called 04", true, true),
        ("called 08", false, true),
        ("called 12", false, true),
        ("called 20", false, false),
        // Reading does not keep it.
        ("written 02", true, true),
        ("written 04", true, true),
        ("written 08", false, true),
    ];
    ensure!(states == expected, "(text, written, called) were {told:#?}, expected {expected:#?}");
    Ok(())
}

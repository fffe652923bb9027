//! Fraud detection: a release that learns custom thresholds takes over a job of one that had none, then a minute of load.
//!
//! Fed in phases, so that what must come out is defined: confirmations and thresholds have reached their functions before
//! the first transaction that they matter to is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, ensure};
use statefun_applications::fraud::generator::{Event, EventMessage, Events};
use statefun_applications::fraud::{ALERTS_TOPIC, CONFIRMED, THRESHOLDS, TRANSACTIONS};

use crate::broker::{Broker, Keyed, Record};
use crate::cluster::Cluster;
use crate::figures::{Figures, Report};
use crate::scores::Asked;
use statefun_test_support::fraud as expected;

/// Of accounts without one of their own: about half of the transactions are alerts.
pub(crate) const DEFAULT_THRESHOLD: i32 = 50;

const WINDOW: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const PER_SECOND: u32 = 200;
const LOAD: Duration = Duration::from_secs(60);
const LIMIT: Duration = Duration::from_secs(180);

/// Events of a seed, by kind.
struct Phases {
    confirmations: Vec<Event>,
    thresholds: Vec<Event>,
    transactions: Vec<Event>,
}

impl Phases {
    /// So many transactions, and a tenth as many of the others.
    fn new(seed: u64, transactions: usize) -> Self {
        let events = Events::new(seed, Duration::from_secs(1) / PER_SECOND, SystemTime::UNIX_EPOCH);
        let mut phases = Self { confirmations: Vec::new(), thresholds: Vec::new(), transactions: Vec::new() };
        for event in events.take(transactions / 10 * 12) {
            match event.message {
                EventMessage::ConfirmFraud(_) => phases.confirmations.push(Event { at: Duration::ZERO, ..event }),
                EventMessage::CustomThreshold(_) => phases.thresholds.push(Event { at: Duration::ZERO, ..event }),
                EventMessage::Transaction(_) => phases.transactions.push(event),
            }
        }
        phases
    }
}

/// Sends events that others depend on, and waits until they have reached their functions: a checkpoint that began after
/// the source had read them is behind them in every queue.
fn send_ahead(cluster: &Cluster, topic: &str, events: &[Event]) -> Result<()> {
    cluster.kafka.send(topic, &events.iter().map(keyed).collect::<Vec<_>>())?;
    cluster.await_checkpoints(3)
}

fn keyed(event: &Event) -> Keyed {
    (event.key.clone(), event.value())
}

/// The alerts as records.
fn expected_alerts(events: impl IntoIterator<Item = Event>) -> Vec<Keyed> {
    let alerts = expected::alerts(events, WINDOW, DEFAULT_THRESHOLD);
    alerts.into_iter().map(|alert| (alert.account.clone(), prost::Message::encode_to_vec(&alert))).collect()
}

/// What the whole egress must hold, and what it does.
#[derive(Default)]
struct Alerts {
    expected: BTreeMap<Keyed, usize>,
    /// Records on the egress when last compared.
    results: usize,
}

impl Alerts {
    fn expect(&mut self, alerts: Vec<Keyed>) {
        for alert in alerts {
            *self.expected.entry(alert).or_default() += 1;
        }
    }

    /// Waits for the alerts, and compares them all. `start` is when the first event of the step was sent.
    fn compare(
        &mut self,
        cluster: &Cluster,
        step: &str,
        events: usize,
        restarts: u64,
        start: Instant,
        report: &mut Report,
    ) -> Result<()> {
        let total: usize = self.expected.values().sum();
        let mut seen = 0;
        cluster.kafka.reader(ALERTS_TOPIC)?.read_until(&format!("{total} alerts"), LIMIT, |_| {
            seen += 1;
            Ok(seen >= total)
        })?;
        // What would come besides has been committed after that.
        cluster.await_checkpoints(2)?;
        let seconds = start.elapsed().as_secs_f64();
        let mut found: BTreeMap<Keyed, usize> = BTreeMap::new();
        for Record { key, value } in cluster.kafka.read_all(ALERTS_TOPIC)? {
            *found.entry((key, value)).or_default() += 1;
        }
        let of = |alerts: &BTreeMap<Keyed, usize>, alert: &Keyed| alerts.get(alert).copied().unwrap_or_default();
        let lost: usize = self.expected.iter().map(|(alert, count)| count.saturating_sub(of(&found, alert))).sum();
        let doubled: usize = found.iter().map(|(alert, count)| count.saturating_sub(of(&self.expected, alert))).sum();
        let results: usize = found.values().sum();
        report.step(Figures {
            step: step.to_owned(),
            events,
            results: results - self.results,
            lost,
            doubled,
            restarts: cluster.restarts()? - restarts,
            seconds,
        });
        self.results = results;
        ensure!(lost == 0, "{lost} alerts are lost");
        ensure!(doubled == 0, "{doubled} alerts are there more often than the model has them");
        Ok(())
    }
}

/// Without thresholds, then from a savepoint with them; then load.
pub(crate) fn upgrade(cluster: &mut Cluster, asked: &Asked, report: &mut Report) -> Result<()> {
    cluster.kafka.create(&[ALERTS_TOPIC])?;
    let mut alerts = Alerts::default();
    let Phases { confirmations, thresholds, transactions } = Phases::new(1, 2_000);
    let (before, after) = transactions.split_at(1_000);

    let start = Instant::now();
    let restarts = cluster.restarts()?;
    send_ahead(cluster, CONFIRMED.topic(), &confirmations)?;
    cluster.kafka.send(TRANSACTIONS.topic(), &before.iter().map(keyed).collect::<Vec<_>>())?;
    alerts.expect(expected_alerts([&confirmations, before].into_iter().flatten().cloned()));
    let events = confirmations.len() + before.len();
    alerts.compare(cluster, "fraud without custom thresholds", events, restarts, start, report)?;

    let start = Instant::now();
    cluster.savepoint_and_stop()?;
    cluster.kill("functions")?;
    cluster.set("STATEFUN_CUSTOM_THRESHOLDS", "true");
    cluster.restart_upgraded()?;
    let asked_before = asked.total();
    let merchants: BTreeSet<_> = before.iter().filter_map(merchant).collect();
    let after: Vec<_> = after.iter().filter(|event| merchant(event).is_some_and(|it| merchants.contains(it))).collect();
    send_ahead(cluster, THRESHOLDS.topic(), &thresholds)?;
    cluster.kafka.send(TRANSACTIONS.topic(), &after.iter().copied().map(keyed).collect::<Vec<_>>())?;
    let all = confirmations.iter().chain(&thresholds).chain(after.iter().copied());
    alerts.expect(expected_alerts(all.cloned()));
    let restarts = cluster.restarts()?;
    let events = thresholds.len() + after.len();
    alerts.compare(cluster, "fraud from its savepoint, with custom thresholds", events, restarts, start, report)?;
    let again = asked.total() - asked_before;
    ensure!(again == 0, "scores were lost: the service was asked {again} times for merchants whose scores were kept");
    Ok(())
}

fn merchant(event: &Event) -> Option<&str> {
    match &event.message {
        EventMessage::Transaction(transaction) => Some(&transaction.merchant),
        _ => None,
    }
}

/// Transactions at a steady rate.
pub(crate) fn load(cluster: &mut Cluster, report: &mut Report) -> Result<()> {
    let start = Instant::now();
    let restarts = cluster.restarts()?;
    let mut alerts = Alerts::default();
    for Record { key, value } in cluster.kafka.read_all(ALERTS_TOPIC)? {
        alerts.results += 1;
        alerts.expect(vec![(key, value)]);
    }
    let Phases { confirmations, thresholds, transactions } =
        Phases::new(2, usize::try_from(u64::from(PER_SECOND) * LOAD.as_secs())?);
    send_ahead(cluster, CONFIRMED.topic(), &confirmations)?;
    send_ahead(cluster, THRESHOLDS.topic(), &thresholds)?;
    let records: Vec<_> = transactions.iter().map(keyed).collect();
    cluster.kafka.send_paced(TRANSACTIONS.topic(), &records, PER_SECOND.into(), &AtomicUsize::new(0))?;
    let events = confirmations.len() + thresholds.len() + transactions.len();
    alerts.expect(expected_alerts(confirmations.into_iter().chain(thresholds).chain(transactions)));
    let step = format!("fraud, {PER_SECOND} transactions a second for {} s", LOAD.as_secs());
    alerts.compare(cluster, &step, events, restarts, start, report)
}

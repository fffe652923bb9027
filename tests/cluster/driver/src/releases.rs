//! Bad releases, hanging calls and rolling restarts: whatever a release does, each order is told exactly once in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use statefun_sdk::TypeName;

use crate::broker::{Broker, Keyed, Record};
use crate::cluster::{Cluster, wait};
use crate::figures::{Figures, Report};
use crate::process::{Process, free_address, get};
use crate::proxy::Proxy;
use crate::release::{
    CALLER, COUNTER, DEAD_LETTERS, FORWARDER, HANGS, Kind, Order, PARSER, SLEEPER, TELLER, TOLD, Told, topic,
};

/// Orders while a bad release runs, to each of its functions.
const ORDERS: usize = 300;

/// The instances that they are for.
const INSTANCES: usize = 150;

/// The dead letters that a function may make in a process.
const DEAD_LETTER_BUDGET: usize = 100;

const LIMIT: Duration = Duration::from_secs(240);

/// When a bad release has failed at what was sent to it.
const FAILING: Duration = Duration::from_secs(60);

/// How long the orders of other instances may take while a call hangs: two checkpoints, on a busy machine.
const MEANWHILE: Duration = Duration::from_secs(10);

/// When `/healthz` has to fail.
const UNHEALTHY: Range<Duration> = Duration::from_secs(10)..Duration::from_secs(12);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// Bad releases run until the job has restarted.
    pub(crate) full: bool,
}

/// One test: its instances, and what the job did before.
struct Step<'a> {
    cluster: &'a Cluster,
    /// What the ids of its instances begin with.
    prefix: &'static str,
    start: Instant,
    restarts: u64,
}

impl<'a> Step<'a> {
    fn begin(cluster: &'a Cluster, prefix: &'static str) -> Result<Self> {
        cluster.kafka.create(&[TOLD, DEAD_LETTERS])?;
        Ok(Self { cluster, prefix, start: Instant::now(), restarts: cluster.restarts()? })
    }

    fn release(&self, kind: Kind, options: &[&str]) -> Result<Process> {
        Process::start(self.cluster.dir(), kind, self.cluster.functions_address()?, options)
    }

    fn restarts(&self) -> Result<u64> {
        Ok(self.cluster.restarts()? - self.restarts)
    }

    fn orders(&self, numbers: Range<usize>) -> Result<Vec<Keyed>> {
        let order = |number: usize| -> Result<Keyed> {
            let id = format!("{}-{}", self.prefix, number % INSTANCES);
            Ok((id, serde_json::to_vec(&Order { number, hang: false })?))
        };
        numbers.map(order).collect()
    }

    fn send(&self, function: &TypeName, numbers: Range<usize>) -> Result<()> {
        self.cluster.kafka.send(&topic(function), &self.orders(numbers)?)
    }

    /// Sends an order at which the function hangs, to an instance that gets no other.
    fn send_hanging(&self, function: &TypeName, number: usize) -> Result<()> {
        let order = serde_json::to_vec(&Order { number, hang: true })?;
        self.cluster.kafka.send(&topic(function), &[(format!("{}-hanging", self.prefix), order)])
    }

    /// What this record of the egress tells, if it is of this step.
    fn told(&self, record: &Record) -> Result<Option<Told>> {
        let ours = record.key.strip_prefix(self.prefix).is_some_and(|rest| rest.starts_with('-'));
        ours.then(|| serde_json::from_slice(&record.value).with_context(|| format!("{record:?}"))).transpose()
    }

    /// Waits until these functions told of these orders. Returns how long that took.
    fn await_told(&self, functions: &[&TypeName], numbers: &BTreeSet<usize>) -> Result<Duration> {
        let start = Instant::now();
        let mut missing: BTreeSet<(String, usize)> = functions
            .iter()
            .flat_map(|function| numbers.iter().map(|number| (function.to_string(), *number)))
            .collect();
        if missing.is_empty() {
            return Ok(Duration::ZERO);
        }
        let what = format!("{} orders to be told of", missing.len());
        self.cluster.kafka.reader(TOLD)?.read_until(&what, LIMIT, |record| {
            if let Some(told) = self.told(&record)? {
                missing.remove(&(told.function, told.number));
            }
            Ok(missing.is_empty())
        })?;
        Ok(start.elapsed())
    }

    /// The dead letters that have left, as the numbers of their orders.
    fn dead_letters(&self) -> Result<Vec<usize>> {
        let records = self.cluster.kafka.read_all(DEAD_LETTERS)?;
        let ours = records.iter().filter(|record| record.key.starts_with(&format!("{}-", self.prefix)));
        let numbers = ours.map(|record| {
            let letter: Value = serde_json::from_slice(&record.value)?;
            let payload = STANDARD.decode(letter["payload"].as_str().context("no payload")?)?;
            Ok(serde_json::from_slice::<Order>(&payload)?.number)
        });
        numbers.collect()
    }

    /// How many records of this step have left.
    fn left(&self) -> Result<usize> {
        let mut told = 0;
        for record in self.cluster.kafka.read_all(TOLD)? {
            told += usize::from(self.told(&record)?.is_some());
        }
        Ok(told + self.dead_letters()?.len())
    }

    /// Waits until the job has restarted so often.
    fn await_restarts(&self, restarts: u64) -> Result<()> {
        let restarted = || Ok(Some(self.restarts()?).filter(|now| *now >= restarts));
        let restarts = wait("the job to restart", LIMIT, restarted)?;
        let seconds = self.start.elapsed().as_secs_f64();
        // Flink tells why a little later than how often.
        let newest = wait("Flink to tell why", LIMIT, || {
            let exceptions = self.cluster.exceptions()?;
            Ok((!exceptions.is_empty()).then_some(exceptions))
        })?;
        println!("    {restarts} restarts {seconds:.1} s after the step began; the newest because of");
        for exception in newest.iter().take(usize::try_from(restarts)?) {
            println!("      {}", exception.chars().take(250).collect::<String>());
        }
        Ok(())
    }

    /// Compares what a function told, all of it, with what it must have: each of these orders once, and each count of an instance
    /// once. So many others became dead letters.
    fn compare(
        &self,
        name: &str,
        function: &TypeName,
        expected: &BTreeSet<usize>,
        dead: usize,
        report: &mut Report,
    ) -> Result<()> {
        let seconds = self.start.elapsed().as_secs_f64();
        let mut times: BTreeMap<usize, usize> = BTreeMap::new();
        let mut counts: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for record in self.cluster.kafka.read_all(TOLD)? {
            let Some(told) = self.told(&record)?.filter(|told| function.to_string() == told.function) else { continue };
            *times.entry(told.number).or_default() += 1;
            counts.entry(record.key).or_default().push(told.count);
        }
        let results: usize = times.values().sum();
        let lost = expected.iter().filter(|number| !times.contains_key(number)).count();
        let doubled = results - times.len();
        let unexpected = times.keys().filter(|number| !expected.contains(number)).count();
        let restarts = self.restarts()?;
        report.step(Figures {
            step: format!("{name}: {}", function.name()),
            events: expected.len() + dead,
            results: results + dead,
            lost,
            doubled,
            restarts,
            seconds,
        });
        ensure!(
            lost == 0 && doubled == 0 && unexpected == 0,
            "{lost} lost, {doubled} doubled, {unexpected} unexpected"
        );
        for (id, mut counts) in counts {
            counts.sort_unstable();
            ensure!(counts.iter().copied().eq((1..).take(counts.len())), "{function} {id} counted {counts:?}");
        }
        Ok(())
    }
}

/// A release that forgot a target and reads a state as another type than the one before. Nothing leaves it; the next one makes up
/// for it.
pub(crate) fn bugs(cluster: &mut Cluster, size: Size, report: &mut Report) -> Result<()> {
    let step = Step::begin(cluster, "bugs")?;
    let before = step.release(Kind::Fixed, &[])?;
    step.send(&COUNTER, 0..INSTANCES)?;
    step.await_told(&[&COUNTER], &(0..INSTANCES).collect())?;
    before.kill()?;

    let bad = step.release(Kind::Bugs, &[])?;
    let begun = Instant::now();
    step.send(&FORWARDER, 0..ORDERS)?;
    step.send(&COUNTER, INSTANCES..INSTANCES + ORDERS)?;
    let failures = || anyhow::Ok((bad.failures(FORWARDER.as_str(), "bug")?, bad.failures(COUNTER.as_str(), "state")?));
    let enough = INSTANCES as u64;
    let failing = wait("both functions to fail", FAILING, || {
        let (forwarder, counter) = failures()?;
        Ok((forwarder >= enough && counter >= enough).then_some(()))
    });
    cluster.await_checkpoints(2)?;
    let left = step.left()? - INSTANCES;
    ensure!(left == 0, "{left} records left a release with bugs");
    failing?;
    if size.full {
        step.await_restarts(3)?;
    }
    let (forwarder, counter) = failures()?;
    bad.kill()?;
    let left = step.left()? - INSTANCES;
    println!(
        "    the bad release ran {:.1} s: {forwarder} and {counter} batches failed, {left} records left, {} restarts",
        begun.elapsed().as_secs_f64(),
        step.restarts()?
    );
    ensure!(left == 0, "{left} records left a release with bugs");

    let _fixed = step.release(Kind::Fixed, &[])?;
    let (forwarded, counted): (BTreeSet<_>, BTreeSet<_>) = ((0..ORDERS).collect(), (0..INSTANCES + ORDERS).collect());
    let took = step.await_told(&[&FORWARDER, &TELLER], &forwarded)? + step.await_told(&[&COUNTER], &counted)?;
    println!("    all told {:.1} s after the fixed release was ready", took.as_secs_f64());
    cluster.await_checkpoints(2)?;
    step.compare("a release with bugs, then a fixed one", &FORWARDER, &forwarded, 0, report)?;
    step.compare("a release with bugs, then a fixed one", &TELLER, &forwarded, 0, report)?;
    step.compare("a release with bugs, then a fixed one", &COUNTER, &counted, 0, report)?;
    let letters = step.dead_letters()?;
    ensure!(letters.is_empty(), "dead letters of the orders {letters:?}");
    Ok(())
}

/// A release that panics at every message makes dead letters up to the budget, and no more.
pub(crate) fn panics(cluster: &mut Cluster, size: Size, report: &mut Report) -> Result<()> {
    let step = Step::begin(cluster, "panics")?;
    let bad = step.release(Kind::Panics, &[])?;
    step.send(&PARSER, 0..ORDERS)?;
    let exhausted = wait("the budget of dead letters to be exhausted", FAILING, || {
        Ok((bad.failures(PARSER.as_str(), "dead_letter_budget")? > 0).then_some(()))
    });
    cluster.await_checkpoints(2)?;
    let left = step.dead_letters()?.len();
    println!("    {left} dead letters left within {:.1} s", step.start.elapsed().as_secs_f64());
    ensure!(left <= DEAD_LETTER_BUDGET, "{left} dead letters left");
    exhausted?;
    if size.full {
        step.await_restarts(1)?;
    }
    bad.kill()?;
    let fixed = step.release(Kind::Fixed, &[])?;
    // What the bad release had emitted, and was not committed, either is by now or never will be.
    cluster.await_checkpoints(2)?;
    let letters = step.dead_letters()?;
    let dead: BTreeSet<usize> = letters.iter().copied().collect();
    let rest: BTreeSet<usize> = (0..ORDERS).filter(|number| !dead.contains(number)).collect();
    step.await_told(&[&PARSER], &rest)?;
    cluster.await_checkpoints(2)?;
    println!(
        "    {} dead letters, {} orders for the fixed release, {} restarts",
        letters.len(),
        rest.len(),
        step.restarts()?
    );
    step.compare("a release that panics, then a fixed one", &PARSER, &rest, letters.len(), report)?;
    ensure!((1..=DEAD_LETTER_BUDGET).contains(&letters.len()), "{} dead letters", letters.len());
    ensure!(letters.len() == dead.len(), "dead letters of the orders {letters:?}");
    ensure!(letters.len() == left || step.restarts()? > 0, "{left} dead letters became {}", letters.len());
    ensure!(step.dead_letters()?.len() == letters.len(), "the fixed release made dead letters");
    drop(fixed);
    Ok(())
}

/// Calls that hang at first are dropped after the invocation timeout and made again, which the job never notices.
pub(crate) fn hangs_at_first(cluster: &mut Cluster, report: &mut Report) -> Result<()> {
    let step = Step::begin(cluster, "first")?;
    let release = step.release(Kind::HangsAtFirst, &["--invocation-timeout-seconds", "5"])?;
    let timeouts = || release.failures(CALLER.as_str(), "timeout");
    let (others, hanging) = (ORDERS, ORDERS);
    step.send_hanging(&CALLER, hanging)?;
    wait("the first call to be dropped", LIMIT, || Ok((timeouts()? > 0).then_some(())))?;
    step.send(&CALLER, 0..others)?;
    let took = step.await_told(&[&CALLER], &(0..others).collect())?;
    let meanwhile = timeouts()?;
    println!(
        "    {others} orders of others told within {:.1} s, {meanwhile} calls dropped by then",
        took.as_secs_f64()
    );
    step.await_told(&[&CALLER], &BTreeSet::from([hanging]))?;
    let dropped = timeouts()?;
    println!(
        "    the one that hung told after {:.1} s and {dropped} dropped calls",
        step.start.elapsed().as_secs_f64()
    );
    cluster.await_checkpoints(2)?;
    step.compare("calls that hang at first", &CALLER, &(0..=hanging).collect(), 0, report)?;
    ensure!(took < MEANWHILE, "the others took {took:?}");
    ensure!(meanwhile < HANGS as u64, "the others were told after the call that hung");
    ensure!(dropped == HANGS as u64, "{dropped} calls were dropped, expected {HANGS}");
    ensure!(step.restarts()? == 0, "the job restarted: {:#?}", cluster.exceptions()?);
    Ok(())
}

/// A call that never ends, and a function that blocks its thread: others go on until the job restarts, and the next release makes
/// up for both.
pub(crate) fn hangs(cluster: &mut Cluster, report: &mut Report) -> Result<()> {
    /// The orders of others that are sent at once and then awaited.
    const WAVE: usize = 50;
    let step = Step::begin(cluster, "endless")?;
    let bad = step.release(Kind::Hangs, &[])?;
    let functions = [&CALLER, &SLEEPER];
    let hanging = 1_000_000;
    // Before the function can begin to block.
    let start = Instant::now();
    for function in functions {
        step.send_hanging(function, hanging)?;
    }
    let admin = bad.admin;
    let (mut waves, mut slowest, mut after) = (0, Duration::ZERO, Duration::ZERO);
    let unhealthy = std::thread::scope(|scope| {
        let probe = scope.spawn(move || {
            wait("/healthz to fail", Duration::from_secs(60), || {
                let (status, body) = get(admin, "/healthz")?;
                Ok((status == 503).then(|| (start.elapsed(), body)))
            })
        });
        let mut wave = || -> Result<Duration> {
            let numbers = waves * WAVE..(waves + 1) * WAVE;
            waves += 1;
            for function in functions {
                step.send(function, numbers.clone())?;
            }
            step.await_told(&functions, &numbers.collect())
        };
        loop {
            let took = wave()?;
            if step.restarts()? > 0 {
                break;
            }
            slowest = slowest.max(took);
            ensure!(took < MEANWHILE, "orders of others took {took:?}");
        }
        after = wave()?;
        probe.join().map_err(|_| anyhow!("the probe panicked"))?
    })?;
    let (unhealthy, body) = unhealthy;
    println!("    /healthz failed after {:.1} s: {}", unhealthy.as_secs_f64(), body.trim_end());
    println!(
        "    {waves} waves of {} orders of others, the slowest told within {:.1} s",
        2 * WAVE,
        slowest.as_secs_f64()
    );
    step.await_restarts(1)?;
    let dropped = bad.failures(CALLER.as_str(), "timeout")?;
    let blocked = bad.metric("statefun_blocked_threads", &[])?;
    println!(
        "    {dropped} calls dropped, {blocked} threads blocked; then a wave told within {:.1} s",
        after.as_secs_f64()
    );
    ensure!(after < MEANWHILE, "orders of others took {after:?} once the job had restarted");
    wait("another call to be dropped", LIMIT, || {
        Ok((bad.failures(CALLER.as_str(), "timeout")? > dropped).then_some(()))
    })?;
    ensure!(UNHEALTHY.contains(&unhealthy), "/healthz failed after {unhealthy:?}");
    ensure!(body.contains(SLEEPER.as_str()), "/healthz names another function: {body}");
    ensure!(dropped > 0, "no call was dropped before the job restarted");
    ensure!(blocked == 1, "{blocked} threads are blocked");
    ensure!(get(admin, "/healthz")?.0 == 503, "/healthz succeeds again");
    let log = bad.log()?;
    let line = log.lines().find(|line| line.contains("a function blocks its thread")).context("it is not logged")?;
    ensure!(line.contains(SLEEPER.as_str()), "the log names another function: {line}");
    let (status, took) = bad.terminate()?;
    println!("    the process ended {:.1} s after SIGTERM: {status}", took.as_secs_f64());

    let _fixed = step.release(Kind::Fixed, &[])?;
    let expected: BTreeSet<usize> = (0..waves * WAVE).chain([hanging]).collect();
    let took = step.await_told(&functions, &expected)?;
    println!("    all told {:.1} s after the fixed release was ready", took.as_secs_f64());
    cluster.await_checkpoints(2)?;
    for function in functions {
        step.compare("calls that hang forever, then a fixed release", function, &expected, 0, report)?;
    }
    Ok(())
}

/// Two servers behind one address are restarted in turns while orders flow.
pub(crate) fn rolling(cluster: &mut Cluster, size: Size, report: &mut Report) -> Result<()> {
    let (orders, seconds, least) = if size.full { (6_000, 45.0, 6) } else { (2_000, 12.0, 2) };
    let step = Step::begin(cluster, "rolling")?;
    let servers = [free_address()?, free_address()?];
    let proxy = Proxy::start(cluster.functions_address()?, &servers)?;
    let start = |server: usize| -> Result<Process> {
        let process = Process::start(cluster.dir(), Kind::Fixed, servers[server], &[])?;
        proxy.set_admin(server, process.admin);
        wait("the proxy to use it", Duration::from_secs(30), || Ok(proxy.is_ready(server).then_some(())))?;
        Ok(process)
    };
    let mut processes = [Some(start(0)?), Some(start(1)?)];
    let (sent, records) = (AtomicUsize::new(0), step.orders(0..orders)?);
    let (mut restarted, mut slowest) = (0, Duration::ZERO);
    std::thread::scope(|scope| {
        let feeder =
            scope.spawn(|| cluster.kafka.send_paced(&topic(&FORWARDER), &records, orders as f64 / seconds, &sent));
        let mut restart = || -> Result<()> {
            while sent.load(Ordering::Acquire) < orders && !feeder.is_finished() {
                let server = restarted % servers.len();
                let process = processes[server].take().context("no process")?;
                let (status, took) = process.terminate()?;
                ensure!(status.success(), "a server ended with {status}");
                slowest = slowest.max(took);
                processes[server] = Some(start(server)?);
                restarted += 1;
            }
            Ok(())
        };
        let result = restart();
        let fed = feeder.join().map_err(|_| anyhow!("the feeder panicked"))?;
        result.and(fed)
    })?;
    println!(
        "    {restarted} servers ended by SIGTERM and started again, each within {:.1} s; connections {:?}",
        slowest.as_secs_f64(),
        proxy.connections()
    );
    let expected: BTreeSet<usize> = (0..orders).collect();
    step.await_told(&[&FORWARDER, &TELLER], &expected)?;
    cluster.await_checkpoints(2)?;
    step.compare("two servers restarted in turns", &FORWARDER, &expected, 0, report)?;
    step.compare("two servers restarted in turns", &TELLER, &expected, 0, report)?;
    ensure!(restarted >= least, "only {restarted} restarts");
    ensure!(step.restarts()? == 0, "the job restarted: {:#?}", cluster.exceptions()?);
    Ok(())
}

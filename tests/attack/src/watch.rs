//! What healthy clients and operators see meanwhile. It runs on a thread of its own, beside the attack.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail, ensure};
use bytes::Bytes;
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::bodies;
use crate::client::{Connection, HEALTHY, Peer};
use crate::server::{Server, memory_mib};

/// 100 requests a second.
const PERIOD: Duration = Duration::from_millis(10);
/// One of so many opens a connection.
const NEW_CONNECTION: u64 = 10;
/// How often `/readyz` is asked for.
const PROBE_PERIOD: Duration = Duration::from_millis(500);
/// How often the memory is looked at.
const MEMORY_PERIOD: Duration = Duration::from_millis(20);
/// Above this the machine is in danger, and the row has failed long since: the server is killed.
const KILL_MIB: u64 = 4096;

/// How long a server may take to be ready.
const START: Duration = Duration::from_secs(10);

/// How long answers are waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// A request that takes longer was not served.
    pub(crate) request: Duration,
    pub(crate) probe: Duration,
}

/// What was seen.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Seen {
    pub(crate) sent: u64,
    pub(crate) served: u64,
    /// The first of each kind of failure.
    pub(crate) failures: Vec<String>,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) probes: u64,
    pub(crate) probes_answered: u64,
    pub(crate) peak_mib: u64,
    pub(crate) killed: bool,
}

impl Seen {
    pub(crate) fn percent(&self) -> f64 {
        if self.sent == 0 { 100.0 } else { self.served as f64 * 100.0 / self.sent as f64 }
    }
}

/// A watch over a server, until it is [finished](Self::finish).
pub(crate) struct Watch {
    stop: watch::Sender<bool>,
    killed: watch::Receiver<bool>,
    thread: std::thread::JoinHandle<anyhow::Result<Seen>>,
}

#[derive(Default)]
struct Requests {
    sent: u64,
    milliseconds: Vec<f64>,
    failures: Vec<String>,
}

struct Stream {
    peer: Peer,
    body: Bytes,
    expected: Bytes,
    idle: Mutex<Vec<Connection>>,
    requests: Mutex<Requests>,
}

impl Watch {
    /// Begins it, once the server has served a first request and is ready.
    ///
    /// # Errors
    /// When it does not serve one.
    pub(crate) async fn start(server: &Server, bounds: Bounds) -> anyhow::Result<Self> {
        let body = bodies::healthy();
        let mut connection = server.peer.open(HEALTHY).await?;
        let first = connection.invoke(body.clone()).await?;
        ensure!(first.status() == 200, "unattacked: {}", first.status());
        timeout(START, until_ready(&server.operators)).await.context("unattacked: not ready")?;
        let stream = Arc::new(Stream {
            peer: server.peer.clone(),
            body,
            expected: first.into_body(),
            idle: Mutex::new(vec![connection]),
            requests: Mutex::default(),
        });
        let (stop, stopped) = watch::channel(false);
        let (kill, killed) = watch::channel(false);
        let (process, operators) = (server.id(), server.operators.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("watch".to_owned()).spawn(move || {
            runtime.block_on(async move {
                let probes = tokio::spawn(probe(operators, stopped.clone(), bounds.probe));
                let memory = tokio::spawn(look_at_memory(process, stopped.clone(), kill));
                let requests = tokio::spawn(requests(Arc::clone(&stream), stopped, bounds.request));
                let (probes, probes_answered) = probes.await?;
                let (killed, largest) = memory.await?;
                requests.await?;
                let mut requests = std::mem::take(&mut *lock(&stream.requests));
                requests.milliseconds.sort_by(f64::total_cmp);
                Ok(Seen {
                    sent: requests.sent,
                    served: requests.milliseconds.len() as u64,
                    failures: requests.failures,
                    p50_ms: quantile(&requests.milliseconds, 0.5),
                    p99_ms: quantile(&requests.milliseconds, 0.99),
                    probes,
                    probes_answered,
                    // One that has ended is not there to be asked.
                    peak_mib: memory_mib(process, "VmHWM:").unwrap_or(largest),
                    killed,
                })
            })
        })?;
        Ok(Self { stop, killed, thread })
    }

    /// Once the server was killed for its memory.
    pub(crate) async fn killed(&self) {
        let mut killed = self.killed.clone();
        if killed.wait_for(|killed| *killed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits for the answers that are under way.
    pub(crate) async fn finish(self) -> anyhow::Result<Seen> {
        let _ = self.stop.send(true);
        tokio::task::spawn_blocking(|| self.thread.join()).await?.map_err(|_| anyhow!("the watch panicked"))?
    }
}

async fn requests(stream: Arc<Stream>, mut stopped: watch::Receiver<bool>, bound: Duration) {
    let mut ticks = interval(PERIOD);
    // It is an open loop: a client that was held up sends what is due.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sent = JoinSet::new();
    for number in 1.. {
        let due = tokio::select! {
            due = ticks.tick() => due.into_std(),
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        let stream = Arc::clone(&stream);
        sent.spawn(async move {
            let result = match timeout(bound, stream.request(number % NEW_CONNECTION == 0)).await {
                Ok(result) => result,
                Err(_) => Err(anyhow!("no answer within {bound:?}")),
            };
            stream.note(due, result);
        });
        while sent.try_join_next().is_some() {}
    }
    sent.join_all().await;
}

impl Stream {
    async fn request(&self, anew: bool) -> anyhow::Result<()> {
        let mut connection = if anew { self.peer.open(HEALTHY).await? } else { self.connection().await? };
        let response = connection.invoke(self.body.clone()).await?;
        if response.status() != 200 {
            bail!("{}", response.status().as_u16());
        }
        ensure!(*response.body() == self.expected, "another answer than unattacked");
        if !anew {
            lock(&self.idle).push(connection);
        }
        Ok(())
    }

    async fn connection(&self) -> anyhow::Result<Connection> {
        loop {
            let idle = lock(&self.idle).pop();
            let Some(mut connection) = idle else { return self.peer.open(HEALTHY).await };
            if connection.is_open().await {
                return Ok(connection);
            }
        }
    }

    fn note(&self, due: Instant, result: anyhow::Result<()>) {
        let mut requests = lock(&self.requests);
        requests.sent += 1;
        match result {
            Ok(()) => requests.milliseconds.push(due.elapsed().as_secs_f64() * 1000.0),
            Err(error) => {
                let error = format!("{error:#}");
                if !requests.failures.contains(&error) && requests.failures.len() < 5 {
                    requests.failures.push(error);
                }
            }
        }
    }
}

async fn ready(operators: &Peer) -> anyhow::Result<bool> {
    Ok(operators.open(HEALTHY).await?.get("/readyz").await?.status() == 200)
}

async fn until_ready(operators: &Peer) {
    while !matches!(ready(operators).await, Ok(true)) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// How many probes there were, and how many of them were answered within `bound`.
async fn probe(operators: Peer, mut stopped: watch::Receiver<bool>, bound: Duration) -> (u64, u64) {
    let mut ticks = interval(PROBE_PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut probes = JoinSet::new();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopped.wait_for(|stopped| *stopped) => break,
        }
        let operators = operators.clone();
        probes.spawn(async move { matches!(timeout(bound, ready(&operators)).await, Ok(Ok(true))) });
    }
    let probes = probes.join_all().await;
    (probes.len() as u64, probes.iter().filter(|answered| **answered).count() as u64)
}

/// Kills the server where it takes too much. Whether it did, and the most that was seen, in MiB.
async fn look_at_memory(process: u32, mut stopped: watch::Receiver<bool>, kill: watch::Sender<bool>) -> (bool, u64) {
    let mut ticks = interval(MEMORY_PERIOD);
    let mut largest = 0;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopped.wait_for(|stopped| *stopped) => return (false, largest),
        }
        largest = largest.max(memory_mib(process, "VmRSS:").unwrap_or_default());
        if largest > KILL_MIB {
            statefun_test_support::process::signal(process, "KILL");
            let _ = kill.send(true);
            return (true, largest);
        }
    }
}

fn quantile(sorted: &[f64], quantile: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * quantile).round() as usize).copied().unwrap_or_default()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

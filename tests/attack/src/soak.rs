//! A mixed load for a long time: memory and errors by the minute.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use futures_util::future::join_all;
use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::time::{interval, sleep};

use crate::bodies::{self, Mutations};
use crate::client::{ATTACKER, Peer};
use crate::row::NO_DELAY;
use crate::server::{Program, Server, Start, memory_mib};
use crate::trial::Judge;
use crate::watch::Watch;

const MINUTE: Duration = Duration::from_secs(60);
/// Closed loops over the stored requests, and over mutated ones.
const LOOPS: usize = 4;
/// Peers that go away.
const RUDE_PERIOD: Duration = Duration::from_millis(100);
/// What the memory may grow by from the first minute to the last, in MiB.
const GROWTH_MIB: u64 = 32;

#[derive(Default)]
struct Counts {
    answered: AtomicU64,
    unanswered: AtomicU64,
}

/// # Errors
/// When a request got no answer, the memory grew, or the server did not start or end.
pub(crate) async fn run(program: &Program, minutes: u32) -> anyhow::Result<()> {
    let options = NO_DELAY.map(ToOwned::to_owned).into();
    let mut server = Server::start(program, &Start { options, ..Start::default() })?;
    let watch = Watch::start(&server, Judge::All.bounds()).await?;
    let counts = Arc::new(Counts::default());
    let end = Instant::now() + MINUTE * minutes;
    let stored = bodies::stored()?;
    let mut loops = Vec::new();
    for _ in 0..LOOPS {
        let stored = stored.clone();
        loops.push(tokio::spawn(closed_loop(
            server.peer.clone(),
            Arc::clone(&counts),
            end,
            stored.into_iter().cycle(),
        )));
        loops.push(tokio::spawn(closed_loop(server.peer.clone(), Arc::clone(&counts), end, Mutations::new()?)));
    }
    let rude = tokio::spawn(rude(server.peer.clone(), end));
    let mut first = None;
    let mut resident = 0;
    for minute in 1..=minutes {
        sleep(MINUTE).await;
        resident = memory_mib(server.id(), "VmRSS:").unwrap_or_default();
        first.get_or_insert(resident);
        let (answered, unanswered) = counts.read();
        println!(
            "minute {minute}: {resident} MiB, {answered} answered, {unanswered} not, {} kB of log",
            server.log_bytes() / 1000
        );
    }
    join_all(loops).await;
    rude.await?;
    let healthy = watch.finish().await?;
    println!(
        "healthy: {} of {} served, p50 {:.1} ms, p99 {:.1} ms; {} of {} probes answered; peak {} MiB",
        healthy.served,
        healthy.sent,
        healthy.p50_ms,
        healthy.p99_ms,
        healthy.probes_answered,
        healthy.probes,
        server.peak_mib()
    );
    let drained = tokio::task::block_in_place(|| server.terminate(MINUTE));
    ensure!(drained.is_some(), "killed {MINUTE:?} after SIGTERM");
    ensure!(server.panics() == 0, "{} panics", server.panics());
    let (_, unanswered) = counts.read();
    ensure!(unanswered == 0, "{unanswered} requests got no answer");
    ensure!(healthy.served == healthy.sent, "healthy requests failed: {}", healthy.failures.join("; "));
    let first = first.unwrap_or_default();
    ensure!(resident <= first + GROWTH_MIB, "the memory grew from {first} to {resident} MiB");
    Ok(())
}

impl Counts {
    fn read(&self) -> (u64, u64) {
        (self.answered.load(Ordering::Relaxed), self.unanswered.load(Ordering::Relaxed))
    }
}

async fn closed_loop(peer: Peer, counts: Arc<Counts>, end: Instant, mut bodies: impl Iterator<Item = bytes::Bytes>) {
    while Instant::now() < end {
        let Ok(mut connection) = peer.open(ATTACKER).await else {
            counts.unanswered.fetch_add(1, Ordering::Relaxed);
            sleep(RUDE_PERIOD).await;
            continue;
        };
        for body in bodies.by_ref() {
            let count = match connection.invoke(body).await {
                Ok(_) => &counts.answered,
                Err(_) => &counts.unanswered,
            };
            count.fetch_add(1, Ordering::Relaxed);
            if Instant::now() >= end || !connection.is_open().await {
                break;
            }
        }
    }
}

/// Connections that are reset, in the middle of a head.
async fn rude(peer: Peer, end: Instant) {
    let mut ticks = interval(RUDE_PERIOD);
    while Instant::now() < end {
        ticks.tick().await;
        if let Ok(mut stream) = peer.connect(ATTACKER).await {
            let _ = stream.write_all(b"POST /statefun HTTP/1.1\r\nhost:").await;
            let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        }
    }
}

//! One row: a fresh server, the healthy stream, the attack, SIGTERM, and the verdict.

use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use tokio::time::timeout;

use crate::attack::{Outcome, Target};
use crate::black_hole::BlackHole;
use crate::row::{BLACK_HOLE, Row};
use crate::server::{Program, Server, Start};
use crate::watch::{Bounds, Seen, Watch};

/// How long an attack may take.
const ATTACK: Duration = Duration::from_secs(90);
/// The most log, in bytes, whatever is sent.
const LOG: u64 = 4 * 1024 * 1024;
/// What a drain may take besides its delay where the server has no option for it.
const DRAIN: Duration = Duration::from_secs(10);
/// After that a server that does not end is killed.
const KILL: Duration = Duration::from_secs(40);

/// Which limits are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judge {
    /// Counts and bytes alone: any machine gives the same.
    Counts,
    /// Times, too.
    All,
}

/// A row as it went.
#[derive(Debug, Serialize)]
pub(crate) struct Trial {
    pub(crate) row: &'static str,
    pub(crate) sent: &'static str,
    pub(crate) attacker_saw: String,
    pub(crate) healthy: Seen,
    pub(crate) peak_mib: u64,
    pub(crate) log_bytes: u64,
    /// How long SIGTERM took, in seconds; `None` when the server had to be killed.
    pub(crate) drain_seconds: Option<f64>,
    /// Why it fails; it passes where there is nothing.
    pub(crate) failures: Vec<String>,
}

impl Judge {
    /// How long answers are waited for.
    pub(crate) fn bounds(self) -> Bounds {
        match self {
            Self::Counts => Bounds { request: Duration::from_secs(30), probe: Duration::from_secs(30) },
            Self::All => Bounds { request: Duration::from_secs(10), probe: Duration::from_secs(1) },
        }
    }
}

/// # Errors
/// When this machine does not let it be run, or the server does not start.
pub(crate) async fn run(program: &Program, row: &Row, judge: Judge) -> anyhow::Result<Trial> {
    let black_hole = BlackHole::start().await?;
    let mut options: Vec<String> = row.options.iter().map(|option| (*option).to_owned()).collect();
    if row.options.contains(&BLACK_HOLE) {
        options.push(black_hole.url.clone());
    }
    let (descriptors, unread_log, tls) = (row.descriptors, row.unread_log, row.tls);
    let mut server = Server::start(program, &Start { options, descriptors, unread_log, tls })?;
    let watch = Watch::start(&server, judge.bounds()).await?;
    let target = Target { peer: server.peer.clone(), process: server.id(), black_hole };
    let attack = async {
        match timeout(ATTACK, row.attack.run(&target)).await {
            Ok(outcome) => outcome,
            Err(_) => Ok(Outcome { seen: format!("still going on after {ATTACK:?}"), ..Outcome::default() }),
        }
    };
    let (outcome, healthy) = if row.alone {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let healthy = watch.finish().await?;
        (attack.await, healthy)
    } else {
        let outcome = tokio::select! {
            outcome = attack => outcome,
            () = watch.killed() => Ok(Outcome { seen: "cut short".to_owned(), ..Outcome::default() }),
        };
        // What it left behind is part of it.
        tokio::time::sleep(Duration::from_millis(500)).await;
        (outcome, watch.finish().await?)
    };
    let mut outcome = match outcome {
        // An attack whose server is gone has no more to say.
        Err(error) if !server.runs() => Outcome { seen: format!("{error:#}"), ..Outcome::default() },
        outcome => outcome.context("the attack")?,
    };
    if !row.held {
        outcome.held.clear();
    }
    let (runs, peak_mib) = (server.runs() || outcome.terminated.is_some(), healthy.peak_mib.max(server.peak_mib()));
    let drained = tokio::task::block_in_place(|| match outcome.terminated {
        Some(terminated) => server.ended(terminated, KILL),
        None => server.terminate(KILL),
    });
    let mut failures = Vec::new();
    if healthy.killed {
        failures.push("killed above 4 GiB".to_owned());
    } else if !runs {
        failures.push("the server ended".to_owned());
    }
    if !healthy.killed && peak_mib > row.limits.peak_mib {
        failures.push(format!("peak above {} MiB", row.limits.peak_mib));
    }
    if healthy.percent() < row.limits.healthy {
        let why = healthy.failures.join("; ");
        failures.push(format!("healthy below {} %: {why}", row.limits.healthy));
    }
    if healthy.probes_answered < healthy.probes {
        failures.push(format!(
            "{} of {} probes without /readyz in time",
            healthy.probes - healthy.probes_answered,
            healthy.probes
        ));
    }
    if server.log_bytes() > LOG {
        failures.push("log above 4 MiB".to_owned());
    }
    if server.panics() > 0 {
        failures.push(format!("{} panics", server.panics()));
    }
    match drained {
        None => failures.push(format!("killed {} s after SIGTERM", KILL.as_secs())),
        Some(took) if judge == Judge::All && took > allowed(row) => {
            failures.push(format!("SIGTERM took more than {} s", allowed(row).as_secs()));
        }
        Some(_) => {}
    }
    failures.append(&mut outcome.failures);
    Ok(Trial {
        row: row.id,
        sent: row.sends,
        attacker_saw: outcome.seen,
        log_bytes: server.log_bytes(),
        peak_mib,
        healthy,
        drain_seconds: drained.map(|took| took.as_secs_f64()),
        failures,
    })
}

/// The drain's delay and its time-out.
fn allowed(row: &Row) -> Duration {
    let delay = if row.alone { Duration::from_secs(2) } else { Duration::ZERO };
    delay + DRAIN
}

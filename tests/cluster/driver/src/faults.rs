//! What goes wrong while events are on their way.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::cluster::{Cluster, wait};

/// A fault, and what is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Our server is killed and started again, three times.
    ServerKilled,
    /// Our server answers 503 for five seconds.
    ServerOverloaded,
    /// A TaskManager is killed, and another one started.
    TaskManagerKilled,
    /// A savepoint is taken and the job stopped with it; then it is started from there.
    Savepoint,
}

impl Fault {
    pub(crate) const ALL: [Self; 4] =
        [Self::ServerKilled, Self::ServerOverloaded, Self::TaskManagerKilled, Self::Savepoint];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ServerKilled => "our server killed and restarted three times",
            Self::ServerOverloaded => "our server answers 503 for 5 s",
            Self::TaskManagerKilled => "a TaskManager killed",
            Self::Savepoint => "savepoint, stop, restart from it",
        }
    }

    /// Whether the runtime has to go through it without a restart of the job: it retries requests for a minute.
    pub(crate) fn is_retried(self) -> bool {
        matches!(self, Self::ServerKilled | Self::ServerOverloaded)
    }

    /// Lets it happen while `sent` counts up to `all`.
    pub(crate) fn inject(self, cluster: &mut Cluster, sent: &AtomicUsize, all: usize) -> Result<()> {
        let until = |part: f64| {
            let count = (all as f64 * part) as usize;
            let enough = || Ok((sent.load(Ordering::Acquire) >= count).then_some(()));
            wait(&format!("{count} events to be sent"), Duration::from_secs(120), enough)
        };
        match self {
            Self::ServerKilled => {
                for part in [0.2, 0.4, 0.6] {
                    until(part)?;
                    cluster.kill("functions")?;
                    cluster.up_again(&[])?;
                }
            }
            Self::ServerOverloaded => {
                until(0.2)?;
                cluster.kill("functions")?;
                // A server that takes no request at all is one that always has too many.
                cluster.up_again(&[("STATEFUN_MAX_IN_FLIGHT", "0")])?;
                let start = Instant::now();
                let enough = || Ok((cluster.answers_with(503)? > 0).then_some(()));
                wait("the runtime to be answered with 503", Duration::from_secs(30), enough)?;
                sleep(Duration::from_secs(5).saturating_sub(start.elapsed()));
                let answers = cluster.answers_with(503)?;
                println!("    {answers} answers with 503 in {:.1} s", start.elapsed().as_secs_f64());
                ensure!(cluster.answers_with(200)? == 0, "a server that is overloaded answered with 200");
                cluster.kill("functions")?;
                cluster.up_again(&[])?;
            }
            Self::TaskManagerKilled => {
                until(0.3)?;
                cluster.kill("taskmanager-1")?;
                cluster.up_again(&[])?;
            }
            Self::Savepoint => {
                until(0.3)?;
                cluster.savepoint_and_stop()?;
                cluster.restart_from_savepoint()?;
            }
        }
        println!("    over after {} of {all} events were sent", sent.load(Ordering::Acquire));
        Ok(())
    }
}

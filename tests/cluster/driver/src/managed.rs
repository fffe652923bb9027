//! A Flink that knows nothing of StateFun, as Managed Flink is, and a JAR that brings all of it.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::broker::Broker;
use crate::cluster::{Cluster, wait};
use crate::figures::{Figures, Report};
use crate::scenario::{EGRESS, INGRESS, keyed};

/// Another price of the product that the scenario has put into two carts.
const CHANGE: &str = r#"{"specversion":"1.0","id":"after-restart","source":"tests","type":"example.product","data":{"id":"product-1","price":77.5,"availability":"IN_STOCK"}}"#;
const PRICE: f64 = 77.5;
const CARTS: [&str; 2] = ["canary", "cart-1"];

const LIMIT: Duration = Duration::from_secs(120);

/// What Managed Flink cannot be told, this one was not told either.
pub(crate) fn settings(cluster: &mut Cluster, _report: &mut Report) -> Result<()> {
    let names = cluster.flink_settings()?;
    ensure!(names.iter().any(|name| name == "state.backend"), "these are no settings of Flink: {names:?}");
    let of_statefun = |name: &&String| name.starts_with("statefun.") || name.starts_with("classloader.");
    let found: Vec<_> = names.iter().filter(of_statefun).collect();
    ensure!(found.is_empty(), "Flink was told {found:?}");
    Ok(())
}

/// After the scenario: the classes are loaded anew when a TaskManager was killed and when the JAR is submitted once more,
/// with a savepoint. Both carts still hold the product, and are told of its price once.
pub(crate) fn restart(cluster: &mut Cluster, report: &mut Report) -> Result<()> {
    let start = Instant::now();
    cluster.kill("taskmanager-1")?;
    cluster.up_again(&[])?;
    // Not by its metrics: while the JobManager asks the killed one for its own, it updates none for minutes.
    let failures = wait("the job to have restarted", LIMIT, || {
        let failures = cluster.exceptions()?.len();
        Ok((failures > 0).then_some(failures))
    })?;
    cluster.savepoint_and_stop()?;
    cluster.restart_from_savepoint()?;

    cluster.kafka.send(INGRESS, &[keyed(CHANGE)])?;
    let told = || -> Result<Vec<String>> {
        let mut told = Vec::new();
        for record in cluster.kafka.read_all(EGRESS)? {
            let status: Value = serde_json::from_slice(&record.value)?;
            if status["data"]["cartItemStatuses"][0]["currentPrice"] == PRICE {
                told.push(record.key);
            }
        }
        told.sort_unstable();
        Ok(told)
    };
    wait("both carts to be told", LIMIT, || Ok((told()?.len() >= CARTS.len()).then_some(())))?;
    cluster.await_checkpoints(2)?;
    let told = told()?;
    report.step(Figures {
        step: "a JAR started again".to_owned(),
        events: 1,
        results: told.len(),
        lost: CARTS.len().saturating_sub(told.len()),
        doubled: told.len().saturating_sub(CARTS.len()),
        restarts: failures as u64,
        seconds: start.elapsed().as_secs_f64(),
    });
    ensure!(told == CARTS, "told of the price: {told:?}");
    Ok(())
}

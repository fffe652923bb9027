//! The server's certificate is renewed while the job runs: connections that the cluster makes from then on see the new one.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::broker::Broker;
use crate::cluster::{Cluster, wait};
use crate::figures::{Figures, Report};
use crate::scenario::{EGRESS, INGRESS, keyed};

const LIMIT: Duration = Duration::from_secs(60);

const FAILED: &str = "statefun_tls_handshake_failures_total{cause=\"no_client_certificate\"} ";
const RELOADED: &str = "statefun_tls_reloads_total{result=\"success\"} ";
const REQUESTS: &str = "statefun_requests_total{function=\"example/cart\",status=\"200\"} ";

pub(crate) fn run(cluster: &mut Cluster, report: &mut Report) -> Result<()> {
    let start = Instant::now();
    let restarts = cluster.restarts()?;
    ensure!(metric(cluster, REQUESTS)? > 0, "no request came over mutual TLS");
    let stranger = curl(cluster, "/healthz", false)?;
    ensure!(!stranger.status.success(), "a client without a certificate was served");
    // /metrics is rendered once a second at most.
    wait("the count of a client without a certificate", LIMIT, || Ok((metric(cluster, FAILED)? > 0).then_some(())))?;

    cluster.renew_certificate()?;
    wait("the renewed certificate", LIMIT, || Ok((metric(cluster, RELOADED)? > 0).then_some(())))?;
    // Longer than the cluster keeps an idle connection: it makes another.
    std::thread::sleep(Duration::from_secs(20));
    let event = r#"{"specversion":"1.0","id":"renewed","source":"tests","type":"example.cart-product","data":{"cartId":"renewed","productId":"product-1","quantity":1,"originPrice":42}}"#;
    cluster.kafka.send(INGRESS, &[keyed(event)])?;
    let mut results = 0;
    wait("a status of the other cart", LIMIT, || {
        results = cluster.kafka.read_all(EGRESS)?.iter().filter(|record| record.key == "renewed").count();
        Ok((results > 0).then_some(()))
    })?;
    report.step(Figures {
        step: "a renewed certificate".to_owned(),
        events: 1,
        results,
        lost: 0,
        doubled: 0,
        restarts: cluster.restarts()? - restarts,
        seconds: start.elapsed().as_secs_f64(),
    });
    ensure!(cluster.restarts()? == restarts, "the job restarted: {:#?}", cluster.exceptions()?);
    Ok(())
}

fn metric(cluster: &Cluster, series: &str) -> Result<u64> {
    let metrics = curl(cluster, "/metrics", true)?;
    ensure!(metrics.status.success(), "{}", String::from_utf8_lossy(&metrics.stderr));
    let metrics = String::from_utf8(metrics.stdout)?;
    let value = metrics.lines().find_map(|line| line.strip_prefix(series));
    value.with_context(|| format!("no {series}in {metrics}"))?.parse().context("no number")
}

/// A page of our binary, asked for with the cluster's certificate or with none.
fn curl(cluster: &Cluster, path: &str, authenticated: bool) -> Result<std::process::Output> {
    let file = |name: &str| cluster.tls_file(name).display().to_string();
    let mut command = Command::new("curl");
    command.args(["-sS", "--fail", "--max-time", "20", "--cacert", &file("ca.crt")]);
    if authenticated {
        command.args(["--cert", &file("client.crt"), "--key", &file("client.key")]);
    }
    Ok(command.arg(format!("https://127.0.0.1:{}{path}", cluster.functions_port()?)).output()?)
}

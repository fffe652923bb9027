//! The events of the demo through Kafka or Kinesis: what comes out is, to the byte, what the demo prints.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use statefun_applications::product_cart::{EVENTS, record_key};

use crate::broker::{Broker, Keyed};
use crate::cluster::{Cluster, wait};
use crate::figures::{Figures, Report};

pub(crate) const INGRESS: &str = "example-ingress";
pub(crate) const EGRESS: &str = "example-egress";
pub(crate) const DEAD_LETTERS: &str = "example-dead-letter";

/// What the demo prints, one record a line.
const PRINTED: &str = include_str!("../../../data/demo.jsonl");

const LIMIT: Duration = Duration::from_secs(120);

/// An event with the key that it is to be sent with.
pub(crate) fn keyed(event: &str) -> Keyed {
    (record_key(event.as_bytes()).unwrap_or_default(), event.as_bytes().to_vec())
}

/// Another cart with the product of the demo. Its first status says that the product is known by then: only the egress
/// can tell, and the demo's own cart must find it known.
const CANARY: &str = r#"{"specversion":"1.0","id":"canary","source":"tests","type":"example.cart-product","data":{"cartId":"canary","productId":"product-1","quantity":1,"originPrice":42}}"#;

pub(crate) fn over_kafka(cluster: &mut Cluster, report: &mut Report) -> Result<()> {
    run(cluster, &cluster.kafka, "product and cart over Kafka", report)
}

pub(crate) fn over_kinesis(cluster: &mut Cluster, report: &mut Report) -> Result<()> {
    run(cluster, &cluster.kinesis, "product and cart over Kinesis", report)
}

fn run(cluster: &Cluster, broker: &impl Broker, step: &str, report: &mut Report) -> Result<()> {
    let start = Instant::now();
    let restarts = cluster.restarts()?;
    broker.create(&[EGRESS, DEAD_LETTERS])?;
    let printed: Vec<&str> = PRINTED.lines().collect();
    let expected = printed.iter().map(|line| {
        let value = line.split_once(r#""value":"#).and_then(|(_, value)| value.strip_suffix('}'));
        value.context("a line of the demo without a value")
    });
    let expected: Vec<&str> = expected.collect::<Result<_>>()?;

    let events: Vec<Keyed> = EVENTS.lines().map(keyed).collect();
    let change = events.iter().rposition(|(key, _)| key == "product-1").context("a change of the price")?;
    let into_cart = events.iter().position(|(key, _)| key == "cart-1").context("an event of the cart")?;
    let first_of = |key: &str| {
        wait(&format!("a status of {key}"), LIMIT, || {
            Ok(broker.read_all(EGRESS)?.iter().any(|record| record.key == key).then_some(()))
        })
    };
    broker.send(INGRESS, &events[..into_cart])?;
    broker.send(INGRESS, &[keyed(CANARY)])?;
    first_of("canary")?;
    broker.send(INGRESS, &events[into_cart..change])?;
    first_of("cart-1")?;
    broker.send(INGRESS, &events[change..])?;
    wait("all statuses", LIMIT, || Ok((broker.read_all(EGRESS)?.len() >= expected.len() + 2).then_some(())))?;
    cluster.await_checkpoints(2)?;

    let records = broker.read_all(EGRESS)?;
    let (canary, cart): (Vec<_>, Vec<_>) = records.iter().partition(|record| record.key == "canary");
    let cart: Vec<_> = cart.iter().map(|record| String::from_utf8_lossy(&record.value)).collect();
    report.step(Figures {
        step: step.to_owned(),
        events: events.len() + 1,
        results: records.len(),
        lost: expected.len().saturating_sub(cart.len()) + 2_usize.saturating_sub(canary.len()),
        doubled: cart.len().saturating_sub(expected.len()) + canary.len().saturating_sub(2),
        restarts: cluster.restarts()? - restarts,
        seconds: start.elapsed().as_secs_f64(),
    });
    ensure!(cart == expected, "the cart was told {cart:#?}, expected {expected:#?}");
    let prices = canary.iter().map(|record| {
        let status: Value = serde_json::from_slice(&record.value)?;
        Ok(status["data"]["cartItemStatuses"][0]["currentPrice"].to_string())
    });
    let prices: Vec<_> = prices.collect::<Result<_>>()?;
    ensure!(prices == ["42", "42.42"], "the other cart was told {prices:?}");
    let dead = broker.read_all(DEAD_LETTERS)?;
    ensure!(dead.is_empty(), "dead letters: {dead:?}");
    ensure!(cluster.restarts()? == restarts, "the job restarted: {:#?}", cluster.exceptions()?);
    Ok(())
}

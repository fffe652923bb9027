//! Records that nobody can read, among good ones: each becomes a dead letter, and the job never notices.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::broker::{Broker, Keyed};
use crate::cluster::Cluster;
use crate::figures::{Figures, Report};
use crate::scenario::{DEAD_LETTERS, EGRESS, INGRESS, keyed};

const GOOD: usize = 200;
const LIMIT: Duration = Duration::from_secs(120);

/// Who finds out that a record is poison, and the record.
fn poison(number: usize) -> (&'static str, Keyed) {
    let key = format!("poison-{number}");
    match number % 5 {
        0 => ("router", (key, b"not JSON".to_vec())),
        1 => ("router", (key, Vec::new())),
        2 => ("router", (key, br#"{"specversion":"1.0","type":"example.product"}"#.to_vec())),
        3 => ("router", (key, vec![0xff, 0xfe, 0x00])),
        _ => {
            // The router passes it on; the price has more digits than can be kept.
            let event = product(&key, number, "1.23456789012345678901234567891");
            ("product", (key, event.into_bytes()))
        }
    }
}

fn product(id: &str, number: usize, price: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"poison-{number}","source":"tests","type":"example.product","data":{{"id":"{id}","price":{price},"availability":"IN_STOCK"}}}}"#
    )
}

pub(crate) fn run(cluster: &mut Cluster, report: &mut Report) -> Result<()> {
    let start = Instant::now();
    let kafka = &cluster.kafka;
    kafka.create(&[EGRESS, DEAD_LETTERS])?;
    let restarts = cluster.restarts()?;
    let cart = "among-poison";
    let into_cart = format!(
        r#"{{"specversion":"1.0","id":"into","source":"tests","type":"example.cart-product","data":{{"cartId":"{cart}","productId":"good","quantity":1,"originPrice":0}}}}"#
    );
    let statuses = kafka.reader(EGRESS)?;
    kafka.send(INGRESS, &[keyed(&product("good", 0, "0")), keyed(&into_cart)])?;
    statuses.read_until("the first status", LIMIT, |record| Ok(record.key == cart))?;

    let mut events = Vec::new();
    let mut expected = BTreeMap::new();
    for number in 1..=GOOD {
        events.push(keyed(&product("good", number, &number.to_string())));
        if number % 10 == 0 {
            let (function, (key, payload)) = poison(number / 10);
            expected.insert(key.clone(), (function, payload.clone()));
            events.push((key, payload));
        }
    }
    kafka.send(INGRESS, &events)?;
    let mut seen = 0;
    statuses.read_until("a status of every good record", LIMIT, |record| {
        seen += usize::from(record.key == cart);
        Ok(seen == GOOD)
    })?;
    let mut letters = 0;
    kafka.reader(DEAD_LETTERS)?.read_until("a dead letter of every poison record", LIMIT, |_| {
        letters += 1;
        Ok(letters == expected.len())
    })?;
    cluster.await_checkpoints(2)?;

    let prices = kafka.read_all(EGRESS)?.into_iter().filter(|record| record.key == cart).map(|record| {
        let status: Value = serde_json::from_slice(&record.value)?;
        Ok(status["data"]["cartItemStatuses"][0]["currentPrice"].to_string())
    });
    let prices: Vec<String> = prices.collect::<Result<_>>()?;
    let dead = kafka.read_all(DEAD_LETTERS)?;
    let results = prices.len() + dead.len();
    let wanted = GOOD + 1 + expected.len();
    report.step(Figures {
        step: "poison among good records".to_owned(),
        events: events.len() + 2,
        results,
        lost: wanted.saturating_sub(results),
        doubled: results.saturating_sub(wanted),
        restarts: cluster.restarts()? - restarts,
        seconds: start.elapsed().as_secs_f64(),
    });
    let all: Vec<String> = (0..=GOOD).map(|number| number.to_string()).collect();
    ensure!(prices == all, "the cart was told {prices:?}");
    ensure!(dead.len() == expected.len(), "{} dead letters, expected {}", dead.len(), expected.len());
    for letter in &dead {
        let (function, payload) = expected.get(&letter.key).with_context(|| format!("a letter of {}", letter.key))?;
        let letter: Value = serde_json::from_slice(&letter.value)?;
        let id = letter["function"]["id"].clone();
        ensure!(letter["function"] == json!({"namespace": "example", "type": function, "id": id}), "{letter}");
        ensure!(letter["failure"] == "poison" && letter["message_type"] == "example/cloudevent", "{letter}");
        ensure!(letter["payload"] == STANDARD.encode(payload).as_str(), "{letter}");
        ensure!(letter["payload_length"] == json!(payload.len()), "{letter}");
    }
    let (after, state, exceptions) = (cluster.restarts()?, cluster.job_state()?, cluster.exceptions()?);
    ensure!(
        after == restarts && state == "RUNNING" && exceptions.is_empty(),
        "the job is {state} after {} restarts: {exceptions:#?}",
        after - restarts
    );
    Ok(())
}

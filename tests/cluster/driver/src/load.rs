//! Many carts, each with a product of its own, whose prices change while things go wrong.
//!
//! Fed in phases, each awaited on the egress, so that what must come out is defined: one status of each cart for each
//! price, in the order of the prices.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;

use crate::broker::{Broker, Keyed, Record};
use crate::cluster::{Cluster, Semantic};
use crate::faults::Fault;
use crate::figures::{Figures, Report};
use crate::kafka::Reader;
use crate::scenario::{DEAD_LETTERS, EGRESS, INGRESS, keyed};

/// How many carts, and how often prices change during each fault.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    carts: usize,
    rounds_per_fault: usize,
    /// How long the events of a fault take to be sent.
    feeding: Duration,
}

impl Size {
    pub(crate) fn new(full: bool) -> Self {
        match full {
            // 1,000 products, 1,000 carts, 48,000 prices.
            true => Self { carts: 1_000, rounds_per_fault: 12, feeding: Duration::from_secs(20) },
            // 1,000 products, 1,000 carts, 4,000 prices.
            false => Self { carts: 1_000, rounds_per_fault: 1, feeding: Duration::from_secs(8) },
        }
    }
}

const LIMIT: Duration = Duration::from_secs(240);
const PREFIX: &str = "load-cart-";

fn price(product: usize, round: usize) -> String {
    format!("{product}.{round:02}")
}

fn product(number: usize, round: usize) -> Keyed {
    keyed(&format!(
        r#"{{"specversion":"1.0","id":"load-product-{number}-{round}","source":"tests","type":"example.product","data":{{"id":"load-product-{number}","title":"Title","description":"About it","price":{},"availability":"IN_STOCK"}}}}"#,
        price(number, round)
    ))
}

fn into_cart(number: usize) -> Keyed {
    keyed(&format!(
        r#"{{"specversion":"1.0","id":"load-cart-{number}","source":"tests","type":"example.cart-product","data":{{"cartId":"{PREFIX}{number}","productId":"load-product-{number}","quantity":{},"originPrice":{}}}}}"#,
        number % 5 + 1,
        price(number, 0)
    ))
}

/// What a status must say.
fn status(number: usize, round: usize) -> String {
    format!(
        r#"{{"cartId":"{PREFIX}{number}","cartItemStatuses":[{{"availability":"IN_STOCK","currentPrice":{},"originPrice":{},"productId":"load-product-{number}","quantity":{}}}]}}"#,
        price(number, round),
        price(number, 0),
        number % 5 + 1
    )
}

/// Which cart a status is of, and of which round; `None` where it is of another test. All of its content is compared.
fn identify(record: &Record) -> Result<Option<(usize, usize)>> {
    let Some(number) = record.key.strip_prefix(PREFIX) else { return Ok(None) };
    let number: usize = number.parse()?;
    let event: Value = serde_json::from_slice(&record.value)?;
    let data = &event["data"];
    let current = data["cartItemStatuses"][0]["currentPrice"].to_string();
    let round = current.split_once('.').and_then(|(_, round)| round.parse().ok());
    let round = round.with_context(|| format!("a status with price {current}"))?;
    // A `Value` is written with its members in order.
    let text = data.to_string();
    ensure!(event["type"] == "example.cart-status" && text == status(number, round), "an unexpected status: {event}");
    Ok(Some((number, round)))
}

struct Load<'a> {
    size: Size,
    reader: Reader,
    /// What the reader has seen, each once.
    seen: BTreeSet<(usize, usize)>,
    /// Records on the egress, and those of them that were there before, when last compared.
    results: usize,
    doubled: usize,
    report: &'a mut Report,
}

pub(crate) fn run(cluster: &mut Cluster, size: Size, report: &mut Report) -> Result<()> {
    cluster.kafka.create(&[EGRESS, DEAD_LETTERS])?;
    let reader = cluster.kafka.reader(EGRESS)?;
    let mut load = Load { size, reader, seen: BTreeSet::new(), results: 0, doubled: 0, report };
    load.fill(cluster)?;
    for (index, fault) in Fault::ALL.into_iter().enumerate() {
        let first = index * size.rounds_per_fault + 1;
        load.change_prices(cluster, fault, first..=first + size.rounds_per_fault - 1)?;
    }
    let dead = cluster.kafka.read_all(DEAD_LETTERS)?;
    let dead = dead.iter().filter(|letter| letter.key.starts_with("load-")).count();
    ensure!(dead == 0, "{dead} dead letters");
    Ok(())
}

impl Load<'_> {
    /// Products, then carts: each cart is told the first price. It makes no difference which of the two came first.
    fn fill(&mut self, cluster: &Cluster) -> Result<()> {
        let start = Instant::now();
        let restarts = cluster.restarts()?;
        let products: Vec<_> = (0..self.size.carts).map(|number| product(number, 0)).collect();
        let carts: Vec<_> = (0..self.size.carts).map(into_cart).collect();
        cluster.kafka.send(INGRESS, &products)?;
        cluster.kafka.send(INGRESS, &carts)?;
        self.await_rounds(0)?;
        self.compare(cluster, "products and carts", 0, products.len() + carts.len(), restarts, start)?;
        Ok(())
    }

    fn change_prices(&mut self, cluster: &mut Cluster, fault: Fault, rounds: RangeInclusive<usize>) -> Result<()> {
        let start = Instant::now();
        let restarts = cluster.restarts()?;
        let last = *rounds.end();
        let carts = self.size.carts;
        let prices: Vec<_> = rounds.flat_map(|round| (0..carts).map(move |number| product(number, round))).collect();
        let sent = AtomicUsize::new(0);
        let per_second = prices.len() as f64 / self.size.feeding.as_secs_f64();
        std::thread::scope(|scope| {
            let kafka = cluster.kafka.clone();
            let (prices, sent) = (&prices, &sent);
            let feeder = scope.spawn(move || kafka.send_paced(INGRESS, prices, per_second, sent));
            let injected = fault.inject(cluster, sent, prices.len());
            let fed = feeder.join().map_err(|_| anyhow!("the feeder panicked"))?;
            injected.and(fed)
        })?;
        self.await_rounds(last)?;
        let restarts = self.compare(cluster, fault.name(), last, prices.len(), restarts, start)?;
        ensure!(
            !fault.is_retried() || restarts == 0,
            "the job restarted, where requests should have been retried: {:#?}",
            cluster.exceptions()?
        );
        ensure!(fault != Fault::TaskManagerKilled || restarts > 0, "the job did not notice");
        Ok(())
    }

    /// Waits for all statuses up to this round.
    fn await_rounds(&mut self, last: usize) -> Result<()> {
        let wanted = self.size.carts * (last + 1);
        let seen = &mut self.seen;
        if seen.len() >= wanted {
            return Ok(());
        }
        self.reader.read_until(&format!("{wanted} different statuses"), LIMIT, |record| {
            seen.extend(identify(&record)?);
            Ok(seen.len() >= wanted)
        })
    }

    /// Compares the whole egress with what must be there after this round. Says how often the job restarted.
    fn compare(
        &mut self,
        cluster: &Cluster,
        step: &str,
        last: usize,
        events: usize,
        restarts_before: u64,
        start: Instant,
    ) -> Result<u64> {
        // What would come twice has been committed after that.
        cluster.await_checkpoints(2)?;
        let seconds = start.elapsed().as_secs_f64();
        let mut told: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for record in cluster.kafka.read_all(EGRESS)? {
            if let Some((number, round)) = identify(&record)? {
                told.entry(number).or_default().push(round);
            }
        }
        let results: usize = told.values().map(Vec::len).sum();
        let (mut lost, mut doubled, mut disordered) = (0, 0, 0);
        for number in 0..self.size.carts {
            let rounds = told.remove(&number).unwrap_or_default();
            let different: BTreeSet<_> = rounds.iter().copied().collect();
            lost += (0..=last).filter(|round| !different.contains(round)).count();
            doubled += rounds.len() - different.len();
            disordered += usize::from(!rounds.is_sorted());
        }
        if let Some((number, rounds)) = told.pop_first() {
            bail!("cart {number}, which does not exist, was told prices {rounds:?}");
        }
        let restarts = cluster.restarts()? - restarts_before;
        let semantic = match cluster.semantic {
            Semantic::ExactlyOnce => "exactly once",
            Semantic::AtLeastOnce => "at least once",
        };
        // The whole egress is compared after each step; the figures are those of the step.
        self.report.step(Figures {
            step: format!("{step} ({semantic})"),
            events,
            results: results - self.results,
            lost,
            doubled: doubled - self.doubled,
            restarts,
            seconds,
        });
        (self.results, self.doubled) = (results, doubled);
        ensure!(lost == 0, "{lost} statuses are lost");
        if cluster.semantic == Semantic::ExactlyOnce {
            ensure!(doubled == 0, "{doubled} statuses came more than once");
            ensure!(disordered == 0, "{disordered} carts were told prices in another order than they changed");
        }
        Ok(restarts)
    }
}

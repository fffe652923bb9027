//! The smoke suite of the SDK: random commands for 128 instances, a TaskManager killed meanwhile, and counts that a model
//! knows.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail, ensure};
use prost::Message as _;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::broker::{Broker, Keyed};
use crate::cluster::Cluster;
use crate::faults::Fault;
use crate::figures::{Figures, Report};
use crate::kafka::Reader;
use statefun_test_support::smoke::function::{
    Command, Commands, DISCARD_SINK, Kind, SourceCommand, VERIFICATION_SINK, VerificationResult, Verify,
};
use statefun_test_support::smoke::model::Model;

const INSTANCES: i32 = 128;
const SEED: u64 = 3;
const TOPIC: &str = "smoke-commands";
const LIMIT: Duration = Duration::from_secs(240);

fn source_command(target: i32, commands: Commands) -> Keyed {
    (target.to_string(), SourceCommand { target, commands: Some(commands) }.encode_to_vec())
}

pub(crate) fn run(cluster: &mut Cluster, full: bool, report: &mut Report) -> Result<()> {
    let (messages, feeding) = if full { (100_000, 40.0) } else { (5_000, 8.0) };
    let start = Instant::now();
    let restarts = cluster.restarts()?;
    let kafka = cluster.kafka.clone();
    let (verifications, discards) = (VERIFICATION_SINK, DISCARD_SINK);
    let (verifications, discards) = (verifications.id().name(), discards.id().name());
    kafka.create(&[verifications, discards])?;
    let mut random = StdRng::seed_from_u64(SEED);
    let mut model = Model::new(INSTANCES);
    let commands: Vec<_> = (0..messages)
        .map(|_| {
            let id = random.random_range(0..INSTANCES);
            source_command(id, model.commands(&mut random, id, 3, true))
        })
        .collect();

    let sent = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let feeder = scope.spawn(|| kafka.send_paced(TOPIC, &commands, messages as f64 / feeding, &sent));
        let injected = Fault::TaskManagerKilled.inject(cluster, &sent, messages);
        let fed = feeder.join().map_err(|_| anyhow!("the feeder panicked"))?;
        injected.and(fed)
    })?;

    // The egress tells when all is done: every instance is asked until it says what the model says.
    let reader = kafka.reader(verifications)?;
    let mut rounds = 0;
    let end = Instant::now() + LIMIT;
    loop {
        rounds += 1;
        let behind = verify(cluster, &reader, &model)?;
        if behind.is_empty() {
            break;
        }
        if Instant::now() > end {
            bail!("gave up waiting for these instances (actual, expected): {behind:?}");
        }
    }
    cluster.await_checkpoints(2)?;
    let seconds = start.elapsed().as_secs_f64();
    // Once more: nothing comes late.
    rounds += 1;
    let wrong = verify(cluster, &reader, &model)?;
    let discarded = kafka.read_all(discards)?.len();
    let verified = kafka.read_all(verifications)?.len();
    let asked = rounds * usize::try_from(INSTANCES)?;
    let restarts = cluster.restarts()? - restarts;
    report.step(Figures {
        step: "smoke suite, a TaskManager killed (exactly once)".to_owned(),
        events: messages + asked,
        results: discarded + verified,
        lost: model.discarded.saturating_sub(discarded) + asked.saturating_sub(verified),
        doubled: discarded.saturating_sub(model.discarded) + verified.saturating_sub(asked),
        restarts,
        seconds,
    });
    println!(
        "    {} increments of {INSTANCES} instances, as the model has them; {discarded} records discarded, expected {}",
        model.counts.values().sum::<i64>(),
        model.discarded
    );
    ensure!(wrong.is_empty(), "instances whose count changed afterwards (actual, expected): {wrong:?}");
    ensure!(discarded == model.discarded, "{discarded} records were discarded, expected {}", model.discarded);
    ensure!(verified == asked, "{verified} verifications, {asked} were asked for");
    ensure!(restarts > 0, "the job did not notice");
    Ok(())
}

/// Asks every instance for its count. Gives those that have another one than the model: (actual, expected) by instance.
fn verify(cluster: &Cluster, reader: &Reader, model: &Model) -> Result<BTreeMap<i32, (i64, i64)>> {
    let expected = |id: i32| model.counts.get(&id).copied().unwrap_or(0);
    let commands: Vec<_> = (0..INSTANCES)
        .map(|id| {
            let verify = Command { kind: Some(Kind::Verify(Verify { expected: expected(id) })) };
            source_command(id, Commands { command: vec![verify] })
        })
        .collect();
    cluster.kafka.send(TOPIC, &commands)?;
    let mut answered = BTreeMap::new();
    reader.read_until("an answer of every instance", LIMIT, |record| {
        let result = VerificationResult::decode(&*record.value)?;
        ensure!(result.expected == expected(result.id), "an unexpected answer: {result:?}");
        ensure!(result.actual <= result.expected, "counted twice: {result:?}");
        ensure!(answered.insert(result.id, (result.actual, result.expected)).is_none(), "two answers: {result:?}");
        Ok(answered.len() == INSTANCES as usize)
    })?;
    answered.retain(|_, (actual, expected)| actual != expected);
    Ok(answered)
}

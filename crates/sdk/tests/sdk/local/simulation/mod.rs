//! Schedules of faults: what holds under all of them, and what does not is found and made small.

mod shop;

use std::time::Duration;

use proptest::prelude::*;
use shop::BUGS;
use statefun_sdk::local::EmittedRecord;
use statefun_sdk::local::simulation::{Failure, Fault, Schedule, Simulation, View, expect_eq};
use statefun_sdk::{
    BoxError, CancellationToken, Context, Egress, Function, FunctionError, KafkaRecord, Registry, TypeName, ValueSpec,
};

const COUNTER: TypeName = TypeName::new("simulated/counter");
const SEEN: ValueSpec<i32> = ValueSpec::new("seen");
const OUT: Egress = Egress::new("simulated/out");

/// Counts its messages, and emits each with its number.
async fn count(context: &mut Context, text: String) -> Result<(), FunctionError> {
    let seen = context.update(&SEEN, |seen| {
        *seen += 1;
        *seen
    })?;
    context.emit(OUT, KafkaRecord::topic("out").key(context.self_id().clone()).utf8(format!("{seen} {text}")))
}

fn counter() -> Function {
    Function::new(COUNTER).on(count).state(&SEEN).emits(OUT)
}

fn registry(function: Function) -> Registry {
    Registry::builder().function(function).build().unwrap()
}

/// A job of one function that gets three messages at each of two addresses.
fn simulation(function: fn() -> Function) -> Simulation {
    let mut simulation = Simulation::new(move || registry(function()));
    for id in ["ann", "bob"] {
        for text in ["a", "b", "c"] {
            simulation = simulation.send(COUNTER.with_id(id), text);
        }
    }
    simulation
}

fn records(view: &View<'_, ()>) -> Vec<String> {
    let text = |record: &EmittedRecord| String::from_utf8(record.value().to_vec()).unwrap();
    let mut records: Vec<_> = view.records(OUT).map(|record| format!("{} {}", record.key(), text(record))).collect();
    records.sort();
    records
}

fn each_once(view: &View<'_, ()>) -> Result<(), BoxError> {
    let mut seen = std::collections::BTreeMap::<_, i32>::new();
    let expected = view.sent().map(|(target, message)| {
        let seen = seen.entry(target.id().to_string()).or_default();
        *seen += 1;
        Ok(format!("{} {seen} {}", target.id(), message.get::<String>()?))
    });
    let mut expected = expected.collect::<Result<Vec<_>, BoxError>>()?;
    expected.sort();
    expect_eq(records(view), expected)
}

fn failure<W: 'static>(simulation: &Simulation<W>) -> Failure {
    *simulation.explore().expect_err("a property does not hold")
}

#[test]
fn what_is_right_holds_under_all_kinds_of_fault() {
    let report = shop::simulation(None).explore().unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(report.schedules, 1000);
    let missing: Vec<_> = Fault::ALL.into_iter().filter(|fault| report.faults.of(*fault) == 0).collect();
    assert_eq!(missing, [Fault::Release], "{report}");
}

#[test]
fn each_of_ten_bugs_is_found_and_made_small() {
    for bug in BUGS {
        for seed in 1..=5 {
            let failure = failure(&shop::simulation(Some(bug)).seed(seed).schedules(10_000));
            println!("{bug:?}, seed {seed}: schedule {}, {} messages", failure.found_after, failure.messages);
            assert!(failure.messages <= 5, "{bug:?}: {failure}");
            let line = failure.schedule.to_string();
            let again = shop::simulation(Some(bug)).replay(&line).expect_err("the same schedule");
            // But for what a clock is in.
            assert_eq!(
                (again.property, again.timeline.steps().len()),
                (failure.property, failure.timeline.steps().len())
            );
        }
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    let run = |seed| simulation(counter).seed(seed).schedules(100).explore().unwrap();
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn records_of_exactly_once_egresses_are_there_once_and_those_of_others_may_be_there_twice() {
    simulation(counter).at_rest("each once", each_once).check();
    let failure = failure(&simulation(counter).at_least_once(OUT).at_rest("each once", each_once));
    assert_eq!((failure.property.as_str(), failure.messages, failure.faults.of(Fault::Failover)), ("each once", 1, 1));
}

#[test]
fn a_failure_says_what_happened_and_how_to_run_it_again() {
    let simulation = simulation(counter).at_least_once(OUT).at_rest("each once", each_once);
    let failure = failure(&simulation);
    let text = failure.to_string();
    for part in [
        "FAULT the job starts again from its last checkpoint",
        "FAILS: each once: found [",
        "an ingress sends string",
        "emits to simulated/out: Kafka(topic out",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    let line = text.split("replay(\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    assert_eq!(simulation.replay(line).unwrap_err().reason, failure.reason);
}

#[test]
fn messages_that_a_property_expects_are_not_dropped() {
    let all = |view: &View<'_, ()>| expect_eq(records(view).len(), 6);
    let failure = failure(&simulation(counter).at_least_once(OUT).at_rest("six records", all));
    assert_eq!(failure.messages, 6);
}

#[test]
fn a_failure_without_any_fault_is_made_small_too() {
    async fn fail(_: &mut Context, text: String) -> Result<(), FunctionError> {
        if text == "b" { Err(FunctionError::poison("no b")) } else { Ok(()) }
    }
    let failure = failure(&simulation(|| Function::new(COUNTER).on(fail)));
    assert_eq!(
        (failure.messages, failure.found_after, failure.schedule.to_string()),
        (1, 0, "in-order messages=4".into())
    );
    assert_eq!(failure.property, "no invocation fails");
}

#[test]
fn a_message_that_is_ignored_is_lost_unless_that_is_allowed() {
    use statefun_sdk::UnexpectedTypePolicy::Ignore;
    let function = || Function::new(COUNTER).on(async |_: &mut Context, _: i32| Ok(())).on_unexpected_type(Ignore);
    assert_eq!(failure(&simulation(function)).property, "no message is lost");
    simulation(function).allow_dead_letters().schedules(10).check();
}

#[test]
fn a_job_that_never_rests_is_a_failure_unless_it_is_given_a_horizon() {
    async fn tick(context: &mut Context, _: String) -> Result<(), FunctionError> {
        context.send_after(Duration::from_secs(60), context.self_address().clone(), "tick")
    }
    let function = || Function::new(COUNTER).on(tick).sends_to(COUNTER);
    assert_eq!(failure(&simulation(function).schedules(1)).property, "the job comes to rest");
    let hour = Duration::from_secs(3600);
    let near = move |view: &View<'_, ()>| if view.now() <= hour { Ok(()) } else { Err("it went on".into()) };
    simulation(function).without(Fault::ClockJump).horizon(hour).at_rest("an hour", near).schedules(10).check();
}

#[test]
fn a_state_that_only_grows_is_found() {
    const LOG: ValueSpec<String> = ValueSpec::new("log");
    async fn append(context: &mut Context, text: String) -> Result<(), FunctionError> {
        context.update(&LOG, |log| log.push_str(&text))
    }
    let function = || Function::new(COUNTER).on(append).state(&LOG);
    simulation(function).state_limit(COUNTER, 5).schedules(10).check();
    let failure = failure(&simulation(function).state_limit(COUNTER, 4));
    assert!(failure.reason.ends_with(" has 5"), "{failure}");
}

#[test]
fn another_release_that_reads_a_state_as_another_type_is_found() {
    const AS_TEXT: ValueSpec<String> = ValueSpec::new("seen");
    async fn count(context: &mut Context, _: String) -> Result<(), FunctionError> {
        context.update(&AS_TEXT, |seen| seen.push('x'))
    }
    let next = || registry(Function::new(COUNTER).on(count).state(&AS_TEXT));
    let failure = failure(&simulation(counter).release(move |()| next()));
    assert!(failure.reason.contains("is registered with type"), "{failure}");
    assert_eq!(failure.faults.of(Fault::Release), 1);
}

#[test]
fn random_tokens_are_those_of_the_schedule() {
    const TOKEN: ValueSpec<CancellationToken> = ValueSpec::new("token");
    async fn remind(context: &mut Context, _: String) -> Result<(), FunctionError> {
        if let Some(token) = context.take(&TOKEN)? {
            context.cancel(&token);
        }
        let token = CancellationToken::random();
        context.send_cancellable(Duration::from_secs(1), &token, context.self_address().clone(), 1)?;
        context.set(&TOKEN, token)
    }
    async fn done(context: &mut Context, _: i32) -> Result<(), FunctionError> {
        context.remove(&TOKEN)
    }
    let function = || Function::new(COUNTER).on(remind).on(done).state(&TOKEN).sends_to(COUNTER);
    let run = || simulation(function).schedules(50).explore().unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(run(), run());
}

#[test]
fn functions_may_wait_for_tasks_and_threads_of_tokio() {
    async fn spawn(_: &mut Context, _: String) -> Result<(), FunctionError> {
        tokio::spawn(async { tokio::task::yield_now().await }).await.map_err(FunctionError::transient)?;
        tokio::task::spawn_blocking(|| ()).await.map_err(FunctionError::transient)
    }
    simulation(|| Function::new(COUNTER).on(spawn)).schedules(10).check();
}

#[test]
fn a_line_that_describes_no_schedule_says_what_is_expected() {
    let schedule: Schedule = "seed=1f messages=0,2 failover=1".parse().unwrap();
    assert_eq!(schedule.to_string(), "seed=1f messages=0,2 failover=1");
    for wrong in ["", "seed=x", "seed=1 messages", "seed=1 messages=a", "seed=1 earthquake=1"] {
        let error = wrong.parse::<Schedule>().unwrap_err().to_string();
        assert!(error.contains("expected seed=HEX or in-order"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    /// Proptest makes up the messages and leaves out what is not needed to fail; each set of them is run under some schedules.
    #[test]
    fn messages_may_be_those_of_proptest(messages in prop::collection::vec(("[ab]", "[a-z]"), 0..6), seed: u64) {
        let simulation = Simulation::new(|| registry(counter())).seed(seed).schedules(10).at_rest("each once", each_once);
        let simulation = messages.iter().fold(simulation, |simulation, (id, text)| {
            simulation.send(COUNTER.with_id(id.as_str()), text.as_str())
        });
        if let Err(failure) = simulation.explore() {
            return Err(TestCaseError::fail(failure.to_string()));
        }
    }
}

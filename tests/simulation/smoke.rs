//! StateFun's smoke suite: random commands, and a model that knows what must come of them.

use rand::SeedableRng;
use rand::rngs::StdRng;
use statefun_sdk::Registry;
use statefun_sdk::local::simulation::{Simulation, expect_eq};
use statefun_test_support::smoke::function::{DISCARD_SINK, INTERPRETER, STATE, Sinks, SourceCommand, function};
use statefun_test_support::smoke::model::Model;

use crate::check;

const INSTANCES: i32 = 5;

fn simulation(seed: u64) -> Simulation {
    let registry = || Registry::builder().function(function(Sinks::Local)).build().expect("a valid registry");
    let mut simulation = Simulation::new(registry);
    let mut random = StdRng::seed_from_u64(seed);
    let mut model = Model::new(INSTANCES);
    for message in 0..10 {
        let target = message % INSTANCES;
        let commands = Some(model.commands(&mut random, target, 3, true));
        simulation = simulation.send(INTERPRETER.with_id(target.to_string()), SourceCommand { target, commands });
    }
    simulation.at_rest("what the model says", move |view| {
        let of = |id: i32| INTERPRETER.with_id(id.to_string());
        let counts = (0..INSTANCES).map(|id| Ok(view.state(&of(id), &STATE)?.unwrap_or_default()));
        let counts = counts.collect::<Result<Vec<_>, statefun_sdk::BoxError>>()?;
        let expected = (0..INSTANCES).map(|id| model.counts.get(&id).copied().unwrap_or_default());
        expect_eq(counts, expected.collect())?;
        expect_eq(view.records(DISCARD_SINK).count(), model.discarded)
    })
}

#[test]
fn commands_are_done_once() {
    let programs = 10;
    for program in 1..=programs {
        check("smoke", simulation(program), programs);
    }
}

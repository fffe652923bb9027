//! The applications and the smoke suite under schedules of faults.
//!
//! `tests/simulation/run` runs a million schedules of each and writes down what they were.

mod fraud;
mod product_cart;
mod shopping_cart;
mod smoke;

use statefun_applications::{Destinations, Settings, applications};
use statefun_sdk::Registry;
use statefun_sdk::local::Simulation;

/// How many schedules an application is run under unless [`SCHEDULES`] says another number.
const FEW: u64 = 300;
const SCHEDULES: &str = "SIMULATION_SCHEDULES";
const SEED: &str = "SIMULATION_SEED";

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is {text:?}: expected a whole number")))
}

/// The functions of one application: a registry is made for each process, and schedules start many.
fn registry(application: &str, settings: &Settings) -> Registry {
    let named = applications().iter().find(|named| named.name() == application).expect("an application");
    Registry::builder()
        .functions(named.functions(&Destinations::default(), settings))
        .build()
        .expect("a valid registry")
}

/// Runs a part of the schedules, and prints what was run.
fn check<W: 'static>(name: &str, simulation: Simulation<W>, parts: u64) {
    let schedules = number(SCHEDULES).unwrap_or(FEW).div_ceil(parts);
    let simulation = simulation.schedules(schedules).seed(number(SEED).unwrap_or_default());
    match simulation.explore() {
        Ok(report) => println!("{name}: {report}"),
        Err(failure) => panic!("{name}: {failure}"),
    }
}

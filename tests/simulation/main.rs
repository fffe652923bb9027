//! The applications and the smoke suite under schedules of faults.
//!
//! `tests/simulation/run` runs a million schedules of each and writes down what they were.

mod fraud;
mod product_cart;
mod shopping_cart;
mod smoke;

use statefun_applications::{Destinations, Settings, list};
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

fn registry(settings: &Settings) -> Registry {
    list::registry(list::applications(), &Destinations::default(), settings).expect("a valid registry")
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

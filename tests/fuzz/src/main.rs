//! libFuzzer with the target that the environment variable `FUZZ_TARGET` names; see tests/fuzz/run.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use statefun_fuzz_tests::{TARGETS, Target};

static TARGET: OnceLock<Target> = OnceLock::new();

fn target() -> Target {
    let name = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET names a target");
    TARGETS.into_iter().find(|(known, _)| *known == name).expect("a target of TARGETS").1
}

fuzz_target!(|bytes: &[u8]| TARGET.get_or_init(target)(bytes));

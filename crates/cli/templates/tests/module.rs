//! module.yaml and the functions fit together.

use statefun_sdk::Contract;

#[test]
fn the_module_fits_the_functions() {
    let report = statefun_module::check(include_bytes!("../module.yaml"), &Contract::of(&{{crate}}::functions().unwrap()));
    assert!(report.findings.is_empty(), "{report}");
}

//! What the compiler says of the mistakes that authors of functions make.

use std::process::Command;

/// The Rust whose words are in `ui/`: another one says the same in other words.
const RUST: &str = "1.95";

/// `TRYBUILD=overwrite cargo +1.95.0 test -p statefun-cargo-tests` writes what it says anew.
#[test]
fn the_compiler_leads_on() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().expect("rustc runs");
    let version = String::from_utf8_lossy(&version.stdout);
    if !version.starts_with(&format!("rustc {RUST}.")) {
        println!("skipped: this is {}, and the expected errors are those of {RUST}", version.trim());
        return;
    }
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}

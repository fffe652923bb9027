//! Who may know whom: nothing of Lambda is in the server, and nothing of our applications in what others build on.

use std::process::Command;

/// The names of the packages that `package` is built of on this machine.
///
/// Neither `--offline` nor `--target all`: on a fresh machine only the packages of its own platform have been fetched, and
/// where none have, cargo fetches those of the lock file.
fn dependencies(package: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--edges", "normal,build", "--prefix", "none", "--package", package])
        // Where a test runs is its package, also when another clone has compiled it.
        .current_dir("../..")
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).expect("text");
    tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

fn of(package: &str, words: &[&str]) -> Vec<String> {
    let all = dependencies(package).into_iter();
    all.filter(|name| name != package && words.iter().any(|word| name.contains(word))).collect()
}

#[test]
fn the_server_knows_nothing_of_lambda() {
    assert_eq!(of("statefun-server", &["lambda"]), [""; 0]);
    assert!(of("statefun-lambda", &["lambda"]).contains(&"lambda_http".to_owned()));
}

#[test]
fn libraries_and_the_command_line_know_no_application() {
    for package in
        ["statefun-sdk", "statefun-http", "statefun-module", "statefun-lambda", "statefun-dev", "statefun-cli"]
    {
        assert_eq!(of(package, &["statefun-server", "statefun-applications"]), [""; 0], "{package}");
    }
    assert_eq!(of("statefun-module", &["statefun-http", "axum"]), [""; 0]);
}

//! Nothing of Lambda is in the server.

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

#[test]
fn the_server_knows_nothing_of_lambda() {
    let of_lambda = |package: &str| -> Vec<String> {
        dependencies(package).into_iter().filter(|name| name.contains("lambda")).collect()
    };
    assert_eq!(of_lambda("statefun-server"), [""; 0]);
    assert!(of_lambda("statefun-lambda").contains(&"lambda_http".to_owned()));
}

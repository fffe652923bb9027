//! Nothing of Lambda is in the server.

use std::process::Command;

#[test]
fn the_server_knows_nothing_of_lambda() {
    let tree = |package: &str| {
        let output = Command::new(env!("CARGO"))
            .args([
                "tree",
                "--offline",
                "--target",
                "all",
                "--edges",
                "normal,build",
                "--prefix",
                "none",
                "--package",
                package,
            ])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let of_lambda = |tree: &str| -> Vec<String> {
        let names = tree.lines().filter_map(|line| line.split(' ').next());
        names.filter(|name| name.contains("lambda")).map(str::to_owned).collect()
    };
    assert_eq!(of_lambda(&tree("statefun-server")), [""; 0]);
    assert!(of_lambda(&tree("statefun-lambda")).contains(&"lambda_http".to_owned()));
}

//! What `bootstrap` makes of its environment before the first event.

use std::process::{Command, Output};

fn bootstrap(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bootstrap"))
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .output()
        .expect("the program starts")
}

#[test]
fn wrong_settings_end_it_with_a_line_of_json_that_names_them() {
    for (name, value, expected) in [
        ("STATEFUN_EGRESS", "rabbit", "expected kafka, kinesis, ID=kafka:TOPIC or ID=kinesis:STREAM"),
        ("STATEFUN_EGRESS", "example/exit=kafka:topic", "unknown egress"),
        ("STATEFUN_INITIAL_STOCK", "-1", "--initial-stock"),
        ("STATEFUN_SCORING_URL", "ftp://scores", "--scoring-url"),
        ("STATEFUN_FUNCTION_TIMEOUT", "soon", "--function-timeout"),
        ("STATEFUN_FUNCTION_TIMEOUT", "0s", "--function-timeout"),
        ("STATEFUN_LOG", "=", "--log"),
    ] {
        refused(&[(name, value)], expected);
    }
}

#[test]
fn what_lambda_did_not_start_ends_with_a_line_of_json_that_says_so() {
    refused(&[], "AWS_LAMBDA_RUNTIME_API is not set: this program is started by Lambda");
    let only = [("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1"), ("AWS_LAMBDA_FUNCTION_NAME", "functions")];
    refused(&only, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE is not set");
}

fn refused(environment: &[(&str, &str)], expected: &str) {
    let run = bootstrap(&[], environment);
    assert_eq!(run.status.code(), Some(1), "{environment:?}: {run:?}");
    let text = String::from_utf8(run.stderr).expect("text");
    let [line] = text.lines().collect::<Vec<_>>()[..] else { panic!("{environment:?}: not one line: {text}") };
    let line: serde_json::Value = line.parse().unwrap_or_else(|error| panic!("{error}: {line}"));
    assert_eq!(line["level"], "ERROR");
    assert!(line["error"].as_str().is_some_and(|error| error.contains(expected)), "{environment:?}: {line}");
}

#[test]
fn the_help_names_the_environment_variables() {
    let help = bootstrap(&["--help"], &[]);
    assert!(help.status.success());
    let text = String::from_utf8(help.stdout).expect("text");
    for name in ["STATEFUN_EGRESS", "STATEFUN_FUNCTION_TIMEOUT", "STATEFUN_LOG", "STATEFUN_SCORING_URL"] {
        assert!(text.contains(name), "{name} is not in {text}");
    }
}

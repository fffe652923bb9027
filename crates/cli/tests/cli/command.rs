//! The program itself, without a broker.

use std::process::{Command, Output};

fn statefun(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_statefun"))
        .args(arguments)
        .env("AWS_ACCESS_KEY_ID", "any")
        .env("AWS_SECRET_ACCESS_KEY", "any")
        .output()
        .expect("the program starts")
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn help_teaches_with_examples() {
    for (command, example) in [
        ("completions", "statefun completions bash >~/.local/share/"),
        ("contract", "Examples:\n  statefun contract >contract.json"),
        ("new", "Examples:\n  statefun new shop && cd shop && cargo test && cargo run"),
        ("send", "Examples:\n  statefun send kafka:example-ingress"),
        ("receive", "Examples:\n  statefun receive kafka:example-egress"),
        ("simulate", "Examples:\n  statefun simulate\n  statefun simulate --rate 200/s --duration 1min --seed 42"),
    ] {
        let output = statefun(&["help", command]);
        assert!(output.status.success());
        let help = String::from_utf8(output.stdout).expect("text");
        for part in [example, "Exit codes:\n  0  "] {
            assert!(help.contains(part), "{part:?} is not in {help}");
        }
    }
}

#[test]
fn the_help_of_the_program_lists_commands_and_exit_codes() {
    for option in ["-h", "--help"] {
        let output = statefun(&[option]);
        assert!(output.status.success());
        let help = String::from_utf8(output.stdout).expect("text");
        for command in ["new", "module", "contract", "send", "receive", "simulate", "completions"] {
            assert!(help.contains(&format!("\n  {command} ")), "{command} is not in {help}");
        }
        assert!(help.contains("\nExit codes:\n  0  success\n  1  "), "{help}");
    }
}

#[test]
fn a_wrong_command_line_says_what_was_expected() {
    for (arguments, expected) in [
        (vec!["send", "example-ingress"], "expected kafka:TOPIC or kinesis:STREAM"),
        (vec!["send", "kafka:"], "expected kafka:TOPIC or kinesis:STREAM"),
        (vec!["send", "kafka:t", "--rate", "fast"], "expected records per second, such as 200/s"),
        (vec!["send", "kafka:t", "--key-rule", "a"], "expected TYPE=POINTER, such as example.cart-*=/data/cartId"),
        (vec!["send", "kafka:t", "--kafka-property", "a"], "expected NAME=VALUE"),
        (vec!["simulate", "--rate", "0"], "expected records per second, such as 200/s"),
        (vec!["simulate", "--seed", "a"], "invalid digit found in string"),
        (vec!["simulate", "--duration", "soon"], "expected number"),
        (vec!["new", "Shop"], "expected 1 to 64 lower-case letters, digits, - and _, beginning with a letter"),
        (vec!["new", "../shop"], "expected 1 to 64 lower-case letters"),
        (vec!["new", "async"], "expected another name"),
        (vec!["contract", "--functions", "http://user:secret@host"], "without user and password"),
        (vec!["new", "statefun_sdk"], "expected another name"),
        (vec!["new", "yield"], "expected another name"),
        (vec!["new", "null"], "expected another name"),
        (
            vec!["contract", "--functions", "ftp://host"],
            "expected http://HOST:PORT or https://HOST, without user and password",
        ),
        (vec!["module", "check", "m.yaml", "--egress", "rabbit"], "expected kafka, kinesis, ID=kafka or ID=kinesis"),
        (vec!["completions", "csh"], "[possible values: bash, elvish, fish, powershell, zsh]"),
    ] {
        let output = statefun(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(error(&output).contains(expected), "{}", error(&output));
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let output = statefun(&["send", "kafka:t", "no-such.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(error(&output).starts_with("error: no-such.jsonl: No such file"), "{}", error(&output));
}

#[cfg(not(feature = "kafka"))]
#[test]
fn without_kafka_it_says_how_to_build_it() {
    for command in ["send", "receive"] {
        let output = statefun(&[command, "kafka:t"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            error(&output).contains("built without a client for kafka; build one with it by"),
            "{}",
            error(&output)
        );
        assert!(error(&output).contains("--features kafka`"), "{}", error(&output));
    }
}

#[cfg(not(feature = "kinesis"))]
#[test]
fn without_kinesis_it_says_how_to_build_it() {
    for command in ["send", "receive"] {
        let output = statefun(&[command, "kinesis:s"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(error(&output).contains("--features kinesis`"), "{}", error(&output));
    }
}

#[cfg(not(all(feature = "kafka", feature = "simulate")))]
#[test]
fn without_kafka_or_the_payments_it_says_how_to_build_both() {
    let output = statefun(&["simulate"]);
    assert_eq!(output.status.code(), Some(1));
    let missing = if cfg!(feature = "simulate") { "a client for kafka" } else { "the generator of payments" };
    assert!(error(&output).contains(&format!("built without {missing}; build one with it by")), "{}", error(&output));
    assert!(error(&output).contains("--features kafka,simulate`"), "{}", error(&output));
}

#[cfg(feature = "kafka")]
#[test]
fn a_property_that_librdkafka_rejects_is_named() {
    for property in ["no.such=1", "acks=many"] {
        let output = statefun(&["receive", "kafka:t", "--kafka-property", property]);
        assert_eq!(output.status.code(), Some(1));
        assert!(error(&output).contains(&format!("--kafka-property {property}: ")), "{}", error(&output));
    }
}

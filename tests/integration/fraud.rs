//! Payments, and which of them are told.

use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::json;
use statefun_applications::fraud::Settings;
use statefun_applications::fraud::generator::{EventMessage, Events};
use statefun_applications::fraud::messages::Alert;

use crate::demo::{demo, fed_to, json, run_on};

use statefun_test_support::fraud as expected;

const APP: [&str; 2] = ["--app", "fraud"];

fn printed(options: &[&str]) -> String {
    let output = demo(&[&APP, options].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What the demo has to print of these.
fn expected(seed: u64, transactions: usize) -> String {
    let mut left = transactions;
    let events = Events::new(seed, Duration::from_secs(1), SystemTime::UNIX_EPOCH).take_while(|event| {
        let more = left > 0 || !matches!(event.message, EventMessage::Transaction(_));
        left -= usize::from(left > 0 && matches!(event.message, EventMessage::Transaction(_)));
        more
    });
    let Settings { window, default_threshold, .. } = Settings::default();
    let alerts = expected::alerts(events, window, default_threshold);
    alerts.iter().map(|alert| format!("{}\n", Alert(alert))).collect()
}

#[test]
fn the_demo_tells_the_alerts_of_the_model_and_the_same_each_time() {
    let first = printed(&[]);
    assert!(first == expected(1, 1000), "not what the model says:\n{first}");
    assert!(first.lines().count() > 500);
    let again = printed(&["--seed", "1", "--transactions", "1000"]);
    assert!(again == first, "not the same again:\n{again}");
    // And as it was before.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fraud_alerts.txt");
    let kept = std::fs::read_to_string(&path).expect("a file");
    assert!(kept.lines().count() == 10 && first.starts_with(&kept), "it does not begin with {}", path.display());
}

#[test]
fn other_seeds_have_other_alerts() {
    for (seed, transactions) in [(7, "300"), (8, "33")] {
        let alerts = printed(&["--seed", &seed.to_string(), "--transactions", transactions]);
        assert_eq!(alerts, expected(seed, transactions.parse().expect("a number")));
        assert!(!expected(1, 1000).starts_with(&alerts));
    }
    assert_eq!(printed(&["--transactions", "0"]), "");
}

fn transaction(id: &str, merchant: &str) -> String {
    json!({
        "type": "transaction",
        "id": id,
        "account": "0x00F3CD51",
        "timestamp": "2024-05-06T09:00:00.5Z",
        "merchant": merchant,
        "amount": 36,
    })
    .to_string()
}

fn threshold(threshold: i32) -> String {
    json!({"type": "custom-threshold", "account": "0x00F3CD51", "threshold": threshold}).to_string()
}

fn confirmation() -> String {
    json!({"type": "confirm-fraud", "account": "0x00F3CD51"}).to_string()
}

fn wait(millis: u64) -> String {
    json!({"type": "test.delay", "data": millis}).to_string()
}

const ALERT: &str = "Suspected Fraud for account id 0x00F3CD51 at Hypergrid for 36 USD";

#[test]
fn confirmations_and_thresholds_decide() {
    let transactions = || (0..20).map(|id| transaction(&id.to_string(), "Hypergrid"));
    let alerts = |before: Vec<String>| {
        let lines = fed_to(&APP, &before.into_iter().chain(transactions()).collect::<Vec<_>>());
        assert!(lines.iter().all(|line| line == ALERT), "{lines:?}");
        lines.len()
    };
    let confirmed = |count| vec![confirmation(); count];
    // Nothing is above 100, and with 99 confirmations nothing is below 99.
    assert_eq!(alerts(vec![threshold(100)]), 0);
    assert_eq!(alerts([confirmed(99), vec![threshold(98)]].concat()), 20);
    // After thirty days there are none.
    let month = wait(30 * 24 * 60 * 60 * 1000);
    assert!(alerts([confirmed(99), vec![threshold(98), month]].concat()) < 10);
    let day_less = wait(29 * 24 * 60 * 60 * 1000);
    assert_eq!(alerts([confirmed(99), vec![threshold(98), day_less]].concat()), 20);
}

#[test]
fn a_transaction_that_says_too_little_is_a_dead_letter() {
    let lines = fed_to(&APP, &[threshold(-1), transaction("t1", ""), transaction("t2", "Hypergrid")]);
    let [letter, alert] = &lines[..] else { panic!("{lines:?}") };
    let letter = json(letter);
    assert_eq!((&letter["egress"], &letter["key"]), (&"ververica/dead-letter".into(), &"t1".into()));
    assert_eq!(letter["value"]["error"], "a transaction without account or merchant: expected both");
    assert_eq!(alert, ALERT);
}

#[test]
fn a_line_that_says_nothing_is_an_error_that_says_what_was_expected() {
    let expected = r#"; expected {"type":"transaction","id":…,"account":…,"merchant":…,"amount":…}, "#;
    for (line, reason) in [
        ("{", "EOF while parsing an object at column 1"),
        (r#"{"type":"refund"}"#, "unknown variant `refund`"),
        (r#"{"type":"transaction","id":"t","account":"a","merchant":"m"}"#, "missing field `amount`"),
        (r#"{"type":"transaction","id":"t","account":"a","merchant":"m","amount":0.5}"#, "expected i32"),
        (r#"{"type":"transaction","id":"t","account":"a","merchant":"m","amount":1,"timestamp":"now"}"#, "input"),
        (r#"{"type":"confirm-fraud"}"#, "missing field `account`"),
        (r#"{"type":"custom-threshold","account":"a"}"#, "missing field `threshold`"),
    ] {
        let output = run_on(&APP, &[threshold(-1), transaction("t", "Hypergrid"), line.to_owned()]);
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert_eq!(String::from_utf8(output.stdout).expect("UTF-8"), format!("{ALERT}\n"), "{line}");
        let told = String::from_utf8(output.stderr).expect("UTF-8");
        let error = told.lines().last().expect("an error");
        assert!(error.starts_with("error: --events ") && error.contains(", line 3: "), "{error}");
        assert!(error.contains(reason) && error.contains(expected), "{error}");
    }
}

#[test]
fn a_seed_is_for_events_that_are_made_up() {
    for (options, option) in
        [(&["--seed", "1"][..], "seed"), (&["--app", "shopping-cart", "--transactions", "5"], "transactions")]
    {
        let output = demo(options);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
        let error = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(error, format!("error: --{option}: an option of --app fraud only\n"));
    }
    let output = demo(&["--app", "fraud", "--seed", "1", "--events", "events.jsonl"]);
    let error = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(error, "error: --seed: about the application's own events, not those of --events\n");
}

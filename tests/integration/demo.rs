//! The command itself.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) fn demo(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_statefun-server");
    Command::new(program).arg("demo").args(arguments).output().expect("the program starts")
}

/// Runs the demo on a file with these lines, and returns the lines that it printed.
pub(crate) fn fed(lines: &[impl AsRef<str>]) -> Vec<String> {
    fed_to(&[], lines)
}

/// As [`fed`], with these arguments.
pub(crate) fn fed_to(arguments: &[&str], lines: &[impl AsRef<str>]) -> Vec<String> {
    let output = run_on(arguments, lines);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

/// Runs the demo with these arguments on a file with these lines.
pub(crate) fn run_on(arguments: &[&str], lines: &[impl AsRef<str>]) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("events.jsonl");
    std::fs::write(&file, lines.iter().map(|line| format!("{}\n", line.as_ref())).collect::<String>())
        .expect("written");
    demo(&[arguments, &["--events", path(&file)]].concat())
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

pub(crate) fn json(line: &str) -> Value {
    serde_json::from_str(line).expect("a line of JSON")
}

pub(crate) fn event(r#type: &str, id: u32, data: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"http://example.com/shop","type":"{type}","time":"2024-05-06T09:00:00Z","data":{data}}}"#
    )
}

#[test]
fn no_text_of_the_events_is_a_command_of_the_terminal() {
    const HOSTILE: &str = r"x\n\u001b[31m\u0007\u009b0m\u007fy";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("events.jsonl");
    let comment = event("test.comment", 1, &format!("\"{HOSTILE}\""));
    let login = format!(r#"{{"user_id":"{HOSTILE}","user_name":"{HOSTILE}","login_type":"WEB"}}"#);
    std::fs::write(&file, format!("{comment}\n{login}\n")).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_statefun-server"));
    command.args(["demo", "--app", "greeter", "--events", path(&file)]);
    // Colours stay, so that nothing is stripped.
    let output = command.env("CLICOLOR_FORCE", "1").output().expect("the program starts");
    for text in [output.stdout, output.stderr] {
        let text = String::from_utf8(text).expect("UTF-8");
        assert!(text.contains("31m"), "nothing of it is printed: {text}");
        // Its own colours end every step.
        let steps = ["\x1b[0m", "\x1b[2m", "\x1b[1m", "\x1b[32m", "\x1b[33m", "\x1b[36m"];
        let text = steps.iter().fold(text, |text, own| text.replace(own, ""));
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        assert!(!text.lines().any(|line| line.starts_with('\u{1b}') || line.starts_with("[31m")), "{text:?}");
    }
}

#[test]
fn it_prints_the_two_statuses_of_the_scenario_and_the_same_each_time() {
    let output = demo(&[]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    let lines: Vec<_> = text.lines().map(json).collect();
    assert_eq!(lines.len(), 2);
    for line in &lines {
        assert_eq!(
            (&line["egress"], &line["value"]["type"]),
            (&"example/egress".into(), &"example.cart-status".into())
        );
        assert_eq!(line["key"], line["value"]["data"]["cartId"]);
    }
    let item = &lines[1]["value"]["data"]["cartItemStatuses"][0];
    assert_eq!(item["originPrice"].to_string(), "42");
    assert_eq!(item["currentPrice"].to_string(), "42.42");
    assert_eq!(item["availability"], "IN_STOCK");
    assert_eq!(demo(&[]).stdout, output.stdout);
}

#[test]
fn it_tells_on_standard_error_what_runs_and_what_changes() {
    let output = demo(&[]);
    let told = String::from_utf8(output.stderr).expect("UTF-8");
    for part in [
        "▶ example.cart-product",
        "example/cart/cart-1 (1 message) wrote state, sent to example/product/product-1",
        "emitted to example/egress",
        "All events were sent.",
    ] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
    assert!(!told.contains('\u{1b}'), "colours for a file");
}

#[test]
fn waiting_is_skipped_unless_the_clock_is_real() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("events.jsonl");
    let product = |id| {
        event("example.product", id, r#"{"id":"p","title":"t","description":"","price":1,"availability":"IN_STOCK"}"#)
    };
    let wait = |millis: u32| event("test.delay", 1, &millis.to_string());
    let between = event("test.delay-between-events", 2, "200");
    let lines = [wait(300), between, product(3), product(4)].join("\n");
    std::fs::write(&file, lines).expect("written");
    let start = Instant::now();
    assert!(demo(&["--events", path(&file), "--clock", "real"]).status.success());
    assert!(start.elapsed() >= Duration::from_millis(700));
    // An hour of virtual waiting ends before the test's own time is up.
    std::fs::write(&file, [wait(3_600_000), product(1)].join("\n")).expect("written");
    assert!(demo(&["--events", path(&file)]).status.success());
}

#[test]
fn a_line_that_is_no_event_becomes_a_dead_letter() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("events.jsonl");
    std::fs::write(&file, b"not an event\n\n{\"type\":\"tests.delay\",\"data\":\"soon\"}\n\xff\xfe\n")
        .expect("written");
    let output = demo(&["--events", path(&file)]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<_> = std::str::from_utf8(&output.stdout).expect("UTF-8").lines().map(json).collect();
    let payloads: Vec<_> = lines
        .iter()
        .map(|line| {
            assert_eq!((&line["egress"], &line["key"]), (&"example/dead-letter".into(), &"-".into()));
            line["value"]["payload_length"].as_u64().expect("a length")
        })
        .collect();
    assert_eq!(payloads, [12, 36, 2]);
}

#[test]
fn a_delay_without_milliseconds_ends_the_demo() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("events.jsonl");
    std::fs::write(&file, "\n{\"type\":\"test.delay\",\"data\":\"soon\"}\n").expect("written");
    let output = demo(&["--events", path(&file)]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(
        error.contains(", line 2: test.delay with \"soon\" as its data; expected a number of milliseconds"),
        "{error}"
    );
}

#[test]
fn the_greeter_counts_visits() {
    let output = demo(&["--app", "greeter"]);
    let lines: Vec<_> = std::str::from_utf8(&output.stdout).expect("UTF-8").lines().map(json).collect();
    let greetings: Vec<_> = lines.iter().map(|line| line["value"].as_str().expect("a text")).collect();
    assert_eq!(
        greetings,
        [
            "Hello Ann, this is visit number 1.",
            "Hello Bob, this is visit number 1.",
            "Hello Ann, this is visit number 2."
        ]
    );
}

#[test]
fn an_empty_file_is_fed_and_a_missing_one_is_an_error() {
    assert_eq!(fed(&[""; 0]), [""; 0]);
    let output = demo(&["--events", "no/such/file.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(error.starts_with("error: --events no/such/file.jsonl: "), "{error}");
}

#[test]
fn of_a_long_file_it_tells_how_far_it_has_come() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("events.jsonl");
    let comment = event("test.comment", 1, &format!("\"{}\"", "x".repeat(1000)));
    std::fs::write(&file, format!("{comment}\n").repeat(100)).expect("written");
    let told = String::from_utf8(demo(&["--events", path(&file)]).stderr).expect("UTF-8");
    assert!(told.contains("\n50% of ") && told.contains("\n100% of "), "{told}");
    assert!(told.lines().count() < 20, "{told}");
}

use std::io::Write;
use std::process::{Command, Output, Stdio};

use statefun_applications::{Destinations, Settings};
use statefun_module::{Finding, Report, Severity};
use statefun_sdk::{Contract, Destination, Registry};

/// A module in which nothing is wrong.
pub(crate) const FINE: &str = include_str!("fine.yaml");

/// Where the egresses of `fine.yaml` lead, for the program.
pub(crate) const EGRESSES: [&str; 2] = ["--egress", "demo/greetings=kinesis:greetings,demo/dead-letter=kinesis:dead"];

/// Where the egresses of `fine.yaml` lead.
pub(crate) fn destinations() -> Destinations {
    let mut destinations = Destinations::default();
    destinations.set("demo/greetings", Destination::kinesis("greetings")).unwrap();
    destinations.set("demo/dead-letter", Destination::kinesis("dead")).unwrap();
    destinations
}

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn run(args: &[&str]) -> Run {
    run_with(args, b"")
}

/// Runs the program with this on standard input, and without an environment that could say more.
pub(crate) fn run_with(args: &[&str], input: &[u8]) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_statefun-server"))
        .args(args)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that has seen enough closes its end.
    let _ = child.stdin.take().unwrap().write_all(input);
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    Run { code: status.code(), out: String::from_utf8(stdout).unwrap(), err: String::from_utf8(stderr).unwrap() }
}

/// Runs `module check` for a module whose egresses lead where those of `fine.yaml` do.
pub(crate) fn run_check(module: &str) -> Run {
    run_with(&[&["module", "check", "-"][..], &EGRESSES].concat(), module.as_bytes())
}

/// Checks a module whose egresses lead where those of `fine.yaml` do.
pub(crate) fn check(module: impl AsRef<[u8]>) -> Report {
    check_for(module, &destinations())
}

/// Checks a module for all functions of this server.
pub(crate) fn check_for(module: impl AsRef<[u8]>, destinations: &Destinations) -> Report {
    let functions = statefun_applications::all(destinations, &Settings::default());
    let registry = Registry::builder().functions(functions).build().unwrap();
    statefun_module::check(module.as_ref(), &Contract::of(&registry))
}

/// All findings without their wording, such as `error[wrong-type] 4:spec.topics`: the severity, the code, the number of
/// the document and the path. Nobody has the functions of `elsewhere/*`, so what is unchecked is left out.
pub(crate) fn briefs(report: &Report) -> Vec<String> {
    let checked = report.findings.iter().filter(|finding| finding.severity() != Severity::Unchecked);
    checked.map(brief).collect()
}

fn brief(finding: &Finding) -> String {
    // The place is `document NUMBER`, with the kind and the id if there are any, or `the module`.
    let number = finding.place().split(' ').nth(1).unwrap();
    let colon = if finding.path().is_empty() { "" } else { ":" };
    format!("{}[{}] {number}{colon}{}", finding.severity(), finding.code(), finding.path())
}

/// Changes one thing in `fine.yaml`, and asserts what is found: these and nothing else, in this order.
pub(crate) fn assert_findings(from: &str, to: &str, expected: &[&str]) {
    assert!(FINE.contains(from), "fine.yaml has no {from:?}");
    let report = check(FINE.replacen(from, to, 1));
    assert_eq!(briefs(&report), expected, "{from:?} as {to:?}: {report:?}");
}

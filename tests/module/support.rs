use std::io::Write;
use std::process::{Command, Output, Stdio};

/// A module in which nothing is wrong.
pub(crate) const FINE: &str = include_str!("fine.yaml");

/// Where the egresses of `fine.yaml` lead.
pub(crate) const EGRESSES: [&str; 2] = ["--egress", "demo/greetings=kinesis:greetings,demo/dead-letter=kinesis:dead"];

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// The first lines of all findings.
    pub(crate) fn findings(&self) -> Vec<&str> {
        self.out.lines().filter(|line| line.starts_with("error: ") || line.starts_with("warning: ")).collect()
    }
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

/// Checks a module whose egresses lead where those of `fine.yaml` do.
pub(crate) fn check(module: &str) -> Run {
    run_with(&[&["module", "check", "-"][..], &EGRESSES].concat(), module.as_bytes())
}

/// Changes one thing in `fine.yaml`, and asserts what is found: these and nothing else, in this order.
pub(crate) fn assert_findings(from: &str, to: &str, expected: &[&str]) {
    assert!(FINE.contains(from), "fine.yaml has no {from:?}");
    let run = check(&FINE.replacen(from, to, 1));
    assert_eq!(run.findings(), expected, "{from:?} as {to:?}: {run:?}");
    let errors = expected.iter().any(|finding| finding.starts_with("error: "));
    assert_eq!(run.code, Some(if errors { 1 } else { 0 }), "{from:?} as {to:?}: {run:?}");
    for text in ["  on the cluster: ", "  to do: "] {
        assert_eq!(run.out.matches(text).count(), expected.len(), "{from:?} as {to:?}: {run:?}");
    }
}

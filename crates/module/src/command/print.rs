use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use statefun_sdk::BoxError;

use crate::{Finding, Report, Severity};

/// Writes a text. A reader that has seen enough and closed its end is not an error.
pub(super) fn all(out: &mut impl Write, text: &str) -> io::Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Writes a report, as JSON or for people.
pub(super) fn report(out: &mut impl Write, name: &str, report: &Report, as_json: bool) -> Result<(), BoxError> {
    if as_json { json(out, name, report) } else { Ok(findings(out, &report.findings)?) }
}

/// Writes findings, with colours where the output has them.
pub(super) fn findings(out: &mut impl Write, findings: &[Finding]) -> io::Result<()> {
    let mut all = String::new();
    for finding in findings {
        let (style, text) = (style(finding), finding.to_string());
        // The head is `error[code]`.
        let (head, rest) = text.split_at(text.find(']').map_or(0, |end| end + 1));
        all += &format!("{style}{head}{style:#}{rest}\n");
    }
    self::all(out, &all)
}

fn style(finding: &Finding) -> Style {
    match finding.severity() {
        Severity::Error => AnsiColor::Red.on_default().bold(),
        Severity::Warning => AnsiColor::Yellow.on_default().bold(),
        Severity::Unchecked => AnsiColor::Cyan.on_default().bold(),
        Severity::Note => AnsiColor::Green.on_default(),
    }
}

/// The JSON of `--json`.
#[derive(Serialize)]
struct Json<'a> {
    name: &'a str,
    errors: usize,
    warnings: usize,
    unchecked: usize,
    notes: usize,
    #[serde(flatten)]
    report: &'a Report,
}

/// Writes a report as one JSON object.
fn json(out: &mut impl Write, name: &str, report: &Report) -> Result<(), BoxError> {
    let [errors, warnings, unchecked, notes] =
        [Severity::Error, Severity::Warning, Severity::Unchecked, Severity::Note]
            .map(|severity| report.count(severity));
    let text = serde_json::to_string_pretty(&Json { name, errors, warnings, unchecked, notes, report })?;
    Ok(all(out, &(text + "\n"))?)
}

/// `1 error, 0 warnings`, and what was not checked.
pub(super) fn counts(report: &Report) -> String {
    let counted = |severity, what: &str| match report.count(severity) {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    };
    let mut text = format!("{}, {}", counted(Severity::Error, "error"), counted(Severity::Warning, "warning"));
    let unchecked = report.count(Severity::Unchecked);
    if unchecked > 0 {
        text += &format!(", {unchecked} unchecked");
    }
    text
}

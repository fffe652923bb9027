use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use statefun_sdk::BoxError;

use crate::{Finding, Report, Severity};

/// Writes findings, with colours where the output has them.
pub(super) fn findings(out: &mut impl Write, findings: &[Finding]) -> io::Result<()> {
    findings.iter().try_for_each(|finding| {
        let (style, text) = (style(finding), finding.to_string());
        // The head is `error[code]`.
        let (head, rest) = text.split_at(text.find(']').map_or(0, |end| end + 1));
        writeln!(out, "{style}{head}{style:#}{rest}")
    })
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
    #[serde(flatten)]
    report: &'a Report,
}

/// Writes a report as one JSON object.
pub(super) fn json(out: &mut impl Write, name: &str, report: &Report) -> Result<(), BoxError> {
    let [errors, warnings, unchecked] =
        [Severity::Error, Severity::Warning, Severity::Unchecked].map(|severity| report.count(severity));
    serde_json::to_writer_pretty(&mut *out, &Json { name, errors, warnings, unchecked, report })?;
    Ok(writeln!(out)?)
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

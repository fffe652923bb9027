//! The table, for readers and for programs.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::trial::Trial;

const BEGIN: &str = "<!-- attack: begin -->";
const END: &str = "<!-- attack: end -->";

/// The table in Markdown.
pub(crate) fn table(trials: &[Trial]) -> String {
    let mut table = String::from(
        "| row | sent | the attacker saw | healthy served | p50, p99 | `/readyz` | peak | log | SIGTERM | verdict |\n|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for trial in trials {
        let Trial { row, sent, attacker_saw, healthy, peak_mib, log_bytes, drain_seconds, failures } = trial;
        let drain = drain_seconds.map_or("killed".to_owned(), |seconds| format!("{seconds:.1} s"));
        let verdict = match &failures[..] {
            [] => "pass".to_owned(),
            failures => format!("**fail**: {}", failures.join("; ")),
        };
        let _ = writeln!(
            table,
            "| {row} | {sent} | {attacker_saw} | {:.1} % of {} | {:.1}, {:.1} ms | {} of {} | {peak_mib} MiB | {} kB | {drain} | {verdict} |",
            (healthy.percent() * 10.0).floor() / 10.0,
            healthy.sent,
            healthy.p50_ms,
            healthy.p99_ms,
            healthy.probes_answered,
            healthy.probes,
            log_bytes.div_ceil(1000),
        );
    }
    table
}

/// Puts the table between the markers of a file.
///
/// # Errors
/// When the file has no markers, or cannot be read or written.
pub(crate) fn write(path: &Path, trials: &[Trial], setting: &str) -> anyhow::Result<()> {
    let page = std::fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
    let (Some(begin), Some(end)) = (page.find(BEGIN), page.find(END)) else {
        bail!("{} lacks the lines {BEGIN} and {END}", path.display());
    };
    let failed = trials.iter().filter(|trial| !trial.failures.is_empty()).count();
    let commit = output("git", &["rev-parse", "--short", "HEAD"])?;
    let date = output("date", &["-u", "+%F"])?;
    let intro = format!("Commit {commit}, {date}, {setting}: {} of {} rows pass.", trials.len() - failed, trials.len());
    let between = format!("{BEGIN}\n{intro}\n\n{}", table(trials));
    let page = format!("{}{between}{}", &page[..begin], &page[end..]);
    std::fs::write(path, page).with_context(|| format!("{}", path.display()))
}

fn output(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program).args(arguments).output().with_context(|| program.to_owned())?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use statefun_sdk::{BoxError, Contract};

use super::input::bounded;
use super::print;
use crate::{LARGEST_MODULE, Severity, check};

/// Options of `module check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The module.yaml; - is standard input
    file: PathBuf,
    /// Print the findings as one JSON object
    #[arg(long)]
    json: bool,
}

impl CheckArgs {
    /// Whether the module comes from standard input, which is then not free for anything else.
    pub fn reads_standard_input(&self) -> bool {
        self.file == Path::new("-")
    }

    /// Checks the module against these functions, and prints the findings on standard output.
    ///
    /// # Errors
    /// When the file cannot be read, or when the module has errors.
    pub fn run(&self, contract: &Contract) -> Result<(), BoxError> {
        let name =
            if self.reads_standard_input() { "standard input".to_owned() } else { self.file.display().to_string() };
        let text = match self.reads_standard_input() {
            true => bounded(io::stdin().lock(), LARGEST_MODULE),
            false => File::open(&self.file).and_then(|file| bounded(file, LARGEST_MODULE)),
        };
        let text = text.map_err(|error| format!("{name}: {error}"))?;
        let report = check(&text, contract);
        let mut out = anstream::stdout().lock();
        let counts = print::counts(&report);
        print::report(&mut out, &name, &report, self.json)?;
        if !report.is_fine() {
            return Err(format!("{name}: {counts}").into());
        }
        if !self.json {
            let verdict = if report.count(Severity::Unchecked) == 0 { "fine" } else { "no errors found" };
            let summary = report.summary.as_ref().map(ToString::to_string).unwrap_or_default();
            print::all(&mut out, &format!("{name}: {verdict} ({counts})\n{summary}"))?;
        }
        Ok(())
    }
}

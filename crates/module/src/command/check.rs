use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use statefun_sdk::{BoxError, Contract};

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
    /// Checks the module against these functions, and prints the findings on standard output.
    ///
    /// # Errors
    /// When the file cannot be read, or when the module has errors.
    pub fn run(&self, contract: &Contract) -> Result<(), BoxError> {
        let name =
            if self.file == Path::new("-") { "standard input".to_owned() } else { self.file.display().to_string() };
        let text = read(&self.file).map_err(|error| format!("{name}: {error}"))?;
        let report = check(&text, contract);
        let mut out = anstream::stdout().lock();
        let counts = print::counts(&report);
        if self.json {
            print::json(&mut out, &name, &report)?;
        } else {
            print::findings(&mut out, &report.findings)?;
        }
        if !report.is_fine() {
            return Err(format!("{name}: {counts}").into());
        }
        if !self.json {
            let verdict = if report.count(Severity::Unchecked) == 0 { "fine" } else { "no errors found" };
            writeln!(out, "{name}: {verdict} ({counts})")?;
            if let Some(summary) = &report.summary {
                write!(out, "{summary}")?;
            }
        }
        Ok(())
    }
}

/// A byte more than the largest module is enough to know that it is larger.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let limit = LARGEST_MODULE as u64 + 1;
    if path == Path::new("-") {
        io::stdin().lock().take(limit).read_to_end(&mut text)?;
    } else {
        File::open(path)?.take(limit).read_to_end(&mut text)?;
    }
    if text.len() > LARGEST_MODULE {
        return Err(io::Error::other(format!("larger than {LARGEST_MODULE} bytes: not a module")));
    }
    Ok(text)
}

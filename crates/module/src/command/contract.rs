use std::fs::File;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use statefun_sdk::{BoxError, Contract};

use super::input::read_contract;
use super::print;
use crate::{Severity, compare};

/// Options of `contract`.
#[derive(Debug, Args)]
pub struct ContractArgs {
    #[command(subcommand)]
    command: Option<ContractCommand>,
}

#[derive(Debug, Subcommand)]
enum ContractCommand {
    /// Check the functions against the contract of an older release
    ///
    /// An error is a change with which a job that is restored from the older release's savepoint fails, such as another
    /// state type or a removed function. A warning is a change that the cluster does not apply, or that the module must
    /// follow. The exit code is 1 if there is an error. Options that are about the functions stand before `check`.
    Check {
        /// The contract of the older release, as `contract` printed it
        old: PathBuf,
        /// Print the findings as one JSON object
        #[arg(long)]
        json: bool,
    },
}

impl ContractArgs {
    /// Prints this contract as JSON, or the changes since an older one.
    ///
    /// # Errors
    /// When the file cannot be read, or when a change breaks the older contract.
    pub fn run(&self, contract: &Contract) -> Result<(), BoxError> {
        let mut out = anstream::stdout().lock();
        let Some(ContractCommand::Check { old, json }) = &self.command else {
            return Ok(print::all(&mut out, &(contract.to_json() + "\n"))?);
        };
        let name = old.display().to_string();
        let old = File::open(old).map_err(BoxError::from).and_then(read_contract);
        let old = old.map_err(|error| format!("{name}: {error}"))?;
        let report = compare(&old, contract);
        print::report(&mut out, &name, &report, *json)?;
        match report.count(Severity::Error) {
            0 if *json => Ok(()),
            0 if report.findings.is_empty() => {
                Ok(print::all(&mut out, &format!("{name}: fine, nothing has changed\n"))?)
            }
            0 => Ok(print::all(&mut out, &format!("{name}: fine ({})\n", print::counts(&report)))?),
            1 => Err(format!("{name}: 1 incompatible change").into()),
            count => Err(format!("{name}: {count} incompatible changes").into()),
        }
    }
}

//! The functions' contract with a running job: names, states and their types. A job's savepoint depends on the contract
//! of the release that wrote it; [`comparison`] finds the changes in a newer release.
//!
//! | module | contents |
//! |---|---|
//! | [`description`] | the contract as JSON |
//! | [`comparison`] | the changes between two contracts |

pub mod comparison;
pub mod description;

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use statefun_sdk::{BoxError, Registry};

use crate::config::FunctionArgs;
use crate::functions::{self, Destinations};
use comparison::{Comparison, Severity};
use description::Contract;

/// The end of the command's help.
pub const EXAMPLES: &str = "\
Examples:
  statefun-server contract > contract.json
  statefun-server contract check contract.json";

const CHECK_EXAMPLES: &str = "\
Examples:
  old/statefun-server contract > old.json
  statefun-server contract check old.json";

/// Options of `contract`.
#[derive(Debug, Args)]
pub struct ContractArgs {
    #[command(flatten)]
    functions: FunctionArgs,
    #[command(subcommand)]
    command: Option<ContractCommand>,
}

#[derive(Debug, Subcommand)]
enum ContractCommand {
    /// Check this release against the contract of an older one
    ///
    /// An error is a change with which a job that is restored from the older release's savepoint fails, such as another
    /// state type or a removed function. A warning is a change that the cluster does not apply. The exit code is 1 if
    /// there is an error.
    #[command(after_long_help = CHECK_EXAMPLES)]
    Check {
        /// The output of `contract` of the older release
        old: PathBuf,
    },
}

/// Prints the contract, or compares it with an older one.
///
/// # Errors
/// When the file cannot be read, or when the release breaks the older contract.
pub fn run(args: &ContractArgs) -> Result<(), BoxError> {
    let functions = functions::all(&Destinations::default(), &args.functions.settings());
    let registry = Registry::builder().functions(functions).build()?;
    let contract = Contract::of(&registry);
    let mut out = io::stdout().lock();
    let Some(ContractCommand::Check { old }) = &args.command else {
        writeln!(out, "{}", serde_json::to_string_pretty(&contract)?)?;
        return Ok(());
    };
    let name = old.display();
    let text = fs::read_to_string(old).map_err(|error| format!("{name}: {error}"))?;
    let old = Contract::from_json(&text).map_err(|error| format!("{name}: {error}"))?;
    let comparison = Comparison::new(&old, &contract);
    write!(out, "{comparison}")?;
    match comparison.count(Severity::Error) {
        0 => Ok(()),
        1 => Err(format!("{name}: 1 incompatible change in this release").into()),
        count => Err(format!("{name}: {count} incompatible changes in this release").into()),
    }
}

//! What the functions promise to a running job: names, states and their types. A job's savepoint holds the older
//! release's promises; [`comparison`] tells what a release makes of them.
//!
//! | module | what lives there |
//! |---|---|
//! | [`description`] | the promises, as JSON |
//! | [`comparison`] | two of them beside each other |

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

/// Ends of the command's help.
pub const EXAMPLES: &str = "\
Examples:
  statefun-server contract > contract.json
  statefun-server contract check contract.json";

const CHECK_EXAMPLES: &str = "\
Examples:
  old/statefun-server contract > old.json
  statefun-server contract check old.json";

/// Print or compare.
#[derive(Debug, Args)]
pub struct ContractArgs {
    #[command(flatten)]
    functions: FunctionArgs,
    #[command(subcommand)]
    command: Option<ContractCommand>,
}

#[derive(Debug, Subcommand)]
enum ContractCommand {
    /// Tell what this release breaks of what an older one promised
    ///
    /// An error is what a job with the older release's savepoint cannot live with: a state of another type, a function
    /// that is gone. A warning is what the cluster does not do as the release says. With an error it ends with 1.
    #[command(after_long_help = CHECK_EXAMPLES)]
    Check {
        /// What `contract` of the older release printed
        old: PathBuf,
    },
}

/// Prints the contract, or compares it with an older one.
///
/// # Errors
/// When there is no such file, or when the release breaks a promise.
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
        1 => Err(format!("{name}: this release breaks 1 promise of it").into()),
        count => Err(format!("{name}: this release breaks {count} promises of it").into()),
    }
}

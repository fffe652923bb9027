//! `module` and `contract` for any functions.

use clap::{Args, Subcommand};
use statefun_module::command::{CheckArgs, ContractArgs, MadeBy, RenderArgs};
use statefun_sdk::BoxError;

use crate::source::FunctionsArgs;

/// The commands for module.yaml.
#[derive(Debug, Subcommand)]
pub enum ModuleCommand {
    /// Write the module.yaml of functions
    ///
    /// Contains one endpoint for each namespace, all egresses that the functions emit to, including those for dead
    /// letters, and the ingresses that were declared with `RegistryBuilder::ingress`.
    #[command(after_long_help = RENDER_EXAMPLES)]
    Render(Box<RenderCommand>),
    /// Check a module.yaml before deploying it to a cluster
    ///
    /// Reads a module for StateFun 3.3 and compares it with the functions. An error is something that keeps the job from
    /// starting, restarts it in an endless loop, or is silently ignored; a warning is something that may be intended. What
    /// the check does not know it says: of endpoints for functions that it was not given, and of egresses whose connector
    /// was not declared.
    #[command(after_long_help = CHECK_EXAMPLES)]
    Check(CheckCommand),
}

/// Options of `module render`.
#[derive(Debug, Args)]
pub struct RenderCommand {
    #[command(flatten)]
    functions: FunctionsArgs,
    #[command(flatten)]
    render: RenderArgs,
}

/// Options of `module check`.
#[derive(Debug, Args)]
pub struct CheckCommand {
    #[command(flatten)]
    check: CheckArgs,
    #[command(flatten)]
    functions: FunctionsArgs,
}

/// Options of `contract`.
#[derive(Debug, Args)]
pub struct ContractCommand {
    #[command(flatten)]
    functions: FunctionsArgs,
    #[command(flatten)]
    contract: ContractArgs,
}

const RENDER_EXAMPLES: &str = "\
Examples:
  statefun module render --output module.yaml
  statefun module render --url http://functions:8000/statefun --kafka-address broker-1:9092,broker-2:9092
  statefun module render --functions contract.json --ingress kinesis --aws-region eu-central-1

Exit codes:
  0  the module was written
  1  an error occurred, or the module would have errors
  2  the command line is invalid";

const CHECK_EXAMPLES: &str = "\
Examples:
  statefun module check module.yaml
  statefun module check module.yaml --functions http://shop:8000 --functions http://mail:8000
  statefun module check module.yaml --functions built-in --json | jq '.findings[].code'
  cat one/module.yaml two/module.yaml | statefun module check -

A job can have several modules. Check them together as one file, separated by lines of ---.

Exit codes:
  0  no error was found
  1  an error occurred, or the module has errors
  2  the command line is invalid";

impl ModuleCommand {
    /// Runs the command to completion. Blocks while it waits for a server.
    ///
    /// # Errors
    /// When the command fails, or when a checked module has errors.
    pub fn run(&self) -> Result<(), BoxError> {
        match self {
            Self::Render(command) => {
                let contract = command.functions.contract(false)?;
                let made_by = MadeBy {
                    program: "statefun module render",
                    options: command.functions.given(),
                    default_kafka_group: None,
                };
                command.render.run(&contract, &made_by)
            }
            Self::Check(command) => {
                command.check.run(&command.functions.contract(command.check.reads_standard_input())?)
            }
        }
    }
}

impl ContractCommand {
    /// Runs the command to completion. Blocks while it waits for a server.
    ///
    /// # Errors
    /// When the command fails, or when a change is incompatible.
    pub fn run(&self) -> Result<(), BoxError> {
        self.contract.run(&self.functions.contract(false)?)
    }
}

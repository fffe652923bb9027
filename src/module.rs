//! `module` and `contract` for the applications of this server: their options around the commands of `statefun-module`.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use statefun_applications::{Application, ApplicationArgs, applications};
use statefun_module::command::{CheckArgs, ContractArgs, MadeBy, RenderArgs};
use statefun_sdk::{BoxError, Contract};

/// The commands for module.yaml.
#[derive(Debug, Subcommand)]
pub enum ModuleCommand {
    /// Write the module.yaml of this server's functions
    ///
    /// Contains one endpoint for each namespace, all egresses that the functions emit to, including those for dead
    /// letters, and the ingresses of the applications. The topics and streams of egresses are in the records, not in
    /// the module: pass the same --egress to `serve`.
    #[command(after_long_help = RENDER_EXAMPLES)]
    Render(Box<RenderCommand>),
    /// Check a module.yaml before deploying it to a cluster
    ///
    /// Reads a module for StateFun 3.3 and compares it with the functions of this server. A module may cover only some
    /// of the applications: namespaces without an endpoint are not checked, and of endpoints for functions of other
    /// servers the check says so. An error is something that keeps the job from starting, restarts it in an endless
    /// loop, or is silently ignored; a warning is something that may be intended. The exit code is 1 if there is an
    /// error.
    #[command(after_long_help = CHECK_EXAMPLES)]
    Check(Box<CheckCommand>),
}

const RENDER_EXAMPLES: &str = "\
Examples:
  statefun-server module render --output module.yaml
  statefun-server module render --url http://functions:8000/statefun --kafka-address broker-1:9092,broker-2:9092
  statefun-server module render --ingress kinesis --egress kinesis --aws-region eu-central-1 --transport okhttp
  statefun-server module render --egress example/egress=kinesis:cart-status --application product-cart
  statefun-server module render --kafka-properties client.properties
  statefun-server module render --kafka-properties secret.json --kafka-properties parameters.json --output module.yaml";

const CHECK_EXAMPLES: &str = "\
Examples:
  statefun-server module check module.yaml
  statefun-server module check module.yaml --egress kinesis
  statefun-server module check module.yaml --egress example/egress=kinesis:cart-status
  cat one/module.yaml two/module.yaml | statefun-server module check -

A job can have several modules. Check them together as one file, separated by lines of ---.";

/// Options of `module render`.
#[derive(Debug, Args)]
pub struct RenderCommand {
    #[command(flatten)]
    render: RenderArgs,
    /// Include only this application; can be repeated [default: all]
    #[arg(long = "application", env = "STATEFUN_APPLICATION", value_name = "NAME", value_delimiter = ',', value_parser = application_names())]
    chosen: Vec<String>,
    #[command(flatten)]
    applications: ApplicationArgs,
}

/// Options of `module check`.
#[derive(Debug, Args)]
pub struct CheckCommand {
    #[command(flatten)]
    check: CheckArgs,
    #[command(flatten)]
    applications: ApplicationArgs,
}

/// Options of `contract`.
#[derive(Debug, Args)]
#[command(after_long_help = CONTRACT_EXAMPLES)]
pub struct ContractCommand {
    #[command(flatten)]
    contract: ContractArgs,
    #[command(flatten)]
    applications: ApplicationArgs,
}

const CONTRACT_EXAMPLES: &str = "\
Examples:
  statefun-server contract > contract.json
  statefun-server contract check contract.json
  old/statefun-server contract > old.json; statefun-server contract check old.json";

fn application_names() -> PossibleValuesParser {
    applications().iter().map(Application::name).collect::<Vec<_>>().into()
}

impl ModuleCommand {
    /// Runs the command to completion.
    ///
    /// # Errors
    /// When the command fails, or when a checked module has errors.
    pub fn run(self) -> Result<(), BoxError> {
        match self {
            Self::Render(command) => {
                let RenderCommand { render, chosen, applications } = *command;
                let registry =
                    applications.registry_of(|name| chosen.is_empty() || chosen.iter().any(|one| one == name))?;
                let mut options = applications.given(&registry);
                options.extend(chosen.into_iter().map(|name| ("--application".to_owned(), name)));
                let made_by = MadeBy {
                    program: "statefun-server module render",
                    options,
                    default_kafka_group: Some("statefun-server".to_owned()),
                };
                render.run(&Contract::of(&registry), &made_by)
            }
            Self::Check(command) => command.check.run(&Contract::of(&command.applications.registry()?)),
        }
    }
}

impl ContractCommand {
    /// Runs the command to completion.
    ///
    /// # Errors
    /// When the command fails, or when the release breaks the older contract.
    pub fn run(self) -> Result<(), BoxError> {
        self.contract.run(&Contract::of(&self.applications.registry()?))
    }
}

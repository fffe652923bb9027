//! module.yaml: describes the functions, the sources of their messages and the destinations of their results to a
//! StateFun cluster.
//!
//! | module | contents |
//! |---|---|
//! | `render` | writes a module for the applications of this server |
//! | `check` | reads a module and reports what the cluster would reject or silently ignore |
//! | `lambda` | the differences for functions on AWS Lambda |
//! | `number` | which scalars the cluster reads as numbers |

mod check;
mod lambda;
mod number;
mod render;

pub use check::{Finding, Report, Severity, check};

use clap::Subcommand;
use statefun_sdk::BoxError;

use check::CheckArgs;
use render::RenderArgs;

/// The commands for module.yaml.
#[derive(Debug, Subcommand)]
pub enum ModuleCommand {
    /// Write the module.yaml of this server's functions
    ///
    /// Contains one endpoint for each namespace, all egresses that the functions emit to, including those for dead
    /// letters, and the ingresses of the applications. The topics and streams of egresses are in the records, not in
    /// the module: pass the same --egress to `serve`.
    #[command(after_long_help = render::EXAMPLES)]
    Render(Box<RenderArgs>),
    /// Check a module.yaml before deploying it to a cluster
    ///
    /// Reads a module for StateFun 3.3 and compares it with the functions of this server. A module may cover only some
    /// of the applications: namespaces without an endpoint are not checked. An error is something that keeps the job
    /// from starting, restarts it in an endless loop, or is silently ignored; a warning is something that may be
    /// intended. The exit code is 1 if there is an error.
    #[command(after_long_help = check::EXAMPLES)]
    Check(CheckArgs),
}

impl ModuleCommand {
    /// Runs the command to completion.
    ///
    /// # Errors
    /// When the command fails, or when a checked module has errors.
    pub fn run(self) -> Result<(), BoxError> {
        match self {
            Self::Render(args) => render::run(&args),
            Self::Check(args) => check::run(&args),
        }
    }
}

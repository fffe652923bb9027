//! module.yaml: what a StateFun cluster is told of the functions, of where their messages come from and where their
//! results go.
//!
//! | module | what lives there |
//! |---|---|
//! | `render` | writes a module for the applications of this server |
//! | `check` | reads one, and tells what the cluster would stumble over, or pass over in silence |
//! | `lambda` | what is different where the functions are on AWS Lambda |
//! | `number` | which texts are numbers to the cluster |

mod check;
mod lambda;
mod number;
mod render;

use clap::Subcommand;
use statefun_sdk::BoxError;

use check::CheckArgs;
use render::RenderArgs;

/// What to do with a module.yaml.
#[derive(Debug, Subcommand)]
pub enum ModuleCommand {
    /// Write the module.yaml of this server's functions
    ///
    /// One endpoint for each namespace, all egresses that the functions emit to, dead letters included, and the ingresses
    /// of the applications. Topics and streams of egresses are in the records, not in the module: give the server that
    /// answers the cluster the same --egress.
    #[command(after_long_help = render::EXAMPLES)]
    Render(Box<RenderArgs>),
    /// Tell what is wrong with a module.yaml before a cluster does
    ///
    /// Reads a module for StateFun 3.3 and compares it with the functions of this server. A module may cover some of the
    /// applications only: what is in a namespace that no endpoint names is not looked at. An error is what would keep the
    /// job from starting, restart it for ever, or do nothing without a word; a warning is what may be meant. With an
    /// error it ends with 1.
    #[command(after_long_help = check::EXAMPLES)]
    Check(CheckArgs),
}

impl ModuleCommand {
    /// Does what the command says, to its end.
    ///
    /// # Errors
    /// When it cannot, or when a checked module has errors.
    pub fn run(self) -> Result<(), BoxError> {
        match self {
            Self::Render(args) => render::run(&args),
            Self::Check(args) => check::run(&args),
        }
    }
}

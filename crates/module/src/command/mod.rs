//! The commands `module render`, `module check` and `contract`, for programs that know which functions they are about: their
//! options, what they print, and their exit codes.
//!
//! | module | contents |
//! |---|---|
//! | `render`, `check`, `contract` | a command each |
//! | `connectors` | `--egress`, for functions that did not declare the connectors of their egresses |
//! | `input` | what commands read, within bounds |
//! | `print` | findings on a terminal and as JSON |
//!
//! A command that fails returns an error, whose exit code is 1; what it found is printed before.

mod check;
mod connectors;
mod contract;
mod input;
mod print;
mod render;

pub use check::CheckArgs;
pub use connectors::EgressConnectors;
pub use contract::ContractArgs;
pub use input::read_contract;
pub use render::{MadeBy, RenderArgs};

//! For developing functions without a cluster: files of events, which demos and the command line read alike.
//!
//! A file of events has one event per line, whose format is the functions' own. Empty lines are skipped. A line whose `type` begins
//! with `test.` may be a [`Directive`] for the program that replays the file: a comment or a delay.
//!
//! # Layout
//!
//! | module | contents |
//! |---|---|
//! | `lines` | the lines of a file or of standard input |
//! | `directive` | lines that are not for the functions |

mod directive;
mod lines;

pub use directive::Directive;
pub use lines::{Line, Lines};

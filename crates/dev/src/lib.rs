//! For developing functions without a cluster: files of events, which demos and the command line read alike.
//!
//! A file of events has one event per line, whose format is the functions' own. Empty lines are skipped. A line whose `type` begins
//! with `test.` may be a [`Directive`] for the program that replays the file: a comment, a delay, or where the keys of records are.
//!
//! # Layout
//!
//! | module | contents |
//! |---|---|
//! | `lines` | the lines of a file or of standard input |
//! | `directive` | lines that are not for the functions |
//! | `json` | lines of JSON for a terminal |
//! | `key` | the key of a record: a JSON pointer into the event, or one by its type |

mod directive;
mod json;
mod key;
mod lines;

pub use directive::Directive;
pub use json::escape_controls;
pub use key::{KeyRule, Keys, NoKey, Pointer};
pub use lines::{Line, Lines};

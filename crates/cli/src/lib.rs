//! The command line of developers and operators of stateful functions.
//!
//! The binary `statefun` is the command line of this crate.
//!
//! # Layout
//!
//! | module | contents |
//! |---|---|
//! | [`cli`] | the commands and their exit codes |
//! | [`new`] | creates a new project from the files in `templates/` |
//! | [`module`] | `module` and `contract` for any functions; [`source`] is where their contract comes from |
//! | [`send`] | sends the lines of a file to a topic or stream, with [`schedule`] and [`progress`] |
//! | [`receive`] | prints a topic or stream as lines of JSON; [`received`] is a record |
//! | [`simulate`] | the options of `simulate`; behind the feature of the same name, what sends generated payments to fraud detection and prints its alerts |
//! | [`completions`] | prints the scripts with which shells complete the command line |
//! | [`sink`] | the trait of a record producer, and the deliveries of its records |
//! | [`kafka`], [`kinesis`] | the options of each, and its client behind the feature of the same name |
//! | `features` | what a program that was built without a feature says |

pub mod cli;
pub mod completions;
#[cfg(not(all(feature = "kafka", feature = "kinesis", feature = "simulate")))]
mod features;
pub mod kafka;
pub mod kinesis;
pub mod module;
pub mod new;
pub mod progress;
pub mod receive;
pub mod received;
pub mod schedule;
pub mod send;
pub mod simulate;
pub mod sink;
pub mod source;

#![doc = include_str!("../README.md")]
//!
//! # Layout
//!
//! | module | contents |
//! |---|---|
//! | `finding` | what the checks find, as data; a report of findings |
//! | `check` | reads a module and finds what the cluster would reject or silently ignore |
//! | `render` | writes a module |
//! | `compare` | finds what a release changes that a running job relies on |
//! | `lambda` | the differences for functions on AWS Lambda |
//! | `number` | which scalars the cluster reads as numbers |
//! | `duration` | durations as the cluster reads them |
//! | `command` (feature `command`) | the commands for a terminal |

mod check;
mod compare;
mod duration;
mod finding;
mod lambda;
mod number;
mod render;

#[cfg(feature = "command")]
pub mod command;

pub use check::{LARGEST_MODULE, check};
pub use compare::compare;
pub use finding::{Finding, Report, Severity, Summary};
pub use render::{Delivery, RenderError, RenderOptions, StartupPosition, Transport, TransportTls, render};

#![doc = include_str!("../README.md")]
//!
//! # Layout
//!
//! | module | contents |
//! |---|---|
//! | `runtime` | [`run`]: serves Lambda's events with a registry of functions |
//! | `events` | detects events whose body cannot be decoded before lambda_http panics |
//! | `responses` | limits the time and the response size of one event's request |
//! | `program` | [`bootstrap`]: options from the environment, and the log |

mod events;
mod program;
mod responses;
mod runtime;

pub use program::{NoOptions, bootstrap};
pub use responses::LARGEST_BODY;
#[doc(hidden)]
pub use runtime::service;
pub use runtime::{Timeouts, run};

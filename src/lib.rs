//! The server: `statefun-applications`, served by `statefun-http`.
//!
//! # Layout
//!
//! | module | contents |
//! |---|---|
//! | [`cli`] | the commands, their help, and how they run |
//! | [`config`] | options of `serve`, each also an environment variable |
//! | [`module`] | `module` and `contract` for the functions of this server |
//! | [`demo`] | sends events through the real server, with the embedded runtime in place of a cluster |
//! | [`health`] | checks a running server's health |
//! | [`telemetry`] | the log |

pub mod cli;
pub mod config;
pub mod demo;
pub mod health;
pub mod module;
pub mod telemetry;

/// The README's program compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

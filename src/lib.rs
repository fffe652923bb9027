//! The server: applications on `statefun-sdk`, served by `statefun-http`.
//!
//! # Layout
//!
//! | module | contents |
//! |---|---|
//! | [`functions`] | the applications: one folder per application, one file per function |
//! | [`cli`] | the commands, their help, and how they run |
//! | [`contract`] | the functions' contract with a running job, and its changes in a release |
//! | [`module`] | renders and checks module.yaml |
//! | [`config`] | options that are also environment variables |
//! | [`scoring`] | the client of fraud detection's scoring service |
//! | [`demo`] | sends events through the real server, with the embedded runtime in place of a cluster |
//! | [`health`] | checks a running server's health |
//! | [`telemetry`] | the log |

pub mod cli;
pub mod config;
pub mod contract;
pub mod demo;
pub mod functions;
pub mod health;
pub mod module;
pub mod scoring;
pub mod telemetry;

/// The README's program compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

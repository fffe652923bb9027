//! The product: known applications on `statefun-sdk`, behind `statefun-http`.
//!
//! # Layout
//!
//! | module | what lives there |
//! |---|---|
//! | [`functions`] | the applications: a folder each, one function a file |
//! | [`cli`] | the commands, their help, and what each of them does |
//! | [`contract`] | what the functions promise to a running job, and what of it a release changes |
//! | [`module`] | renders and checks module.yaml |
//! | [`config`] | options that are also environment variables |
//! | [`scoring`] | the client of fraud detection's scoring service |
//! | [`demo`] | events through the real server, with the embedded runtime in the cluster's place |
//! | [`health`] | asks a running server how it is |
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

//! `module render`, `module check` and `contract` as users run them.
//!
//! `fine.yaml` is a module in which nothing is wrong; each case of `endpoints`, `transports`, `kafka`, `kinesis`, `routes`
//! and `whole` breaks one thing of it and says what must be found. `legacy.yaml` is one in the format of StateFun 3.0.

mod contract;
mod endpoints;
mod kafka;
mod kept;
mod kinesis;
mod properties;
mod render;
mod routes;
mod support;
mod texts;
mod transports;
mod whole;

//! `module render` and `contract` as users run them, and `module check` as a function of the library: what is found has a
//! code and a place, whatever its wording.
//!
//! `fine.yaml` is a module in which nothing is wrong; each case of `endpoints`, `transports`, `kafka`, `kinesis`, `routes`
//! and `whole` breaks one thing of it and says what must be found. `legacy.yaml` is one in the format of StateFun 3.0.
//! `findings.yaml` is one in which much is wrong, and `findings.txt` is what the program prints of it. `texts` has whole
//! files, and what is about the program itself. `render` and `properties` are about `module render` and its files of client
//! properties, `kept` about the modules that come with the project.

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

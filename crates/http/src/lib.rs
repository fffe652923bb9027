#![doc = include_str!("../README.md")]
//!
//! # Layout
//!
//! | module | what lives there |
//! |---|---|
//! | `options` | the settings of a server |
//! | `endpoint` | the endpoint as a tower service: reads a request, calls the functions, makes the response |
//! | `body`, `rejection` | the body of a request; the responses of requests that are rejected |
//! | `drain`, `rate_limit` | admission: readiness, requests in flight, shutdown; requests a second |
//! | `app` | the endpoint with the pages beside it |
//! | `admin` | the pages at an address of their own |
//! | `server`, `signals` | listening and shutting down; SIGTERM, SIGINT and SIGHUP |
//! | `workers` | the threads that serve connections and run functions |
//! | `connections`, `connection`, `activity` | the limits of connections; one of these with its time-outs; what it is doing |
//! | `writes`, `tls` | writes of a connection; certificates |
//! | `sync` | locks and atomics of what connections share |
//! | `watchdog` | functions that block their thread |
//! | `available_memory` | the memory of the container or machine |
//! | `metrics` | what is counted |
//! | `log` | what is logged of requests |
//! | `recorder` (feature `metrics`) | the Prometheus recorder |
//! | `error` | why a server cannot start, or ended early |
//! | `transport` (feature `local`) | the embedded runtime's way to a server |
//!
//! | test | what it does |
//! |---|---|
//! | `http` | a server as a client sees it: bytes over sockets |
//! | `simulation` | a whole server on a simulated network with a clock of its own: thousands of schedules of clients, faults and shutdown |
//! | `interleavings` | threads that meet in `activity`, `connections` and `drain`: thousands of orders of their steps |

mod activity;
mod admin;
mod app;
mod available_memory;
mod body;
mod connection;
mod connections;
mod drain;
mod endpoint;
mod error;
mod log;
mod metrics;
mod options;
mod rate_limit;
#[cfg(feature = "metrics")]
mod recorder;
mod rejection;
mod server;
mod signals;
mod sync;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "local")]
mod transport;
mod watchdog;
mod workers;
mod writes;

pub use app::router;
pub use body::RequestBody;
pub use drain::Drain;
pub use endpoint::{Endpoint, PATH};
pub use error::ServeError;
pub use options::{Options, Timeouts};
#[cfg(feature = "tls")]
pub use options::{Tls, TlsFiles};
pub use rejection::Rejection;
pub use server::{BoundServer, Server, serve};
#[cfg(feature = "local")]
pub use transport::HttpTransport;

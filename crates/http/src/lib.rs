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
//! | `server`, `signals` | listening and shutting down; SIGTERM, SIGINT and SIGHUP |
//! | `workers`, `connection`, `writes`, `tls` | the threads that serve connections; one of these; its writes; certificates |
//! | `metrics` | what is counted |
//! | `recorder` (feature `metrics`) | the Prometheus recorder |
//! | `error` | why a server cannot start, or ended early |
//! | `transport` (feature `local`) | the embedded runtime's way to a server |

mod app;
mod body;
mod connection;
mod drain;
mod endpoint;
mod error;
mod metrics;
mod options;
mod rate_limit;
#[cfg(feature = "metrics")]
mod recorder;
mod rejection;
mod server;
mod signals;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "local")]
mod transport;
mod workers;
mod writes;

pub use app::router;
pub use body::RequestBody;
pub use drain::Drain;
pub use endpoint::{Endpoint, PATH};
pub use error::ServeError;
pub use options::Options;
#[cfg(feature = "tls")]
pub use options::{Tls, TlsFiles};
pub use rejection::Rejection;
pub use server::{BoundServer, Server, serve};
#[cfg(feature = "local")]
pub use transport::HttpTransport;

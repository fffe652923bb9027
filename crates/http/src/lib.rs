#![doc = include_str!("../README.md")]
//!
//! The endpoint of a `module.yaml` is then `http://HOST:8000/statefun`.
//!
//! # Paths
//!
//! | path | answer |
//! |---|---|
//! | `POST /statefun` (any path with [`Options::any_path`]) | what the functions answer |
//! | `GET /` | the functions as JSON: states, accepted types, targets, egresses, failure policy |
//! | `GET /healthz` | 200 while the process lives |
//! | `GET /readyz` | 200; 503 once the server was told to end |
//! | `GET /metrics` | metrics for Prometheus |
//!
//! # Statuses
//!
//! | case | answer |
//! |---|---|
//! | result, or missing states | 200, `content-type: application/octet-stream` |
//! | undecodable or empty body, no invocation, no target | 400 |
//! | unknown function type, or no such path | 404 |
//! | another method than the path takes: POST, or GET and HEAD | 405 |
//! | body cut short by the client or a proxy, or none of it for a minute | 408 |
//! | body over [`Options::body_limit`] | 413 |
//! | another content type than `application/octet-stream` (none at all is taken) | 415 |
//! | a failure that fails its batch | 500 |
//! | draining, or more than [`Options::max_in_flight`] requests | 503 |
//!
//! All but the first have one line of text for a body: what was wrong and what was expected, never the payload.
//!
//! # Layout
//!
//! | module | what lives there |
//! |---|---|
//! | `options` | what a server can be told |
//! | `server`, `signals` | listening, draining; SIGTERM and SIGINT |
//! | `workers`, `connection` | the threads that serve connections; one of these |
//! | `writes`, `tls` | how answers leave; certificates |
//! | `router` | paths and methods |
//! | `invoke`, `body`, `refusal` | one request: its body, its answer, or why it gets none |
//! | `lifecycle`, `pace` | whether the server is ready, and how many requests are in flight; how many begin a second |
//! | `describe`, `metrics` | what `GET /` and `GET /metrics` tell |
//! | `error` | why a server cannot start, or ended early |
//! | `transport` (feature `local`) | the embedded runtime's way to a server |

mod body;
mod connection;
mod describe;
mod error;
mod invoke;
mod lifecycle;
mod metrics;
mod options;
mod pace;
mod refusal;
mod router;
mod server;
mod signals;
mod tls;
#[cfg(feature = "local")]
mod transport;
mod workers;
mod writes;

pub use error::ServeError;
pub use options::{Options, TlsOptions};
pub use router::router;
pub use server::{Server, serve};
#[cfg(feature = "local")]
pub use transport::HttpTransport;

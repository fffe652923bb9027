//! A server as a client sees it: bytes over sockets.

mod admin;
mod blocking;
mod connections;
mod drain;
mod limits;
mod logs;
mod metrics;
mod mounting;
mod pages;
mod requests;
#[cfg(unix)]
mod signals;
mod statuses;
mod support;
mod tls;
#[cfg(feature = "local")]
mod transport;

//! The embedded runtime, for tests and demos. Production is a StateFun cluster.

mod transport;

pub use transport::{Transport, TransportError};

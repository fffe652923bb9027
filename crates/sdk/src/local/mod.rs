//! The embedded runtime, for tests and demos. Production is a StateFun cluster.
//!
//! [`TestContext`] calls one function; [`LocalRuntime`] is the runtime's side of the protocol for several. Neither keeps
//! anything on disk, knows of other machines, or delivers exactly once over a crash: the cluster does.

mod emitted;
mod mailboxes;
mod refusal;
mod runtime;
mod states;
mod test_context;
mod timers;
mod transport;

pub use emitted::{Emitted, EmittedRecord};
pub use refusal::{LocalError, Refusal};
pub use runtime::{Exchange, LocalRuntime};
pub use test_context::{DelayedMessage, SentMessage, TestContext};
pub use transport::{Transport, TransportError};

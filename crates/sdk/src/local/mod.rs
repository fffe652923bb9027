//! The embedded runtime, for tests and demos. Production is a StateFun cluster.
//!
//! [`TestContext`] calls one function; [`LocalRuntime`] is the runtime's side of the protocol for several; [`Simulation`] runs them
//! under schedules of faults. None keeps anything on disk, knows of other machines, or delivers exactly once over a crash: the
//! cluster does.
//!
//! | module | contents |
//! |---|---|
//! | `test_context` | [`TestContext`]: one instance of one function |
//! | `runtime` | [`LocalRuntime`]: delivers messages in order, batches them, and applies responses |
//! | `simulation` | [`Simulation`]: failovers, lost responses, restarts, as a seed decides |
//! | `cluster` | what a response does to what the runtime keeps |
//! | `states`, `mailboxes`, `timers` | what the runtime keeps: states, waiting messages, delayed messages |
//! | `transport` | how requests reach the functions: in the process, or over a wire |
//! | `emitted` | records that were emitted |
//! | `violation` | what a cluster would reject of a response |

mod cluster;
mod emitted;
mod mailboxes;
mod runtime;
mod states;
mod test_context;
mod timers;
mod transport;
mod violation;

pub mod simulation;

pub use emitted::{Emitted, EmittedRecord};
pub use runtime::{Exchange, LocalRuntime};
pub use simulation::Simulation;
pub use test_context::{DelayedMessage, InvokeError, SentMessage, TestContext};
pub use transport::{Transport, TransportError};
pub use violation::{LocalError, Violation};

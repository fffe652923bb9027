//! What threads share, where the test `interleavings` tries the orders in which they meet: it compiles those modules with others in place
//! of these, before each step of which another thread may come.

pub(crate) use futures_util::task::AtomicWaker;
pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError, atomic};
pub(crate) use tokio::sync::Notify;

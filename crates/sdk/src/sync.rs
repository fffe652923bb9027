//! What threads share, where the test `interleavings` tries the orders in which they meet: it compiles that module with others in place
//! of these, before each step of which another thread may come.

pub(crate) use std::sync::atomic;
pub(crate) use tokio::sync::Notify;

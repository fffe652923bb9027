//! The threads that serve connections and run functions: a Tokio runtime of the server's own.

use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::{Builder, Handle, Runtime};

/// A multi-thread runtime. Dropping it does not wait for its tasks: a function that blocks its thread may never return.
pub(crate) struct Workers {
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Workers {
    pub(crate) fn start(threads: NonZeroUsize) -> io::Result<Self> {
        let number = AtomicUsize::new(0);
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads.get())
            .thread_name_fn(move || format!("statefun-{}", number.fetch_add(1, Ordering::Relaxed)))
            // The queue of a thread holds 256 tasks, any more go to the global one. By default that is looked at now and then, and
            // connections starve there once some hundreds are ready at a time: with 2048 that is most of their tail latency.
            .global_queue_interval(1)
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        Ok(Self { runtime: Some(runtime), handle })
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

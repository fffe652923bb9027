use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use ::metrics::Gauge;

use crate::refusal::Refusal;

const READY: u8 = 0;
const DRAINING: u8 = 1;
const CLOSED: u8 = 2;

/// Whether requests are taken, and how many are in flight.
pub(crate) struct Lifecycle {
    phase: AtomicU8,
    in_flight: AtomicUsize,
    max_in_flight: usize,
    gauge: Gauge,
}

/// A request that was let in, until it is dropped.
pub(crate) struct InFlight<'a>(&'a Lifecycle);

impl Lifecycle {
    pub(crate) fn new(max_in_flight: usize, gauge: Gauge) -> Self {
        Self { phase: AtomicU8::new(READY), in_flight: AtomicUsize::new(0), max_in_flight, gauge }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == READY
    }

    /// Readiness fails from now on; requests are still taken.
    pub(crate) fn drain(&self) {
        self.phase.store(DRAINING, Ordering::Relaxed);
    }

    /// No request is let in any more.
    pub(crate) fn close(&self) {
        self.phase.store(CLOSED, Ordering::Relaxed);
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Lets a request in.
    pub(crate) fn enter(&self) -> Result<InFlight<'_>, Refusal> {
        if self.phase.load(Ordering::Relaxed) == CLOSED {
            return Err(Refusal::Draining);
        }
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.gauge.increment(1.0);
        let entered = InFlight(self);
        if before < self.max_in_flight { Ok(entered) } else { Err(Refusal::Overloaded(self.max_in_flight)) }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.0.gauge.decrement(1.0);
    }
}

use std::fmt;
use std::sync::Arc;

use metrics::Gauge;

use crate::rejection::Rejection;
use crate::sync::Notify;
use crate::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

const READY: u8 = 0;
const DRAINING: u8 = 1;
const CLOSED: u8 = 2;

/// A handle to shut an [`Endpoint`](crate::Endpoint) down without losing a request. A [`Server`](crate::Server) does so by itself;
/// in your own server:
///
/// 1. [`start`](Self::start): `/readyz` fails, so that load balancers look elsewhere; requests are still served.
/// 2. [`close`](Self::close): new requests are rejected with 503, which the runtime retries.
/// 3. [`idle`](Self::idle): waits for those in flight.
///
/// A request is in flight until its response is made, not until it is written: let the HTTP server finish its connections, as
/// axum's `with_graceful_shutdown` does, before the process ends.
///
/// Clones are handles to the same endpoint.
#[derive(Clone)]
pub struct Drain(Arc<State>);

struct State {
    phase: AtomicU8,
    in_flight: AtomicUsize,
    max_in_flight: usize,
    idle: Notify,
    gauge: Gauge,
}

/// A request that was admitted, until it is dropped.
pub(crate) struct InFlight<'a>(&'a State);

impl Drain {
    pub(crate) fn new(max_in_flight: usize, gauge: Gauge) -> Self {
        let (phase, in_flight) = (AtomicU8::new(READY), AtomicUsize::new(0));
        Self(Arc::new(State { phase, in_flight, max_in_flight, idle: Notify::new(), gauge }))
    }

    /// Whether the endpoint is ready: neither [`start`](Self::start) nor [`close`](Self::close) was called.
    pub fn is_ready(&self) -> bool {
        self.0.phase.load(Ordering::Relaxed) == READY
    }

    /// Readiness fails from now on; requests are still served.
    pub fn start(&self) {
        self.0.phase.fetch_max(DRAINING, Ordering::Relaxed);
    }

    /// New requests are rejected from now on.
    pub fn close(&self) {
        self.0.phase.fetch_max(CLOSED, Ordering::SeqCst);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.phase.load(Ordering::Relaxed) == CLOSED
    }

    /// How many requests are in flight.
    pub fn in_flight(&self) -> usize {
        self.0.in_flight.load(Ordering::SeqCst)
    }

    /// Waits until no request is in flight; others may come unless the endpoint is [closed](Self::close). It takes as long as
    /// functions take. Dropping it changes nothing.
    pub async fn idle(&self) {
        loop {
            // Before the look at the counter: what ends in between wakes it.
            let idle = self.0.idle.notified();
            if self.in_flight() == 0 {
                return;
            }
            idle.await;
        }
    }

    /// Admits a request.
    pub(crate) fn enter(&self) -> Result<InFlight<'_>, Rejection> {
        // Counted before the phase is read, both in one order with `close` and `idle`: either `idle` sees this request, or this
        // request sees that the endpoint is closed.
        let before = self.0.in_flight.fetch_add(1, Ordering::SeqCst);
        self.0.gauge.increment(1.0);
        let entered = InFlight(&self.0);
        if self.0.phase.load(Ordering::SeqCst) == CLOSED {
            return Err(Rejection::Draining);
        }
        if before < self.0.max_in_flight { Ok(entered) } else { Err(Rejection::Overloaded(self.0.max_in_flight)) }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if self.0.in_flight.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.idle.notify_waiters();
        }
        self.0.gauge.decrement(1.0);
    }
}

impl fmt::Debug for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").field("ready", &self.is_ready()).field("in_flight", &self.in_flight()).finish()
    }
}

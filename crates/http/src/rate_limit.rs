use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};

/// How late a queued request may be and still use its own turn, in nanoseconds. A thread that was blocked for longer must not be
/// followed by a burst of overdue turns.
const LATEST: u64 = 10_000_000;

/// A rate limiter that delays requests rather than rejecting them. No request waits while there are fewer than the limit.
pub(crate) struct RateLimit {
    began: Instant,
    nanos_between: u64,
    /// One request waits for its turn, all others queue behind it. A turn is taken only when it is due, so that a cancelled
    /// request does not use one up.
    queue: Semaphore,
    /// The first turn that is free, in nanoseconds since `began`. The first of the queue alone writes it.
    free: AtomicU64,
}

impl RateLimit {
    pub(crate) fn new(requests_a_second: NonZeroU32) -> Self {
        let nanos_between = 1_000_000_000 / u64::from(requests_a_second.get());
        Self { began: Instant::now(), nanos_between, queue: Semaphore::new(1), free: AtomicU64::new(0) }
    }

    /// Waits until the next request may go on.
    pub(crate) async fn ready(&self) {
        let at_once = self.queue.try_acquire();
        let queued = at_once.is_err();
        let _first = match at_once {
            Ok(first) => Ok(first),
            Err(_) => self.queue.acquire().await,
        };
        // In 584 years.
        let now = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let free = self.free.load(Ordering::Relaxed);
        // Timers fire up to a millisecond late. A queued request uses its own turn even if that has passed; otherwise the rate would
        // stay below the limit.
        let turn = if queued { free.max(now.saturating_sub(LATEST)) } else { free.max(now) };
        if turn > now {
            sleep_until(self.began + Duration::from_nanos(turn)).await;
        }
        self.free.store(turn.saturating_add(self.nanos_between), Ordering::Relaxed);
    }
}

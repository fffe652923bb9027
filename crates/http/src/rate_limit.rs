use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};

/// A rate limiter that delays requests rather than rejecting them. No request waits while there are fewer than the limit.
pub(crate) struct RateLimit {
    began: Instant,
    nanos_between: u64,
    /// One request waits for its turn, all others behind it. A turn is taken when it has come, so that who goes away leaves
    /// its place to the next: were turns given out ahead, a wave of requests that gave up would keep all that follow waiting.
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
        // Timers are late by up to a millisecond: who has queued takes its turn though it be over, or they would be fewer
        // than the limit.
        let turn = if queued { free } else { free.max(now) };
        if turn > now {
            sleep_until(self.began + Duration::from_nanos(turn)).await;
        }
        self.free.store(turn.saturating_add(self.nanos_between), Ordering::Relaxed);
    }
}

//! At most so many requests a second.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::time::sleep_until;

/// Gives requests their turns: each the first that is free, so that none waits while there are fewer than the limit.
pub(crate) struct Pace {
    began: Instant,
    nanos_between: u64,
    /// The first turn that is free, in nanoseconds since `began`.
    free: AtomicU64,
}

impl Pace {
    pub(crate) fn new(requests_a_second: NonZeroU32) -> Self {
        let nanos_between = 1_000_000_000 / u64::from(requests_a_second.get());
        Self { began: Instant::now(), nanos_between, free: AtomicU64::new(0) }
    }

    /// Waits for a turn.
    pub(crate) async fn turn(&self) {
        // In 584 years.
        let now = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let mut free = self.free.load(Ordering::Relaxed);
        loop {
            let after = free.max(now).saturating_add(self.nanos_between);
            match self.free.compare_exchange_weak(free, after, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => break,
                Err(changed) => free = changed,
            }
        }
        if free > now {
            sleep_until((self.began + Duration::from_nanos(free)).into()).await;
        }
    }
}

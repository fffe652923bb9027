use std::fmt;
use std::sync::Arc;

use crate::sync::Notify;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// What a permit may hold of the last quarter of a budget, in bytes.
const SMALL: usize = 64 * 1024;

/// How many bytes requests and responses in flight may hold together, for a process whose memory is limited.
///
/// The last quarter of a budget is for permits of at most 64 KiB: large requests do not keep small ones out.
///
/// Clones share one budget.
#[derive(Clone)]
pub struct MemoryBudget(Arc<Budget>);

struct Budget {
    limit: usize,
    used: AtomicUsize,
    /// Told when bytes become free.
    freed: Notify,
}

/// A part of a [`MemoryBudget`], which is free again when it is dropped.
#[must_use]
pub struct MemoryPermit {
    budget: MemoryBudget,
    bytes: usize,
}

impl MemoryBudget {
    /// A budget of this many bytes.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Budget { limit: bytes, used: AtomicUsize::new(0), freed: Notify::new() }))
    }

    /// The whole budget, in bytes.
    pub fn limit(&self) -> usize {
        self.0.limit
    }

    /// How many bytes permits hold.
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    /// A permit of no bytes, to [grow](MemoryPermit::try_grow).
    pub fn permit(&self) -> MemoryPermit {
        MemoryPermit { budget: self.clone(), bytes: 0 }
    }
}

impl MemoryPermit {
    /// How many bytes it holds.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes this many bytes more, if they are free.
    pub fn try_grow(&mut self, bytes: usize) -> bool {
        let Budget { limit, used, .. } = &*self.budget.0;
        let whole = self.bytes.saturating_add(bytes);
        let most = if whole <= SMALL { *limit } else { limit / 4 * 3 };
        let grown = used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|used| *used <= most)
        });
        if grown.is_ok() {
            self.bytes = whole;
        }
        grown.is_ok()
    }

    /// Takes this many bytes more, as soon as they are free. Dropping the future takes nothing.
    pub async fn grow(&mut self, bytes: usize) {
        let budget = self.budget.clone();
        loop {
            // Before the look: what becomes free in between wakes it.
            let freed = budget.0.freed.notified();
            if self.try_grow(bytes) {
                return;
            }
            freed.await;
        }
    }
}

impl Drop for MemoryPermit {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.budget.0.used.fetch_sub(self.bytes, Ordering::Relaxed);
            self.budget.0.freed.notify_waiters();
        }
    }
}

impl fmt::Debug for MemoryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBudget").field("limit", &self.limit()).field("used", &self.used()).finish()
    }
}

impl fmt::Debug for MemoryPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryPermit").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

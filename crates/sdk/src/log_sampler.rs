use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often a cause is logged at most.
const INTERVAL: Duration = Duration::from_secs(1);

/// Lets one log line of a cause through in a second, and counts those that it holds back: who sends messages must not be able to
/// fill the log.
///
/// ```
/// # use statefun_sdk::LogSampler;
/// static UNKNOWN_COUPON: LogSampler = LogSampler::new();
///
/// fn warn(coupon: &str) {
///     if let Some(suppressed) = UNKNOWN_COUPON.sample() {
///         eprintln!("unknown coupon {coupon:?}, and {suppressed} more since the last of these lines");
///     }
/// }
/// # warn("a");
/// ```
#[derive(Debug)]
pub struct LogSampler {
    /// When the next line may come, in milliseconds since the first sample of the process.
    next: AtomicU64,
    suppressed: AtomicU64,
}

impl LogSampler {
    /// A sampler of one cause.
    pub const fn new() -> Self {
        Self { next: AtomicU64::new(0), suppressed: AtomicU64::new(0) }
    }

    /// Whether a line may come now: then how many were held back since the last one.
    pub fn sample(&self) -> Option<u64> {
        static BEGAN: OnceLock<Instant> = OnceLock::new();
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let now = millis(BEGAN.get_or_init(Instant::now).elapsed());
        let due = self
            .next
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| (now >= next).then_some(now + millis(INTERVAL)));
        if due.is_ok() {
            return Some(self.suppressed.swap(0, Ordering::Relaxed));
        }
        self.suppressed.fetch_add(1, Ordering::Relaxed);
        None
    }
}

impl Default for LogSampler {
    fn default() -> Self {
        Self::new()
    }
}

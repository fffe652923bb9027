//! Schedules records by rate and delays.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The maximum delay that a rate catches up with.
const MAX_CATCH_UP: Duration = Duration::from_secs(1);

/// Records per second; on the command line `N` or `N/s`.
///
/// ```
/// use statefun_cli::schedule::Rate;
///
/// assert_eq!("200/s".parse::<Rate>(), "200".parse());
/// assert!("0/s".parse::<Rate>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate(Duration);

impl Rate {
    /// The interval between records.
    pub fn every(self) -> Duration {
        self.0
    }
}

impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let number: f64 = text.strip_suffix("/s").unwrap_or(text).parse().map_err(|_| InvalidRate)?;
        if !number.is_finite() || number <= 0.0 {
            return Err(InvalidRate);
        }
        Duration::try_from_secs_f64(1.0 / number).map(Self).map_err(|_| InvalidRate)
    }
}

/// Error parsing a [`Rate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidRate;

impl fmt::Display for InvalidRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected records per second, such as 200/s or 0.5/s")
    }
}

impl std::error::Error for InvalidRate {}

/// Schedules records by a rate and delays.
#[derive(Debug)]
pub struct Schedule {
    every: Duration,
    between: Duration,
    last: Instant,
}

impl Schedule {
    /// A schedule with this rate; without one, records are sent as fast as possible.
    pub fn new(rate: Option<Rate>) -> Self {
        Self { every: rate.map_or(Duration::ZERO, |Rate(every)| every), between: Duration::ZERO, last: Instant::now() }
    }

    /// Delays the next record, once.
    pub fn delay(&mut self, delay: Duration) {
        self.last = self.last.max(Instant::now()) + delay;
    }

    /// Delays every later record.
    pub fn delay_between(&mut self, delay: Duration) {
        self.between = delay;
    }

    /// Waits until the next record is due.
    pub async fn wait(&mut self) {
        let due = self.last + self.every.max(self.between);
        sleep_until(due).await;
        // A rate applies on average, a delay between any two records.
        let catch_up = if self.between.is_zero() { MAX_CATCH_UP } else { Duration::ZERO };
        let now = Instant::now();
        self.last = due.max(now.checked_sub(catch_up).unwrap_or(now));
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, sleep};

    use super::*;

    fn rate(text: &str) -> Rate {
        text.parse().expect("a rate")
    }

    #[test]
    fn an_invalid_rate_is_an_error() {
        for text in ["", "fast", "-1", "0", "NaN", "inf", "10/m", "1e-300"] {
            assert_eq!(text.parse::<Rate>(), Err(InvalidRate), "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_nothing_waits() {
        let start = Instant::now();
        let mut schedule = Schedule::new(None);
        for _ in 0..1_000 {
            schedule.wait().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_kept_on_the_average() {
        let start = Instant::now();
        let mut schedule = Schedule::new(Some(rate("100/s")));
        for _ in 0..50 {
            schedule.wait().await;
        }
        advance(Duration::from_millis(300)).await;
        for _ in 0..50 {
            schedule.wait().await;
        }
        assert_eq!(start.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_long_stop_a_rate_does_not_catch_up_all_of_it() {
        let mut schedule = Schedule::new(Some(rate("10")));
        sleep(Duration::from_secs(60)).await;
        let start = Instant::now();
        for _ in 0..31 {
            schedule.wait().await;
        }
        assert_eq!(start.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn delays_add_up_as_in_the_demo() {
        let start = Instant::now();
        let mut schedule = Schedule::new(None);
        schedule.wait().await;
        schedule.delay(Duration::from_secs(1));
        schedule.delay_between(Duration::from_millis(500));
        schedule.wait().await;
        assert_eq!(start.elapsed(), Duration::from_millis(1_500));
        advance(Duration::from_secs(10)).await;
        schedule.wait().await;
        schedule.wait().await;
        assert_eq!(start.elapsed(), Duration::from_secs(12));
        schedule.delay_between(Duration::ZERO);
        schedule.wait().await;
        assert_eq!(start.elapsed(), Duration::from_secs(12));
    }
}

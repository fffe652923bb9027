//! When the next record may go.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How far a rate may lag behind and catch up again.
const SLACK: Duration = Duration::from_secs(1);

/// Records a second; on the command line `N` or `N/s`.
///
/// ```
/// use statefun_tools::pace::Rate;
///
/// assert_eq!("200/s".parse::<Rate>(), "200".parse());
/// assert!("0/s".parse::<Rate>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate(Duration);

impl Rate {
    /// The time from one record to the next.
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

/// A text that is no [`Rate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidRate;

impl fmt::Display for InvalidRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected records a second, such as 200/s or 0.5/s")
    }
}

impl std::error::Error for InvalidRate {}

/// Keeps to a rate and to delays.
#[derive(Debug)]
pub struct Pace {
    every: Duration,
    between: Duration,
    last: Instant,
}

impl Pace {
    /// As fast as can be, unless there is a rate.
    pub fn new(rate: Option<Rate>) -> Self {
        Self { every: rate.map_or(Duration::ZERO, |Rate(every)| every), between: Duration::ZERO, last: Instant::now() }
    }

    /// Waits this long, once.
    pub fn delay(&mut self, delay: Duration) {
        self.last = self.last.max(Instant::now()) + delay;
    }

    /// Waits this long before every later record.
    pub fn delay_between(&mut self, delay: Duration) {
        self.between = delay;
    }

    /// Waits until the next record may go.
    pub async fn turn(&mut self) {
        let due = self.last + self.every.max(self.between);
        sleep_until(due).await;
        // A rate is kept on the average, a delay between any two records.
        let slack = if self.between.is_zero() { SLACK } else { Duration::ZERO };
        let now = Instant::now();
        self.last = due.max(now.checked_sub(slack).unwrap_or(now));
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
    fn what_is_no_rate_is_refused() {
        for text in ["", "fast", "-1", "0", "NaN", "inf", "10/m", "1e-300"] {
            assert_eq!(text.parse::<Rate>(), Err(InvalidRate), "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_nothing_waits() {
        let start = Instant::now();
        let mut pace = Pace::new(None);
        for _ in 0..1_000 {
            pace.turn().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_kept_on_the_average() {
        let start = Instant::now();
        let mut pace = Pace::new(Some(rate("100/s")));
        for _ in 0..50 {
            pace.turn().await;
        }
        advance(Duration::from_millis(300)).await;
        for _ in 0..50 {
            pace.turn().await;
        }
        assert_eq!(start.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_long_stop_a_rate_does_not_catch_up_all_of_it() {
        let mut pace = Pace::new(Some(rate("10")));
        sleep(Duration::from_secs(60)).await;
        let start = Instant::now();
        for _ in 0..31 {
            pace.turn().await;
        }
        assert_eq!(start.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn delays_add_up_as_in_the_demo() {
        let start = Instant::now();
        let mut pace = Pace::new(None);
        pace.turn().await;
        pace.delay(Duration::from_secs(1));
        pace.delay_between(Duration::from_millis(500));
        pace.turn().await;
        assert_eq!(start.elapsed(), Duration::from_millis(1_500));
        advance(Duration::from_secs(10)).await;
        pace.turn().await;
        pace.turn().await;
        assert_eq!(start.elapsed(), Duration::from_secs(12));
        pace.delay_between(Duration::ZERO);
        pace.turn().await;
        assert_eq!(start.elapsed(), Duration::from_secs(12));
    }
}

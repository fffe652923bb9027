//! The destination of records, and their deliveries.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use statefun_sdk::BoxError;

/// The most failures that are reported individually.
const MAX_REPORTED: usize = 10;

/// A record to send. Neither key nor value can be null: the runtime's ingresses would fail the whole job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The number of the record's line.
    pub line: u64,
    /// The id of the target function.
    pub key: String,
    /// The value's bytes.
    pub value: Vec<u8>,
}

/// Sends records; those of one key stay in order.
pub trait Sink {
    /// Sends a record; waits while too many are in flight. The [`Deliveries`] get the result.
    ///
    /// # Errors
    /// When the record is invalid and can never be sent.
    fn send(&mut self, record: Record) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Waits until every record is either confirmed or failed.
    fn finish(self) -> impl Future<Output = ()> + Send;
}

/// Counts confirmed and failed records.
#[derive(Debug, Clone)]
pub struct Deliveries(Arc<Tally>);

#[derive(Debug)]
struct Tally {
    what: &'static str,
    confirmed: AtomicU64,
    failed: AtomicU64,
    failures: Mutex<Vec<String>>,
}

/// Deliveries of lines.
impl Default for Deliveries {
    fn default() -> Self {
        Self::of("line")
    }
}

impl Deliveries {
    /// Deliveries of `what`, such as lines.
    pub fn of(what: &'static str) -> Self {
        let (confirmed, failed, failures) = Default::default();
        Self(Arc::new(Tally { what, confirmed, failed, failures }))
    }

    /// Counts a confirmed record.
    pub fn confirm(&self) {
        self.0.confirmed.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts the record of this line as failed.
    pub fn fail(&self, line: u64, reason: &str) {
        self.0.failed.fetch_add(1, Ordering::Relaxed);
        let mut failures = self.0.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() < MAX_REPORTED {
            failures.push(format!("{} {line}: not delivered: {reason}", self.0.what));
        }
    }

    /// The number of confirmed records.
    pub fn confirmed(&self) -> u64 {
        self.0.confirmed.load(Ordering::Relaxed)
    }

    /// The number of failed records.
    pub fn failed(&self) -> u64 {
        self.0.failed.load(Ordering::Relaxed)
    }

    /// The report of failures, one per line: the first ones and the number of the others.
    pub fn failures(&self) -> Vec<String> {
        let mut failures = self.0.failures.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let more = self.failed() - failures.len() as u64;
        if more > 0 {
            failures.push(format!("and {more} more"));
        }
        failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failures_are_reported_and_the_others_counted() {
        let deliveries = Deliveries::default();
        deliveries.confirm();
        for line in 1..=12 {
            deliveries.fail(line, "too large");
        }
        assert_eq!((deliveries.confirmed(), deliveries.failed()), (1, 12));
        let failures = deliveries.failures();
        assert_eq!(failures.len(), 11);
        assert_eq!(failures[0], "line 1: not delivered: too large");
        assert_eq!(failures[10], "and 2 more");
    }
}

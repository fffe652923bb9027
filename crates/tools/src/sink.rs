//! Where records go, and what became of them.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::BoxError;

/// How many failures are told one by one.
const TOLD: usize = 10;

/// A record to send. Neither its key nor its value can be null: the runtime's ingresses fail the whole job for those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The number of the line that it comes from.
    pub line: u64,
    /// The id of the function that it is for.
    pub key: String,
    /// The bytes.
    pub value: Vec<u8>,
}

/// Sends records, those of one key in order.
pub trait Sink {
    /// Takes a record; waits while too many are under way. What becomes of it goes to the [`Deliveries`].
    ///
    /// # Errors
    /// When no such record could ever be sent.
    fn send(&mut self, record: Record) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Waits until every record is either confirmed or given up.
    fn finish(self) -> impl Future<Output = ()> + Send;
}

/// What became of the records.
#[derive(Debug, Clone)]
pub struct Deliveries(Arc<Tally>);

#[derive(Debug)]
struct Tally {
    what: &'static str,
    confirmed: AtomicU64,
    failed: AtomicU64,
    failures: Mutex<Vec<String>>,
}

/// Of records that come from lines.
impl Default for Deliveries {
    fn default() -> Self {
        Self::of("line")
    }
}

impl Deliveries {
    /// Of records that come from `what`, such as lines.
    pub fn of(what: &'static str) -> Self {
        let (confirmed, failed, failures) = Default::default();
        Self(Arc::new(Tally { what, confirmed, failed, failures }))
    }

    /// One more is stored.
    pub fn confirm(&self) {
        self.0.confirmed.fetch_add(1, Ordering::Relaxed);
    }

    /// The record of this line was given up.
    pub fn fail(&self, line: u64, reason: &str) {
        self.0.failed.fetch_add(1, Ordering::Relaxed);
        let mut failures = self.0.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() < TOLD {
            failures.push(format!("{} {line}: not delivered: {reason}", self.0.what));
        }
    }

    /// How many are stored.
    pub fn confirmed(&self) -> u64 {
        self.0.confirmed.load(Ordering::Relaxed)
    }

    /// How many were given up.
    pub fn failed(&self) -> u64 {
        self.0.failed.load(Ordering::Relaxed)
    }

    /// The failures in words, a line each: the first ones and how many more there are.
    pub fn failures(&self) -> Vec<String> {
        let mut told = self.0.failures.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let more = self.failed() - told.len() as u64;
        if more > 0 {
            told.push(format!("and {more} more"));
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failures_are_told_and_the_others_counted() {
        let deliveries = Deliveries::default();
        deliveries.confirm();
        for line in 1..=12 {
            deliveries.fail(line, "too large");
        }
        assert_eq!((deliveries.confirmed(), deliveries.failed()), (1, 12));
        let told = deliveries.failures();
        assert_eq!(told.len(), 11);
        assert_eq!(told[0], "line 1: not delivered: too large");
        assert_eq!(told[10], "and 2 more");
    }
}

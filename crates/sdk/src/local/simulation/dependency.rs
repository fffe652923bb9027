use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use super::choices::Choices;
use super::{Fault, FaultCounts};

/// How long a slow call takes at most, in steps of the schedule.
const SLOWEST: usize = 30;

/// Where a fake of a dependency asks the schedule what becomes of a call: a service over HTTP, a database. Clones ask the same
/// schedule.
///
/// ```
/// # use statefun_sdk::local::simulation::{Dependency, Unavailable};
/// struct FakeScores(Dependency);
///
/// impl FakeScores {
///     async fn score(&self, _account: &str) -> Result<i32, Unavailable> {
///         self.0.call("scores").await?; // may fail, and may take long
///         Ok(99)
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Dependency(Arc<Mutex<Calls>>);

pub(super) struct Calls {
    choices: Choices,
    /// How many calls may still fail or be slow.
    pub(super) left: FaultCounts,
    pub(super) made: FaultCounts,
    /// Which step the schedule is at, and at which the last slow call is over.
    pub(super) step: u64,
    slow_until: u64,
    /// How many calls there were, and what became of those that went wrong since this was looked at.
    pub(super) count: u64,
    pub(super) events: Vec<String>,
}

impl Dependency {
    pub(super) fn new(seed: u64, left: FaultCounts) -> Self {
        let calls = Calls {
            choices: Choices::new(seed),
            left,
            made: FaultCounts::default(),
            step: 0,
            slow_until: 0,
            count: 0,
            events: Vec::new(),
        };
        Self(Arc::new(Mutex::new(calls)))
    }

    pub(super) fn calls(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call of what `name` says, which is for the timeline. A fake that calls it before it does something was not reached where
    /// this fails; one that calls it afterwards was, and its answer was lost.
    ///
    /// # Errors
    /// Where the schedule has the call fail.
    pub async fn call(&self, name: &str) -> Result<(), Unavailable> {
        let until = {
            let mut calls = self.calls();
            calls.count += 1;
            let slow = calls.goes_wrong(Fault::SlowDependency, name);
            let steps = calls.choices.below(SLOWEST);
            let until = calls.step + 1 + steps as u64;
            if slow {
                calls.slow_until = until.max(calls.slow_until);
            }
            slow.then_some(until)
        };
        if let Some(until) = until {
            // The schedule polls it at each of its steps.
            poll_fn(|_| if self.calls().step >= until { Poll::Ready(()) } else { Poll::Pending }).await;
        }
        match self.calls().goes_wrong(Fault::FailingDependency, name) {
            true => Err(Unavailable(name.to_owned())),
            false => Ok(()),
        }
    }
}

impl Calls {
    /// Whether a call may take some more steps.
    pub(super) fn is_slow(&self) -> bool {
        self.step < self.slow_until
    }

    fn goes_wrong(&mut self, fault: Fault, name: &str) -> bool {
        let wrong = self.choices.chance(2) && self.left.take(fault);
        if wrong {
            self.made.count(fault);
            let what = if fault == Fault::SlowDependency { "takes long" } else { "fails" };
            self.events.push(format!("a call of {name} {what}"));
        }
        wrong
    }
}

impl fmt::Debug for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dependency").finish_non_exhaustive()
    }
}

/// A call of a [`Dependency`] failed as the schedule wanted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable(String);

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is unavailable", self.0)
    }
}

impl std::error::Error for Unavailable {}

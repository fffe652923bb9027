use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Rejects calls of a service that is down. After some consecutive failures it opens: calls are rejected for the cool-down. Then it is
/// half-open: one call is admitted as a probe, whose outcome closes it or opens it again, and the others are rejected meanwhile.
///
/// The crates for this admit every call while half-open, or bring a framework.
pub(super) struct CircuitBreaker {
    failures_to_open: usize,
    cool_down: Duration,
    state: Mutex<State>,
}

enum State {
    Closed { failures: usize },
    Open { until: Instant },
    HalfOpen,
}

/// A call that was admitted. Dropped without an outcome, it was cancelled.
pub(super) struct Admitted<'a> {
    breaker: &'a CircuitBreaker,
    is_probe: bool,
}

impl CircuitBreaker {
    pub(super) fn new(failures_to_open: usize, cool_down: Duration) -> Self {
        Self { failures_to_open, cool_down, state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// Admits a call, or rejects it.
    pub(super) fn admit(&self) -> Option<Admitted<'_>> {
        let mut state = self.state();
        let is_probe = match *state {
            State::Closed { .. } => false,
            State::Open { until } if until <= Instant::now() => true,
            State::Open { .. } | State::HalfOpen => return None,
        };
        if is_probe {
            *state = State::HalfOpen;
        }
        Some(Admitted { breaker: self, is_probe })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> State {
        State::Open { until: Instant::now() + self.cool_down }
    }
}

impl Admitted<'_> {
    pub(super) fn succeeded(mut self) {
        let mut state = self.breaker.state();
        // What began before it opened says nothing of the service now.
        if self.is_probe || matches!(*state, State::Closed { .. }) {
            *state = State::Closed { failures: 0 };
        }
        self.is_probe = false;
    }

    pub(super) fn failed(mut self) {
        let mut state = self.breaker.state();
        match &mut *state {
            State::Closed { failures } if *failures + 1 < self.breaker.failures_to_open => *failures += 1,
            State::Closed { .. } => *state = self.breaker.open(),
            State::Open { .. } | State::HalfOpen if self.is_probe => *state = self.breaker.open(),
            State::Open { .. } | State::HalfOpen => {}
        }
        self.is_probe = false;
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        if self.is_probe {
            // The next call is the probe.
            *self.breaker.state() = State::Open { until: Instant::now() };
        }
    }
}

//! How many dead letters a function may make: a release that fails at every message must not drain a stream.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

/// How many of the last [`WINDOW`] messages may become dead letters.
pub(crate) const MOST: usize = 100;

/// The messages among which dead letters are counted.
pub(crate) const WINDOW: u64 = 1000;

/// How long there has to be no attempt to make a dead letter before an exhausted budget is full again.
pub(crate) const REST: Duration = Duration::from_secs(10 * 60);

/// How many dead letters a function made of its last 1,000 messages, in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DeadLetterUsage {
    /// Dead letters among the last 1,000 messages, those of batches at work included.
    pub used: usize,
    /// How many there may be.
    pub limit: usize,
    /// Whether one more was asked for: until ten minutes pass without another attempt, batches that would make dead letters
    /// fail instead.
    pub exhausted: bool,
}

#[derive(Debug, Default)]
pub(crate) struct DeadLetterBudget {
    /// How many messages were handled.
    handled: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Those made, as their positions among the messages handled.
    made: VecDeque<u64>,
    /// Those that batches at work have claimed.
    claimed: usize,
    /// The last attempt, once the budget is exhausted.
    exhausted: Option<Instant>,
}

impl State {
    fn forget(&mut self, before: u64) {
        while self.made.front().is_some_and(|position| *position < before) {
            self.made.pop_front();
        }
    }
}

impl DeadLetterBudget {
    pub(crate) fn claims(&self) -> Claims<'_> {
        Claims { budget: self, positions: Vec::new() }
    }

    pub(crate) fn usage(&self) -> DeadLetterUsage {
        let handled = self.handled.load(Ordering::Relaxed);
        let mut state = self.state();
        state.forget(handled.saturating_sub(WINDOW));
        let exhausted = state.exhausted.is_some_and(|last| last.elapsed() < REST);
        DeadLetterUsage { used: state.made.len() + state.claimed, limit: MOST, exhausted }
    }

    /// What panics while it holds the lock leaves counts, which are true at any time.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The dead letters of a batch at work: dropped with the batch, or made when it succeeds.
pub(crate) struct Claims<'a> {
    budget: &'a DeadLetterBudget,
    /// The message of each, as its position in the batch.
    positions: Vec<u64>,
}

impl Claims<'_> {
    /// Claims a dead letter for the message at this position of the batch. Says whether the budget allows it.
    pub(crate) fn claim(&mut self, position: u64) -> bool {
        let handled = self.budget.handled.load(Ordering::Relaxed);
        let window = (handled + position + 1).saturating_sub(WINDOW);
        let mut state = self.budget.state();
        if let Some(last) = state.exhausted {
            if last.elapsed() < REST {
                state.exhausted = Some(Instant::now());
                return false;
            }
            *state = State { claimed: state.claimed, ..State::default() };
        }
        state.forget(window);
        // Of this batch, those within the window; of the others at work all.
        let begin = (position + 1).saturating_sub(WINDOW);
        let own = self.positions.iter().filter(|own| **own >= begin).count();
        let others = state.claimed.saturating_sub(self.positions.len());
        if state.made.len() + others + own >= MOST {
            state.exhausted = Some(Instant::now());
            return false;
        }
        state.claimed += 1;
        self.positions.push(position);
        true
    }

    pub(crate) fn len(&self) -> usize {
        self.positions.len()
    }

    /// Gives all but the first `len` back.
    pub(crate) fn truncate(&mut self, len: usize) {
        let returned = self.positions.len().saturating_sub(len);
        if returned > 0 {
            self.budget.state().claimed -= returned;
            self.positions.truncate(len);
        }
    }

    /// The batch has succeeded, with this many messages.
    pub(crate) fn made(mut self, messages: usize) {
        let before = self.budget.handled.fetch_add(messages as u64, Ordering::Relaxed);
        if self.positions.is_empty() {
            return;
        }
        let mut state = self.budget.state();
        state.claimed -= self.positions.len();
        state.made.extend(self.positions.drain(..).map(|position| before + position));
        state.forget((before + messages as u64).saturating_sub(WINDOW));
    }
}

impl Drop for Claims<'_> {
    fn drop(&mut self) {
        self.truncate(0);
    }
}

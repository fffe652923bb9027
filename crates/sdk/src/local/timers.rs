//! Delayed messages and the virtual clock.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use super::Violation;
use super::mailboxes::Pending;
use crate::Address;
use crate::protocol::reqreply::from_function::DelayedInvocation;

#[derive(Debug, Clone, Default)]
pub(super) struct Timers {
    now: Duration,
    /// By due time, then in the order in which they were set.
    timers: BTreeMap<(Duration, u64), Timer>,
    set_so_far: u64,
    /// The runtime keeps tokens under the id of the sender alone, whatever its function type (runtime: `KeyBy`).
    tokens: BTreeMap<(String, Bytes), (Duration, u64)>,
}

#[derive(Debug, Clone)]
struct Timer {
    target: Address,
    message: Pending,
    token: Option<(String, Bytes)>,
}

impl Timers {
    pub(super) fn now(&self) -> Duration {
        self.now
    }

    pub(super) fn next(&self) -> Option<Duration> {
        self.timers.first_key_value().map(|(&(due, _), _)| due)
    }

    /// Checks delayed messages and cancellations, in their order, without doing them.
    pub(super) fn check(&self, sender: &Address, delayed: &[DelayedInvocation]) -> Result<(), Violation> {
        let mut changed = BTreeMap::new();
        for message in delayed {
            let token = &message.cancellation_token;
            if message.is_cancellation_request {
                if token.is_empty() {
                    return Err(Violation::EmptyToken);
                }
                changed.insert(token, false);
                continue;
            }
            if message.delay_in_ms < 0 {
                return Err(Violation::NegativeDelay(message.delay_in_ms));
            }
            if token.is_empty() {
                continue;
            }
            let pending = match changed.get(token) {
                Some(&pending) => pending,
                None => self.tokens.contains_key(&(sender.id().to_string(), token.clone())),
            };
            if pending {
                let token = String::from_utf8_lossy(token).into_owned();
                return Err(Violation::PendingToken { id: sender.id().to_string(), token });
            }
            changed.insert(token, true);
        }
        Ok(())
    }

    /// Sets a timer for a message that was checked.
    pub(super) fn set(&mut self, sender: &Address, target: Address, delayed: DelayedInvocation) {
        let delay = Duration::from_millis(delayed.delay_in_ms.unsigned_abs());
        let key = (self.now.saturating_add(delay), self.set_so_far);
        self.set_so_far += 1;
        let token = delayed.cancellation_token;
        let token = (!token.is_empty()).then(|| (sender.id().to_string(), token));
        if let Some(token) = &token {
            self.tokens.insert(token.clone(), key);
        }
        let message = Pending { caller: Some(sender.clone()), argument: delayed.argument };
        self.timers.insert(key, Timer { target, message, token });
    }

    /// Cancels what `sender`'s id has pending under a token, if anything.
    pub(super) fn cancel(&mut self, sender: &Address, token: Bytes) {
        if let Some(key) = self.tokens.remove(&(sender.id().to_string(), token)) {
            self.timers.remove(&key);
        }
    }

    /// Moves the clock forward; it never goes back.
    pub(super) fn move_to(&mut self, moment: Duration) {
        self.now = self.now.max(moment);
    }

    /// The next message that is due by now.
    pub(super) fn take_due(&mut self) -> Option<(Address, Pending)> {
        let entry = self.timers.first_entry()?;
        if entry.key().0 > self.now {
            return None;
        }
        let timer = entry.remove();
        if let Some(token) = timer.token {
            self.tokens.remove(&token);
        }
        Some((timer.target, timer.message))
    }
}

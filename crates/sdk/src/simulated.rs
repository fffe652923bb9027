//! What stands in for randomness and the clock while a [`Simulation`](crate::local::Simulation) polls functions: a schedule must be the
//! same each time.

use std::cell::Cell;

/// Tokens of one request: they differ from those of any other, and are the same when it is repeated.
#[derive(Clone, Copy)]
pub(crate) struct Tokens {
    request: u64,
    number: u64,
}

thread_local! {
    static TOKENS: Cell<Option<Tokens>> = const { Cell::new(None) };
}

impl Tokens {
    pub(crate) fn of(request: u64) -> Self {
        Self { request, number: 0 }
    }

    /// The same ones, from the first on.
    pub(crate) fn again(self) -> Self {
        Self::of(self.request)
    }

    /// Polls functions, which may ask for tokens.
    pub(crate) fn during<R>(&mut self, poll: impl FnOnce() -> R) -> R {
        let before = TOKENS.replace(Some(*self));
        let result = poll();
        *self = TOKENS.replace(before).unwrap_or(*self);
        result
    }
}

/// Whether functions of a simulation are polled by this thread: no batch yields for its time then.
pub(crate) fn is_on() -> bool {
    TOKENS.get().is_some()
}

pub(crate) fn next_token() -> Option<String> {
    let mut tokens = TOKENS.get()?;
    tokens.number += 1;
    TOKENS.set(Some(tokens));
    Some(format!("{:016x}-{}", tokens.request, tokens.number))
}

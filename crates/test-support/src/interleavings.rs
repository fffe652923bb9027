//! Orders in which threads take their steps, chosen by shuttle.

use std::task::Waker;

use futures_util::task;
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::sync::atomic::{AtomicBool, Ordering};
use shuttle::{Config, Runner};
use tokio::sync;
use tokio::sync::futures::Notified;

/// Runs a test whose threads, atomics and locks are shuttle's, in as many orders as `INTERLEAVINGS_SCHEDULES` says (default: 2000),
/// chosen by the seed `INTERLEAVINGS_SEED` (0). Half of them are random; the others let one thread run for long, and interrupt it at
/// a few steps.
///
/// A failure prints the order that led to it: in `INTERLEAVINGS_REPLAY`, the test runs in that order alone.
pub fn check(test: impl Fn() + Copy + Send + Sync + 'static) {
    if let Ok(order) = std::env::var("INTERLEAVINGS_REPLAY") {
        return shuttle::replay(test, &order);
    }
    let (seed, schedules) = (variable("INTERLEAVINGS_SEED", 0), variable("INTERLEAVINGS_SCHEDULES", 2000));
    run(RandomScheduler::new_from_seed(seed, schedules as usize / 2), test);
    run(PctScheduler::new_from_seed(seed, 3, schedules as usize / 2), test);
}

fn run(scheduler: impl Scheduler + 'static, test: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::new();
    // That all atomics are as if they were `SeqCst`.
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(test);
}

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value}")))
}

/// Tokio's, each call of which is one step.
#[derive(Debug, Default)]
pub struct Notify(sync::Notify);

impl Notify {
    /// As Tokio's.
    pub fn new() -> Self {
        Self::default()
    }

    /// As Tokio's.
    pub fn notified(&self) -> Notified<'_> {
        step();
        self.0.notified()
    }

    /// As Tokio's.
    pub fn notify_waiters(&self) {
        step();
        self.0.notify_waiters();
    }
}

/// That of futures, each call of which is one step.
#[derive(Debug, Default)]
pub struct AtomicWaker(task::AtomicWaker);

impl AtomicWaker {
    /// As that of futures.
    pub fn new() -> Self {
        Self::default()
    }

    /// As that of futures.
    pub fn register(&self, waker: &Waker) {
        step();
        self.0.register(waker);
    }

    /// As that of futures.
    pub fn wake(&self) {
        step();
        self.0.wake();
    }
}

/// Another thread may come first: before each use of an atomic of shuttle.
fn step() {
    AtomicBool::new(false).load(Ordering::SeqCst);
}

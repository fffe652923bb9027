use std::fmt;
use std::time::Duration;

use super::{FaultCounts, Schedule};

/// A property that does not hold, with the smallest schedule that was found for it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Failure {
    /// The schedule, for [`Simulation::replay`](super::Simulation::replay).
    pub schedule: Schedule,
    /// The property.
    pub property: String,
    /// What was wrong.
    pub reason: String,
    /// How many schedules were run until the property failed for the first time.
    pub found_after: u64,
    /// How many messages the schedule sends.
    pub messages: usize,
    /// The faults in it.
    pub faults: FaultCounts,
    /// What happened, step by step.
    pub timeline: Timeline,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { schedule, property, reason, found_after, messages, faults, timeline } = self;
        writeln!(f, "{property}: {reason}")?;
        write!(f, "found by schedule {found_after}; made smaller, it has {messages} messages and ")?;
        let faults: Vec<_> = faults.iter().map(|(fault, count)| format!("{count} {fault}")).collect();
        writeln!(f, "{}", if faults.is_empty() { "no fault".to_owned() } else { faults.join(", ") })?;
        writeln!(f, "\n{timeline}\nrun it again with .replay(\"{schedule}\")")
    }
}

impl std::error::Error for Failure {}

/// What happened in a schedule, step by step. It displays as a line each: the virtual time, and what happened.
#[derive(Debug, Clone, Default)]
pub struct Timeline(pub(super) Vec<(Duration, String)>);

impl Timeline {
    /// The steps, each with its virtual time.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = (Duration, &str)> {
        self.0.iter().map(|(time, step)| (*time, step.as_str()))
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (time, step) in &self.0 {
            writeln!(f, "{:>10}  {step}", format!("{time:?}"))?;
        }
        Ok(())
    }
}

/// What was run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Schedules, in which all properties held.
    pub schedules: u64,
    /// Requests to functions, without those that only check a response.
    pub requests: u64,
    /// Messages in responses that were applied, and not undone.
    pub messages: u64,
    /// Faults.
    pub faults: FaultCounts,
}

impl Report {
    pub(super) fn add(&mut self, other: &Self) {
        self.schedules += other.schedules;
        self.requests += other.requests;
        self.messages += other.messages;
        self.faults.add(&other.faults);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { schedules, requests, messages, faults } = self;
        write!(f, "{schedules} schedules held: {requests} requests, {messages} messages")?;
        faults.iter().try_for_each(|(fault, count)| write!(f, ", {count} {fault}"))
    }
}

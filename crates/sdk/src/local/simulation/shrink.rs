//! Fewer messages and faults with the same failure.
//!
//! A schedule with a message less is another one: what its seed decides no longer meets what it met. So for each smaller set a
//! number of seeds is tried, the failing one's first.

use super::choices::Choices;
use super::world::Broken;
use super::{Failure, Fault, Schedule, Simulation};

/// How many seeds are tried for a smaller set of messages or faults.
const TRIES: u64 = 60;

/// How many schedules are run in all to make one smaller.
const MOST: u64 = 5_000;

/// A schedule that fails, as small as it was found so far.
struct Smallest<'a, W> {
    simulation: &'a Simulation<W>,
    schedule: Schedule,
    broken: Broken,
    left: u64,
}

impl<W: 'static> Simulation<W> {
    pub(super) fn shrink(&self, schedule: Schedule, broken: Broken, found_after: u64) -> Failure {
        let mut smallest = Smallest { simulation: self, schedule, broken, left: MOST };
        smallest.drop_messages();
        if smallest.schedule.seed.is_some() {
            smallest.drop_faults();
            // Without some faults, some more messages may not be needed.
            smallest.drop_messages();
            smallest.drop_steps();
        }
        self.failure(&smallest.schedule, smallest.broken, found_after)
    }
}

impl<W: 'static> Smallest<'_, W> {
    fn drop_messages(&mut self) {
        let all = (0..self.simulation.messages.len()).collect();
        let mut messages: Vec<usize> = self.schedule.messages.clone().unwrap_or(all);
        let mut chunk = messages.len().div_ceil(2);
        while chunk > 0 {
            let mut start = 0;
            while start < messages.len() {
                let end = (start + chunk).min(messages.len());
                let fewer: Vec<_> = [&messages[..start], &messages[end..]].concat();
                let candidate = Schedule { messages: Some(fewer.clone()), ..self.schedule.clone() };
                if self.is_sound(&candidate) && self.fails(&candidate) {
                    messages = fewer;
                } else {
                    start = end;
                }
            }
            chunk = if chunk == 1 { 0 } else { chunk.div_ceil(2) };
        }
    }

    /// Whether these messages lead to nothing wrong without a fault, where all did not: where a property expects all of them, they do.
    fn is_sound(&self, candidate: &Schedule) -> bool {
        candidate.seed.is_none() || self.simulation.run(&candidate.with_seed(None), false).result.is_ok()
    }

    fn drop_faults(&mut self) {
        for fault in Fault::ALL {
            let made = self.simulation.run(&self.schedule, false).report.faults.of(fault);
            // A limit changes what its seed decides, even where there is no such fault.
            for most in 0..made.max(1) {
                if self.fails(&self.limited(fault, most)) {
                    break;
                }
            }
        }
    }

    fn limited(&self, fault: Fault, most: u64) -> Schedule {
        let mut candidate = self.schedule.clone();
        candidate.most[fault as usize] = Some(most);
        candidate
    }

    /// Of the seeds that fail, the one whose schedule has the fewest steps.
    fn drop_steps(&mut self) {
        let mut steps = self.simulation.run(&self.schedule, true).timeline.0.len();
        for seed in self.seeds() {
            let candidate = self.schedule.with_seed(seed);
            let ran = self.simulation.run(&candidate, true);
            if let Err(broken) = ran.result
                && broken.property == self.broken.property
                && ran.timeline.0.len() < steps
            {
                steps = ran.timeline.0.len();
                (self.schedule, self.broken) = (candidate, broken);
            }
        }
    }

    /// Whether the schedule fails in the same way, with its seed or another one; then it is the smallest.
    fn fails(&mut self, candidate: &Schedule) -> bool {
        for seed in self.seeds() {
            if self.left == 0 {
                return false;
            }
            self.left -= 1;
            let candidate = candidate.with_seed(seed);
            match self.simulation.run(&candidate, false).result {
                Err(broken) if broken.property == self.broken.property => {
                    (self.schedule, self.broken) = (candidate, broken);
                    return true;
                }
                _ => {}
            }
        }
        false
    }

    /// This schedule's first; the plain one has none to go on with.
    fn seeds(&self) -> impl Iterator<Item = Option<u64>> + use<W> {
        let seed = self.schedule.seed;
        let mut choices = Choices::new(seed.unwrap_or_default());
        let others = (1..TRIES).map(move |_| Some(choices.next()));
        std::iter::once(seed).chain(others.filter(move |_| seed.is_some()))
    }
}

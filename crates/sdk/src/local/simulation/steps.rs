//! What may be done next in a schedule, and what its seed chooses.

use super::choices::Choices;
use super::world::{InFlight, Stage, World};
use super::{Fault, FaultCounts, Schedule, Simulation};

#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Read(usize),
    Begin(usize),
    Poll(usize),
    /// A request that the runtime has given up.
    PollAbandoned(usize),
    Deliver(usize),
    Checkpoint,
    Advance,
    Fault(Fault, usize),
}

impl<W: 'static> World<'_, W> {
    /// What is done next; `None` once the job is at rest.
    pub(super) fn next_step(&mut self) -> Option<Step> {
        let mut steps: Vec<(usize, Step)> = Vec::with_capacity(16);
        for (position, in_flight) in self.in_flight.iter().enumerate() {
            match in_flight.stage {
                Stage::Waiting | Stage::Running(_) => steps.push((6, Step::Poll(position))),
                Stage::Answered(_) => steps.push((6, Step::Deliver(position))),
            }
        }
        steps.extend((0..self.now.cluster.mailboxes.ready()).map(|position| (4, Step::Begin(position))));
        steps.extend(self.unread().map(|ingress| (3, Step::Read(ingress))));
        let due = self.now.cluster.timers.next().filter(|due| *due <= self.simulation.horizon);
        // After a failover, some may be due already.
        if due.is_some_and(|due| steps.is_empty() || due <= self.now.cluster.timers.now()) {
            steps.push((3, Step::Advance));
        }
        if self.in_order {
            return steps.first().map(|(_, step)| *step);
        }
        if steps.is_empty() && !self.left.iter().any(|(fault, _)| fault == Fault::Failover) {
            return None;
        }
        // A job at rest may fail over as well: with a chance, or it would always.
        if steps.is_empty() && self.choices.chance(2) {
            return None;
        }
        steps.push((2, Step::Checkpoint));
        steps.extend((0..self.abandoned.len()).map(|position| (2, Step::PollAbandoned(position))));
        for (fault, _) in self.left.iter() {
            match fault {
                Fault::LostResponse | Fault::Timeout => {
                    let applies = |in_flight: &&InFlight| match fault {
                        Fault::LostResponse => matches!(in_flight.stage, Stage::Answered(_)),
                        _ => matches!(in_flight.stage, Stage::Running(_)),
                    };
                    let targets = self.in_flight.iter().enumerate().filter(|(_, in_flight)| applies(in_flight));
                    steps.extend(targets.map(|(position, _)| (2, Step::Fault(fault, position))));
                }
                Fault::FailingDependency | Fault::SlowDependency => {}
                _ => steps.push((1, Step::Fault(fault, 0))),
            }
        }
        let all: usize = steps.iter().map(|(weight, _)| weight).sum();
        let mut chosen = self.choices.below(all);
        for (weight, step) in steps {
            match chosen.checked_sub(weight) {
                Some(less) => chosen = less,
                None => return Some(step),
            }
        }
        None
    }

    /// The ingresses with messages that were not read.
    fn unread(&self) -> impl Iterator<Item = usize> {
        (0..self.ingresses.len()).filter(|&ingress| self.now.read[ingress] < self.ingresses[ingress].len())
    }

    /// Whether something else can be done than to poll.
    pub(super) fn has_other_steps(&self) -> bool {
        if self.in_order {
            return false;
        }
        let answered = self.in_flight.iter().any(|in_flight| matches!(in_flight.stage, Stage::Answered(_)));
        answered || self.unread().next().is_some() || self.now.cluster.mailboxes.ready() > 0
    }
}

/// How many faults of each kind there may be. Most schedules have few kinds: others hide what a kind does alone.
pub(super) fn draw<W>(choices: &mut Choices, simulation: &Simulation<W>, schedule: &Schedule) -> FaultCounts {
    let mut left = FaultCounts::default();
    for fault in Fault::ALL {
        let drawn = choices.pick(&[0, 0, 0, 1, 1, 2, 3]);
        let most = schedule.most[fault as usize].unwrap_or(drawn);
        let out = simulation.without.contains(&fault) || (fault == Fault::Release && simulation.releases.len() < 2);
        if !out && schedule.seed.is_some() {
            left.set(fault, drawn.min(most));
        }
    }
    left
}

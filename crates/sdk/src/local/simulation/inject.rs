//! Faults.

use super::Fault;
use super::world::{Stage, World};

impl<W: 'static> World<'_, W> {
    /// Returns whether there was something to do.
    pub(super) fn fault(&mut self, fault: Fault, position: usize) -> bool {
        match fault {
            Fault::LostResponse | Fault::Timeout => {
                let in_flight = &mut self.in_flight[position];
                let (target, stage) =
                    (in_flight.target.clone(), std::mem::replace(&mut in_flight.stage, Stage::Waiting));
                let goes_on = self.abandon(stage);
                self.note(|| match fault {
                    Fault::LostResponse => format!("FAULT the response of {target} is lost"),
                    _ if goes_on => format!("FAULT the request to {target} times out, its function goes on"),
                    _ => format!("FAULT the request to {target} times out, its function is dropped"),
                });
            }
            Fault::Failover => {
                for in_flight in std::mem::take(&mut self.in_flight) {
                    self.abandon(in_flight.stage);
                }
                let now = self.now.cluster.timers.now();
                self.now = self.checkpoint.clone();
                self.now.cluster.timers.move_to(now);
                self.now.cluster.states.forget_registrations();
                let awaited: Vec<_> = self.now.cluster.mailboxes.awaited().cloned().collect();
                awaited.into_iter().for_each(|target| self.send(target));
                self.note(|| "FAULT the job starts again from its last checkpoint".to_owned());
            }
            Fault::Restart => {
                self.abandoned.clear();
                for in_flight in &mut self.in_flight {
                    // What is answered is on its way.
                    if matches!(in_flight.stage, Stage::Running(_)) {
                        in_flight.stage = Stage::Waiting;
                    }
                }
                for (release, process) in self.processes.iter_mut().enumerate() {
                    *process = self.simulation.process(release, &self.outside);
                }
                self.note(|| "FAULT the processes of the functions start again".to_owned());
            }
            Fault::Release => {
                let releases = self.simulation.releases.len();
                let before = self.release;
                self.release = (before + 1 + self.choices.below(releases - 1)) % releases;
                self.also = self.choices.chance(2).then_some(before);
                let (release, also) = (self.release, self.also.is_some());
                let how = if also { "serves requests, too" } else { "takes over" };
                self.note(|| format!("FAULT release {release} {how}"));
            }
            Fault::ClockJump => {
                let before = self.now.cluster.timers.now();
                self.advance(true);
                return self.now.cluster.timers.now() > before;
            }
            Fault::FailingDependency | Fault::SlowDependency => return false,
        }
        true
    }

    /// Drops functions at an await, or has them go on for nothing.
    fn abandon(&mut self, stage: Stage) -> bool {
        match stage {
            Stage::Running(handling) if self.choices.chance(2) => {
                self.abandoned.push(handling);
                true
            }
            _ => false,
        }
    }
}

use std::fmt;

/// What a schedule may do to a job and to the processes of its functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Fault {
    /// The functions ran, their response is lost, and the runtime sends the request again.
    LostResponse,
    /// The runtime gives a request up while its functions run and sends it again. They are dropped at an await, or go on beside the
    /// second request.
    Timeout,
    /// The job starts again from its last checkpoint: states, waiting and delayed messages, exactly-once records and the positions
    /// of the ingresses are those of then. Records of at-least-once egresses stay. The runtime asks for states anew.
    Failover,
    /// The process of the functions starts again: what they hold in memory is gone, and requests in flight are sent again.
    Restart,
    /// Another of the [releases](super::Simulation::release) takes over, for all requests or for some.
    Release,
    /// A call of a [`Dependency`](super::Dependency) fails.
    FailingDependency,
    /// A call of a [`Dependency`](super::Dependency) takes long.
    SlowDependency,
    /// Time passes while messages wait: delayed messages race what would cancel them, and states expire, or just do not.
    ClockJump,
}

impl Fault {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::LostResponse,
        Self::Timeout,
        Self::Failover,
        Self::Restart,
        Self::Release,
        Self::FailingDependency,
        Self::SlowDependency,
        Self::ClockJump,
    ];

    /// Its name in the line that describes a schedule.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LostResponse => "lost-response",
            Self::Timeout => "timeout",
            Self::Failover => "failover",
            Self::Restart => "restart",
            Self::Release => "release",
            Self::FailingDependency => "failing-dependency",
            Self::SlowDependency => "slow-dependency",
            Self::ClockJump => "clock-jump",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A number for each kind of fault.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FaultCounts([u64; Fault::ALL.len()]);

impl FaultCounts {
    /// How many there are of this kind.
    pub fn of(&self, fault: Fault) -> u64 {
        self.0[fault as usize]
    }

    /// The kinds that are there, each with its number.
    pub fn iter(&self) -> impl Iterator<Item = (Fault, u64)> + '_ {
        Fault::ALL.into_iter().map(|fault| (fault, self.of(fault))).filter(|(_, count)| *count > 0)
    }

    pub(super) fn set(&mut self, fault: Fault, count: u64) {
        self.0[fault as usize] = count;
    }

    /// One more of this kind.
    pub(super) fn count(&mut self, fault: Fault) {
        self.0[fault as usize] += 1;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }

    /// Takes one where there is one.
    pub(super) fn take(&mut self, fault: Fault) -> bool {
        let count = &mut self.0[fault as usize];
        let taken = *count > 0;
        *count -= u64::from(taken);
        taken
    }
}

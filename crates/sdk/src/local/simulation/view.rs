use std::fmt;
use std::time::Duration;

use crate::local::cluster::Cluster;
use crate::local::{Emitted, EmittedRecord};
use crate::{Address, BoxError, Decode, Egress, TypeName, TypedValue, ValueSpec};

/// What a property may look at.
pub struct View<'a, W> {
    pub(super) cluster: &'a Cluster,
    pub(super) at_least_once: &'a [Emitted],
    pub(super) sent: &'a [&'a (Address, TypedValue)],
    pub(super) outside: &'a W,
}

impl<W> View<'_, W> {
    /// The messages that this schedule sends, in the order in which they were given to the simulation: all of them, or those that are
    /// left in a schedule that was made smaller.
    pub fn sent(&self) -> impl ExactSizeIterator<Item = (&Address, &TypedValue)> {
        self.sent.iter().map(|(target, message)| (target, message))
    }

    /// The value of a state; `None` where it has none, or had one that expired.
    ///
    /// # Errors
    /// When the bytes are not what the spec says.
    pub fn state<V: Decode>(&self, target: &Address, spec: &ValueSpec<V>) -> Result<Option<V>, BoxError> {
        let value = self.cluster.states.value(target, spec.name(), self.now());
        Ok(value.map(V::decode).transpose()?)
    }

    /// The instances of a function that have a state.
    pub fn instances(&self, function: TypeName) -> impl Iterator<Item = &Address> {
        self.cluster.states.addresses(self.now()).filter(move |address| address.is(&function))
    }

    /// The records that a consumer sees: of exactly-once egresses each once, of
    /// [at-least-once](super::Simulation::at_least_once) ones those of abandoned work, too. In order for each egress.
    pub fn records(&self, egress: Egress) -> impl Iterator<Item = &EmittedRecord> {
        let all = self.cluster.emitted.iter().chain(self.at_least_once);
        all.filter(move |emitted| emitted.egress == *egress.id()).map(|emitted| &emitted.record)
    }

    /// The time on the virtual clock, which began at zero.
    pub fn now(&self) -> Duration {
        self.cluster.timers.now()
    }

    /// What is outside of the functions, as [`Simulation::with`](super::Simulation::with) made it for this schedule.
    pub fn outside(&self) -> &W {
        self.outside
    }
}

impl<W> fmt::Debug for View<'_, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("now", &self.now()).finish_non_exhaustive()
    }
}

/// For properties: an error that shows both, unless they are equal.
///
/// # Errors
/// When they differ.
pub fn expect_eq<T: PartialEq + fmt::Debug>(found: T, expected: T) -> Result<(), BoxError> {
    if found == expected { Ok(()) } else { Err(format!("found {found:?}, expected {expected:?}").into()) }
}

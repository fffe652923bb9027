use crate::{Connector, DeadLetter, Egress, StateDeclaration, TypeName};

/// What happens to poison: a message that always fails, because it cannot be read or makes the function panic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum FailurePolicy {
    /// The batch fails. The runtime sends it again until its call time-out and then restarts the job, for ever.
    #[default]
    Fail,
    /// A record of it goes to an egress, what it did is dropped, and the batch goes on.
    DeadLetter(DeadLetter),
}

impl FailurePolicy {
    /// Where dead letters go; `None` for policies that make none.
    pub fn dead_letter(&self) -> Option<&DeadLetter> {
        match self {
            Self::Fail => None,
            Self::DeadLetter(dead_letter) => Some(dead_letter),
        }
    }
}

/// What a function declares; shared by its batches.
#[derive(Clone, Default)]
pub(crate) struct Declarations {
    pub(crate) states: Vec<StateDeclaration>,
    pub(crate) targets: Vec<TypeName>,
    pub(crate) replies: bool,
    /// With the connector of their records, where it is declared.
    pub(crate) egresses: Vec<(Egress, Option<Connector>)>,
    pub(crate) accepts: Vec<TypeName>,
    pub(crate) on_failure: FailurePolicy,
}

impl Declarations {
    pub(crate) fn emits_to(&self, egress: &Egress) -> bool {
        self.egresses.iter().any(|(declared, _)| declared == egress)
    }
}

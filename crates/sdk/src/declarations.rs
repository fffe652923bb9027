use crate::{DeadLetter, Egress, StateDeclaration, TypeName};

/// What becomes of a message that will fail for ever: one that cannot be read, an undeclared target, a panic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FailurePolicy {
    /// The batch fails. The runtime sends it again until its call time-out and then restarts the job, for ever.
    #[default]
    Fail,
    /// A record of it goes to an egress, what it did is dropped, and the batch goes on.
    DeadLetter(DeadLetter),
}

/// What a function declares; shared by its batches.
#[derive(Clone, Default)]
pub(crate) struct Declarations {
    pub(crate) states: Vec<StateDeclaration>,
    pub(crate) targets: Vec<TypeName>,
    pub(crate) replies: bool,
    pub(crate) egresses: Vec<Egress>,
    pub(crate) accepts: Vec<TypeName>,
    pub(crate) on_failure: FailurePolicy,
}

use serde::{Deserialize, Serialize};

use crate::{Connector, DeadLetter, Egress, StateDeclaration, TypeName};

/// What happens to poison: a message that always fails, because it cannot be read or makes the function panic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum FailurePolicy {
    /// The batch fails. The runtime sends it again until its call time-out and then restarts the job, for ever.
    #[default]
    Fail,
    /// A record of it goes to an egress, what it did is dropped, and the batch goes on. At most 100 of the last 1,000 messages
    /// may end so, in each process: then batches fail instead ([`FailureKind::DeadLetterBudget`](crate::FailureKind)), so that a
    /// release that fails at every message drains no stream.
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

/// What happens to a message of a type that its function does not read: no handler is bound for it, or the
/// [`fallback`](crate::Function::fallback) returns [`FunctionError::unexpected_type`](crate::FunctionError::unexpected_type).
///
/// Senders may introduce types before this release knows them: release the receiver first, which `contract check` sees to for
/// messages that are declared by [`Function::sends`](crate::Function::sends).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum UnexpectedTypePolicy {
    /// The batch fails. The runtime sends it again, perhaps to a replica of a newer release.
    #[default]
    Fail,
    /// As poison: a record of it goes to the egress of the function's dead letters, within their budget.
    DeadLetter,
    /// It is ignored, counted and logged now and then.
    Ignore,
}

/// A function type that a function sends to.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) type_name: TypeName,
    /// The types of the messages; of any type where it is empty.
    pub(crate) messages: Vec<TypeName>,
}

/// What a function declares; shared by its batches.
#[derive(Clone, Default)]
pub(crate) struct Declarations {
    pub(crate) states: Vec<StateDeclaration>,
    pub(crate) targets: Vec<Target>,
    pub(crate) replies: bool,
    /// With the connector of their records, where it is declared.
    pub(crate) egresses: Vec<(Egress, Option<Connector>)>,
    pub(crate) accepts: Vec<TypeName>,
    pub(crate) on_failure: FailurePolicy,
    pub(crate) on_unexpected_type: UnexpectedTypePolicy,
}

impl Declarations {
    pub(crate) fn emits_to(&self, egress: &Egress) -> bool {
        self.egresses.iter().any(|(declared, _)| declared == egress)
    }
}

use std::fmt;

use super::TransportError;
use crate::{Address, TypeError};

/// Why the embedded runtime stopped. Nothing of the response was applied, and the messages are kept: running again
/// sends them again, as the cluster does after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LocalError {
    /// A message to a function type that is not served.
    UnknownFunction(Address),
    /// A message whose value has no representation in its type.
    Message(TypeError),
    /// There was no response of the protocol.
    NoResponse {
        /// The function that was called.
        target: Address,
        /// Why.
        error: TransportError,
    },
    /// The response violates the protocol: the cluster would fail the job, send the same messages again after the restart, and
    /// fail again.
    Violation {
        /// The function that was called.
        target: Address,
        /// Why.
        violation: Box<Violation>,
    },
}

impl fmt::Display for LocalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFunction(target) => {
                write!(f, "function \"{}/{}\" is not served", target.namespace(), target.name())
            }
            Self::Message(error) => write!(f, "a message cannot be encoded: {error}"),
            Self::NoResponse { target, error } => write!(f, "no response from {target}: {error}"),
            Self::Violation { target, violation } => {
                write!(f, "the response of {target} violates the protocol: {violation}")
            }
        }
    }
}

impl std::error::Error for LocalError {}

/// What in a response makes the cluster's runtime fail the job.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// The response is not a `FromFunction`.
    Undecodable(String),
    /// A message to a function type that no endpoint serves (runtime: "Cannot find a provider for type").
    UnknownTarget(String),
    /// A record for an egress that the module does not have (runtime: "Unknown egress").
    UnknownEgress(String),
    /// A record that is not what its type name says.
    BrokenRecord {
        /// The egress.
        egress: String,
        /// What is wrong.
        reason: String,
    },
    /// A change of a state that was never registered (runtime: "Accessing a non-existing function state").
    UnregisteredState(String),
    /// A value of another type than the state was registered with.
    StateType {
        /// The state's name.
        state: String,
        /// The type that it was registered with.
        registered: String,
        /// The type that came.
        found: String,
    },
    /// The response reports missing states, but all of them were in the request: the runtime would register nothing and ask
    /// again for ever.
    NothingMissing,
    /// A type name without exactly one `/` (runtime: `TypeName.parseFrom`).
    InvalidTypeName(String),
    /// A delayed message with the token of one that is pending (runtime: "a message with the same cancellation token
    /// exists").
    PendingToken {
        /// The id under which the runtime keeps the token.
        id: String,
        /// The token.
        token: String,
    },
    /// A cancellation without a token.
    EmptyToken,
    /// A delay below zero, in milliseconds.
    NegativeDelay(i64),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undecodable(reason) => write!(f, "it is not a FromFunction ({reason})"),
            Self::UnknownTarget(name) => write!(f, "a message to {name:?}, a function type that is not served"),
            Self::UnknownEgress(name) => write!(f, "a record for the unknown egress {name:?}"),
            Self::BrokenRecord { egress, reason } => write!(f, "a broken record for egress {egress:?}: {reason}"),
            Self::UnregisteredState(name) => write!(f, "a change of state {name:?}, which was never registered"),
            Self::StateType { state, registered, found } => {
                write!(f, "state {state:?} is registered with type {registered:?}, not {found:?}")
            }
            Self::NothingMissing => f.write_str("it says that states are missing but names none that is"),
            Self::InvalidTypeName(name) => {
                write!(f, "{name:?} is not a type name: exactly one '/' with something on both sides")
            }
            Self::PendingToken { id, token } => {
                write!(f, "cancellation token {token:?} is in use by a pending message of id {id:?}")
            }
            Self::EmptyToken => f.write_str("a cancellation without a token"),
            Self::NegativeDelay(millis) => write!(f, "a delay of {millis} ms"),
        }
    }
}

impl std::error::Error for Violation {}

use std::error::Error;
use std::fmt;

use crate::address::Address;
use crate::type_error::TypeError;

/// The longest texts of a failure, in bytes: they end in logs and in the body of the response.
pub(crate) const LONGEST_TYPE: usize = 256;

/// The text up to so many bytes.
pub(crate) fn cut(text: &str, longest: usize) -> &str {
    &text[..text.floor_char_boundary(longest)]
}

/// A state whose bytes are not what its declaration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateError {
    pub(crate) state: &'static str,
    pub(crate) reason: TypeError,
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "state {:?} cannot be read: {}", self.state, self.reason)
    }
}

impl Error for StateError {}

/// The kinds of failure of an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// [`FunctionError::Transient`](crate::FunctionError::Transient).
    Transient,
    /// [`FunctionError::Poison`](crate::FunctionError::Poison).
    Poison,
    /// The function panicked.
    Panic,
    /// [`FunctionError::Bug`](crate::FunctionError::Bug).
    Bug,
    /// [`FunctionError::UnexpectedType`](crate::FunctionError::UnexpectedType), or a message for whose type no handler is bound.
    UnexpectedType,
    /// [`FunctionError::State`](crate::FunctionError::State).
    State,
    /// The invocation took longer than the [invocation timeout](crate::RequestReplyHandler::invocation_timeout), and was dropped at
    /// an await.
    Timeout,
    /// The response became larger than the [response limit](crate::RequestReplyHandler::response_limit).
    ResponseTooLarge,
    /// The response found no room in the [budget of memory](crate::RequestReplyHandler::memory_budget).
    Memory,
    /// The message would have become a dead letter, and the function has made too many of them: more than 100 of its last 1,000
    /// messages. The batch fails until ten minutes pass without another attempt, or the process starts anew.
    DeadLetterBudget,
}

impl FailureKind {
    /// The kind in lower case, words joined by `_`, for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Poison => "poison",
            Self::Panic => "panic",
            Self::Bug => "bug",
            Self::UnexpectedType => "unexpected_type",
            Self::State => "state",
            Self::Timeout => "timeout",
            Self::ResponseTooLarge => "response_too_large",
            Self::Memory => "memory",
            Self::DeadLetterBudget => "dead_letter_budget",
        }
    }

    /// Whether the same message may succeed the next time, with the same release.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Transient | Self::Timeout | Self::Memory | Self::DeadLetterBudget)
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How an invocation failed: with its batch ([`HandlerError::Invocation`]), or without failing it
/// ([`Response::quarantined`](crate::Response::quarantined)).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvocationFailure {
    /// The function instance.
    pub target: Address,
    /// Which invocation of the batch it was, from 0.
    pub index: usize,
    /// How many the batch holds.
    pub invocations: usize,
    /// The type name of the message, cut where it is very long.
    pub message_type: String,
    /// Which kind of failure.
    pub kind: FailureKind,
    /// What went wrong, with its causes; cut where it is very long.
    pub reason: String,
}

impl fmt::Display for InvocationFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, index, invocations, message_type, kind, reason } = self;
        write!(f, "{target} failed ({kind}) at message {index} of {invocations}, of type {message_type}: {reason}")
    }
}

impl Error for InvocationFailure {}

/// A request that is rejected, as no runtime would send it. Its text says what was wrong and what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// No bytes at all.
    Empty,
    /// Not a `ToFunction`; says where decoding failed.
    Undecodable(String),
    /// No `invocation`, or one without messages.
    NoInvocation,
    /// A batch without a target.
    NoTarget,
    /// More messages than this process takes in a request.
    TooManyInvocations {
        /// How many there are.
        invocations: usize,
        /// How many are taken: see [`RequestReplyHandler::invocation_limit`](crate::RequestReplyHandler::invocation_limit).
        limit: usize,
    },
    /// More states than any function declares.
    TooManyStates {
        /// How many there are.
        states: usize,
        /// How many are taken.
        limit: usize,
    },
    /// A name, an id or a type name that is not UTF-8; says which.
    NotUtf8(&'static str),
    /// No such function is registered here.
    UnknownFunction {
        /// The function that was asked for.
        asked: String,
        /// Those that there are.
        known: Vec<String>,
    },
}

impl RequestError {
    /// The status of the HTTP response: 404 for an unknown function, 413 for too many messages or states, 400 for anything else.
    pub fn status_code(&self) -> u16 {
        match self {
            Self::UnknownFunction { .. } => 404,
            Self::TooManyInvocations { .. } | Self::TooManyStates { .. } => 413,
            _ => 400,
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty body: expected the protobuf message io.statefun.sdk.reqreply.ToFunction"),
            Self::Undecodable(reason) => {
                write!(
                    f,
                    "undecodable body: expected the protobuf message io.statefun.sdk.reqreply.ToFunction ({reason})"
                )
            }
            Self::NoInvocation => {
                f.write_str("no invocation: expected a ToFunction with at least one message to a function")
            }
            Self::NoTarget => f.write_str("no target: expected the address of the function that the messages are for"),
            Self::TooManyInvocations { invocations, limit } => write!(
                f,
                "too many messages in a request: {invocations}, expected at most {limit}; decrease maxNumBatchRequests of the \
                 endpoint in module.yaml, or increase the invocation limit of this process"
            ),
            Self::TooManyStates { states, limit } => {
                write!(f, "too many states in a request: {states}, expected at most {limit}")
            }
            Self::NotUtf8(what) => write!(f, "{what} is not UTF-8: expected text"),
            Self::UnknownFunction { asked, known } => {
                write!(f, "unknown function {asked:?}: expected one of {}", known.join(", "))
            }
        }
    }
}

impl Error for RequestError {}

/// Why a request gets no response of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandlerError {
    /// The request is rejected: it cannot be a runtime's, or is for a function that is not here.
    Request(RequestError),
    /// An invocation failed and with it its batch. The runtime will send it again.
    Invocation(Box<InvocationFailure>),
}

impl HandlerError {
    /// The status of the HTTP response, whose body is this error's text: 400 for a request that cannot be a runtime's, 404 for
    /// an unknown function, 413 for too many messages, 503 for a batch that failed and may succeed the next time
    /// ([`FailureKind::is_transient`]), 500 for one that failed otherwise.
    pub fn status_code(&self) -> u16 {
        match self {
            Self::Request(error) => error.status_code(),
            Self::Invocation(failure) if failure.kind.is_transient() => 503,
            Self::Invocation(_) => 500,
        }
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => error.fmt(f),
            Self::Invocation(failure) => failure.fmt(f),
        }
    }
}

impl Error for HandlerError {}

impl From<RequestError> for HandlerError {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

use std::error::Error;
use std::fmt;

use crate::{Address, TypeError};

/// Any error of a function's own.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Why an invocation failed, which decides what becomes of it.
///
/// The runtime retries a failed request until its call time-out and then restarts the whole job; it knows no "do not
/// retry". So a function has to say which faults may pass. There is no conversion from just any error: choose with
/// `.map_err(FunctionError::retry)?` or `.map_err(FunctionError::poison)?`. A message that cannot be read
/// ([`TypeError`]) is poison, one of another type is ignored.
#[derive(Debug)]
#[non_exhaustive]
pub enum FunctionError {
    /// A fault that may pass, such as a dependency that is down. The batch is answered with an error, nothing of it is
    /// applied, and the runtime sends it again.
    Retry(BoxError),
    /// It would fail for ever. The function's [`FailurePolicy`](crate::FailurePolicy) decides.
    Poison(BoxError),
    /// A message of a type that the function does not read. It is ignored with one line in the log, whatever the policy
    /// says, and what the invocation did before is dropped: types come and go with the releases of those who send.
    OtherType(TypeError),
    /// A state that cannot be read. The batch fails whatever the policy says: a bad release must never drain a key into
    /// dead letters.
    State(StateError),
}

impl FunctionError {
    /// A fault that may pass. The error's text is logged: it must not show the message.
    pub fn retry(error: impl Into<BoxError>) -> Self {
        Self::Retry(without_values(error.into()))
    }

    /// A fault that stays, however often the message is sent. The error's text is logged: it must not show the message.
    pub fn poison(error: impl Into<BoxError>) -> Self {
        Self::Poison(without_values(error.into()))
    }

    /// Of which kind it is.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Retry(_) => FailureKind::Retry,
            Self::Poison(_) => FailureKind::Poison,
            Self::OtherType(_) => FailureKind::OtherType,
            Self::State(_) => FailureKind::State,
        }
    }
}

impl fmt::Display for FunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry(error) | Self::Poison(error) => write_chain(f, &**error),
            Self::OtherType(error) => write_chain(f, error),
            Self::State(error) => write_chain(f, error),
        }
    }
}

/// serde_json quotes the value that it could not read.
fn without_values(error: BoxError) -> BoxError {
    match error.downcast::<serde_json::Error>() {
        Ok(error) => TypeError::json(&error).into(),
        Err(error) => error,
    }
}

/// An error and its causes.
fn write_chain(f: &mut fmt::Formatter<'_>, error: &dyn Error) -> fmt::Result {
    write!(f, "{error}")?;
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(f, ": {error}")?;
        cause = error.source();
    }
    Ok(())
}

impl Error for FunctionError {}

impl From<TypeError> for FunctionError {
    fn from(error: TypeError) -> Self {
        if error.is_other_type() { Self::OtherType(error) } else { Self::poison(error) }
    }
}

impl From<StateError> for FunctionError {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
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
    /// [`FunctionError::Retry`].
    Retry,
    /// [`FunctionError::Poison`].
    Poison,
    /// The function panicked.
    Panic,
    /// [`FunctionError::OtherType`], which fails no batch.
    OtherType,
    /// [`FunctionError::State`].
    State,
}

impl FailureKind {
    /// The kind as one lower-case word, for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Poison => "poison",
            Self::Panic => "panic",
            Self::OtherType => "other_type",
            Self::State => "state",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failure that failed its whole batch.
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

/// A request that no runtime would send. Its text says what was wrong and what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// No bytes at all.
    Empty,
    /// Not a `ToFunction`; says where decoding failed.
    Undecodable(String),
    /// No `invocation`, or one without messages.
    NoInvocation,
    /// A batch for nobody.
    NoTarget,
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
            Self::NotUtf8(what) => write!(f, "{what} is not UTF-8: expected text"),
            Self::UnknownFunction { asked, known } => {
                write!(f, "unknown function {asked:?}: expected one of {}", known.join(", "))
            }
        }
    }
}

impl Error for RequestError {}

/// Why a request got no answer of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandlerError {
    /// The request is at fault: it cannot be a runtime's, or is for a function that is not here.
    Request(RequestError),
    /// An invocation failed and the policy says that the batch fails. The runtime will send it again.
    Invocation(Box<InvocationFailure>),
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

use std::error::Error;
use std::fmt;

use crate::address::Address;
use crate::cancellation_token::EmptyToken;
use crate::message::Message;
use crate::type_error::TypeError;

/// Any error of a function's own.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Why an invocation failed, which decides what happens to its message.
///
/// The runtime retries a failed request until its call time-out and then restarts the whole job; it knows no "do not
/// retry". So a function has to say which errors are transient. Any error becomes one by [`ResultExt`]:
///
/// ```
/// # use statefun_sdk::{FunctionError, ResultExt};
/// # fn fetch() -> std::io::Result<String> { Ok("1".into()) }
/// fn rate() -> Result<i32, FunctionError> {
///     let text = fetch().or_transient()?; // the service is down: try again
///     text.parse().or_poison() // it will never be a number
/// }
/// ```
///
/// `?` alone converts what says of itself which kind it is, by [`IntoFunctionError`].
#[derive(Debug)]
#[non_exhaustive]
pub enum FunctionError {
    /// A transient error, such as a dependency that is down. The batch fails, nothing of it is applied, and the runtime sends it
    /// again.
    Transient(BoxError),
    /// The message always fails. The function's [`FailurePolicy`](crate::FailurePolicy) decides what happens to it.
    Poison(BoxError),
    /// A bug of this release, such as a target, an egress or a state that was not declared. The batch fails whatever the policy
    /// says: a bad release must never drain a stream into dead letters.
    Bug(BoxError),
    /// A message of a type that the function does not read. Its [`UnexpectedTypePolicy`](crate::UnexpectedTypePolicy) decides
    /// what happens to it; what the invocation did before is dropped.
    UnexpectedType(TypeError),
    /// A state that cannot be read: a bug, with a kind of its own so that it can be alerted on. The batch fails whatever the policy
    /// says.
    State(StateError),
}

impl FunctionError {
    /// A transient error.
    ///
    /// An error that is a `FunctionError` already keeps its kind. The texts of the error and of its sources are logged: they must
    /// not show the message.
    pub fn transient(error: impl Into<BoxError>) -> Self {
        Self::of_kind(error.into(), Self::Transient)
    }

    /// A permanent error of this message. What [`transient`](Self::transient) says of kinds and texts is true here.
    pub fn poison(error: impl Into<BoxError>) -> Self {
        Self::of_kind(error.into(), Self::Poison)
    }

    /// A bug of this release. What [`transient`](Self::transient) says of kinds and texts is true here.
    pub fn bug(error: impl Into<BoxError>) -> Self {
        Self::of_kind(error.into(), Self::Bug)
    }

    /// A bug that is passed on as poison would become a dead letter after all.
    fn of_kind(error: BoxError, kind: fn(BoxError) -> Self) -> Self {
        match error.downcast::<Self>() {
            Ok(error) => *error,
            Err(error) => kind(without_values(error)),
        }
    }

    /// A message of a type that a [`fallback`](crate::Function::fallback) does not know.
    pub fn unexpected_type(message: &Message) -> Self {
        let type_name = cut(message.type_name(), LONGEST_TYPE);
        Self::UnexpectedType(TypeError::new(format!("a message of the unexpected type {type_name:?}")))
    }

    /// Which kind it is.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Transient(_) => FailureKind::Transient,
            Self::Poison(_) => FailureKind::Poison,
            Self::Bug(_) => FailureKind::Bug,
            Self::UnexpectedType(_) => FailureKind::UnexpectedType,
            Self::State(_) => FailureKind::State,
        }
    }

    fn cause(&self) -> &(dyn Error + 'static) {
        match self {
            Self::Transient(error) | Self::Poison(error) | Self::Bug(error) => &**error,
            Self::UnexpectedType(error) => error,
            Self::State(error) => error,
        }
    }
}

/// The text of the error that it was made of; that error's source is its source.
impl fmt::Display for FunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.cause(), f)
    }
}

impl Error for FunctionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause().source()
    }
}

/// serde_json quotes the value that it could not read.
fn without_values(error: BoxError) -> BoxError {
    match error.downcast::<serde_json::Error>() {
        Ok(error) => TypeError::json(&error).into(),
        Err(error) => error,
    }
}

/// Displays an error with its sources, as `error: source: source of the source`, each once: many errors of libraries end
/// with the text of their source.
///
/// ```
/// # use statefun_sdk::ErrorChain;
/// let error: Box<dyn std::error::Error> = "the file is empty".into();
/// assert_eq!(ErrorChain(&*error).to_string(), "the file is empty");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = self.0.to_string();
        f.write_str(&before)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            let text = match error.downcast_ref::<serde_json::Error>() {
                // Its own text quotes the value.
                Some(json) => TypeError::json(json).to_string(),
                None => error.to_string(),
            };
            if !before.ends_with(&text) {
                write!(f, ": {text}")?;
            }
            before = text;
            source = error.source();
        }
        Ok(())
    }
}

/// Says of any error which kind of [`FunctionError`] it is; `?` does the rest. The error and its sources are kept, and an error
/// that is a `FunctionError` already keeps its kind.
///
/// ```
/// # use statefun_sdk::{FunctionError, ResultExt};
/// # fn fetch() -> std::io::Result<i32> { Ok(1) }
/// fn rate() -> Result<i32, FunctionError> {
///     Ok(fetch().or_transient()?)
/// }
/// ```
pub trait ResultExt<T> {
    /// An error is transient: see [`FunctionError::Transient`].
    ///
    /// # Errors
    /// When this is one.
    fn or_transient(self) -> Result<T, FunctionError>;

    /// An error is permanent, for this message: see [`FunctionError::Poison`].
    ///
    /// # Errors
    /// When this is one.
    fn or_poison(self) -> Result<T, FunctionError>;

    /// An error is a bug of this release: see [`FunctionError::Bug`].
    ///
    /// # Errors
    /// When this is one.
    fn or_bug(self) -> Result<T, FunctionError>;
}

impl<T, E: Into<BoxError>> ResultExt<T> for Result<T, E> {
    fn or_transient(self) -> Result<T, FunctionError> {
        self.map_err(FunctionError::transient)
    }

    fn or_poison(self) -> Result<T, FunctionError> {
        self.map_err(FunctionError::poison)
    }

    fn or_bug(self) -> Result<T, FunctionError> {
        self.map_err(FunctionError::bug)
    }
}

/// An error that says of itself which kind of [`FunctionError`] it is, so that `?` converts it.
///
/// Implement it for errors of your own that always are of the same kind, or know which. The SDK implements it for
/// [`TypeError`] and [`EmptyToken`], which are poison, and for [`StateError`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say whether it is transient or poison",
    label = "say which kind it is: `.or_transient()?` has the runtime send the batch again, `.or_poison()?` means that this message will always fail (`use statefun_sdk::ResultExt`)",
    note = "or implement `IntoFunctionError` for `{Self}`"
)]
pub trait IntoFunctionError {
    /// The error as its kind.
    fn into_function_error(self) -> FunctionError;
}

impl<E: IntoFunctionError> From<E> for FunctionError {
    fn from(error: E) -> Self {
        error.into_function_error()
    }
}

impl IntoFunctionError for TypeError {
    fn into_function_error(self) -> FunctionError {
        FunctionError::poison(self)
    }
}

impl IntoFunctionError for EmptyToken {
    fn into_function_error(self) -> FunctionError {
        FunctionError::poison(self)
    }
}

impl IntoFunctionError for StateError {
    fn into_function_error(self) -> FunctionError {
        FunctionError::State(self)
    }
}

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
    /// [`FunctionError::Transient`].
    Transient,
    /// [`FunctionError::Poison`].
    Poison,
    /// The function panicked.
    Panic,
    /// [`FunctionError::Bug`].
    Bug,
    /// [`FunctionError::UnexpectedType`], or a message for whose type no handler is bound.
    UnexpectedType,
    /// [`FunctionError::State`].
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

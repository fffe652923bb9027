use std::error::Error;
use std::fmt;

use crate::cancellation_token::EmptyToken;
use crate::error::{FailureKind, LONGEST_TYPE, StateError, cut};
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

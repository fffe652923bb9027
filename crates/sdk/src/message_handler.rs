use std::future::Future;

use crate::{Context, Decode, FunctionError, Message, TypeError, TypeName, Typed};

/// What handles the messages of one type, bound by [`Function::on`](crate::Function::on).
///
/// | handler | bound as |
/// |---|---|
/// | `async fn(&mut Context, T) -> Result<(), FunctionError>` | `.on(greet)` |
/// | `async fn(&self, &mut Context, T) -> Result<(), FunctionError>` of a struct that holds dependencies | `.on(Cart::add)`, then `.with(cart)` |
/// | `async \|context: &mut Context, message: T\| …` that captures nothing | `.on(async \|…\| …)` |
/// | `async \|dependencies: &D, context: &mut Context, message: T\| …` | `.on(async \|…\| …)`, then `.with(dependencies)` |
///
/// `T` is whatever [`FromMessage`] reads. There is nothing to implement.
///
/// An `async` closure that captures is none: its future borrows from it, which stable Rust cannot say together with `Send`.
/// What it would capture is a dependency.
///
/// The future may be dropped at any await, when the client goes away or the server ends; nothing of the batch was applied then,
/// and the runtime sends it again.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle messages",
    label = "not a handler",
    note = "expected `async fn(&mut Context, T) -> Result<(), FunctionError>`, or a method with `&self` before the context",
    note = "dependencies: the same struct for all handlers of a function, given by `.with(dependencies)` after them",
    note = "the future has to be `Send`: nothing that is not may live across an await"
)]
pub trait MessageHandler<'a, D, T, Form>: Send + Sync + 'static {
    #[doc(hidden)]
    fn call(
        &self,
        dependencies: &'a D,
        context: &'a mut Context,
        message: T,
    ) -> impl Future<Output = Result<(), FunctionError>> + Send + 'a;
}

/// The form of a handler without dependencies. The compiler shows this name, and nothing else of ours, where an `async` closure
/// captures: so it says what to do instead.
#[derive(Debug)]
pub struct CapturesNothingButTakesDependenciesGivenByWith;

/// The form of a handler that begins with `&D`.
#[derive(Debug)]
pub struct BeginsWithDependencies;

impl<'a, D, T, F, O> MessageHandler<'a, D, T, CapturesNothingButTakesDependenciesGivenByWith> for F
where
    D: 'a,
    F: Fn(&'a mut Context, T) -> O + Send + Sync + 'static,
    O: Future<Output = Result<(), FunctionError>> + Send + 'a,
{
    fn call(
        &self,
        _: &'a D,
        context: &'a mut Context,
        message: T,
    ) -> impl Future<Output = Result<(), FunctionError>> + Send + 'a {
        self(context, message)
    }
}

impl<'a, D, T, F, O> MessageHandler<'a, D, T, BeginsWithDependencies> for F
where
    D: 'a,
    F: Fn(&'a D, &'a mut Context, T) -> O + Send + Sync + 'static,
    O: Future<Output = Result<(), FunctionError>> + Send + 'a,
{
    fn call(
        &self,
        dependencies: &'a D,
        context: &'a mut Context,
        message: T,
    ) -> impl Future<Output = Result<(), FunctionError>> + Send + 'a {
        self(dependencies, context, message)
    }
}

/// What a handler can take: any type that is [`Typed`] and [`Decode`], or a pair of it and the [`Message`] as it came, to pass
/// that on. There is nothing to implement.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be taken by a handler",
    label = "not a message type",
    note = "derive it: `#[derive(Deserialize, Typed)] #[typed(\"namespace/name\")]`, or take a wrapper: `Json<T>`, `Proto<T>`",
    note = "where the value borrows from the message, take the raw `Message`: `Function::on_message`, `Message::json`"
)]
pub trait FromMessage: Sized + Send {
    /// The type of the messages that it is read from.
    const TYPE_NAME: TypeName;

    /// Reads a message of this type.
    ///
    /// # Errors
    /// When it is unset, or its bytes are no value of this type.
    fn from_message(message: Message) -> Result<Self, TypeError>;
}

impl<T: Typed + Decode + Send> FromMessage for T {
    const TYPE_NAME: TypeName = T::TYPE_NAME;

    fn from_message(message: Message) -> Result<Self, TypeError> {
        message.get()
    }
}

impl<T: Typed + Decode + Send> FromMessage for (T, Message) {
    const TYPE_NAME: TypeName = T::TYPE_NAME;

    fn from_message(message: Message) -> Result<Self, TypeError> {
        Ok((message.get()?, message))
    }
}

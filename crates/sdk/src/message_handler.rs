use std::future::Future;

use crate::{Context, FunctionError, Message};

/// The logic of a function type.
///
/// An `async fn(&mut Context, Message) -> Result<(), FunctionError>` is one, and so is an `async` closure that captures
/// nothing. Implement it for a struct that holds dependencies (clients, configuration), or hand them over with
/// [`Function::with`](crate::Function::with).
///
/// One value serves all instances and all requests, many at a time: what belongs to an instance belongs in its states.
pub trait StatefulFunction: Send + Sync + 'static {
    /// Handles one message. Messages of one batch come one after the other.
    fn invoke(&self, context: &mut Context, message: Message)
    -> impl Future<Output = Result<(), FunctionError>> + Send;
}

impl<F> StatefulFunction for F
where
    F: for<'a> AsyncFunction<'a>,
{
    fn invoke(
        &self,
        context: &mut Context,
        message: Message,
    ) -> impl Future<Output = Result<(), FunctionError>> + Send {
        self.call(context, message)
    }
}

/// `Fn(&'a mut Context, Message) -> impl Future + Send + 'a`, which stable Rust cannot say of an `AsyncFn` bound.
#[doc(hidden)]
pub trait AsyncFunction<'a>: Send + Sync + 'static {
    fn call(
        &self,
        context: &'a mut Context,
        message: Message,
    ) -> impl Future<Output = Result<(), FunctionError>> + Send + 'a;
}

impl<'a, F, O> AsyncFunction<'a> for F
where
    F: Fn(&'a mut Context, Message) -> O + Send + Sync + 'static,
    O: Future<Output = Result<(), FunctionError>> + Send + 'a,
{
    fn call(
        &self,
        context: &'a mut Context,
        message: Message,
    ) -> impl Future<Output = Result<(), FunctionError>> + Send + 'a {
        self(context, message)
    }
}

/// An `async` closure or function that takes its dependencies as its first argument; see [`Function::with`](crate::Function::with).
pub trait AsyncClosure<'a, D>: Send + Sync + 'static {
    #[doc(hidden)]
    fn call(
        &self,
        dependencies: &'a D,
        context: &'a mut Context,
        message: Message,
    ) -> impl Future<Output = Result<(), FunctionError>> + Send + 'a;
}

impl<'a, D, F, O> AsyncClosure<'a, D> for F
where
    D: 'a,
    F: Fn(&'a D, &'a mut Context, Message) -> O + Send + Sync + 'static,
    O: Future<Output = Result<(), FunctionError>> + Send + 'a,
{
    fn call(
        &self,
        dependencies: &'a D,
        context: &'a mut Context,
        message: Message,
    ) -> impl Future<Output = Result<(), FunctionError>> + Send + 'a {
        self(dependencies, context, message)
    }
}

/// A closure and its dependencies; see [`Function::with`](crate::Function::with).
pub(crate) struct WithDependencies<D, F> {
    pub(crate) dependencies: D,
    pub(crate) function: F,
}

impl<D, F> StatefulFunction for WithDependencies<D, F>
where
    D: Send + Sync + 'static,
    F: for<'a> AsyncClosure<'a, D>,
{
    async fn invoke(&self, context: &mut Context, message: Message) -> Result<(), FunctionError> {
        self.function.call(&self.dependencies, context, message).await
    }
}

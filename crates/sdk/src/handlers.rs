//! The handlers of a function: with their types erased, each invocation within its time.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytestring::ByteString;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::timeout;

use crate::course::Course;
use crate::function_error::ErrorChain;
use crate::message_handler::MessageHandler;
use crate::request::Invocation;
use crate::response_writer::Mark;
use crate::{Context, FailureKind, FunctionError, Message, RequestError, TypeError};

/// Why messages are not handled any further.
pub(crate) enum Stopped {
    /// An invocation failed.
    Failed(Failed),
    /// The next message cannot be read: the request is no runtime's.
    Unreadable(RequestError),
}

/// How an invocation failed, with what is needed to take it back.
pub(crate) struct Failed {
    pub(crate) mark: Mark,
    pub(crate) kind: FailureKind,
    pub(crate) reason: String,
}

impl From<RequestError> for Stopped {
    fn from(error: RequestError) -> Self {
        Self::Unreadable(error)
    }
}

/// A handler with its type erased: once for messages of one type that follow one another, not once an invocation.
pub(crate) trait ErasedHandler<D>: Send + Sync {
    /// Runs the next invocations, those of one type or all, up to the first that fails.
    fn run<'a>(
        &'a self,
        dependencies: &'a D,
        context: &'a mut Context,
        course: &'a mut Course,
        message_type: Option<ByteString>,
    ) -> BoxFuture<'a, Result<(), Stopped>>;
}

/// A handler, and how the value that it takes is read from a message.
pub(crate) struct Logic<H, T, Form> {
    pub(crate) handler: H,
    pub(crate) read: fn(Message) -> Result<T, TypeError>,
    pub(crate) form: PhantomData<fn(Form)>,
}

impl<D, H, T, Form> ErasedHandler<D> for Logic<H, T, Form>
where
    D: Send + Sync + 'static,
    T: Send + 'static,
    Form: 'static,
    H: for<'a> MessageHandler<'a, D, T, Form>,
{
    fn run<'a>(
        &'a self,
        dependencies: &'a D,
        context: &'a mut Context,
        course: &'a mut Course,
        message_type: Option<ByteString>,
    ) -> BoxFuture<'a, Result<(), Stopped>> {
        Box::pin(async move {
            while let Some(Invocation { caller, message }) = course.next(message_type.as_ref())? {
                let mark = context.begin(caller);
                // The block makes reading the message and the call itself part of what is caught.
                let invocation = AssertUnwindSafe(async {
                    let message = (self.read)(message)?;
                    self.handler.call(dependencies, context, message).await
                });
                let result = {
                    let mut invocation = pin!(invocation.catch_unwind());
                    // Most are ready at once: they do without a timer.
                    match poll_fn(|context| Poll::Ready(invocation.as_mut().poll(context))).await {
                        Poll::Ready(result) => Ok(result),
                        Poll::Pending => within(course.invocation_timeout, invocation).await,
                    }
                };
                let failure = match result {
                    Ok(Ok(Ok(()))) => None,
                    Ok(Ok(Err(error))) => Some((error.kind(), ErrorChain(&error).to_string())),
                    Ok(Err(panic)) => Some((FailureKind::Panic, panic_text(&*panic))),
                    Err(Elapsed(limit)) => Some((FailureKind::Timeout, format!("no result within {limit:?}"))),
                };
                // Whatever the function made of it: a state that cannot be read and a response that is too large fail the batch.
                let Some((kind, reason)) = context.fault().or(failure) else {
                    course.turn.over().await;
                    continue;
                };
                return Err(Stopped::Failed(Failed { mark, kind, reason }));
            }
            Ok(())
        })
    }
}

/// The invocation time-out has passed.
struct Elapsed(Duration);

/// Drops the future at an await once its time is over.
async fn within<F: Future>(limit: Option<Duration>, future: Pin<&mut F>) -> Result<F::Output, Elapsed> {
    let Some(limit) = limit else { return Ok(future.await) };
    // In a box: a timer is large, and aligned to cache lines, which would make all futures around it so.
    Box::pin(timeout(limit, future)).await.map_err(|_| Elapsed(limit))
}

/// The handlers of a function.
pub(crate) struct Handlers<D> {
    /// In the order in which they were bound, each at the position of its message type in `Declarations::accepts`.
    pub(crate) by_type: Vec<Box<dyn ErasedHandler<D>>>,
    /// For messages of all other types.
    pub(crate) fallback: Option<Box<dyn ErasedHandler<D>>>,
}

impl<D> Default for Handlers<D> {
    fn default() -> Self {
        Self { by_type: Vec::new(), fallback: None }
    }
}

impl<D: Send + Sync + 'static> Handlers<D> {
    /// The same, with their dependencies.
    pub(crate) fn with(self, dependencies: D) -> Handlers<()> {
        let dependencies = Arc::new(dependencies);
        let bind = |handler| -> Box<dyn ErasedHandler<()>> {
            Box::new(Bound { dependencies: Arc::clone(&dependencies), handler })
        };
        Handlers { by_type: self.by_type.into_iter().map(bind).collect(), fallback: self.fallback.map(bind) }
    }
}

/// A handler with its dependencies.
struct Bound<D> {
    dependencies: Arc<D>,
    handler: Box<dyn ErasedHandler<D>>,
}

impl<D: Send + Sync> ErasedHandler<()> for Bound<D> {
    fn run<'a>(
        &'a self,
        _: &'a (),
        context: &'a mut Context,
        course: &'a mut Course,
        message_type: Option<ByteString>,
    ) -> BoxFuture<'a, Result<(), Stopped>> {
        self.handler.run(&self.dependencies, context, course, message_type)
    }
}

impl Handlers<()> {
    /// Runs invocations, each by the handler of its type, up to the first that fails.
    pub(crate) async fn run(&self, context: &mut Context, course: &mut Course) -> Result<(), Stopped> {
        if let (true, Some(fallback)) = (self.by_type.is_empty(), &self.fallback) {
            return fallback.run(&(), context, course, None).await;
        }
        while let Some(message_type) = course.peek()? {
            let position = context.accepts().iter().position(|accepted| message_type == accepted.as_str());
            match position.map(|position| &self.by_type[position]).or(self.fallback.as_ref()) {
                Some(handler) => handler.run(&(), context, course, Some(message_type)).await?,
                None => {
                    let Some(Invocation { caller, message }) = course.next(None)? else { return Ok(()) };
                    let mark = context.begin(caller);
                    let reason = FunctionError::unexpected_type(&message).to_string();
                    course.turn.over().await;
                    return Err(Stopped::Failed(Failed { mark, kind: FailureKind::UnexpectedType, reason }));
                }
            }
        }
        Ok(())
    }
}

/// A literal text only: one that was put together may quote the message. Where it was, the panic hook knows.
fn panic_text(panic: &(dyn Any + Send)) -> String {
    match panic.downcast_ref::<&str>() {
        Some(text) => format!("panicked: {text}"),
        None => "panicked".to_owned(),
    }
}

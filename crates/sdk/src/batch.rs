//! One batch: its messages one after the other, and what happens to those that fail.

use std::any::Any;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tracing::{info, warn};

use crate::error::{ErrorChain, LONGEST_TYPE, cut};
use crate::message_handler::MessageHandler;
use crate::request::{Invocation, decode};
use crate::response_writer::Mark;
use crate::{Context, DeadLetter, FailureKind, FailurePolicy, FunctionError, InvocationFailure, Message, TypeError};

/// How an invocation failed, with what is needed to take it back.
pub(crate) struct Failed {
    mark: Mark,
    kind: FailureKind,
    reason: String,
}

type Invocations = std::vec::IntoIter<Invocation>;

/// A handler with its type erased: once for messages of one type that follow one another, not once an invocation.
pub(crate) trait ErasedHandler<D>: Send + Sync {
    /// Runs the next `count` invocations, up to the first that fails.
    fn run<'a>(
        &'a self,
        dependencies: &'a D,
        context: &'a mut Context,
        invocations: &'a mut Invocations,
        count: usize,
    ) -> BoxFuture<'a, Result<(), Failed>>;
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
        invocations: &'a mut Invocations,
        count: usize,
    ) -> BoxFuture<'a, Result<(), Failed>> {
        Box::pin(async move {
            for Invocation { caller, message } in invocations.take(count) {
                let mark = context.begin(caller);
                // The block makes reading the message and the call itself part of what is caught.
                let invocation = AssertUnwindSafe(async {
                    let message = (self.read)(message)?;
                    self.handler.call(dependencies, context, message).await
                });
                let result = invocation.catch_unwind().await;
                // Whatever the function made of it: a state that cannot be read fails the batch.
                let (kind, reason) = match (context.unreadable_state(), result) {
                    (Some(error), _) => (FailureKind::State, error.to_string()),
                    (None, Ok(Ok(()))) => continue,
                    (None, Ok(Err(error))) => (error.kind(), ErrorChain(&error).to_string()),
                    (None, Err(panic)) => (FailureKind::Panic, panic_text(&*panic)),
                };
                return Err(Failed { mark, kind, reason });
            }
            Ok(())
        })
    }
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
        invocations: &'a mut Invocations,
        count: usize,
    ) -> BoxFuture<'a, Result<(), Failed>> {
        self.handler.run(&self.dependencies, context, invocations, count)
    }
}

impl Handlers<()> {
    /// Runs invocations, each by the handler of its type, up to the first that fails.
    async fn run(&self, context: &mut Context, invocations: &mut Invocations) -> Result<(), Failed> {
        if let (true, Some(fallback)) = (self.by_type.is_empty(), &self.fallback) {
            let all = invocations.len();
            return fallback.run(&(), context, invocations, all).await;
        }
        while let Some(next) = invocations.as_slice().first() {
            let message_type = next.message.type_name();
            let position = context.accepts().iter().position(|accepted| accepted.as_str() == message_type);
            match position.map(|position| &self.by_type[position]).or(self.fallback.as_ref()) {
                Some(handler) => {
                    let rest = invocations.as_slice().iter();
                    let count = rest.take_while(|invocation| invocation.message.type_name() == message_type).count();
                    handler.run(&(), context, invocations, count).await?;
                }
                None => {
                    let Some(Invocation { caller, message }) = invocations.next() else { return Ok(()) };
                    let mark = context.begin(caller);
                    let reason = FunctionError::unexpected_type(&message).to_string();
                    return Err(Failed { mark, kind: FailureKind::UnexpectedType, reason });
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

/// Why a batch did not come to its end.
pub(crate) enum Interrupted {
    /// It has to be run again from the request's bytes, each invocation isolated: one failed after it wrote a state.
    RetryIsolated,
    /// It fails.
    Failed(Box<InvocationFailure>),
}

impl From<Box<InvocationFailure>> for Interrupted {
    fn from(failure: Box<InvocationFailure>) -> Self {
        Self::Failed(failure)
    }
}

/// A batch on its way.
pub(crate) struct Batch<'a> {
    handlers: &'a Handlers<()>,
    policy: &'a FailurePolicy,
    pub(crate) context: Context,
    /// The request, to find a message again that was handed to the function and failed.
    body: &'a Bytes,
    /// The request's messages once more, from the first failure on.
    originals: Vec<Option<Invocation>>,
    /// What happened to messages that failed without failing the batch: logged once it is certain that the batch succeeds.
    quarantined: Vec<InvocationFailure>,
}

/// A failure that does not fail its batch.
struct Quarantined<'a> {
    failure: Box<InvocationFailure>,
    invocation: Invocation,
    /// Where the message goes; `None` where it is ignored.
    dead_letter: Option<&'a DeadLetter>,
}

/// The longest text of a failure, in bytes: it ends in logs and in the body of the response.
const LONGEST_REASON: usize = 4096;

impl<'a> Batch<'a> {
    pub(crate) fn new(
        handlers: &'a Handlers<()>,
        policy: &'a FailurePolicy,
        context: Context,
        body: &'a Bytes,
    ) -> Self {
        Self { handlers, policy, context, body, originals: Vec::new(), quarantined: Vec::new() }
    }

    /// Runs all messages over one set of decoded states.
    ///
    /// An invocation that failed before it wrote a state is rolled back by truncating the encoded response; for one that
    /// wrote, there is no state to go back to.
    pub(crate) async fn run(&mut self, invocations: Vec<Invocation>) -> Result<(), Interrupted> {
        let total = invocations.len();
        let mut invocations = invocations.into_iter();
        while let Err(failed) = self.handlers.run(&mut self.context, &mut invocations).await {
            let failure = self.apply_policy(&failed, total - invocations.len() - 1, total)?;
            if !self.context.rollback(failed.mark) {
                return Err(Interrupted::RetryIsolated);
            }
            self.quarantine(failure)?;
        }
        // Running each isolated finds out which invocation wrote what cannot be encoded.
        self.context.write_states().map_err(|_| Interrupted::RetryIsolated)
    }

    /// Runs all messages with the states encoded before each, so that each can be rolled back.
    pub(crate) async fn run_isolated(&mut self, invocations: Vec<Invocation>) -> Result<(), Box<InvocationFailure>> {
        let total = invocations.len();
        for (index, invocation) in invocations.into_iter().enumerate() {
            let states = self.context.save_states();
            let mark = self.context.mark();
            let mut one = vec![invocation].into_iter();
            let result = self.handlers.run(&mut self.context, &mut one).await.and_then(|()| {
                let encoded = self.context.encode_states();
                encoded.map_err(|error| Failed { mark, kind: FailureKind::Poison, reason: error.to_string() })
            });
            if let Err(failed) = result {
                let failure = self.apply_policy(&failed, index, total)?;
                self.context.rollback(mark);
                self.context.restore_states(states);
                self.quarantine(failure)?;
            }
        }
        self.context.write_states().map_err(|error| {
            // Each was encoded before.
            Box::new(InvocationFailure {
                target: self.context.self_address().clone(),
                index: total - 1,
                invocations: total,
                message_type: String::new(),
                kind: FailureKind::Poison,
                reason: error.to_string(),
            })
        })
    }

    /// Applies the failure policy.
    ///
    /// # Errors
    /// When the policy is that the batch fails.
    fn apply_policy(
        &mut self,
        failed: &Failed,
        index: usize,
        total: usize,
    ) -> Result<Quarantined<'a>, Box<InvocationFailure>> {
        if self.originals.is_empty() {
            let request = decode(self.body).map(|request| request.invocations).unwrap_or_default();
            self.originals = request.into_iter().map(Some).collect();
        }
        let invocation = self.originals.get_mut(index).and_then(Option::take);
        let message_type = invocation.as_ref().map_or("", |invocation| invocation.message.type_name());
        let failure = Box::new(InvocationFailure {
            target: self.context.self_address().clone(),
            index,
            invocations: total,
            message_type: cut(message_type, LONGEST_TYPE).to_owned(),
            kind: failed.kind,
            reason: cut(&failed.reason, LONGEST_REASON).to_owned(),
        });
        match (self.policy, failed.kind, invocation) {
            (_, FailureKind::UnexpectedType, Some(invocation)) => {
                Ok(Quarantined { failure, invocation, dead_letter: None })
            }
            (FailurePolicy::DeadLetter(dead_letter), FailureKind::Poison | FailureKind::Panic, Some(invocation)) => {
                Ok(Quarantined { failure, invocation, dead_letter: Some(dead_letter) })
            }
            _ => Err(failure),
        }
    }

    fn quarantine(&mut self, quarantined: Quarantined<'_>) -> Result<(), Box<InvocationFailure>> {
        let Quarantined { mut failure, invocation, dead_letter } = quarantined;
        if let Some(dead_letter) = dead_letter {
            let emitted = dead_letter
                .record(&failure, &invocation)
                .map_err(Into::into)
                .and_then(|record| self.context.emit(dead_letter.egress().clone(), record));
            if let Err(error) = emitted {
                failure.reason = format!("{}; and no dead letter could be made of it: {error}", failure.reason);
                return Err(failure);
            }
        }
        self.quarantined.push(*failure);
        Ok(())
    }

    /// The response, and why the messages failed whose dead letters are in it. Only now is logged what happened to the messages that failed: a
    /// batch that fails after all is sent again.
    pub(crate) fn finish(self) -> (Bytes, Vec<InvocationFailure>) {
        let mut dead_letters = self.quarantined;
        dead_letters.retain(|failure| {
            let InvocationFailure { target, index, invocations, message_type, kind, reason } = failure;
            if *kind == FailureKind::UnexpectedType {
                info!(function = ?target, message_type, reason, "message ignored");
                return false;
            }
            warn!(
                function = ?target,
                index,
                invocations,
                message_type,
                failure = kind.as_str(),
                error = reason,
                "message sent to the dead letters"
            );
            true
        });
        (self.context.into_response(), dead_letters)
    }
}

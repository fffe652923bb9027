//! One batch: its messages one after the other, and what happens to those that fail.

use std::any::Any;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use bytestring::ByteString;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, poll_immediate};
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::dead_letter_budget::{self, Claims};
use crate::error::{ErrorChain, LONGEST_TYPE, cut};
use crate::message_handler::MessageHandler;
use crate::registry::RegisteredFunction;
use crate::request::{Invocation, Invocations, Place};
use crate::response_writer::Mark;
use crate::{
    Context, FailureKind, FailurePolicy, FunctionError, HandlerError, InvocationFailure, Message, Outcome, Quarantined,
    RequestError, TypeError, UnexpectedTypePolicy,
};

/// Why messages are not handled any further.
pub(crate) enum Stopped {
    /// An invocation failed.
    Failed(Failed),
    /// The next message cannot be read: the request is no runtime's.
    Unreadable(RequestError),
}

/// How an invocation failed, with what is needed to take it back.
pub(crate) struct Failed {
    mark: Mark,
    kind: FailureKind,
    reason: String,
}

impl From<RequestError> for Stopped {
    fn from(error: RequestError) -> Self {
        Self::Unreadable(error)
    }
}

/// The messages of a batch on their way, and what bounds it.
pub(crate) struct Course {
    messages: Invocations,
    /// How many messages are taken at most.
    until: usize,
    invocation_timeout: Option<Duration>,
    turn: Turn,
}

impl Course {
    /// The next message, if there is one and it is of this type.
    fn next(&mut self, message_type: Option<&ByteString>) -> Result<Option<Invocation>, RequestError> {
        if self.messages.taken() == self.until {
            return Ok(None);
        }
        self.messages.take_if(|next| message_type.is_none_or(|wanted| wanted == next.message.type_name()))
    }

    /// The type of the next message.
    fn peek(&mut self) -> Result<Option<ByteString>, RequestError> {
        if self.messages.taken() == self.until {
            return Ok(None);
        }
        Ok(self.messages.peek()?.map(|next| next.message.type_text().clone()))
    }
}

/// How long a batch runs before it lets other tasks of its thread run.
const TURN: Duration = Duration::from_millis(10);

/// The most messages between two looks at the clock.
const LONGEST_STRIDE: u32 = 16;

/// When a batch last let others run. The clock is read now and then, as it costs as much as a small message.
#[derive(Default)]
struct Turn {
    began: Option<Instant>,
    looked: Option<Instant>,
    /// How many messages there are between two looks, and how many of them are left.
    stride: u32,
    left: u32,
}

impl Turn {
    /// After a message: lets others run if it is time.
    async fn over(&mut self) {
        if self.left > 1 {
            self.left -= 1;
            return;
        }
        let now = Instant::now();
        let began = *self.began.get_or_insert(now);
        let lap = now - self.looked.replace(now).unwrap_or(now);
        self.stride = if lap < TURN / 16 { (2 * self.stride).clamp(1, LONGEST_STRIDE) } else { 1 };
        self.left = self.stride;
        if now - began > TURN {
            yield_now().await;
            *self = Self::default();
        }
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
                    let invocation = pin!(invocation.catch_unwind());
                    within(course.invocation_timeout, invocation).await
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

/// Drops the future at an await once its time is over. One that is ready at once, as most are, costs no timer.
async fn within<F: Future>(limit: Option<Duration>, mut future: Pin<&mut F>) -> Result<F::Output, Elapsed> {
    let Some(limit) = limit else { return Ok(future.await) };
    match poll_immediate(&mut future).await {
        Some(output) => Ok(output),
        None => timeout(limit, future).await.map_err(|_| Elapsed(limit)),
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
        course: &'a mut Course,
        message_type: Option<ByteString>,
    ) -> BoxFuture<'a, Result<(), Stopped>> {
        self.handler.run(&self.dependencies, context, course, message_type)
    }
}

impl Handlers<()> {
    /// Runs invocations, each by the handler of its type, up to the first that fails.
    async fn run(&self, context: &mut Context, course: &mut Course) -> Result<(), Stopped> {
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

/// A batch on its way.
pub(crate) struct Batch<'a> {
    function: &'a RegisteredFunction,
    context: Context,
    course: Course,
    invocations: usize,
    /// What happened to messages that failed without failing the batch.
    quarantined: Vec<Quarantined>,
    dead_letters: Claims<'a>,
    /// Where an invocation that wrote a state before it failed is undone; the beginning, where it is `None`.
    checkpoint: Option<Checkpoint>,
    /// The response before the first effect.
    beginning: Mark,
    reruns: usize,
}

/// A place in a batch between two messages, with all that there was then.
struct Checkpoint {
    place: Place,
    mark: Mark,
    quarantined: Vec<Quarantined>,
    dead_letters: usize,
}

/// What is left of a batch that has succeeded.
pub(crate) struct Finished {
    pub(crate) response: Bytes,
    pub(crate) quarantined: Vec<Quarantined>,
    pub(crate) reruns: usize,
}

/// The longest text of a failure, in bytes: it ends in logs and in the body of the response.
const LONGEST_REASON: usize = 4096;

impl<'a> Batch<'a> {
    pub(crate) fn new(
        function: &'a RegisteredFunction,
        context: Context,
        messages: Invocations,
        invocations: usize,
        invocation_timeout: Option<Duration>,
    ) -> Self {
        let beginning = context.mark();
        Self {
            function,
            context,
            course: Course { messages, until: invocations, invocation_timeout, turn: Turn::default() },
            invocations,
            quarantined: Vec::new(),
            dead_letters: function.dead_letter_budget.claims(),
            checkpoint: None,
            beginning,
            reruns: 0,
        }
    }

    /// Runs all messages over one set of decoded states.
    ///
    /// An invocation that failed before it wrote a state is rolled back by truncating the encoded response. For one that wrote, the
    /// messages since the last checkpoint run again up to it, and behind it is the next checkpoint: so each message runs at most
    /// twice but for those that fail.
    pub(crate) async fn run(mut self) -> Result<Finished, HandlerError> {
        // A failure that is due: the messages before it are run again.
        let mut due: Option<(InvocationFailure, Outcome)> = None;
        loop {
            let failed = match self.function.handlers.run(&mut self.context, &mut self.course).await {
                Err(Stopped::Unreadable(error)) => return Err(error.into()),
                Err(Stopped::Failed(failed)) => failed,
                Ok(()) => match due.take() {
                    None => break,
                    Some((failure, outcome)) => {
                        self.course.until = self.invocations;
                        drop(self.course.messages.take_if(|_| true)?);
                        self.quarantine(failure, outcome)?;
                        self.set_checkpoint()?;
                        continue;
                    }
                },
            };
            let failure = self.failure(failed.kind, failed.reason);
            let outcome = self.outcome(&failure)?;
            if self.context.rollback(failed.mark) {
                self.quarantine(failure, outcome)?;
            } else {
                self.go_back();
                self.course.until = failure.index;
                due = Some((failure, outcome));
            }
        }
        self.context.write_states().map_err(|error| self.failed(FailureKind::Bug, error.to_string()))?;
        if let Some((kind, reason)) = self.context.fault() {
            return Err(self.failed(kind, reason));
        }
        if let Some(error) = self.context.unreadable_caller() {
            return Err(error.clone().into());
        }
        self.dead_letters.made(self.invocations);
        Ok(Finished { response: self.context.into_response(), quarantined: self.quarantined, reruns: self.reruns })
    }

    fn set_checkpoint(&mut self) -> Result<(), HandlerError> {
        self.context.checkpoint_states().map_err(|error| self.failed(FailureKind::Bug, error.to_string()))?;
        self.checkpoint = Some(Checkpoint {
            place: self.course.messages.place(),
            mark: self.context.mark(),
            quarantined: self.quarantined.clone(),
            dead_letters: self.dead_letters.len(),
        });
        Ok(())
    }

    fn go_back(&mut self) {
        self.reruns += 1;
        let (place, mark, dead_letters) = match &self.checkpoint {
            Some(checkpoint) => (checkpoint.place, checkpoint.mark, checkpoint.dead_letters),
            None => (self.course.messages.beginning(), self.beginning, 0),
        };
        self.course.messages.go_to(place);
        self.context.go_back(mark);
        self.dead_letters.truncate(dead_letters);
        self.quarantined =
            self.checkpoint.as_ref().map(|checkpoint| checkpoint.quarantined.clone()).unwrap_or_default();
    }

    /// How the message failed that was taken last.
    fn failure(&self, kind: FailureKind, reason: String) -> InvocationFailure {
        let message = self.course.messages.last().ok().flatten().map(|invocation| invocation.message);
        InvocationFailure {
            target: self.context.self_address().clone(),
            index: self.course.messages.taken().saturating_sub(1),
            invocations: self.invocations,
            message_type: message.map_or_else(String::new, |message| cut(message.type_name(), LONGEST_TYPE).to_owned()),
            kind,
            reason: cut(&reason, LONGEST_REASON).to_owned(),
        }
    }

    fn failed(&self, kind: FailureKind, reason: String) -> HandlerError {
        HandlerError::Invocation(Box::new(self.failure(kind, reason)))
    }

    /// Applies the policies of the function.
    ///
    /// # Errors
    /// When the policy is that the batch fails.
    fn outcome(&self, failure: &InvocationFailure) -> Result<Outcome, HandlerError> {
        let declarations = &self.function.declarations;
        match (failure.kind, &declarations.on_failure, declarations.on_unexpected_type) {
            (FailureKind::UnexpectedType, _, UnexpectedTypePolicy::Ignore) => Ok(Outcome::Ignored),
            (FailureKind::UnexpectedType, FailurePolicy::DeadLetter(_), UnexpectedTypePolicy::DeadLetter)
            | (FailureKind::Poison | FailureKind::Panic, FailurePolicy::DeadLetter(_), _) => Ok(Outcome::DeadLetter),
            _ => Err(HandlerError::Invocation(Box::new(failure.clone()))),
        }
    }

    /// Sets the message aside that was taken last.
    fn quarantine(&mut self, failure: InvocationFailure, outcome: Outcome) -> Result<(), HandlerError> {
        if outcome == Outcome::DeadLetter {
            self.emit_dead_letter(&failure)?;
        }
        let same = |other: &&mut Quarantined| other.outcome == outcome && other.first.kind == failure.kind;
        match self.quarantined.iter_mut().find(same) {
            Some(quarantined) => quarantined.count += 1,
            None => self.quarantined.push(Quarantined { outcome, count: 1, first: failure }),
        }
        Ok(())
    }

    fn emit_dead_letter(&mut self, failure: &InvocationFailure) -> Result<(), HandlerError> {
        let fails = |kind, reason: String| {
            Err(HandlerError::Invocation(Box::new(InvocationFailure { kind, reason, ..failure.clone() })))
        };
        if !self.dead_letters.claim(failure.index as u64) {
            let (most, window) = (dead_letter_budget::MOST, dead_letter_budget::WINDOW);
            let InvocationFailure { kind, reason, .. } = failure;
            return fails(
                FailureKind::DeadLetterBudget,
                format!(
                    "more than {most} of the last {window} messages would be dead letters; this one ({kind}): {reason}"
                ),
            );
        }
        let FailurePolicy::DeadLetter(dead_letter) = &self.function.declarations.on_failure else { return Ok(()) };
        let Some(invocation) = self.course.messages.last()? else { return Ok(()) };
        let emitted = dead_letter
            .record(failure, &invocation)
            .map_err(Into::into)
            .and_then(|record| self.context.emit(dead_letter.egress().clone(), record));
        match emitted {
            Ok(()) => Ok(()),
            Err(error) => {
                fails(failure.kind, format!("{}; and no dead letter could be made of it: {error}", failure.reason))
            }
        }
    }
}

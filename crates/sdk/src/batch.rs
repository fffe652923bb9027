//! One batch: its messages one after the other, and what becomes of those that fail.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tracing::{info, warn};

use crate::answer::Mark;
use crate::dead_letter::cut;
use crate::request::{Invocation, decode};
use crate::{Context, DeadLetter, FailureKind, FailurePolicy, InvocationFailure, StatefulFunction};

/// How an invocation failed, with what is needed to take it back.
pub(crate) struct Failed {
    mark: Mark,
    kind: FailureKind,
    reason: String,
}

/// A function with its type erased: once a batch, not once an invocation.
pub(crate) trait ErasedFunction: Send + Sync {
    /// Runs invocations up to the first that fails.
    fn run<'a>(
        &'a self,
        context: &'a mut Context,
        invocations: &'a mut std::vec::IntoIter<Invocation>,
    ) -> BoxFuture<'a, Result<(), Failed>>;
}

pub(crate) struct Erased<F>(pub(crate) F);

impl<F: StatefulFunction> ErasedFunction for Erased<F> {
    fn run<'a>(
        &'a self,
        context: &'a mut Context,
        invocations: &'a mut std::vec::IntoIter<Invocation>,
    ) -> BoxFuture<'a, Result<(), Failed>> {
        Box::pin(async move {
            for Invocation { caller, message } in invocations {
                let mark = context.begin(caller);
                if !context.accepts(message.type_name()) {
                    info!(
                        function = ?context.self_address(),
                        message_type = cut(message.type_name(), LONGEST_TYPE),
                        "message ignored: the function does not accept its type"
                    );
                    continue;
                }
                // The block makes the call itself part of what is caught.
                let invocation = AssertUnwindSafe(async { self.0.invoke(context, message).await });
                let result = invocation.catch_unwind().await;
                // Whatever the function made of it: a state that cannot be read fails the batch.
                let (kind, reason) = match (context.unreadable_state(), result) {
                    (Some(error), _) => (FailureKind::State, error.to_string()),
                    (None, Ok(Ok(()))) => continue,
                    (None, Ok(Err(error))) => (error.kind(), error.to_string()),
                    (None, Err(panic)) => (FailureKind::Panic, panic_text(&*panic)),
                };
                return Err(Failed { mark, kind, reason });
            }
            Ok(())
        })
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
    /// It has to be run again from the request's bytes, carefully: an invocation failed after it wrote a state.
    RunCarefully,
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
    pub(crate) logic: &'a dyn ErasedFunction,
    pub(crate) policy: &'a FailurePolicy,
    pub(crate) context: Context,
    /// The request, to find a message again that was handed to the function and failed.
    pub(crate) body: &'a Bytes,
    /// The request's messages once more, from the first failure on.
    originals: Vec<Option<Invocation>>,
    /// What did not become of the messages: to be told once it is certain that the batch succeeds.
    set_aside: Vec<InvocationFailure>,
}

/// A failure that does not fail its batch.
struct SetAside<'a> {
    failure: Box<InvocationFailure>,
    invocation: Invocation,
    /// Where the message goes; nowhere where it is ignored.
    dead_letter: Option<&'a DeadLetter>,
}

/// The longest texts of a failure, in bytes: it ends in logs and in the answer's body.
const LONGEST_TYPE: usize = 256;
const LONGEST_REASON: usize = 4096;

impl<'a> Batch<'a> {
    pub(crate) fn new(
        logic: &'a dyn ErasedFunction,
        policy: &'a FailurePolicy,
        context: Context,
        body: &'a Bytes,
    ) -> Self {
        Self { logic, policy, context, body, originals: Vec::new(), set_aside: Vec::new() }
    }

    /// Runs all messages over one set of decoded states.
    ///
    /// An invocation that failed before it wrote a state is taken back by cutting the lists of its effects; for one that
    /// wrote, there is no state to go back to.
    pub(crate) async fn run(&mut self, invocations: Vec<Invocation>) -> Result<(), Interrupted> {
        let total = invocations.len();
        let mut invocations = invocations.into_iter();
        while let Err(failed) = self.logic.run(&mut self.context, &mut invocations).await {
            let failure = self.judge(&failed, total - invocations.len() - 1, total)?;
            if !self.context.cut_back(failed.mark) {
                return Err(Interrupted::RunCarefully);
            }
            self.set_aside(failure)?;
        }
        // Which invocation wrote what cannot be encoded is found out by running carefully.
        self.context.write_states().map_err(|_| Interrupted::RunCarefully)
    }

    /// Runs all messages with the states encoded before each, so that each can be taken back whole.
    pub(crate) async fn run_carefully(&mut self, invocations: Vec<Invocation>) -> Result<(), Box<InvocationFailure>> {
        let total = invocations.len();
        for (index, invocation) in invocations.into_iter().enumerate() {
            let states = self.context.save_states();
            let mark = self.context.mark();
            let mut one = vec![invocation].into_iter();
            let result = self.logic.run(&mut self.context, &mut one).await.and_then(|()| {
                let encoded = self.context.encode_states();
                encoded.map_err(|error| Failed { mark, kind: FailureKind::Poison, reason: error.to_string() })
            });
            if let Err(failed) = result {
                let failure = self.judge(&failed, index, total)?;
                self.context.cut_back(mark);
                self.context.restore_states(states);
                self.set_aside(failure)?;
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
    fn judge(&mut self, failed: &Failed, index: usize, total: usize) -> Result<SetAside<'a>, Box<InvocationFailure>> {
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
            (_, FailureKind::OtherType, Some(invocation)) => Ok(SetAside { failure, invocation, dead_letter: None }),
            (FailurePolicy::DeadLetter(dead_letter), FailureKind::Poison | FailureKind::Panic, Some(invocation)) => {
                Ok(SetAside { failure, invocation, dead_letter: Some(dead_letter) })
            }
            _ => Err(failure),
        }
    }

    fn set_aside(&mut self, set_aside: SetAside<'_>) -> Result<(), Box<InvocationFailure>> {
        let SetAside { mut failure, invocation, dead_letter } = set_aside;
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
        self.set_aside.push(*failure);
        Ok(())
    }

    /// The answer, and how many dead letters are in it. Only now is it told what became of the messages that failed: a
    /// batch that fails after all is sent again.
    pub(crate) fn finish(self) -> (Bytes, usize) {
        let mut dead_letters = 0;
        for failure in &self.set_aside {
            let InvocationFailure { target, index, invocations, message_type, kind, reason } = failure;
            if *kind == FailureKind::OtherType {
                info!(function = ?target, message_type, reason, "message ignored");
                continue;
            }
            dead_letters += 1;
            warn!(
                function = ?target,
                index,
                invocations,
                message_type,
                failure = kind.as_str(),
                error = reason,
                "message sent to the dead letters"
            );
        }
        (self.context.into_answer(), dead_letters)
    }
}

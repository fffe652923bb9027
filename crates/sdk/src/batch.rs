//! One batch: its messages one after the other, and what becomes of those that fail.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tracing::{info, warn};

use crate::context::Mark;
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
                        function = %context.self_address(),
                        message_type = message.type_name(),
                        "message ignored: the function does not accept its type"
                    );
                    continue;
                }
                // The block makes the call itself part of what is caught.
                let invocation = AssertUnwindSafe(async { self.0.invoke(context, message).await });
                let (kind, reason) = match invocation.catch_unwind().await {
                    Ok(Ok(())) => continue,
                    Ok(Err(error)) => (error.kind(), error.to_string()),
                    Err(panic) => (FailureKind::Panic, panic_text(&*panic)),
                };
                return Err(Failed { mark, kind, reason });
            }
            Ok(())
        })
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", text.unwrap_or("with something that is no text"))
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
    pub(crate) dead_letters: usize,
}

/// A failure that is to become a dead letter.
struct Doomed<'a> {
    failure: Box<InvocationFailure>,
    invocation: Invocation,
    dead_letter: &'a DeadLetter,
}

impl<'a> Batch<'a> {
    /// Runs all messages over one set of decoded states.
    ///
    /// An invocation that failed before it wrote a state is taken back by cutting the lists of its effects; for one that
    /// wrote, there is no state to go back to.
    pub(crate) async fn run(&mut self, invocations: Vec<Invocation>) -> Result<(), Interrupted> {
        let total = invocations.len();
        let mut invocations = invocations.into_iter();
        while let Err(failed) = self.logic.run(&mut self.context, &mut invocations).await {
            let doomed = self.judge(&failed, total - invocations.len() - 1, total)?;
            if !self.context.cut_back(failed.mark) {
                return Err(Interrupted::RunCarefully);
            }
            self.bury(doomed)?;
        }
        // Which invocation wrote what cannot be encoded is found out by running carefully.
        self.context.encode_states().map_err(|_| Interrupted::RunCarefully)
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
                let doomed = self.judge(&failed, index, total)?;
                self.context.cut_back(mark);
                self.context.restore_states(states);
                self.bury(doomed)?;
            }
        }
        Ok(())
    }

    /// Applies the failure policy.
    ///
    /// # Errors
    /// When the policy is that the batch fails.
    fn judge(&self, failed: &Failed, index: usize, total: usize) -> Result<Doomed<'a>, Box<InvocationFailure>> {
        let invocation = decode(self.body).ok().and_then(|request| request.invocations.into_iter().nth(index));
        let message_type = invocation.as_ref().map_or("", |invocation| invocation.message.type_name());
        let failure = Box::new(InvocationFailure {
            target: self.context.self_address().clone(),
            index,
            invocations: total,
            message_type: message_type.to_owned(),
            kind: failed.kind,
            reason: failed.reason.clone(),
        });
        match (self.policy, failed.kind, invocation) {
            (FailurePolicy::DeadLetter(dead_letter), FailureKind::Poison | FailureKind::Panic, Some(invocation)) => {
                Ok(Doomed { failure, invocation, dead_letter })
            }
            _ => Err(failure),
        }
    }

    fn bury(&mut self, doomed: Doomed<'_>) -> Result<(), Box<InvocationFailure>> {
        let Doomed { mut failure, invocation, dead_letter } = doomed;
        warn!(
            function = %failure.target,
            index = failure.index,
            invocations = failure.invocations,
            message_type = failure.message_type,
            failure = failure.kind.as_str(),
            error = failure.reason,
            egress = %dead_letter.egress(),
            "message sent to the dead letters"
        );
        let emitted = dead_letter
            .record(&failure, &invocation)
            .map_err(Into::into)
            .and_then(|record| self.context.emit(dead_letter.egress().clone(), record));
        match emitted {
            Ok(()) => {
                self.dead_letters += 1;
                Ok(())
            }
            Err(error) => {
                failure.reason = format!("{}; and no dead letter could be made of it: {error}", failure.reason);
                Err(failure)
            }
        }
    }
}

//! One batch: its messages one after the other, and what happens to those that fail.

use std::time::Duration;

use bytes::Bytes;

use crate::course::{Course, Turn};
use crate::dead_letter_budget::{self, Claims};
use crate::error::{LONGEST_TYPE, cut};
use crate::handlers::Stopped;
use crate::registry::RegisteredFunction;
use crate::request::{Invocations, Place};
use crate::response_writer::Mark;
use crate::{
    Context, FailureKind, FailurePolicy, HandlerError, InvocationFailure, Outcome, Quarantined, UnexpectedTypePolicy,
};

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
                        drop(self.course.messages.take(None)?);
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

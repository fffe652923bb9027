use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use uuid::Uuid;

use crate::answer::{Answer, Head, Mark};
use crate::declarations::Declarations;
use crate::request::Caller;
use crate::state::{SavedStates, StateCache};
use crate::{
    Address, Decode, Egress, EgressRecord, Encode, FunctionError, Payload, RequestError, StateError, Type, TypeError,
    TypeName, Typed, ValueSpec,
};

/// What a function may do during an invocation: read and write its states, send messages, emit records.
///
/// Nothing happens until the whole batch has succeeded; then the runtime applies all of it within one checkpoint:
/// messages first, then delayed ones and cancellations, then egress records, then states. After a failure the runtime
/// sends the same messages again, so whatever a function does beside its context happens at least once.
pub struct Context {
    self_address: Address,
    encoded_caller: Caller,
    /// Once it was asked for.
    caller: OnceLock<Option<Address>>,
    /// Why a caller of this batch could not be read.
    unreadable_caller: OnceLock<RequestError>,
    declarations: Arc<Declarations>,
    states: StateCache,
    answer: Answer,
}

impl Context {
    pub(crate) fn new(
        self_address: Address,
        declarations: Arc<Declarations>,
        states: StateCache,
        request: usize,
    ) -> Self {
        Self {
            self_address,
            encoded_caller: Caller::default(),
            caller: OnceLock::new(),
            unreadable_caller: OnceLock::new(),
            declarations,
            states,
            answer: Answer::new(request),
        }
    }

    /// The address of this instance.
    pub fn self_address(&self) -> &Address {
        &self.self_address
    }

    /// The id of this instance. A clone of it copies nothing.
    pub fn self_id(&self) -> &ByteString {
        self.self_address.id()
    }

    /// Who sent the message; nobody where it came from an ingress.
    pub fn caller(&self) -> Option<&Address> {
        if self.encoded_caller.is_absent() {
            return None;
        }
        let read = || {
            self.encoded_caller.read().unwrap_or_else(|error| {
                self.unreadable_caller.get_or_init(|| error);
                None
            })
        };
        self.caller.get_or_init(read).as_ref()
    }

    /// The value of a state; `None` where it has none.
    ///
    /// The bytes are decoded at the first touch in a batch.
    ///
    /// # Errors
    /// [`FunctionError::State`] when the bytes are not what the spec says, poison when the state is not declared.
    pub fn get<T: Type>(&self, spec: &ValueSpec<T>) -> Result<Option<&T>, FunctionError> {
        self.states.get(spec)
    }

    /// The value of a state for changing; `None` where it has none. A value that was given out counts as written.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn get_mut<T: Type>(&mut self, spec: &ValueSpec<T>) -> Result<Option<&mut T>, FunctionError> {
        self.states.get_mut(spec, None)
    }

    /// Writes a state. The same value as before is a write, too: it renews the state's expiration.
    ///
    /// # Errors
    /// Poison when the state is not declared.
    pub fn set<T: Type>(&mut self, spec: &ValueSpec<T>, value: T) -> Result<(), FunctionError> {
        self.states.set(spec, value)
    }

    /// Removes the value of a state.
    ///
    /// # Errors
    /// Poison when the state is not declared.
    pub fn remove<T: Type>(&mut self, spec: &ValueSpec<T>) -> Result<(), FunctionError> {
        self.states.remove(spec)
    }

    /// Changes a state in place, beginning with the default where it has no value, and returns what `change` returns.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn update<T: Type + Default, R>(
        &mut self,
        spec: &ValueSpec<T>,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, FunctionError> {
        match self.states.get_mut(spec, Some(T::default))? {
            Some(value) => Ok(change(value)),
            None => Err(FunctionError::poison(format!("state {:?} has a value of another Rust type", spec.name()))),
        }
    }

    /// Sends a message to a function.
    ///
    /// # Errors
    /// Poison when the target's type is not declared, or the value has no representation in its type.
    pub fn send(&mut self, target: Address, value: impl Payload) -> Result<(), FunctionError> {
        self.check_target(&target)?;
        let head = self.written(value)?;
        self.answer.send(&target, &head);
        Ok(())
    }

    /// Sends a message to whoever sent this one.
    ///
    /// # Errors
    /// Poison when the message came from an ingress, or the function declared neither
    /// [`replies`](crate::Function::replies) nor the caller's type as a target; and as [`send`](Self::send).
    pub fn reply(&mut self, value: impl Payload) -> Result<(), FunctionError> {
        match self.caller().cloned() {
            Some(caller) => self.send(caller, value),
            None => Err(FunctionError::poison("a reply to nobody: the message came from an ingress")),
        }
    }

    /// Sends a message after a delay, which survives restarts of the cluster.
    ///
    /// The protocol counts whole milliseconds: part of one counts as one. More than 146 million years are as many.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_after(&mut self, delay: Duration, target: Address, value: impl Payload) -> Result<(), FunctionError> {
        self.delay(delay, target, value, None)
    }

    /// Sends a message after a delay unless [`cancel`](Self::cancel) is called with the same token before.
    ///
    /// The runtime keeps tokens under the id of this instance, whatever its function type: two function types with
    /// instances of the same id must not use the same tokens. A token that is used while an earlier message with it is
    /// pending makes the job fail over and over; within a batch that is refused here, across batches keep the token in a
    /// state, and cancel before it is used again.
    ///
    /// # Errors
    /// Poison when this batch sent a message with the token and did not cancel it since; and as [`send`](Self::send).
    pub fn send_cancellable(
        &mut self,
        delay: Duration,
        token: &CancellationToken,
        target: Address,
        value: impl Payload,
    ) -> Result<(), FunctionError> {
        self.delay(delay, target, value, Some(token))
    }

    fn delay(
        &mut self,
        delay: Duration,
        target: Address,
        value: impl Payload,
        token: Option<&CancellationToken>,
    ) -> Result<(), FunctionError> {
        self.check_target(&target)?;
        let head = self.written(value)?;
        let token = token.map(|CancellationToken(token)| token);
        if self.answer.delay(delay, &target, &head, token) {
            return Ok(());
        }
        Err(FunctionError::poison(format!(
            "cancellation token {:?} is in use: cancel the pending message first, or use another token",
            token.map_or("", |token| token)
        )))
    }

    /// Cancels the pending message that an instance with this id sent with this token. Without one nothing happens.
    pub fn cancel(&mut self, token: &CancellationToken) {
        self.answer.cancel(&token.0);
    }

    /// Emits a record to an egress.
    ///
    /// # Errors
    /// Poison when the egress is not declared, or it would refuse the record.
    pub fn emit(&mut self, egress: Egress, record: impl EgressRecord) -> Result<(), FunctionError> {
        if !self.declarations.egresses.contains(&egress) {
            return Err(FunctionError::poison(format!(
                "egress {egress} is not declared: add .emits(…) where the function is registered"
            )));
        }
        let head = record.write(&mut self.answer.buffers)?;
        self.answer.emit(egress.id(), &head);
        Ok(())
    }

    /// Checks that this function may send to `target`: its type is declared as a target or, for a function that
    /// [`replies`](crate::Function::replies), it is the caller.
    ///
    /// A message to a type that no endpoint of the cluster serves fails the whole job over and over, so an address that
    /// comes from data should be checked before it is stored.
    ///
    /// # Errors
    /// Poison that names the target.
    pub fn check_target(&self, target: &Address) -> Result<(), FunctionError> {
        let declarations = &*self.declarations;
        let may = declarations.targets.iter().any(|declared| target.is(declared))
            || declarations.replies && self.caller() == Some(target);
        if may {
            return Ok(());
        }
        Err(FunctionError::poison(format!(
            "target {}/{} is not declared: add .sends_to(…) where the function is registered",
            target.namespace(),
            target.name()
        )))
    }

    fn written(&mut self, value: impl Payload) -> Result<Head, TypeError> {
        value.write(&mut self.answer.buffers)
    }

    /// Begins an invocation.
    pub(crate) fn begin(&mut self, caller: Caller) -> Mark {
        self.encoded_caller = caller;
        self.caller = OnceLock::new();
        self.states.take_written();
        self.mark()
    }

    pub(crate) fn mark(&self) -> Mark {
        self.answer.mark()
    }

    /// Whether the function declared that it reads messages of this type, or declared none.
    pub(crate) fn accepts(&self, message_type: &str) -> bool {
        let accepted = &self.declarations.accepts;
        accepted.is_empty() || accepted.iter().any(|accepted| accepted.as_str() == message_type)
    }

    /// Takes back what was sent since `mark`. Says whether that takes back everything: a state that was written since
    /// stays written.
    pub(crate) fn cut_back(&mut self, mark: Mark) -> bool {
        self.answer.cut_back(mark);
        !self.states.take_written()
    }

    /// The first state that could not be read since the batch began, whatever the function made of the error.
    pub(crate) fn unreadable_state(&self) -> Option<&StateError> {
        self.states.unreadable()
    }

    /// Why a caller that was asked for could not be read: the request is no runtime's.
    pub(crate) fn unreadable_caller(&self) -> Option<&RequestError> {
        self.unreadable_caller.get()
    }

    /// Brings the encoded form of every written state up to date, so that it can be saved.
    pub(crate) fn encode_states(&mut self) -> Result<(), TypeError> {
        self.states.encode(&mut self.answer.buffers.value)
    }

    /// Writes the states into the answer: the last thing in it.
    pub(crate) fn write_states(&mut self) -> Result<(), TypeError> {
        self.states.write_to(&mut self.answer)
    }

    pub(crate) fn save_states(&self) -> SavedStates {
        self.states.save()
    }

    pub(crate) fn restore_states(&mut self, saved: SavedStates) {
        self.states.restore(saved);
    }

    /// The encoded answer.
    pub(crate) fn into_answer(self) -> Bytes {
        self.answer.finish()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("self_address", &self.self_address)
            .field("caller", &self.caller())
            .finish_non_exhaustive()
    }
}

/// Names a delayed message so that it can be cancelled.
///
/// Keep it in a state, a `ValueSpec<CancellationToken>`, to cancel in a later invocation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CancellationToken(ByteString);

impl CancellationToken {
    /// A token that a former one was saved as, or that is unique by its content.
    ///
    /// # Errors
    /// When the text is empty: the runtime fails on a cancellation without a token.
    pub fn new(text: impl Into<ByteString>) -> Result<Self, EmptyToken> {
        let text = text.into();
        if text.is_empty() { Err(EmptyToken) } else { Ok(Self(text)) }
    }

    /// A token that nobody else has.
    ///
    /// It is another one each time the same message is delivered, as it must be: a message that comes twice delays two
    /// messages, which need two tokens.
    pub fn random() -> Self {
        Self(Uuid::new_v4().to_string().into())
    }

    /// The token's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Typed for CancellationToken {
    const TYPE_NAME: TypeName = String::TYPE_NAME;
}

impl Encode for CancellationToken {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), TypeError> {
        self.as_str().encode(out)
    }
}

impl Decode for CancellationToken {
    fn decode(bytes: &Bytes) -> Result<Self, TypeError> {
        Self::new(String::decode(bytes)?).map_err(|error| TypeError::new(error.to_string()))
    }
}

/// A cancellation token without text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmptyToken;

impl fmt::Display for EmptyToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an empty cancellation token: expected some text")
    }
}

impl std::error::Error for EmptyToken {}

impl From<EmptyToken> for FunctionError {
    fn from(error: EmptyToken) -> Self {
        Self::poison(error)
    }
}

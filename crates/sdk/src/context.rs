use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use uuid::Uuid;

use crate::declarations::Declarations;
use crate::protocol::reqreply::from_function::{DelayedInvocation, EgressMessage, Invocation, InvocationResponse};
use crate::state::{SavedStates, StateCache};
use crate::value_spec::whole_millis;
use crate::{
    Address, Decode, Egress, EgressRecord, Encode, FunctionError, Payload, StateError, Type, TypeError, TypeName,
    Typed, TypedValue, ValueSpec,
};

/// What a function may do during an invocation: read and write its states, send messages, emit records.
///
/// Nothing happens until the whole batch has succeeded; then the runtime applies all of it within one checkpoint:
/// messages first, then delayed ones and cancellations, then egress records, then states. After a failure the runtime
/// sends the same messages again, so whatever a function does beside its context happens at least once.
pub struct Context {
    self_address: Address,
    caller: Option<Address>,
    declarations: Arc<Declarations>,
    states: StateCache,
    effects: Effects,
    /// Small values are encoded one behind the other here and split off: one allocation for many.
    buffer: BytesMut,
}

#[derive(Default)]
struct Effects {
    messages: Vec<Invocation>,
    delayed: Vec<DelayedInvocation>,
    egresses: Vec<EgressMessage>,
    /// Tokens of messages that this batch delays and has not cancelled since.
    pending_tokens: HashSet<ByteString>,
}

/// How far the effects had come when an invocation began.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    messages: usize,
    delayed: usize,
    egresses: usize,
}

impl Context {
    pub(crate) fn new(
        self_address: Address,
        declarations: Arc<Declarations>,
        states: StateCache,
        invocations: usize,
    ) -> Self {
        Self {
            self_address,
            caller: None,
            declarations,
            states,
            effects: Effects::default(),
            buffer: BytesMut::with_capacity(invocations.saturating_mul(256).clamp(512, 64 * 1024)),
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
        self.caller.as_ref()
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
        let argument = self.encoded(value)?;
        self.effects
            .messages
            .push(Invocation { target: Some(target.into_wire()), argument: Some(argument.into_wire()) });
        Ok(())
    }

    /// Sends a message to whoever sent this one.
    ///
    /// # Errors
    /// Poison when the message came from an ingress, or the function declared neither
    /// [`replies`](crate::Function::replies) nor the caller's type as a target; and as [`send`](Self::send).
    pub fn reply(&mut self, value: impl Payload) -> Result<(), FunctionError> {
        match self.caller.clone() {
            Some(caller) => self.send(caller, value),
            None => Err(FunctionError::poison("a reply to nobody: the message came from an ingress")),
        }
    }

    /// Sends a message after a delay, which survives restarts of the cluster.
    ///
    /// The protocol counts whole milliseconds: part of one counts as one.
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
        let argument = self.encoded(value)?;
        if let Some(CancellationToken(token)) = token
            && !self.effects.pending_tokens.insert(token.clone())
        {
            return Err(FunctionError::poison(format!(
                "cancellation token {token:?} is in use: cancel the pending message first, or use another token"
            )));
        }
        self.effects.delayed.push(DelayedInvocation {
            delay_in_ms: whole_millis(delay),
            target: Some(target.into_wire()),
            argument: Some(argument.into_wire()),
            is_cancellation_request: false,
            cancellation_token: token.map(|token| token.0.clone().into_bytes()).unwrap_or_default(),
        });
        Ok(())
    }

    /// Cancels the pending message that an instance with this id sent with this token. Without one nothing happens.
    pub fn cancel(&mut self, token: &CancellationToken) {
        self.effects.pending_tokens.remove(&token.0);
        self.effects.delayed.push(DelayedInvocation {
            is_cancellation_request: true,
            cancellation_token: token.0.clone().into_bytes(),
            ..DelayedInvocation::default()
        });
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
        let argument = record.into_typed_value(&mut self.buffer)?;
        let (namespace, name) = egress.id().parts();
        self.effects.egresses.push(EgressMessage {
            egress_namespace: namespace.into_bytes(),
            egress_type: name.into_bytes(),
            argument: Some(argument.into_wire()),
        });
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
            || declarations.replies && self.caller.as_ref() == Some(target);
        if may {
            return Ok(());
        }
        Err(FunctionError::poison(format!(
            "target {}/{} is not declared: add .sends_to(…) where the function is registered",
            target.namespace(),
            target.name()
        )))
    }

    fn encoded(&mut self, value: impl Payload) -> Result<TypedValue, TypeError> {
        value.into_typed_value(&mut self.buffer)
    }

    /// Begins an invocation.
    pub(crate) fn begin(&mut self, caller: Option<Address>) -> Mark {
        self.caller = caller;
        self.states.take_written();
        self.mark()
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark {
            messages: self.effects.messages.len(),
            delayed: self.effects.delayed.len(),
            egresses: self.effects.egresses.len(),
        }
    }

    /// Whether the function declared that it reads messages of this type, or declared none.
    pub(crate) fn accepts(&self, message_type: &str) -> bool {
        let accepted = &self.declarations.accepts;
        accepted.is_empty() || accepted.iter().any(|accepted| accepted.as_str() == message_type)
    }

    /// Takes back what was sent since `mark`. Says whether that takes back everything: a state that was written since
    /// stays written.
    pub(crate) fn cut_back(&mut self, mark: Mark) -> bool {
        self.effects.messages.truncate(mark.messages);
        self.effects.egresses.truncate(mark.egresses);
        if self.effects.delayed.len() > mark.delayed {
            self.effects.delayed.truncate(mark.delayed);
            self.effects.recount_tokens();
        }
        !self.states.take_written()
    }

    /// The first state that could not be read since the batch began, whatever the function made of the error.
    pub(crate) fn unreadable_state(&self) -> Option<&StateError> {
        self.states.unreadable()
    }

    pub(crate) fn encode_states(&mut self) -> Result<(), TypeError> {
        self.states.encode(&mut self.buffer)
    }

    pub(crate) fn save_states(&self) -> SavedStates {
        self.states.save()
    }

    pub(crate) fn restore_states(&mut self, saved: SavedStates) {
        self.states.restore(saved);
    }

    /// The states must have been encoded.
    pub(crate) fn into_response(self) -> InvocationResponse {
        InvocationResponse {
            state_mutations: self.states.into_mutations(),
            outgoing_messages: self.effects.messages,
            delayed_invocations: self.effects.delayed,
            outgoing_egresses: self.effects.egresses,
        }
    }
}

impl Effects {
    fn recount_tokens(&mut self) {
        self.pending_tokens.clear();
        for delayed in &self.delayed {
            let Ok(token) = ByteString::try_from(delayed.cancellation_token.clone()) else { continue };
            if delayed.is_cancellation_request {
                self.pending_tokens.remove(&token);
            } else if !token.is_empty() {
                self.pending_tokens.insert(token);
            }
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("self_address", &self.self_address)
            .field("caller", &self.caller)
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
    fn encode(&self, out: &mut BytesMut) -> Result<(), TypeError> {
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

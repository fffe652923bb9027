use std::borrow::Borrow;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;

use crate::address::Address;
use crate::cancellation_token::CancellationToken;
use crate::declarations::{Declarations, Target};
use crate::egress::{Egress, EgressRecord};
use crate::encode::{Decode, Head, Payload};
use crate::error::{FailureKind, LONGEST_TYPE, RequestError, cut};
use crate::function_error::FunctionError;
use crate::request::Caller;
use crate::response_writer::{Full, Mark, ResponseWriter};
use crate::state::StateCache;
use crate::type_error::TypeError;
use crate::typename::TypeName;
use crate::value_spec::ValueSpec;

/// What a function may do during an invocation: read and write its states, send messages, emit records.
///
/// Nothing happens until the whole batch has succeeded; then the runtime applies all of it within one checkpoint:
/// messages first, then delayed ones and cancellations, then egress records, then states. After a failure the runtime
/// sends the same messages again, so side effects outside the context happen at least once.
pub struct Context {
    self_address: Address,
    encoded_caller: Caller,
    /// Once it was asked for.
    caller: OnceLock<Option<Address>>,
    /// Why a caller of this batch could not be read.
    unreadable_caller: OnceLock<RequestError>,
    declarations: Arc<Declarations>,
    states: StateCache,
    response: ResponseWriter,
}

impl Context {
    pub(crate) fn new(
        self_address: Address,
        declarations: Arc<Declarations>,
        states: StateCache,
        response: ResponseWriter,
    ) -> Self {
        Self {
            self_address,
            encoded_caller: Caller::default(),
            caller: OnceLock::new(),
            unreadable_caller: OnceLock::new(),
            declarations,
            states,
            response,
        }
    }

    /// The address of this instance.
    pub fn self_address(&self) -> &Address {
        &self.self_address
    }

    /// The id of this instance. Cloning it copies nothing.
    pub fn self_id(&self) -> &ByteString {
        self.self_address.id()
    }

    /// The sender of the message; `None` for messages from an ingress.
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
    /// The bytes are decoded once a batch, at the first access.
    ///
    /// # Errors
    /// [`FunctionError::State`] when the bytes are not what the spec says, a bug when the state is not declared, or with another
    /// Rust type.
    pub fn get<T: Decode + Send + Sync + 'static>(&self, spec: &ValueSpec<T>) -> Result<Option<&T>, FunctionError> {
        self.states.get(spec)
    }

    /// The value of a state, mutably; `None` where it has none. The value counts as written from then on.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn get_mut<T: Decode + Send + Sync + 'static>(
        &mut self,
        spec: &ValueSpec<T>,
    ) -> Result<Option<&mut T>, FunctionError> {
        self.states.get_mut(spec, None)
    }

    /// Writes a state. The same value as before is a write, too: it renews the state's expiration.
    ///
    /// # Errors
    /// A bug when the state is not declared, or with another Rust type.
    pub fn set<T: Send + Sync + 'static>(&mut self, spec: &ValueSpec<T>, value: T) -> Result<(), FunctionError> {
        self.states.set(spec, value)
    }

    /// Removes the value of a state and returns it; `None` where it had none.
    ///
    /// ```
    /// # use statefun_sdk::{CancellationToken, Context, FunctionError, ValueSpec};
    /// const REMINDER: ValueSpec<CancellationToken> = ValueSpec::new("reminder");
    ///
    /// fn forget_reminder(context: &mut Context) -> Result<(), FunctionError> {
    ///     if let Some(token) = context.take(&REMINDER)? {
    ///         context.cancel(&token);
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn take<T: Decode + Send + Sync + 'static>(&mut self, spec: &ValueSpec<T>) -> Result<Option<T>, FunctionError> {
        self.states.take(spec)
    }

    /// Removes the value of a state.
    ///
    /// # Errors
    /// A bug when the state is not declared, or with another Rust type.
    pub fn remove<T: 'static>(&mut self, spec: &ValueSpec<T>) -> Result<(), FunctionError> {
        self.states.remove(spec)
    }

    /// Changes a state in place, beginning with the default where it has no value, and returns what `change` returns.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn update<T: Decode + Default + Send + Sync + 'static, R>(
        &mut self,
        spec: &ValueSpec<T>,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, FunctionError> {
        match self.states.get_mut(spec, Some(T::default))? {
            Some(value) => Ok(change(value)),
            None => Err(FunctionError::bug(format!("state {:?} has a value of another Rust type", spec.name()))),
        }
    }

    /// Sends a message to a function.
    ///
    /// # Errors
    /// A bug when the target's type is not declared, the messages declared for it are of other types, or the value has no
    /// representation in its type.
    pub fn send(&mut self, target: impl Borrow<Address>, value: impl Payload) -> Result<(), FunctionError> {
        let target = target.borrow();
        self.check_declared(target)?;
        let head = self.written(value)?;
        self.check_type(target, &head)?;
        self.response.send(target, &head);
        Ok(())
    }

    /// Sends a message to the sender of this one.
    ///
    /// # Errors
    /// Poison when the message came from an ingress, a bug when the function declared neither
    /// [`replies`](crate::Function::replies) nor the caller's type as a target; and as [`send`](Self::send).
    pub fn reply(&mut self, value: impl Payload) -> Result<(), FunctionError> {
        match self.caller().cloned() {
            Some(caller) => self.send(caller, value),
            None => Err(FunctionError::poison("there is no one to reply to: the message came from an ingress")),
        }
    }

    /// Sends a message after a delay, which survives restarts of the cluster.
    ///
    /// The protocol counts whole milliseconds: delays are rounded up. Delays over 146 million years are clamped to that.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_after(
        &mut self,
        delay: Duration,
        target: impl Borrow<Address>,
        value: impl Payload,
    ) -> Result<(), FunctionError> {
        self.delay(delay, target.borrow(), value, None)
    }

    /// Sends a message after a delay unless [`cancel`](Self::cancel) is called with the same token before.
    ///
    /// The runtime keeps tokens under the id of this instance, whatever its function type: two function types with
    /// instances of the same id must not use the same tokens. A token that is used while an earlier message with it is
    /// pending makes the job fail over and over. Within a batch this is an error. Across batches, keep the token in a state and
    /// cancel it before using it again.
    ///
    /// # Errors
    /// Poison when this batch sent a message with the token and did not cancel it since; and as [`send`](Self::send).
    pub fn send_cancellable(
        &mut self,
        delay: Duration,
        token: &CancellationToken,
        target: impl Borrow<Address>,
        value: impl Payload,
    ) -> Result<(), FunctionError> {
        self.delay(delay, target.borrow(), value, Some(token))
    }

    fn delay(
        &mut self,
        delay: Duration,
        target: &Address,
        value: impl Payload,
        token: Option<&CancellationToken>,
    ) -> Result<(), FunctionError> {
        self.check_declared(target)?;
        let head = self.written(value)?;
        self.check_type(target, &head)?;
        let token = token.map(|CancellationToken(token)| token);
        if self.response.delay(delay, target, &head, token) {
            return Ok(());
        }
        Err(FunctionError::poison(format!(
            "cancellation token {:?} is in use: cancel the pending message first, or use another token",
            token.map_or("", |token| token)
        )))
    }

    /// Cancels the pending message that an instance with this id sent with this token. Without one nothing happens.
    pub fn cancel(&mut self, token: &CancellationToken) {
        self.response.cancel(&token.0);
    }

    /// Emits a record to an egress.
    ///
    /// # Errors
    /// A bug when the egress is not declared, poison when the egress would reject the record.
    pub fn emit(&mut self, egress: Egress, record: impl EgressRecord) -> Result<(), FunctionError> {
        if !self.declarations.emits_to(&egress) {
            return Err(FunctionError::bug(format!(
                "egress {egress} is not declared: add .emits(…) where the function is registered"
            )));
        }
        let head = record.write_record(&mut self.response.buffers)?;
        self.response.emit(egress.id(), &head);
        Ok(())
    }

    /// Checks an address that comes from data: whether this function may send to it. It may if the type is its own, is declared
    /// as a target or, for a function that [`replies`](crate::Function::replies), the address is the caller's.
    ///
    /// Check such an address before it is used or stored: sending to one that was not declared is a bug, which fails the batch,
    /// as a message to a type that no endpoint of the cluster serves makes the whole job restart over and over.
    ///
    /// # Errors
    /// Poison that names the target.
    pub fn check_target(&self, target: &Address) -> Result<(), FunctionError> {
        if self.may_send_to(target) { Ok(()) } else { Err(FunctionError::poison(undeclared(target))) }
    }

    fn check_declared(&self, target: &Address) -> Result<(), FunctionError> {
        if self.may_send_to(target) { Ok(()) } else { Err(FunctionError::bug(undeclared(target))) }
    }

    fn may_send_to(&self, target: &Address) -> bool {
        let declarations = &*self.declarations;
        target.is_same_type(&self.self_address)
            || declarations.targets.iter().any(|declared| target.is(&declared.type_name))
            || declarations.replies && self.caller() == Some(target)
    }

    /// Whether messages of this type are declared for the target, where types are.
    fn check_type(&self, target: &Address, head: &Head) -> Result<(), FunctionError> {
        match self.declarations.targets.iter().find(|declared| target.is(&declared.type_name)) {
            Some(Target { type_name, messages }) if !messages.is_empty() => {
                if messages.iter().any(|declared| head.type_name == declared.as_str()) {
                    return Ok(());
                }
                Err(FunctionError::bug(format!(
                    "messages of type {:?} are not declared for target {type_name}: add .sends::<…>(…) where the function is \
                     registered",
                    cut(&head.type_name, LONGEST_TYPE)
                )))
            }
            _ => Ok(()),
        }
    }

    fn written(&mut self, value: impl Payload) -> Result<Head, FunctionError> {
        value.write(&mut self.response.buffers).map_err(FunctionError::bug)
    }

    /// Begins an invocation.
    pub(crate) fn begin(&mut self, caller: Caller) -> Mark {
        self.encoded_caller = caller;
        self.caller = OnceLock::new();
        self.states.take_written();
        self.mark()
    }

    pub(crate) fn mark(&self) -> Mark {
        self.response.mark()
    }

    /// The types of messages for which handlers are bound.
    pub(crate) fn accepts(&self) -> &[TypeName] {
        &self.declarations.accepts
    }

    /// Rolls back what was sent since `mark`. Returns whether that is everything: a state that was written since stays written.
    pub(crate) fn rollback(&mut self, mark: Mark) -> bool {
        self.response.rollback(mark);
        !self.states.take_written()
    }

    /// What fails the batch whatever the function made of it: a state that could not be read, or a response that is too large.
    pub(crate) fn fault(&self) -> Option<(FailureKind, String)> {
        if let Some(error) = self.states.unreadable() {
            return Some((FailureKind::State, error.to_string()));
        }
        let full = self.response.full()?;
        Some((full.into(), self.too_large(full)))
    }

    fn too_large(&self, full: Full) -> String {
        let (limit, largest) = (self.response.limit(), self.response.largest());
        match full {
            Full::Limit => format!(
                "the response is larger than the limit of {limit} bytes; its largest parts: {largest}. Decrease \
                 maxNumBatchRequests of the endpoint in module.yaml, or have each message do less"
            ),
            Full::Memory => format!(
                "there is no memory left for the response, which other requests and responses hold; its largest parts: {largest}"
            ),
        }
    }

    /// Why a caller that was asked for could not be read: the request is no runtime's.
    pub(crate) fn unreadable_caller(&self) -> Option<&RequestError> {
        self.unreadable_caller.get()
    }

    /// A place for the states to [go back](Self::go_back) to.
    pub(crate) fn checkpoint_states(&mut self) -> Result<(), TypeError> {
        self.states.checkpoint(&mut self.response.buffers.value)
    }

    /// Undoes all since the last checkpoint of the states, at which the response was at `mark`.
    pub(crate) fn go_back(&mut self, mark: Mark) {
        self.response.rollback(mark);
        self.states.go_back();
    }

    /// Writes the states into the response: the last thing in it.
    pub(crate) fn write_states(&mut self) -> Result<(), TypeError> {
        self.states.write_to(&mut self.response)
    }

    /// The encoded response.
    pub(crate) fn into_response(self) -> Bytes {
        self.response.finish()
    }
}

fn undeclared(target: &Address) -> String {
    let (namespace, name) = (target.namespace(), target.name());
    format!("target {namespace}/{name} is not declared: add .sends_to(…) where the function is registered")
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("self_address", &self.self_address)
            .field("caller", &self.caller())
            .finish_non_exhaustive()
    }
}

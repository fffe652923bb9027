use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;

use super::emitted::{Emitted, EmittedRecord};
use crate::encode::{encode_to, typed_value};
use crate::protocol::reqreply::from_function::persisted_value_mutation::MutationType;
use crate::protocol::reqreply::from_function::{self, InvocationResponse};
use crate::protocol::reqreply::{self, FromFunction, ToFunction, to_function};
use crate::{
    Address, Decode, Egress, Encode, Function, FunctionError, HandlerError, InvocationFailure, Outcome, Payload,
    Registry, RegistryError, RequestReplyHandler, TypeError, TypeName, TypedValue, ValueSpec,
};

/// One instance of one function, to be called with messages and asked what it did.
///
/// It goes through the protocol like any other call, so declarations, failure policy and encodings count. States live
/// until they are removed: time does not pass here. For several functions, delays and expiration there is
/// [`LocalRuntime`](super::LocalRuntime).
///
/// ```
/// # use statefun_sdk::{Context, Function, FunctionError, ValueSpec, local::TestContext};
/// const SEEN: ValueSpec<i32> = ValueSpec::new("seen");
///
/// async fn count(context: &mut Context, _: String) -> Result<(), FunctionError> {
///     context.update(&SEEN, |seen| *seen += 1)
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let mut test = TestContext::new(Function::new("demo/counter").on(count).state(&SEEN), "ann")?;
/// test.invoke("hello").await?;
/// assert_eq!(test.get(&SEEN)?, Some(1));
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Debug)]
pub struct TestContext {
    handler: RequestReplyHandler,
    self_address: Address,
    caller: Option<Address>,
    states: BTreeMap<&'static str, reqreply::TypedValue>,
    sent: Vec<SentMessage>,
    delayed: Vec<DelayedMessage>,
    emitted: Vec<Emitted>,
    last_response: Bytes,
    dead_letters_expected: bool,
}

/// A message that a function sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentMessage {
    /// For whom.
    pub target: Address,
    /// What.
    pub value: TypedValue,
}

/// A message that a function sent for later, and did not cancel since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelayedMessage {
    /// How much later.
    pub delay: Duration,
    /// For whom.
    pub target: Address,
    /// What.
    pub value: TypedValue,
    /// The text of the token by which it can be cancelled.
    pub token: Option<String>,
}

impl TestContext {
    /// The instance `id` of a function.
    ///
    /// # Errors
    /// When the function's declarations are wrong in themselves.
    pub fn new(function: Function, id: &str) -> Result<Self, RegistryError> {
        let registry = Registry::builder().function(function).build()?;
        let self_address = registry.functions()[0].type_name().with_id(id);
        Ok(Self {
            handler: RequestReplyHandler::new(registry),
            self_address,
            caller: None,
            states: BTreeMap::new(),
            sent: Vec::new(),
            delayed: Vec::new(),
            emitted: Vec::new(),
            last_response: Bytes::new(),
            dead_letters_expected: false,
        })
    }

    /// From now on messages come from `caller` instead of an ingress.
    #[must_use]
    pub fn with_caller(mut self, caller: Address) -> Self {
        self.caller = Some(caller);
        self
    }

    /// From now on an invocation may become a dead letter: it is [`Ok`], and [`emitted`](Self::emitted) shows the record.
    #[must_use]
    pub fn expect_dead_letters(mut self) -> Self {
        self.dead_letters_expected = true;
        self
    }

    /// Calls the function with one message: a typed value, or a [`TypedValue`] of any bytes.
    ///
    /// Dropping the future applies nothing.
    ///
    /// # Errors
    /// When the invocation fails its batch; then nothing is applied. When the message becomes a dead letter, unless that is
    /// [expected](Self::expect_dead_letters); then what else the batch did is applied.
    ///
    /// # Panics
    /// When a record was emitted as one for Kafka or Kinesis and is none: on a cluster the job would fail.
    pub async fn invoke(&mut self, message: impl Payload) -> Result<(), InvokeError> {
        self.invoke_batch([message]).await
    }

    /// Calls the function with several messages at once: one batch.
    ///
    /// Dropping the future applies nothing.
    ///
    /// # Errors
    /// As [`invoke`](Self::invoke).
    ///
    /// # Panics
    /// As [`invoke`](Self::invoke).
    pub async fn invoke_batch(&mut self, messages: impl IntoIterator<Item = impl Payload>) -> Result<(), InvokeError> {
        let messages =
            messages.into_iter().map(typed_value).collect::<Result<Vec<_>, _>>().map_err(InvokeError::Message)?;
        let request = self.request(messages);
        let response = self.handler.handle(request).await.map_err(InvokeError::Handler)?;
        self.last_response = response.body.clone();
        // The handler's own bytes, with all declared states in the request: they decode, and they hold a result.
        let result = FromFunction::decode(response.body).unwrap_or_default();
        if let Some(from_function::Response::InvocationResult(result)) = result.response {
            self.apply(result);
        }
        let dead_letter = response.quarantined.into_iter().find(|failed| failed.outcome == Outcome::DeadLetter);
        match dead_letter.filter(|_| !self.dead_letters_expected) {
            None => Ok(()),
            Some(dead_letter) => Err(InvokeError::DeadLetter(Box::new(dead_letter.first))),
        }
    }

    /// Gives a state a value.
    ///
    /// # Errors
    /// When the function did not declare the state, or the value has no representation in its type.
    pub fn set<T: Encode>(&mut self, spec: &ValueSpec<T>, value: T) -> Result<(), FunctionError> {
        self.check_declared(spec)?;
        let mut encoded = Vec::new();
        encode_to(&mut encoded, &value)?;
        let value = reqreply::TypedValue {
            typename: spec.type_name().clone().into_text().into_bytes(),
            has_value: true,
            value: encoded.into(),
        };
        self.states.insert(spec.name(), value);
        Ok(())
    }

    /// The value of a state; `None` where it has none.
    ///
    /// # Errors
    /// When the function did not declare the state, or the bytes are not what the spec says.
    pub fn get<T: Decode>(&self, spec: &ValueSpec<T>) -> Result<Option<T>, FunctionError> {
        self.check_declared(spec)?;
        Ok(self.states.get(spec.name()).map(|value| T::decode(&value.value)).transpose()?)
    }

    /// The messages that were sent at once, in order.
    pub fn sent(&self) -> &[SentMessage] {
        &self.sent
    }

    /// The messages that were sent for later and not cancelled since, in order.
    pub fn delayed(&self) -> &[DelayedMessage] {
        &self.delayed
    }

    /// The records that were emitted, in order.
    pub fn emitted(&self) -> &[Emitted] {
        &self.emitted
    }

    /// The last response, an encoded `FromFunction`.
    pub fn last_response(&self) -> &Bytes {
        &self.last_response
    }

    /// Forgets what was sent and emitted so far; states stay.
    pub fn clear_effects(&mut self) {
        self.sent.clear();
        self.delayed.clear();
        self.emitted.clear();
    }

    fn check_declared<T>(&self, spec: &ValueSpec<T>) -> Result<(), FunctionError> {
        let declared = self.handler.registry().functions()[0].states();
        if declared.iter().any(|state| state.name() == spec.name()) {
            return Ok(());
        }
        Err(FunctionError::bug(format!("state {:?} is not declared by the function", spec.name())))
    }

    fn request(&self, messages: impl IntoIterator<Item = TypedValue>) -> Bytes {
        let declared = self.handler.registry().functions()[0].states();
        let state = declared.iter().map(|state| to_function::PersistedValue {
            state_name: Bytes::from_static(state.name().as_bytes()),
            state_value: self.states.get(state.name()).cloned(),
        });
        let caller = self.caller.clone().map(Address::into_wire);
        let invocations = messages
            .into_iter()
            .map(|message| to_function::Invocation { caller: caller.clone(), argument: Some(message.into_wire()) });
        let batch = to_function::InvocationBatchRequest {
            target: Some(self.self_address.clone().into_wire()),
            state: state.collect(),
            invocations: invocations.collect(),
        };
        ToFunction { request: Some(to_function::Request::Invocation(batch)) }.encode_to_vec().into()
    }

    fn apply(&mut self, result: InvocationResponse) {
        for message in result.outgoing_messages {
            if let (Some(target), Some(value)) = (address(message.target), value_from_wire(message.argument)) {
                self.sent.push(SentMessage { target, value });
            }
        }
        for message in result.delayed_invocations {
            let token = String::from_utf8_lossy(&message.cancellation_token).into_owned();
            if message.is_cancellation_request {
                self.delayed.retain(|delayed| delayed.token.as_deref() != Some(&token));
            } else if let (Some(target), Some(value)) = (address(message.target), value_from_wire(message.argument)) {
                self.delayed.push(DelayedMessage {
                    delay: Duration::from_millis(message.delay_in_ms.unsigned_abs()),
                    target,
                    value,
                    token: (!token.is_empty()).then_some(token),
                });
            }
        }
        let function = &self.handler.registry().functions()[0];
        for message in result.outgoing_egresses {
            let Some(egress) = function.egresses().map(Egress::id).find(|id| is_id(id, &message)) else { continue };
            let record = EmittedRecord::from_wire(message.argument.unwrap_or_default())
                .unwrap_or_else(|reason| panic!("a broken record for egress {egress}: {reason}"));
            self.emitted.push(Emitted { egress: egress.clone(), record });
        }
        let declared = self.handler.registry().functions()[0].states();
        for mutation in result.state_mutations {
            let Some(state) = declared.iter().find(|state| mutation.state_name == state.name()) else { continue };
            match (mutation.mutation_type(), mutation.state_value) {
                (MutationType::Modify, Some(value)) => self.states.insert(state.name(), value),
                _ => self.states.remove(state.name()),
            };
        }
    }
}

/// Why an invocation of a [`TestContext`] failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvokeError {
    /// The message has no representation in its type.
    Message(TypeError),
    /// The batch failed.
    Handler(HandlerError),
    /// A message became a dead letter: the first one that did. Tests that want that say so, by
    /// [`TestContext::expect_dead_letters`].
    DeadLetter(Box<InvocationFailure>),
}

impl fmt::Display for InvokeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(error) => write!(f, "the message cannot be encoded: {error}"),
            Self::Handler(error) => error.fmt(f),
            Self::DeadLetter(failure) => {
                write!(f, "a message became a dead letter, which expect_dead_letters() would allow: {failure}")
            }
        }
    }
}

impl std::error::Error for InvokeError {}

fn address(address: Option<reqreply::Address>) -> Option<Address> {
    Address::from_wire(address?)
}

fn value_from_wire(value: Option<reqreply::TypedValue>) -> Option<TypedValue> {
    TypedValue::from_wire(Some(value?))
}

fn is_id(id: &TypeName, message: &from_function::EgressMessage) -> bool {
    message.egress_namespace == id.namespace() && message.egress_type == id.name()
}

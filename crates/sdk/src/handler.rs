use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use tracing::{Instrument, debug_span};

use crate::batch::{Batch, Finished};
use crate::protocol::reqreply::{FromFunction, from_function};
use crate::request::Head;
use crate::response_writer::ResponseWriter;
use crate::state::StateCache;
use crate::{
    Address, Context, FailureKind, HandlerError, InvocationFailure, MemoryBudget, Registry, RequestError, StateError,
};

/// Handles the runtime's requests with the functions of a [`Registry`]: bytes in, bytes out.
///
/// How the bytes come and go is not its business: an HTTP server, AWS Lambda or a test calls it. It keeps nothing between
/// requests but how many dead letters each function made lately; clones share the registry.
///
/// | limit | default | above it |
/// |---|---|---|
/// | [`invocation_limit`](Self::invocation_limit), messages of a request | 65,536 | the request is rejected |
/// | [`invocation_timeout`](Self::invocation_timeout), of one invocation | none | the batch fails, and may succeed the next time |
/// | [`response_limit`](Self::response_limit), in bytes | 32 MiB | the batch fails |
/// | [`memory_budget`](Self::memory_budget), of all responses | none | the batch fails, and may succeed the next time |
///
/// It logs nothing: who calls it knows from [`Response::quarantined`] and from errors what there is to log.
#[derive(Clone)]
pub struct RequestReplyHandler {
    registry: Arc<Registry>,
    invocation_limit: usize,
    invocation_timeout: Option<Duration>,
    response_limit: usize,
    memory_budget: Option<MemoryBudget>,
}

/// A request with its target read: its messages are still to be handled.
pub struct BatchRequest<'a> {
    handler: &'a RequestReplyHandler,
    body: usize,
    head: Head,
    function: usize,
}

/// The response to a request, and what is worth counting and logging about it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Response {
    /// An encoded `FromFunction`. A large one holds a part of the [budget of memory](RequestReplyHandler::memory_budget) until it is
    /// dropped.
    pub body: Bytes,
    /// The function that was called, as its position in [`Registry::functions`].
    pub function: usize,
    /// How many messages the request held.
    pub invocations: usize,
    /// What kind of response it is.
    pub kind: ResponseKind,
    /// The messages that failed without failing the batch: an entry for each outcome and kind of failure.
    pub quarantined: Vec<Quarantined>,
    /// How many times messages were run again, because one behind them had failed after it wrote a state. What they did outside
    /// of their context was done again, too.
    pub reruns: usize,
}

/// The kinds of response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseKind {
    /// The messages were handled.
    Result,
    /// No message was handled: the runtime did not send all declared states, and will send the request again with them.
    MissingStates,
}

/// Messages of a batch that failed without failing it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quarantined {
    /// What became of them.
    pub outcome: Outcome,
    /// How many they are.
    pub count: usize,
    /// How the first of them failed; the others failed in the same way.
    pub first: InvocationFailure,
}

/// What became of a message that failed without failing its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// A record of it went to the egress of dead letters.
    DeadLetter,
    /// It was ignored.
    Ignored,
}

impl Response {
    /// How many messages became dead letters.
    pub fn dead_letters(&self) -> usize {
        self.count(Outcome::DeadLetter)
    }

    /// How many messages were ignored.
    pub fn ignored(&self) -> usize {
        self.count(Outcome::Ignored)
    }

    fn count(&self, outcome: Outcome) -> usize {
        let quarantined = self.quarantined.iter().filter(|quarantined| quarantined.outcome == outcome);
        quarantined.map(|quarantined| quarantined.count).sum()
    }
}

impl RequestReplyHandler {
    /// A handler of the functions of `registry`.
    pub fn new(registry: impl Into<Arc<Registry>>) -> Self {
        Self {
            registry: registry.into(),
            invocation_limit: Self::INVOCATION_LIMIT,
            invocation_timeout: None,
            response_limit: Self::RESPONSE_LIMIT,
            memory_budget: None,
        }
    }

    /// The default of [`invocation_limit`](Self::invocation_limit).
    pub const INVOCATION_LIMIT: usize = 65_536;

    /// The [`invocation_timeout`](Self::invocation_timeout) that servers of `statefun-http` have by default.
    pub const INVOCATION_TIMEOUT: Duration = Duration::from_secs(30);

    /// The default of [`response_limit`](Self::response_limit): the runtime's `payload_max_bytes` as it is by default.
    pub const RESPONSE_LIMIT: usize = 32 * 1024 * 1024;

    /// Rejects requests of more messages. The runtime's `maxNumBatchRequests` must not be larger: it would send such a request again
    /// until the job fails.
    #[must_use]
    pub fn invocation_limit(mut self, invocations: usize) -> Self {
        self.invocation_limit = invocations;
        self
    }

    /// Drops an invocation, at an await, that takes longer, and fails its batch: [`FailureKind::Timeout`]. A function that blocks
    /// its thread cannot be interrupted. It needs a Tokio runtime with time.
    #[must_use]
    pub fn invocation_timeout(mut self, timeout: Duration) -> Self {
        self.invocation_timeout = Some(timeout);
        self
    }

    /// Fails batches whose response becomes larger, in bytes: [`FailureKind::ResponseTooLarge`]. The runtime refuses responses above
    /// its `payload_max_bytes` and retries the request until the job fails; the function is not told.
    #[must_use]
    pub fn response_limit(mut self, bytes: usize) -> Self {
        self.response_limit = bytes;
        self
    }

    /// Takes the memory of responses from this budget; a response that finds no room in it fails its batch:
    /// [`FailureKind::Memory`]. Responses of up to 64 KiB are free.
    #[must_use]
    pub fn memory_budget(mut self, budget: MemoryBudget) -> Self {
        self.memory_budget = Some(budget);
        self
    }

    /// The functions that it calls.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Handles one request: an encoded `ToFunction`.
    ///
    /// Dropping the future abandons the request at an await of a function: nothing of it was applied, and the runtime sends it
    /// again.
    ///
    /// # Errors
    /// When the request cannot be a runtime's, or an invocation failed in a way that fails its batch.
    pub async fn handle(&self, body: Bytes) -> Result<Response, HandlerError> {
        self.read(body)?.handle().await
    }

    /// Reads whom a request is for, an encoded `ToFunction`, and calls no function yet.
    ///
    /// # Errors
    /// When the request cannot be a runtime's. A message that cannot be read is found when its turn comes.
    pub fn read(&self, body: Bytes) -> Result<BatchRequest<'_>, HandlerError> {
        let head = Head::read(&body, self.invocation_limit)?;
        match self.registry.position(&head.target) {
            Some(function) => Ok(BatchRequest { handler: self, body: body.len(), head, function }),
            None => Err(self.unknown_function(&head.target).into()),
        }
    }

    fn unknown_function(&self, target: &Address) -> RequestError {
        RequestError::UnknownFunction {
            asked: format!("{}/{}", target.namespace(), target.name()),
            known: self.registry.functions().iter().map(|function| function.type_name().to_string()).collect(),
        }
    }
}

impl BatchRequest<'_> {
    /// The instance that it is for.
    pub fn target(&self) -> &Address {
        &self.head.target
    }

    /// Its function, as the position in [`Registry::functions`].
    pub fn function(&self) -> usize {
        self.function
    }

    /// How many messages it holds.
    pub fn invocations(&self) -> usize {
        self.head.invocations
    }

    /// Whether the runtime did not send all declared states: then [`handle`](Self::handle) calls no function, and its response is
    /// [`ResponseKind::MissingStates`].
    ///
    /// # Errors
    /// When a state cannot be read.
    pub fn lacks_states(&self) -> Result<bool, HandlerError> {
        let declared = &self.handler.registry.functions()[self.function].declarations.states;
        Ok(self.head.states(declared)?.iter().any(Option::is_none))
    }

    /// Handles the messages. What [`RequestReplyHandler::handle`] says of dropping the future and of errors is true here.
    ///
    /// # Errors
    /// When a message cannot be read, or an invocation failed in a way that fails its batch.
    pub async fn handle(self) -> Result<Response, HandlerError> {
        let span = debug_span!("batch", function = ?self.head.target, invocations = self.head.invocations);
        // In a box: all futures around this one would be as large, and each is moved more than once.
        Box::pin(self.respond()).instrument(span).await
    }

    async fn respond(self) -> Result<Response, HandlerError> {
        let Self { handler, body, head, function: position } = self;
        let function = &handler.registry.functions()[position];
        let declarations = &function.declarations;
        let mut missing = Vec::new();
        let states = StateCache::new(declarations.clone(), head.states(&declarations.states)?, &mut missing)
            .map_err(|error| HandlerError::Invocation(Box::new(unreadable(&head, &error))))?;
        let response = |body, kind| Response {
            body,
            function: position,
            invocations: head.invocations,
            kind,
            quarantined: Vec::new(),
            reruns: 0,
        };
        if !missing.is_empty() {
            // Never with an empty list: the runtime would register nothing and retry indefinitely.
            let missing = missing.into_iter().map(|position| declarations.states[position].to_wire());
            let missing = from_function::IncompleteInvocationContext { missing_values: missing.collect() };
            let missing = from_function::Response::IncompleteInvocationContext(missing);
            let body = FromFunction { response: Some(missing) }.encode_to_vec().into();
            return Ok(response(body, ResponseKind::MissingStates));
        }
        let permit = handler.memory_budget.as_ref().map(MemoryBudget::permit);
        let writer = ResponseWriter::new(body, handler.response_limit, permit);
        let context = Context::new(head.target.clone(), declarations.clone(), states, writer);
        let messages = head.messages();
        let batch = Batch::new(function, context, messages, head.invocations, handler.invocation_timeout);
        let Finished { response: body, quarantined, reruns } = batch.run().await?;
        Ok(Response { quarantined, reruns, ..response(body, ResponseKind::Result) })
    }
}

impl fmt::Debug for RequestReplyHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestReplyHandler").field("registry", &self.registry).finish_non_exhaustive()
    }
}

impl fmt::Debug for BatchRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchRequest")
            .field("target", self.target())
            .field("invocations", &self.invocations())
            .finish_non_exhaustive()
    }
}

fn unreadable(head: &Head, error: &StateError) -> InvocationFailure {
    InvocationFailure {
        target: head.target.clone(),
        index: 0,
        invocations: head.invocations,
        message_type: String::new(),
        kind: FailureKind::State,
        reason: error.to_string(),
    }
}

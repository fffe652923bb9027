use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;
use tracing::{Instrument, debug_span};

use crate::batch::{Batch, Interrupted};
use crate::protocol::reqreply::{FromFunction, from_function};
use crate::registry::RegisteredFunction;
use crate::request::{Request, decode};
use crate::state::StateCache;
use crate::{Context, FailureKind, HandlerError, InvocationFailure, Registry, RequestError, StateError};

/// Handles the runtime's requests with the functions of a [`Registry`]: bytes in, bytes out.
///
/// How the bytes come and go is not its business: an HTTP server, AWS Lambda or a test calls it. It keeps nothing between
/// requests; clones share the registry.
#[derive(Clone)]
pub struct RequestReplyHandler {
    registry: Arc<Registry>,
}

/// The response to a request, and what is worth counting about it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Response {
    /// An encoded `FromFunction`.
    pub body: Bytes,
    /// The function that was called, as its position in [`Registry::functions`].
    pub function: usize,
    /// How many messages the request held.
    pub invocations: usize,
    /// What kind of response it is.
    pub kind: ResponseKind,
    /// The messages that became dead letters: why each of them failed.
    pub dead_letters: Vec<InvocationFailure>,
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

impl RequestReplyHandler {
    /// A handler of the functions of `registry`.
    pub fn new(registry: impl Into<Arc<Registry>>) -> Self {
        Self { registry: registry.into() }
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
        let request = decode(&body)?;
        let Some(position) = self.registry.position(&request.target) else {
            return Err(self.unknown_function(&request).into());
        };
        let function = &self.registry.functions()[position];
        let span = debug_span!("batch", function = ?request.target, invocations = request.invocations.len());
        let invocations = request.invocations.len();
        // In a box: all futures around this one would be as large, and each is moved more than once.
        let (body, kind, dead_letters) = Box::pin(respond(function, request, &body)).instrument(span).await?;
        Ok(Response { body, function: position, invocations, kind, dead_letters })
    }

    fn unknown_function(&self, request: &Request) -> RequestError {
        RequestError::UnknownFunction {
            asked: format!("{}/{}", request.target.namespace(), request.target.name()),
            known: self.registry.functions().iter().map(|function| function.type_name().to_string()).collect(),
        }
    }
}

impl fmt::Debug for RequestReplyHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestReplyHandler").field("registry", &self.registry).finish()
    }
}

async fn respond(
    function: &RegisteredFunction,
    request: Request,
    body: &Bytes,
) -> Result<(Bytes, ResponseKind, Vec<InvocationFailure>), HandlerError> {
    let mut missing = Vec::new();
    let mut batch = begin(function, &request, body, &mut missing)?;
    if !missing.is_empty() {
        // Never with an empty list: the runtime would register nothing and ask again for ever.
        let states = function.states();
        let missing_values = missing.into_iter().map(|position| states[position].to_wire()).collect();
        let response = from_function::IncompleteInvocationContext { missing_values };
        let response = Some(from_function::Response::IncompleteInvocationContext(response));
        return Ok((FromFunction { response }.encode_to_vec().into(), ResponseKind::MissingStates, Vec::new()));
    }
    match batch.run(request.invocations).await {
        Ok(()) => {}
        Err(Interrupted::Failed(failure)) => return Err(HandlerError::Invocation(failure)),
        Err(Interrupted::RetryIsolated) => {
            let again = decode(body)?;
            batch = begin(function, &again, body, &mut missing)?;
            batch.run_isolated(again.invocations).await.map_err(HandlerError::Invocation)?;
        }
    }
    if let Some(error) = batch.context.unreadable_caller() {
        return Err(error.clone().into());
    }
    let (response, dead_letters) = batch.finish();
    Ok((response, ResponseKind::Result, dead_letters))
}

fn begin<'a>(
    function: &'a RegisteredFunction,
    request: &Request,
    body: &'a Bytes,
    missing: &mut Vec<usize>,
) -> Result<Batch<'a>, HandlerError> {
    let declarations = function.declarations.clone();
    let states = StateCache::new(declarations.clone(), &request.states, missing)
        .map_err(|error| HandlerError::Invocation(Box::new(unreadable(request, error))))?;
    let context = Context::new(request.target.clone(), declarations, states, body.len());
    Ok(Batch::new(&function.handlers, function.on_failure(), context, body))
}

fn unreadable(request: &Request, error: StateError) -> InvocationFailure {
    InvocationFailure {
        target: request.target.clone(),
        index: 0,
        invocations: request.invocations.len(),
        message_type: String::new(),
        kind: FailureKind::State,
        reason: error.to_string(),
    }
}

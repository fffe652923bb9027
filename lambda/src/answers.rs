//! One event's request to the router: how long it may take, and how large its answer may be.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, HttpBody as _};
use lambda_http::http::header::{CONTENT_TYPE, HeaderValue};
use lambda_http::http::{HeaderMap, Method, StatusCode};
use lambda_http::{Request, RequestExt as _, Response, Service};
use tokio::time::timeout;
use tracing::{error, warn};

use crate::events::Answer;

/// What Lambda takes of an event and of an answer, each a JSON text, in bytes: 6 MiB and 100.
const PAYLOAD: usize = 6 * 1024 * 1024 + 100;

/// What an answer's JSON needs beside its body, in bytes: status, content type and names.
const ENVELOPE: usize = 1024;

/// The largest body of a request or an answer, in bytes. Three bytes are four characters of base64.
pub const LARGEST_BODY: usize = (PAYLOAD - ENVELOPE) / 4 * 3;

/// What is left of Lambda's own time-out for the way back.
const WAY_BACK: Duration = Duration::from_millis(200);

/// The router, within the limits of Lambda.
#[derive(Clone)]
pub(crate) struct Answers {
    router: Router,
    function_timeout: Duration,
}

impl Answers {
    pub(crate) fn new(router: Router, function_timeout: Duration) -> Self {
        Self { router, function_timeout }
    }

    /// How long this event may take. Were Lambda's own time-out over first, it would end the process, and the next event
    /// would wait for another to start.
    fn patience(&self, request: &Request) -> Duration {
        let Some(context) = request.lambda_context_ref() else { return self.function_timeout };
        let left = context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        self.function_timeout.min(left.saturating_sub(WAY_BACK))
    }
}

impl Service<Request> for Answers {
    type Response = Answer;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request>::poll_ready(&mut self.router, context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if is_garbled(&request) {
            warn!("request refused: its body came as text");
            return Box::pin(async { Ok(refusal(StatusCode::BAD_REQUEST, GARBLED)) });
        }
        let patience = self.patience(&request);
        let answer = self.router.call(request.map(body));
        Box::pin(async move {
            let Ok(answer) = timeout(patience, answer).await else {
                error!(?patience, "cut off: the functions took too long");
                let line = format!(
                    "no answer within {patience:?}: expected the batch to be done by then; maxNumBatchRequests makes \
                     batches smaller\n"
                );
                return Ok(refusal(StatusCode::GATEWAY_TIMEOUT, line));
            };
            let answer = answer?;
            let size = answer.body().size_hint().lower();
            if size > LARGEST_BODY as u64 {
                error!(size, limit = LARGEST_BODY, "the answer is too large for Lambda");
                let line = format!(
                    "answer too large: {size} bytes, and Lambda takes {LARGEST_BODY} at most; maxNumBatchRequests makes \
                     batches smaller\n"
                );
                return Ok(refusal(StatusCode::INTERNAL_SERVER_ERROR, line));
            }
            Ok(answer)
        })
    }
}

const GARBLED: &str = "body is not base64: expected isBase64Encoded and a body in base64; a REST API needs \
                       binaryMediaTypes for application/octet-stream\n";

/// Whether the body of an invocation came as text. An API that knows of no binary media types replaces what is no UTF-8:
/// the functions could read something else than was sent.
fn is_garbled(request: &Request) -> bool {
    matches!(request.body(), lambda_http::Body::Text(text) if !text.is_empty())
        && request.method() == Method::POST
        && may_be_octet_stream(request.headers())
}

fn may_be_octet_stream(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return true };
    let name = value.as_bytes().get(..b"application/octet-stream".len());
    name.is_some_and(|name| name.eq_ignore_ascii_case(b"application/octet-stream"))
}

/// Without copying it.
fn body(body: lambda_http::Body) -> Body {
    match body {
        lambda_http::Body::Text(text) => Body::from(text),
        lambda_http::Body::Binary(bytes) => Body::from(bytes),
        _ => Body::empty(),
    }
}

fn refusal(status: StatusCode, line: impl Into<Body>) -> Answer {
    let mut answer = Response::new(line.into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}

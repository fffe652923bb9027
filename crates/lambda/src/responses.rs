//! The router within the limits of Lambda: the time and the response size of one event's request.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, HttpBody as _};
use lambda_http::http::header::{CONTENT_TYPE, HeaderValue};
use lambda_http::http::{HeaderMap, Method, StatusCode};
use lambda_http::{Request, RequestExt as _, Service};
use tokio::time::timeout;
use tracing::{error, warn};

use crate::events::HttpResponse;

/// Lambda's limit for the JSON of an event and of a response, in bytes: 6 MiB and 100.
const PAYLOAD: usize = 6 * 1024 * 1024 + 100;

/// The size of a response's JSON without its body, in bytes: status, content type and field names.
const ENVELOPE: usize = 1024;

/// The largest body of a request or a response, in bytes. Three bytes are four characters of base64.
pub const LARGEST_BODY: usize = (PAYLOAD - ENVELOPE) / 4 * 3;

/// The part of Lambda's own timeout that is reserved for sending the response.
const RESPONSE_MARGIN: Duration = Duration::from_millis(200);

/// The router, within the limits of Lambda.
#[derive(Clone)]
pub(crate) struct Responses {
    router: Router,
    function_timeout: Duration,
}

impl Responses {
    pub(crate) fn new(router: Router, function_timeout: Duration) -> Self {
        Self { router, function_timeout }
    }

    /// The timeout of this event. If Lambda's own timeout were shorter, Lambda would kill the process, and the next
    /// event would wait for a cold start.
    fn timeout(&self, request: &Request) -> Duration {
        let Some(context) = request.lambda_context_ref() else { return self.function_timeout };
        let left = context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        self.function_timeout.min(left.saturating_sub(RESPONSE_MARGIN))
    }
}

impl Service<Request> for Responses {
    type Response = HttpResponse;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request>::poll_ready(&mut self.router, context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if has_text_body(&request) {
            warn!("request rejected: its body is text, not base64");
            return Box::pin(async { Ok(rejection(StatusCode::BAD_REQUEST, TEXT_BODY)) });
        }
        let limit = self.timeout(&request);
        let response = self.router.call(request.map(body));
        Box::pin(async move {
            let Ok(response) = timeout(limit, response).await else {
                error!(timeout = ?limit, "request cancelled: the functions took too long");
                let line = format!(
                    "no response within {limit:?}: expected the batch to finish in this time; decrease \
                     maxNumBatchRequests for smaller batches\n"
                );
                return Ok(rejection(StatusCode::GATEWAY_TIMEOUT, line));
            };
            let response = response?;
            let size = response.body().size_hint().lower();
            if size > LARGEST_BODY as u64 {
                error!(size, limit = LARGEST_BODY, "the response is too large for Lambda");
                let line = format!(
                    "response too large: {size} bytes, expected at most {LARGEST_BODY}, the limit of Lambda; decrease \
                     maxNumBatchRequests for smaller batches\n"
                );
                return Ok(rejection(StatusCode::INTERNAL_SERVER_ERROR, line));
            }
            Ok(response)
        })
    }
}

const TEXT_BODY: &str = "body is not base64: expected isBase64Encoded and a body in base64; a REST API needs \
                         binaryMediaTypes for application/octet-stream\n";

/// Whether the body of an invocation is text. An API without binary media types replaces bytes that are not UTF-8, so
/// the functions could read other data than was sent.
fn has_text_body(request: &Request) -> bool {
    matches!(request.body(), lambda_http::Body::Text(text) if !text.is_empty())
        && request.method() == Method::POST
        && may_be_octet_stream(request.headers())
}

fn may_be_octet_stream(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return true };
    let name = value.as_bytes().get(..b"application/octet-stream".len());
    name.is_some_and(|name| name.eq_ignore_ascii_case(b"application/octet-stream"))
}

/// Converts the body without copying it.
fn body(body: lambda_http::Body) -> Body {
    match body {
        lambda_http::Body::Text(text) => Body::from(text),
        lambda_http::Body::Binary(bytes) => Body::from(bytes),
        _ => Body::empty(),
    }
}

fn rejection(status: StatusCode, line: impl Into<Body>) -> HttpResponse {
    let mut response = HttpResponse::new(line.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

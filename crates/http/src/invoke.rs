use std::time::Instant;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, EXPECT};
use axum::http::{HeaderMap, HeaderValue, Request};
use bytes::Bytes;
use http_body_util::{Either, Full};
use statefun_sdk::{FailureKind, HandlerError, InvocationFailure, RequestReplyHandler};
use tracing::{error, warn};

use crate::body::{self, RequestBody};
use crate::lifecycle::Lifecycle;
use crate::metrics::Metrics;
use crate::pace::Pace;
use crate::refusal::Refusal;

const OCTET_STREAM: &str = "application/octet-stream";

/// What all requests share.
pub(crate) struct Service {
    pub(crate) handler: RequestReplyHandler,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) metrics: Metrics,
    pub(crate) body_limit: usize,
    pub(crate) pace: Option<Pace>,
}

/// An answer of the protocol, or a page or an error.
pub(crate) type Response = axum::http::Response<Either<Full<Bytes>, Body>>;

impl Service {
    /// Answers an invocation request.
    pub(crate) async fn invoke(&self, request: Request<impl RequestBody>) -> Response {
        let (head, mut body) = request.into_parts();
        match self.answer(&head.headers, &mut body).await {
            Ok(answer) => {
                let mut response = Response::new(Either::Left(Full::new(answer)));
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(OCTET_STREAM));
                response
            }
            Err(refusal) => self.refuse_unread(Request::from_parts(head, body), &refusal).map(Either::Right),
        }
    }

    /// Refuses a request of whose body there may be more to come.
    pub(crate) fn refuse_unread(
        &self,
        request: Request<impl RequestBody>,
        refusal: &Refusal,
    ) -> axum::response::Response {
        // Who waits for "100 Continue" has sent no body yet, and will not.
        if !request.headers().contains_key(EXPECT) {
            body::discard(request.into_body());
        }
        self.refuse(refusal)
    }

    async fn answer(&self, headers: &HeaderMap, body: &mut impl RequestBody) -> Result<Bytes, Refusal> {
        let started = Instant::now();
        let _in_flight = self.lifecycle.enter()?;
        if !is_octet_stream(headers) {
            return Err(Refusal::ContentType);
        }
        let request = body::read(body, self.body_limit).await?;
        let length = request.len();
        let abandoned = Abandoned { metrics: &self.metrics, started };
        if let Some(pace) = &self.pace {
            // In a box, for the sake of those without: all futures around this one would be as large.
            Box::pin(pace.turn()).await;
        }
        let answer = self.handler.handle(request).await;
        // There is an answer.
        std::mem::forget(abandoned);
        match answer {
            Ok(reply) => {
                self.metrics.answered(&reply, length, started.elapsed());
                Ok(reply.body)
            }
            Err(HandlerError::Invocation(failure)) => {
                self.metrics.failed(&failure, length, started.elapsed());
                Err(Refusal::Failed(failure))
            }
            Err(HandlerError::Request(error)) => Err(Refusal::Request(error)),
        }
    }

    /// Counts, logs and answers a request that gets no answer of the protocol.
    fn refuse(&self, refusal: &Refusal) -> axum::response::Response {
        match refusal {
            Refusal::Failed(failure) => log(failure),
            _ => {
                self.metrics.refused(refusal.status());
                warn!(status = refusal.status().as_u16(), error = refusal.line(), "request refused");
            }
        }
        refusal.response()
    }
}

/// Tells of a request that was dropped before its answer: by hyper, as its client went away, or on Lambda, as its time was
/// over.
struct Abandoned<'a> {
    metrics: &'a Metrics,
    started: Instant,
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        self.metrics.abandoned();
        warn!(after = ?self.started.elapsed(), "dropped before its answer: the client went away, or its time was over");
    }
}

fn log(failure: &InvocationFailure) {
    let InvocationFailure { target, index, invocations, message_type, kind, reason, .. } = failure;
    // What may pass by itself is no call for help.
    if *kind == FailureKind::Retry {
        warn!(function = ?target, index, invocations, message_type, failure = kind.as_str(), error = reason, "batch failed");
    } else {
        error!(function = ?target, index, invocations, message_type, failure = kind.as_str(), error = reason, "batch failed");
    }
}

/// Whether the content type is the protocol's, whatever its case and parameters. Having none is as good.
fn is_octet_stream(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return true };
    if value == OCTET_STREAM {
        return true;
    }
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(OCTET_STREAM)
}

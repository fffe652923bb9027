use std::convert::Infallible;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, EXPECT};
use axum::http::{HeaderMap, HeaderValue, Response};
use axum::routing::post;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::Full;
use statefun_sdk::{FailureKind, InvocationFailure, Registry, RequestReplyHandler};
use tower_service::Service;
use tracing::{debug, error, warn};

use crate::Options;
use crate::body::{self, RequestBody};
use crate::drain::Drain;
use crate::metrics::Metrics;
use crate::rate_limit::RateLimit;
use crate::rejection::Rejection;
use crate::target;
use crate::watchdog::Watchdog;

/// The path of invocations in the routers of this crate.
pub const PATH: &str = "/statefun";

const OCTET_STREAM: &str = "application/octet-stream";

/// The endpoint that the cluster calls: a [`Service`] of HTTP requests, whatever their path and method, to be mounted in your
/// own application.
///
/// ```
/// # use axum::{Router, routing::get};
/// # use statefun_http::Endpoint;
/// # use statefun_sdk::{Context, Function, FunctionError, Registry};
/// # async fn count(_: &mut Context, _: String) -> Result<(), FunctionError> { Ok(()) }
/// # #[derive(Clone)] struct AppState;
/// # fn app() -> Result<Router, statefun_sdk::RegistryError> {
/// let registry = Registry::builder().function(Function::new("demo/counter").on(count)).build()?;
/// let endpoint = Endpoint::new(registry).max_in_flight(1000);
///
/// let app = Router::new()
///     .route("/", get(async || "my own page"))
///     .nest("/functions", endpoint.router()) // POST /functions/statefun
///     .with_state(AppState);
/// # Ok(app)
/// # }
/// ```
///
/// | limit | default | above it |
/// |---|---|---|
/// | [`body_limit`](Self::body_limit), in bytes | 64 MiB | 413 |
/// | [`max_in_flight`](Self::max_in_flight), requests | 4096 | 503 |
/// | [`rate_limit`](Self::rate_limit), requests a second | none | they wait |
///
/// Layers of tower and tower-http may be put around it as around any service; a body that such a layer has limited is 413, too.
/// It logs through `tracing` and counts through the facade `metrics`: install a subscriber, and a recorder before the endpoint is
/// made.
///
/// Clones serve the same registry within the same limits.
#[derive(Clone)]
pub struct Endpoint {
    handler: RequestReplyHandler,
    pub(crate) metrics: Arc<Metrics>,
    drain: Drain,
    body_limit: usize,
    rate_limit: Option<Arc<RateLimit>>,
    pub(crate) watchdog: Watchdog,
}

impl Endpoint {
    /// An endpoint for the functions of `registry`.
    pub fn new(registry: impl Into<Arc<Registry>>) -> Self {
        let handler = RequestReplyHandler::new(registry);
        let metrics = Metrics::of(handler.registry());
        let Options { body_limit, max_in_flight, timeouts, .. } = Options::default();
        let watchdog = Watchdog::new(handler.registry(), &timeouts);
        let drain = Drain::new(max_in_flight, metrics.in_flight());
        Self { handler, metrics: Arc::new(metrics), drain, body_limit, rate_limit: None, watchdog }
    }

    /// Rejects larger request bodies, in bytes, with 413.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Rejects requests above this many at once with 503, which the runtime retries.
    ///
    /// It resets the count of requests in flight: [`Drain`] handles taken earlier no longer apply to this endpoint.
    #[must_use]
    pub fn max_in_flight(mut self, requests: usize) -> Self {
        self.drain = Drain::new(requests, self.metrics.in_flight());
        self
    }

    /// Delays requests above this many a second. What arrives meanwhile for their addresses travels with the next request, so
    /// that a saturated cluster handles more messages with fewer requests.
    #[must_use]
    pub fn rate_limit(mut self, requests_per_second: NonZeroU32) -> Self {
        self.rate_limit = Some(Arc::new(RateLimit::new(requests_per_second)));
        self
    }

    /// The functions that it serves.
    pub fn registry(&self) -> &Registry {
        self.handler.registry()
    }

    /// A handle to shut it down without losing a request.
    pub fn drain(&self) -> Drain {
        self.drain.clone()
    }

    /// The endpoint alone as a router of `POST /statefun`, where other methods are 405, to be merged or nested, whatever the application's state.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let (endpoint, fallback) = (self.clone(), self.clone());
        let route = post(async move |request: Request| endpoint.respond(request).await)
            .fallback(async move |request: Request| fallback.reject(request, Rejection::Method("POST")));
        Router::new().route(PATH, route)
    }

    /// Responds to an invocation request.
    ///
    /// Dropping the future abandons the request; nothing of it was applied, and the runtime sends it again.
    ///
    /// # Panics
    /// When it is polled outside a Tokio runtime with time.
    pub async fn respond(&self, request: Request<impl RequestBody>) -> Response<Full<Bytes>> {
        let (head, mut body) = request.into_parts();
        match self.invoke(&head.headers, &mut body).await {
            Ok(body) => {
                let mut response = Response::new(Full::new(body));
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(OCTET_STREAM));
                response
            }
            Err(rejection) => self.reject(Request::from_parts(head, body), rejection),
        }
    }

    async fn invoke(&self, headers: &HeaderMap, body: &mut impl RequestBody) -> Result<Bytes, Rejection> {
        let started = Instant::now();
        let _in_flight = self.drain.enter()?;
        if !is_octet_stream(headers) {
            return Err(Rejection::ContentType);
        }
        let request = body::read(body, self.body_limit).await?;
        let length = request.len();
        let abandoned = Abandoned { metrics: &self.metrics, started };
        if let Some(rate_limit) = &self.rate_limit {
            // In a box, for the sake of those without: all futures around this one would be as large.
            Box::pin(rate_limit.ready()).await;
        }
        let result = match target::of(&request, self.registry()) {
            Some(target) if self.watchdog.is_blocked(&target) => {
                std::mem::forget(abandoned);
                return Err(Rejection::Blocked(target));
            }
            Some(target) => self.watchdog.watch(&target, self.handler.handle(request)).await,
            None => self.handler.handle(request).await,
        };
        // It is not dropped any more.
        std::mem::forget(abandoned);
        match result {
            Ok(response) => {
                self.metrics.succeeded(&response, length, started.elapsed());
                Ok(response.body)
            }
            Err(error) => {
                let rejection = Rejection::from(error);
                if let Rejection::Failed(failure) = &rejection {
                    self.metrics.failed(failure, length, started.elapsed());
                }
                Err(rejection)
            }
        }
    }

    /// Counts and logs a rejection, and reads what there may be left of the request's body.
    pub(crate) fn reject(&self, request: Request<impl RequestBody>, rejection: Rejection) -> Response<Full<Bytes>> {
        // A client that waits for "100 Continue" has not sent its body.
        if !request.headers().contains_key(EXPECT) {
            body::discard(request.into_body());
        }
        let status = rejection.status();
        match &rejection {
            Rejection::Failed(failure) => log(failure),
            // At DEBUG: scanners would flood the log.
            Rejection::Path | Rejection::Method(_) => {
                self.metrics.rejected(status);
                debug!(status = status.as_u16(), error = %rejection, "request rejected");
            }
            _ => {
                self.metrics.rejected(status);
                warn!(status = status.as_u16(), error = %rejection, "request rejected");
            }
        }
        rejection.response()
    }
}

impl<B: RequestBody> Service<Request<B>> for Endpoint {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    /// Always ready: above its limits it rejects.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let endpoint = self.clone();
        Box::pin(async move { Ok(endpoint.respond(request).await) })
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("registry", self.registry())
            .field("drain", &self.drain)
            .finish_non_exhaustive()
    }
}

/// Counts a request that was dropped before its response: by hyper, as its client went away, or on Lambda, as its time was over.
struct Abandoned<'a> {
    metrics: &'a Metrics,
    started: Instant,
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        self.metrics.abandoned();
        warn!(after = ?self.started.elapsed(), "dropped before its response: the client went away, or its time was over");
    }
}

fn log(failure: &InvocationFailure) {
    let InvocationFailure { target, index, invocations, message_type, kind, reason, .. } = failure;
    // Transient failures usually pass without an operator.
    if *kind == FailureKind::Transient {
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

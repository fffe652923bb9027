use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, EXPECT};
use axum::http::{HeaderMap, HeaderValue, Response};
use axum::routing::post;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::Full;
use statefun_sdk::{FailureKind, MemoryBudget, Registry, RequestReplyHandler};
use tower_service::Service;

use crate::Options;
use crate::body::{self, RequestBody};
use crate::drain::Drain;
use crate::log::Log;
use crate::metrics::Metrics;
use crate::rate_limit::RateLimit;
use crate::rejection::Rejection;
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
/// | [`memory_budget`](Self::memory_budget), in bytes | a fifth of the memory | 503 |
/// | [`invocation_limit`](Self::invocation_limit), messages of a request | 65,536 | 413 |
/// | [`invocation_timeout`](Self::invocation_timeout), of one message | 30 s | 503 |
/// | [`response_limit`](Self::response_limit), in bytes | 32 MiB | 500 |
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
    memory: MemoryBudget,
    body_limit: usize,
    rate_limit: Option<Arc<RateLimit>>,
    pub(crate) watchdog: Watchdog,
    log: Arc<Log>,
}

impl Endpoint {
    /// An endpoint for the functions of `registry`.
    pub fn new(registry: impl Into<Arc<Registry>>) -> Self {
        Self::with_options(registry, &Options::default())
    }

    pub(crate) fn with_options(registry: impl Into<Arc<Registry>>, options: &Options) -> Self {
        let memory = MemoryBudget::new(options.memory_budget);
        let handler = RequestReplyHandler::new(registry)
            .invocation_limit(options.invocation_limit)
            .invocation_timeout(options.invocation_timeout)
            .response_limit(options.response_limit)
            .memory_budget(memory.clone());
        let metrics = Metrics::of(handler.registry());
        let drain = Drain::new(options.max_in_flight, metrics.in_flight());
        let log = Log::new(handler.registry());
        let watchdog = Watchdog::new(handler.registry(), &options.timeouts);
        Self {
            handler,
            metrics: Arc::new(metrics),
            drain,
            memory,
            body_limit: options.body_limit,
            rate_limit: options.rate_limit.map(|limit| Arc::new(RateLimit::new(limit))),
            watchdog,
            log: Arc::new(log),
        }
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

    /// Rejects requests of more messages with 413. Not less than `maxNumBatchRequests` in module.yaml: the runtime would send such a
    /// request again until the job fails.
    #[must_use]
    pub fn invocation_limit(mut self, invocations: usize) -> Self {
        self.handler = self.handler.invocation_limit(invocations);
        self
    }

    /// Drops an invocation at an await when it takes longer, and fails its batch with 503, which the runtime retries. A function that
    /// blocks its thread cannot be interrupted.
    #[must_use]
    pub fn invocation_timeout(mut self, timeout: Duration) -> Self {
        self.handler = self.handler.invocation_timeout(timeout);
        self
    }

    /// Fails batches whose response becomes larger, in bytes, with 500: above its `payload_max_bytes` the runtime refuses it.
    #[must_use]
    pub fn response_limit(mut self, bytes: usize) -> Self {
        self.handler = self.handler.response_limit(bytes);
        self
    }

    /// Bounds what bodies that are read, requests in flight and responses that are not yet written may hold together, in bytes. Above
    /// it, bodies wait for a second and are rejected with 503. Three quarters of it bound a single body.
    #[must_use]
    pub fn memory_budget(mut self, bytes: usize) -> Self {
        self.memory = MemoryBudget::new(bytes);
        self.handler = self.handler.memory_budget(self.memory.clone());
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
        self.respond_to(request, None).await
    }

    /// Responds to a request of `peer`, which is for the log.
    pub(crate) async fn respond_to(
        &self,
        request: Request<impl RequestBody>,
        peer: Option<SocketAddr>,
    ) -> Response<Full<Bytes>> {
        let (head, mut body) = request.into_parts();
        match self.invoke(&head.headers, &mut body).await {
            Ok(body) => {
                let mut response = Response::new(Full::new(body));
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(OCTET_STREAM));
                response
            }
            Err(rejection) => self.reject_of(Request::from_parts(head, body), peer, rejection),
        }
    }

    async fn invoke(&self, headers: &HeaderMap, body: &mut impl RequestBody) -> Result<Bytes, Rejection> {
        let started = Instant::now();
        if self.drain.is_closed() {
            return Err(Rejection::Draining);
        }
        if !is_octet_stream(headers) {
            return Err(Rejection::ContentType);
        }
        let mut memory = self.memory.permit();
        let request = body::read(body, self.largest_body(), &mut memory).await?;
        // After the body was read: a slow sender does not occupy a slot.
        let _in_flight = self.drain.enter()?;
        let length = request.len();
        let abandoned = Abandoned { endpoint: self, started };
        if let Some(rate_limit) = &self.rate_limit {
            // In a box, for the sake of those without: all futures around this one would be as large.
            Box::pin(rate_limit.ready()).await;
        }
        let request = match self.handler.read(request) {
            Ok(request) => request,
            Err(error) => {
                std::mem::forget(abandoned);
                return Err(error.into());
            }
        };
        // A request without the states blocks nothing, as its response only asks for them. And after a restart of the job the
        // first request to a function is one that the runtime waits for: a rejection would stop all other functions, too.
        if self.watchdog.is_blocked(request.target()) && !request.lacks_states().unwrap_or(true) {
            std::mem::forget(abandoned);
            return Err(Rejection::Blocked(request.target().clone()));
        }
        let (function, target) = (request.function(), request.target().clone());
        // Pinned here: it is large to move into another future.
        let handling = pin!(request.handle());
        let result = self.watchdog.watch(target, handling).await;
        // It is not dropped any more.
        std::mem::forget(abandoned);
        match result {
            Ok(response) => {
                self.metrics.succeeded(&response, length, started.elapsed());
                if !response.quarantined.is_empty() {
                    self.refresh();
                    self.log.quarantined(&response);
                }
                Ok(response.body)
            }
            Err(error) => {
                let rejection = Rejection::from(error);
                if let Rejection::Failed(failure) = &rejection {
                    self.metrics.failed(function, failure, length, started.elapsed());
                    self.log.failed(function, failure);
                    if failure.kind == FailureKind::DeadLetterBudget {
                        self.refresh();
                    }
                }
                Err(rejection)
            }
        }
    }

    /// No single body may hold more of the budget than others leave it.
    pub(crate) fn largest_body(&self) -> usize {
        self.body_limit.min(self.memory.limit() / 4 * 3)
    }

    /// Brings the gauges up to date that change as time passes.
    fn refresh(&self) {
        self.metrics.refresh(self.registry(), &self.memory);
    }

    /// Does so without keeping the metrics alive.
    #[cfg(feature = "metrics")]
    pub(crate) fn refresher(&self) -> impl Fn(&Metrics) + Send + 'static {
        let (handler, memory) = (self.handler.clone(), self.memory.clone());
        move |metrics| metrics.refresh(handler.registry(), &memory)
    }

    /// Counts and logs a rejection, and reads what there may be left of the request's body.
    pub(crate) fn reject(&self, request: Request<impl RequestBody>, rejection: Rejection) -> Response<Full<Bytes>> {
        self.reject_of(request, None, rejection)
    }

    fn reject_of(
        &self,
        request: Request<impl RequestBody>,
        peer: Option<SocketAddr>,
        rejection: Rejection,
    ) -> Response<Full<Bytes>> {
        // A batch that failed was counted and logged as its function's.
        if !matches!(rejection, Rejection::Failed(_)) {
            self.metrics.rejected(rejection.status());
            self.log.rejected(&request, peer, &rejection);
        }
        // A client that waits for "100 Continue" has not sent its body.
        if !request.headers().contains_key(EXPECT) {
            body::discard(request.into_body());
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
    endpoint: &'a Endpoint,
    started: Instant,
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        self.endpoint.metrics.abandoned();
        self.endpoint.log.abandoned(self.started.elapsed());
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

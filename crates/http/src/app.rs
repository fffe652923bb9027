//! All that a server serves: invocations, and the pages beside them.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, Response, StatusCode};
use axum::routing::get;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::{Either, Full};
use statefun_sdk::{Contract, Registry};
use tower_service::Service;

use crate::body::RequestBody;
use crate::drain::Drain;
use crate::endpoint::{Endpoint, PATH};
use crate::options::Options;
#[cfg(feature = "metrics")]
use crate::recorder;
use crate::rejection::Rejection;
use crate::watchdog::Watchdog;

/// A body of the endpoint's own, or one of a page.
pub(crate) type ResponseBody = Either<Full<Bytes>, Body>;

/// All that a [`Server`](crate::Server) with these options serves, for another way in such as AWS Lambda. Of the options,
/// `any_path`, `body_limit`, `max_in_flight`, `rate_limit` and `metrics` matter to it.
pub fn router(registry: impl Into<Arc<Registry>>, options: &Options) -> Router {
    let app = App::new(registry, options);
    app.spawn_upkeep();
    Router::new().fallback_service(app)
}

#[derive(Clone)]
pub(crate) struct App {
    pub(crate) endpoint: Endpoint,
    any_path: bool,
    pages: Router,
}

impl App {
    pub(crate) fn new(registry: impl Into<Arc<Registry>>, options: &Options) -> Self {
        // Before the endpoint is made, which looks its metrics up.
        #[cfg(feature = "metrics")]
        if options.metrics {
            recorder::install();
        }
        let mut endpoint = Endpoint::new(registry).body_limit(options.body_limit).max_in_flight(options.max_in_flight);
        if let Some(limit) = options.rate_limit {
            endpoint = endpoint.rate_limit(limit);
        }
        endpoint.watchdog = Watchdog::new(endpoint.registry(), &options.timeouts);
        let pages = pages(&endpoint, options);
        Self { endpoint, any_path: options.any_path, pages }
    }

    /// With these routes before its own.
    pub(crate) fn routes(mut self, routes: Router) -> Self {
        self.pages = routes.fallback_service(self.pages);
        self
    }

    /// Within a Tokio runtime, starts the task that keeps the memory of histograms bounded. It ends with the endpoint.
    pub(crate) fn spawn_upkeep(&self) {
        #[cfg(feature = "metrics")]
        recorder::spawn_upkeep(&self.endpoint.metrics);
    }

    /// Invocations, which are most requests, do without the router.
    pub(crate) async fn respond<B: RequestBody>(self, request: Request<B>) -> Response<ResponseBody> {
        if request.method() == Method::POST && (self.any_path || request.uri().path() == PATH) {
            return self.endpoint.respond(request).await.map(Either::Left);
        }
        let mut pages = self.pages;
        // It is ready at any time, and has no errors.
        let Ok(response) = pages.call(request.map(Body::new)).await;
        response.map(Either::Right)
    }
}

/// What connections are served with: the routes, with the layers that the user put around them.
#[derive(Clone)]
pub(crate) enum Served {
    App(App),
    Layered(Router),
}

impl Served {
    pub(crate) async fn respond<B: RequestBody>(self, request: Request<B>) -> Response<ResponseBody> {
        match self {
            Self::App(app) => app.respond(request).await,
            Self::Layered(mut router) => {
                let Ok(response) = router.call(request.map(Body::new)).await;
                response.map(Either::Right)
            }
        }
    }
}

impl Service<Request> for App {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let app = self.clone();
        Box::pin(async move { Ok(app.respond(request).await) })
    }
}

/// `/`, `/healthz`, `/readyz` and `/metrics`, and rejections of all but these and invocations.
fn pages(endpoint: &Endpoint, options: &Options) -> Router {
    let functions = Bytes::from(Contract::of(endpoint.registry()).to_json() + "\n");
    let (drain, watchdog) = (endpoint.drain(), endpoint.watchdog.clone());
    let pages = [
        ("/", get(async move || ([(CONTENT_TYPE, "application/json")], functions))),
        ("/healthz", get(async move || healthz(&watchdog))),
        ("/readyz", get(async move || readyz(&drain))),
    ];
    let reject = |rejection: Rejection| {
        let endpoint = endpoint.clone();
        async move |request: Request| endpoint.reject(request, rejection)
    };
    let allowed = if options.any_path { "GET,HEAD,POST" } else { "GET,HEAD" };
    let mut router = Router::new();
    #[cfg(feature = "metrics")]
    if options.metrics {
        router = router.route("/metrics", get(metrics).fallback(reject(Rejection::Method(allowed))));
    }
    for (path, page) in pages {
        router = router.route(path, page.fallback(reject(Rejection::Method(allowed))));
    }
    match options.any_path {
        true => router.fallback(reject(Rejection::Method("POST"))),
        false => router.merge(endpoint.router()).fallback(reject(Rejection::Path)),
    }
}

fn healthz(watchdog: &Watchdog) -> (StatusCode, String) {
    match watchdog.stuck() {
        None => (StatusCode::OK, "alive\n".to_owned()),
        Some(stuck) => {
            let line = format!("blocked: {:?} holds a thread for {} seconds\n", stuck.target, stuck.for_seconds());
            (StatusCode::SERVICE_UNAVAILABLE, line)
        }
    }
}

fn readyz(drain: &Drain) -> (StatusCode, &'static str) {
    if drain.is_ready() { (StatusCode::OK, "ready\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "draining\n") }
}

#[cfg(feature = "metrics")]
async fn metrics() -> axum::response::Response {
    use axum::response::IntoResponse as _;
    match recorder::render() {
        Some(text) => ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        None => (StatusCode::NOT_FOUND, "this process installed a recorder of its own\n").into_response(),
    }
}

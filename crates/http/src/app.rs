//! All that a server serves: invocations, and the pages beside them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
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
use serde::Serialize;
use statefun_sdk::{Contract, DeadLetterUsage, Registry};
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
/// `any_path`, `metrics` and those of [`Endpoint`](crate::Endpoint) matter to it.
pub fn router(registry: impl Into<Arc<Registry>>, options: &Options) -> Router {
    let endpoint = endpoint(registry, options);
    spawn_upkeep(&endpoint);
    let rest = invocations(pages(&endpoint, options), &endpoint, options);
    Router::new().fallback_service(App::new(endpoint, options, rest))
}

/// An endpoint with these options.
pub(crate) fn endpoint(registry: impl Into<Arc<Registry>>, options: &Options) -> Endpoint {
    // Before the endpoint is made, which looks its metrics up.
    #[cfg(feature = "metrics")]
    if options.metrics {
        recorder::install();
    }
    Endpoint::with_options(registry, options)
}

/// Within a Tokio runtime, starts the task that keeps the memory of histograms bounded. It ends with the endpoint.
#[cfg_attr(not(feature = "metrics"), allow(unused_variables, reason = "nothing is recorded"))]
pub(crate) fn spawn_upkeep(endpoint: &Endpoint) {
    #[cfg(feature = "metrics")]
    recorder::spawn_upkeep(&endpoint.metrics, endpoint.refresher());
}

#[derive(Clone)]
pub(crate) struct App {
    endpoint: Endpoint,
    any_path: bool,
    rest: Router,
}

impl App {
    /// Invocations, and the routes of `rest`.
    pub(crate) fn new(endpoint: Endpoint, options: &Options, rest: Router) -> Self {
        Self { endpoint, any_path: options.any_path, rest }
    }

    /// Invocations, which are most requests, do without the router.
    pub(crate) async fn respond<B: RequestBody>(
        &self,
        request: Request<B>,
        peer: Option<SocketAddr>,
    ) -> Response<ResponseBody> {
        if request.method() == Method::POST && (self.any_path || request.uri().path() == PATH) {
            return self.endpoint.respond_to(request, peer).await.map(Either::Left);
        }
        let mut rest = self.rest.clone();
        // It is ready at any time, and has no errors.
        let Ok(response) = rest.call(request.map(Body::new)).await;
        response.map(Either::Right)
    }
}

/// What connections are served with: invocations and routes, or a router of these with the layers that the user put around them.
pub(crate) enum Served {
    App(App),
    Router(Router),
}

impl Served {
    pub(crate) async fn respond<B: RequestBody>(
        &self,
        request: Request<B>,
        peer: Option<SocketAddr>,
    ) -> Response<ResponseBody> {
        match self {
            Self::App(app) => app.respond(request, peer).await,
            Self::Router(router) => {
                let Ok(response) = router.clone().call(request.map(Body::new)).await;
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
        Box::pin(async move { Ok(app.respond(request, None).await) })
    }
}

/// What `GET /` returns: the contract, and what becomes of it.
#[derive(Serialize)]
struct Overview<'a> {
    #[serde(flatten)]
    contract: &'a Contract,
    /// Of the functions that make dead letters.
    dead_letter_budgets: BTreeMap<&'a str, DeadLetterUsage>,
}

fn overview(contract: &Contract, registry: &Registry) -> String {
    let functions = registry.functions().iter().filter(|function| function.on_failure().dead_letter().is_some());
    let budgets = functions.map(|function| (function.type_name().as_str(), function.dead_letter_usage()));
    let overview = Overview { contract, dead_letter_budgets: budgets.collect() };
    // Only a key that is no string, or a failing writer, is an error of serde_json.
    serde_json::to_string_pretty(&overview).unwrap_or_default() + "\n"
}

/// `/`, `/healthz`, `/readyz` and `/metrics`.
pub(crate) fn pages(endpoint: &Endpoint, options: &Options) -> Router {
    let contract = Arc::new(Contract::of(endpoint.registry()));
    let functions = endpoint.clone();
    let (drain, watchdog) = (endpoint.drain(), endpoint.watchdog.clone());
    let allowed = if options.any_path && options.admin_listen.is_none() { "GET,HEAD,POST" } else { "GET,HEAD" };
    let reject = || rejecting(endpoint, Rejection::Method(allowed));
    let pages = [
        ("/", get(async move || ([(CONTENT_TYPE, "application/json")], overview(&contract, functions.registry())))),
        ("/healthz", get(async move || healthz(&watchdog))),
        ("/readyz", get(async move || readyz(&drain))),
    ];
    let mut router = Router::new();
    #[cfg(feature = "metrics")]
    if options.metrics {
        let page = Arc::new(recorder::Page::default());
        router = router.route("/metrics", get(async move || metrics(&page).await).fallback(reject()));
    }
    for (path, page) in pages {
        router = router.route(path, page.fallback(reject()));
    }
    router
}

/// `router`, with invocations; any other request is rejected.
pub(crate) fn invocations(router: Router, endpoint: &Endpoint, options: &Options) -> Router {
    match options.any_path {
        true => router.fallback(rejecting(endpoint, Rejection::Method("POST"))),
        false => router.merge(endpoint.router()).fallback(rejecting(endpoint, Rejection::Path)),
    }
}

/// The pages alone; any other request is rejected.
pub(crate) fn admin(endpoint: &Endpoint, options: &Options) -> Router {
    pages(endpoint, options).fallback(rejecting(endpoint, Rejection::Path))
}

fn rejecting(
    endpoint: &Endpoint,
    rejection: Rejection,
) -> impl FnOnce(Request) -> Ready<Response<Full<Bytes>>> + Clone + Send + Sync + 'static {
    let endpoint = endpoint.clone();
    move |request| ready(endpoint.reject(request, rejection))
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
async fn metrics(page: &recorder::Page) -> axum::response::Response {
    use axum::response::IntoResponse as _;
    match page.text().await {
        Some(text) => ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        None => (StatusCode::NOT_FOUND, "this process installed a recorder of its own\n").into_response(),
    }
}

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use statefun_sdk::{Registry, RequestReplyHandler};

use crate::Options;
use crate::describe::describe;
use crate::invoke::Service;
use crate::lifecycle::Lifecycle;
use crate::metrics::{self, Metrics};
use crate::pace::Pace;
use crate::refusal::Refusal;

/// Where invocations are taken.
pub(crate) const ENDPOINT: &str = "/statefun";

type Shared = State<Arc<Service>>;

/// The routes that a [`Server`](crate::Server) serves, for another way in such as AWS Lambda.
///
/// Of the options, `any_path`, `body_limit`, `max_in_flight` and `rate_limit` matter to it. Within a Tokio runtime it starts the task
/// that keeps the metrics' memory bounded; the task ends with the router.
pub fn router(registry: impl Into<Arc<Registry>>, options: &Options) -> Router {
    routes(&service(registry, options), options)
}

pub(crate) fn service(registry: impl Into<Arc<Registry>>, options: &Options) -> Arc<Service> {
    let handler = RequestReplyHandler::new(registry);
    let metrics = Metrics::of(handler.registry());
    let lifecycle = Lifecycle::new(options.max_in_flight, metrics.in_flight());
    let pace = options.rate_limit.map(Pace::new);
    Arc::new(Service { handler, lifecycle, metrics, body_limit: options.body_limit, pace })
}

pub(crate) fn routes(service: &Arc<Service>, options: &Options) -> Router {
    metrics::spawn_upkeep(service);
    let functions = describe(service.handler.registry());
    let pages = [
        ("/", get(async move || ([(CONTENT_TYPE, "application/json")], functions))),
        ("/healthz", get(async || "alive\n")),
        ("/readyz", get(readyz)),
        ("/metrics", get(render)),
    ];
    let mut router = Router::new();
    for (path, page) in pages {
        let page =
            if options.any_path { page.post(invoke).fallback(only_get_and_post) } else { page.fallback(only_get) };
        router = router.route(path, page);
    }
    let endpoint: MethodRouter<Arc<Service>> = post(invoke).fallback(only_post);
    let router = if options.any_path {
        router.fallback_service(endpoint.with_state(service.clone()))
    } else {
        router.route(ENDPOINT, endpoint).fallback(no_such_path)
    };
    router.with_state(service.clone())
}

async fn invoke(State(service): Shared, request: Request) -> Response {
    service.invoke(request).await.map(Body::new)
}

async fn readyz(State(service): Shared) -> (StatusCode, &'static str) {
    if service.lifecycle.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    }
}

async fn render() -> Response {
    match metrics::render() {
        Some(text) => ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        None => {
            (StatusCode::NOT_FOUND, "the metrics go to a recorder that this process installed itself\n").into_response()
        }
    }
}

async fn only_get(State(service): Shared, request: Request) -> Response {
    service.refuse_unread(request, &Refusal::Method("GET,HEAD"))
}

async fn only_post(State(service): Shared, request: Request) -> Response {
    service.refuse_unread(request, &Refusal::Method("POST"))
}

async fn only_get_and_post(State(service): Shared, request: Request) -> Response {
    service.refuse_unread(request, &Refusal::Method("GET,HEAD,POST"))
}

async fn no_such_path(State(service): Shared, request: Request) -> Response {
    service.refuse_unread(request, &Refusal::Path)
}

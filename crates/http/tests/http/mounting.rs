//! The endpoint in applications and servers that are not ours.

use std::convert::Infallible;
use std::io;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Request, Response, StatusCode};
use axum::middleware::{self, Next};
use axum::routing::get;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use statefun_http::{Endpoint, Options, Rejection, Server};
use statefun_sdk::RequestReplyHandler;
use tokio::sync::oneshot;
use tower::limit::ConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use tower_http::limit::RequestBodyLimitLayer;

use crate::support::{
    Client, Gate, Network, Running, batch, batch_with_seen, counter, options, post, post_with, registry, within,
};

async fn read(response: Response<impl axum::body::HttpBody<Data = Bytes, Error: std::fmt::Debug>>) -> (u16, String) {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

fn request(path: &str, body: Vec<u8>) -> Request<Body> {
    Request::post(path).header("content-type", "application/octet-stream").body(Body::from(body)).unwrap()
}

#[tokio::test]
async fn an_axum_application_keeps_its_routes_its_state_and_its_middleware() {
    #[derive(Clone)]
    struct AppState {
        requests: Arc<AtomicUsize>,
    }
    async fn count(
        State(state): State<AppState>,
        request: axum::extract::Request,
        next: Next,
    ) -> axum::response::Response {
        state.requests.fetch_add(1, SeqCst);
        next.run(request).await
    }
    let state = AppState { requests: Arc::default() };
    let endpoint = Endpoint::new(registry([counter("mount/axum")]));
    let app = Router::new()
        .route("/", get(async |State(state): State<AppState>| format!("{} requests", state.requests.load(SeqCst))))
        .route("/metrics", get(async || "my own"))
        .merge(endpoint.router())
        .nest("/functions", endpoint.router())
        .layer(middleware::from_fn_with_state(state.clone(), count))
        .with_state(state);
    let call = async |request: Request<Body>| read(app.clone().oneshot(request).await.unwrap()).await;
    assert_eq!(call(request("/statefun", batch_with_seen("mount/axum", 1))).await.0, 200);
    assert_eq!(call(request("/functions/statefun", batch_with_seen("mount/axum", 1))).await.0, 200);
    let page = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    assert_eq!(call(page("/metrics")).await, (200, "my own".to_owned()));
    assert_eq!(call(page("/")).await, (200, "4 requests".to_owned()));
    assert_eq!(call(page("/statefun")).await, (405, "method not allowed: expected POST\n".to_owned()));
    let (status, text) = call(request("/statefun", batch_with_seen("mount/other", 1))).await;
    assert_eq!((status, text.contains("mount/axum")), (404, true), "{text}");
}

/// Layers of others around it are limits as its own are.
#[tokio::test]
async fn the_layers_of_tower_are_limits_too() {
    let gate = Gate::new();
    let endpoint = Endpoint::new(registry([gate.function("mount/layers")]));
    let mut service = ServiceBuilder::new()
        .layer(LoadShedLayer::new())
        .layer(ConcurrencyLimitLayer::new(1))
        .layer(RequestBodyLimitLayer::new(1000))
        .service(endpoint);
    let body = || request("/anything", batch("mount/layers", &[("demo/message", b"")]));
    let first = ServiceExt::<Request<Body>>::ready(&mut service).await.unwrap().call(body());
    let first = tokio::spawn(first);
    gate.arrival().await;
    let second = ServiceExt::<Request<Body>>::ready(&mut service).await.unwrap().call(body()).await;
    assert!(second.is_err(), "not shed");
    gate.open(1);
    assert_eq!(read(first.await.unwrap().unwrap()).await.0, 200);

    // Whatever its length says, or does not.
    let endpoint = Endpoint::new(registry([counter("mount/large")]));
    let service = RequestBodyLimitLayer::new(1000).layer(endpoint);
    let chunks = futures_util::stream::iter([600, 600].map(|size| Ok::<_, io::Error>(Bytes::from(vec![0; size]))));
    let large = Request::post("/").body(Body::from_stream(chunks)).unwrap();
    let (status, text) = read(service.oneshot(large).await.unwrap()).await;
    assert_eq!((status, text.as_str()), (413, "body too large: expected what the layer around the endpoint allows\n"));
}

#[tokio::test]
async fn its_own_limits_reject_with_503_and_413() {
    let gate = Gate::new();
    let endpoint = Endpoint::new(registry([gate.function("mount/limits")])).max_in_flight(1).body_limit(1000);
    let body = || batch("mount/limits", &[("demo/message", b"")]);
    let first = tokio::spawn(endpoint.clone().oneshot(request("/", body())));
    gate.arrival().await;
    assert_eq!(endpoint.drain().in_flight(), 1);
    let (status, text) = read(endpoint.clone().oneshot(request("/", body())).await.unwrap()).await;
    assert_eq!((status, text.as_str()), (503, "overloaded: expected at most 1 requests in flight\n"));
    gate.open(1);
    assert_eq!(read(first.await.unwrap().unwrap()).await.0, 200);
    assert_eq!(read(endpoint.oneshot(request("/", vec![0; 1001])).await.unwrap()).await.0, 413);
}

#[tokio::test]
async fn a_server_of_others_drains_by_the_handle() {
    let gate = Gate::new();
    let endpoint = Endpoint::new(registry([gate.function("mount/drain")]));
    let drain = endpoint.drain();
    let body = || batch("mount/drain", &[("demo/message", b"")]);
    let first = tokio::spawn(endpoint.clone().oneshot(request("/", body())));
    gate.arrival().await;

    drain.start();
    assert!(!drain.is_ready());
    let second = tokio::spawn(endpoint.clone().oneshot(request("/", body())));
    gate.arrival().await;

    drain.close();
    assert_eq!(read(endpoint.clone().oneshot(request("/", body())).await.unwrap()).await.0, 503);
    let mut idle = tokio_test::task::spawn(drain.idle());
    assert!(idle.poll().is_pending());
    gate.open(1);
    let responses = async { (first.await.unwrap().unwrap().status(), second.await.unwrap().unwrap().status()) };
    let both = tokio::spawn(responses);
    within(async {
        while drain.in_flight() > 1 {
            tokio::task::yield_now().await
        }
    })
    .await;
    assert!(idle.poll().is_pending());
    gate.open(1);
    assert_eq!(within(both).await.unwrap(), (StatusCode::OK, StatusCode::OK));
    within(idle).await;
    // Going back is not possible: what was told to load balancers and peers stays true.
    drain.start();
    assert_eq!(read(endpoint.oneshot(request("/", body())).await.unwrap()).await.0, 503);
}

/// Bytes in, bytes out: all that a framework has to do.
async fn respond(handler: RequestReplyHandler, body: Bytes) -> (u16, &'static str, Bytes) {
    match handler.handle(body).await {
        Ok(response) => (200, "application/octet-stream", response.body),
        Err(error) => (error.status_code(), "text/plain; charset=utf-8", Rejection::from(error).to_string().into()),
    }
}

#[tokio::test]
async fn bare_hyper_serves_it() {
    let handler = RequestReplyHandler::new(registry([counter("mount/hyper")]));
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let handler = handler.clone();
        async move {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let (status, content_type, body) = respond(handler, body).await;
            let response = Response::builder().status(status).header("content-type", content_type);
            Ok::<_, Infallible>(response.body(Full::new(body)).unwrap())
        }
    });
    tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(ours), service));
    let mut client = Client::new(theirs);
    client.send(post(&batch_with_seen("mount/hyper", 2))).await;
    client.answer().await.response();
    client.send(post(b"no protobuf")).await;
    assert_eq!(client.answer().await.status, 400);
    client.send(post(&batch_with_seen("mount/unknown", 2))).await;
    assert_eq!(client.answer().await.status, 404);
}

#[actix_web::test]
async fn actix_web_serves_it() {
    use actix_web::{App, HttpResponse, http::header::ContentType, test, web};
    async fn statefun(handler: web::Data<RequestReplyHandler>, body: web::Bytes) -> HttpResponse {
        let (status, content_type, body) = respond(handler.get_ref().clone(), body).await;
        let status = actix_web::http::StatusCode::from_u16(status).unwrap();
        HttpResponse::build(status).content_type(content_type).body(body)
    }
    let handler = RequestReplyHandler::new(registry([counter("mount/actix")]));
    let app = App::new().app_data(web::Data::new(handler)).route("/statefun", web::post().to(statefun));
    let app = test::init_service(app).await;
    let call = async |body: Vec<u8>| {
        let request = test::TestRequest::post().uri("/statefun").insert_header(ContentType::octet_stream());
        test::call_service(&app, request.set_payload(body).to_request()).await.status().as_u16()
    };
    assert_eq!(call(batch_with_seen("mount/actix", 1)).await, 200);
    assert_eq!(call(batch_with_seen("mount/unknown", 1)).await, 404);
    assert_eq!(call(b"no protobuf".to_vec()).await, 400);
}

#[tokio::test]
async fn any_listener_is_served_and_drained() {
    let gate = Gate::new();
    let (shutdown, told) = oneshot::channel::<()>();
    let server = Server::new(registry([gate.function("mount/pipe")]), options()).unwrap();
    let (network, pipes) = Network::new();
    let served = tokio::spawn(server.serve(pipes, async { drop(told.await) }));
    let mut client = network.connect(1024).await;
    client.send(post(&batch("mount/pipe", &[("demo/message", b"")]))).await;
    gate.arrival().await;
    shutdown.send(()).unwrap();
    gate.open(1);
    client.answer().await.response();
    assert!(client.closed().await);
    within(served).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_server_takes_routes_and_layers() {
    let mark = middleware::from_fn(async |request: axum::extract::Request, next: Next| {
        let mut response = next.run(request).await;
        response.headers_mut().insert("x-marked", HeaderValue::from_static("yes"));
        response
    });
    let own = Router::new().route("/", get(async || "my own")).route("/version", get(async || "1.0"));
    let server = Server::new(registry([counter("mount/server")]), options()).unwrap();
    let server = Running::of(server.routes(own).layer(mark).bind().unwrap());
    for (path, expected) in [("/", "my own"), ("/version", "1.0"), ("/readyz", "ready\n")] {
        let page = server.get(path).await;
        assert_eq!((page.text().as_str(), page.header("x-marked")), (expected, Some("yes")));
    }
    let result = server.post(&batch_with_seen("mount/server", 1)).await;
    assert_eq!(result.header("x-marked"), Some("yes"));
    result.response();
    let mut client = server.connect().await;
    client.send(post_with("/nowhere", "", b"")).await;
    let rejection = client.answer().await;
    assert_eq!((rejection.status, rejection.header("x-marked")), (404, Some("yes")));
}

/// A process has one recorder: it must not be installed unless asked for.
#[tokio::test]
async fn without_metrics_there_is_no_page_of_them() {
    let options = Options { metrics: false, workers: NonZeroUsize::MIN, drain_delay: Duration::ZERO, ..options() };
    let server = Running::start(registry([counter("mount/quiet")]), options);
    server.post(&batch_with_seen("mount/quiet", 1)).await.response();
    assert_eq!(server.get("/metrics").await.status, 404);
}

#[allow(dead_code, reason = "it compiles")]
fn an_endpoint_is_a_service_of_many_bodies() {
    fn is_service<B>(_: impl Service<Request<B>, Response = Response<Full<Bytes>>, Error = Infallible>) {}
    let endpoint = Endpoint::new(registry([]));
    is_service::<Incoming>(endpoint.clone());
    is_service::<Full<Bytes>>(endpoint.clone());
    is_service::<Pin<Box<Body>>>(endpoint);
}

//! The endpoint in an axum application that has its own pages, state and middleware.
//!
//! `cargo run -p statefun-examples --bin axum-app`

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use statefun_examples::registry;
use statefun_http::{Drain, Endpoint};
use statefun_sdk::BoxError;
use tokio::signal::unix::{SignalKind, signal};

#[derive(Clone)]
struct AppState {
    requests: Arc<AtomicU64>,
    drain: Drain,
}

async fn count(State(state): State<AppState>, request: Request, next: Next) -> Response {
    state.requests.fetch_add(1, Ordering::Relaxed);
    next.run(request).await
}

async fn ready(State(state): State<AppState>) -> StatusCode {
    if state.drain.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

fn app(endpoint: &Endpoint) -> Router {
    let state = AppState { requests: Arc::default(), drain: endpoint.drain() };
    Router::new()
        .route("/", get("my shop"))
        .route("/ready", get(ready))
        .route("/metrics", get(async |State(state): State<AppState>| format!("requests {:?}\n", state.requests)))
        .merge(endpoint.router()) // POST /statefun
        .layer(middleware::from_fn_with_state(state.clone(), count))
        .with_state(state)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt::init();
    let endpoint = Endpoint::new(registry()?).max_in_flight(1000);
    let (app, drain) = (app(&endpoint), endpoint.drain());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        drain.start(); // /ready fails, and load balancers look elsewhere
        tokio::time::sleep(Duration::from_secs(5)).await;
        drain.close(); // what comes late gets 503, which the cluster retries
    };
    Ok(axum::serve(listener, app).with_graceful_shutdown(shutdown).await?)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http_body_util::BodyExt;
    use statefun_examples::{GREETING, REQUEST};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn it_greets_beside_its_own_pages() {
        let app = app(&Endpoint::new(registry().unwrap()));
        let call = async |request: Request| {
            let response = app.clone().oneshot(request).await.unwrap();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            String::from_utf8_lossy(&body).into_owned()
        };
        let greeted = call(Request::post("/statefun").body(Body::from(REQUEST)).unwrap()).await;
        assert!(greeted.contains(GREETING), "{greeted}");
        assert_eq!(call(Request::get("/").body(Body::empty()).unwrap()).await, "my shop");
        assert_eq!(call(Request::get("/metrics").body(Body::empty()).unwrap()).await, "requests 3\n");
    }
}

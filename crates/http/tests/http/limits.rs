//! Limits of an endpoint: the response above each of them, and that other requests are still served.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures_util::stream;
use statefun_http::{Options, router};
use statefun_sdk::{Bytes, Context, Function, FunctionError, Message, TypeName};
use tower::ServiceExt;

use crate::support::{Gate, Running, batch, batch_with_seen, counter, options, post, registry};

const LARGE: &str = "limits/large";

/// Sends itself a mebibyte for each message.
fn large() -> Function {
    async fn send(context: &mut Context, _: Message) -> Result<(), FunctionError> {
        context.send(TypeName::new(LARGE).with_id("b"), "x".repeat(1024 * 1024))
    }
    Function::new(LARGE).fallback(send)
}

fn messages(count: usize) -> Vec<u8> {
    batch(LARGE, &vec![("demo/message", &b""[..]); count])
}

#[tokio::test]
async fn a_request_of_too_many_messages_is_413_and_says_what_to_set() {
    let options = Options { invocation_limit: 3, ..options() };
    let server = Running::start(registry([counter("limits/counter")]), options);
    server.post(&batch_with_seen("limits/counter", 3)).await.response();
    server.post(&batch_with_seen("limits/counter", 4)).await.refuses(413, &["4", "at most 3", "maxNumBatchRequests"]);
}

#[tokio::test]
async fn a_response_that_is_too_large_is_500_and_says_what_is_large() {
    let options = Options { response_limit: 2 * 1024 * 1024, ..options() };
    let server = Running::start(registry([large()]), options);
    server.post(&messages(1)).await.response();
    server.post(&messages(2)).await.refuses(500, &["response_too_large", "2097152 bytes", "messages to limits/large"]);
    let kind = r#"statefun_failures_total{function="limits/large",kind="response_too_large"}"#;
    assert_eq!(server.metric(kind).await, 1.0);
}

#[tokio::test(start_paused = true)]
async fn an_invocation_that_hangs_is_503_after_its_timeout() {
    async fn hang(_: &mut Context, _: Message) -> Result<(), FunctionError> {
        std::future::pending().await
    }
    let options = Options { invocation_timeout: Duration::from_secs(7), ..Options::default() };
    let routes = router(registry([Function::new("limits/hang").fallback(hang)]), &options);
    let began = tokio::time::Instant::now();
    let body = Body::from(batch("limits/hang", &[("demo/message", b"")]));
    let response = routes.oneshot(Request::post("/statefun").body(body).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(began.elapsed().as_secs(), 7);
    let text = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
    assert!(text.starts_with(b"limits/hang/id-1 failed (timeout)"), "{text:?}");
}

/// Requests whose bodies have not arrived do not occupy a slot.
#[tokio::test]
async fn a_slot_is_taken_by_a_request_that_is_there() {
    let gate = Gate::new();
    let options = Options { max_in_flight: 1, ..options() };
    let server = Running::start(registry([gate.function("limits/gate")]), options);
    let request = batch("limits/gate", &[("demo/message", b"")]);
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut client = server.connect().await;
        client
            .send(format!("POST /statefun HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n", request.len()))
            .await;
        client.send(&request[..1]).await;
        slow.push(client);
    }
    let mut client = server.connect().await;
    client.send(post(&request)).await;
    gate.arrival().await;
    server.post(&request).await.refuses(503, &["at most 1 requests in flight"]);
    gate.open(1);
    client.answer().await.response();
}

fn request(body: Body) -> Request<Body> {
    Request::post("/statefun").body(body).unwrap()
}

/// A body whose first part is there, and whose second never comes.
fn half_of(bytes: usize) -> Body {
    let first = stream::iter([Ok::<_, std::io::Error>(Bytes::from(vec![0; bytes]))]);
    Body::from_stream(futures_util::StreamExt::chain(first, stream::pending()))
}

/// What is held is what came, and small requests have a part of the budget of their own.
#[tokio::test(start_paused = true)]
async fn bodies_above_the_memory_budget_wait_and_are_503() {
    const MIB: usize = 1024 * 1024;
    let options = Options { memory_budget: 4 * MIB, ..Options::default() };
    let routes = router(registry([counter("limits/memory")]), &options);
    let holding: Vec<_> = (0..3).map(|_| tokio::spawn(routes.clone().oneshot(request(half_of(MIB))))).collect();
    tokio::task::yield_now().await;

    let began = tokio::time::Instant::now();
    let response = routes.clone().oneshot(request(half_of(MIB))).await.unwrap();
    assert_eq!((response.status(), began.elapsed().as_secs()), (StatusCode::SERVICE_UNAVAILABLE, 1));
    let small = batch_with_seen("limits/memory", 3);
    assert_eq!(routes.clone().oneshot(request(Body::from(small))).await.unwrap().status(), StatusCode::OK);

    // They come too slowly: then there is room again.
    for held in holding {
        assert_eq!(held.await.unwrap().unwrap().status(), StatusCode::REQUEST_TIMEOUT);
    }
    let large = routes.oneshot(request(Body::from(vec![0xff; 2 * MIB]))).await.unwrap();
    assert_eq!(large.status(), StatusCode::BAD_REQUEST, "it was read");
}

#[tokio::test]
async fn a_body_larger_than_three_quarters_of_the_memory_budget_is_413() {
    let options = Options { memory_budget: 4000, ..Options::default() };
    let routes = router(registry([counter("limits/memory")]), &options);
    let response = routes.oneshot(request(Body::from(vec![0; 3001]))).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

/// A response holds its part of the budget until it is dropped: by hyper, once it is written.
#[tokio::test]
async fn responses_that_are_not_taken_hold_their_part_of_the_memory_budget() {
    let options = Options { memory_budget: 8 * 1024 * 1024, ..Options::default() };
    let routes = router(registry([large()]), &options);
    let held = routes.clone().oneshot(request(Body::from(messages(2)))).await.unwrap();
    assert_eq!(held.status(), StatusCode::OK);
    let refused = routes.clone().oneshot(request(Body::from(messages(4)))).await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(held);
    assert_eq!(routes.oneshot(request(Body::from(messages(2)))).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_chunk_that_is_none_is_400() {
    let server = Running::start(registry([counter("limits/chunks")]), options());
    let mut client = server.connect().await;
    let head = "POST /statefun HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n";
    client.send(format!("{head}5\r\nabcde\r\nxyz\r\n")).await;
    client.answer().await.refuses(400, &["body malformed"]);
}

//! Connections and bodies in unusual shapes.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures_util::stream;
use statefun_http::{Options, router};
use statefun_sdk::Bytes;
use tower::ServiceExt;

use statefun_test_support::request::Batch;

use crate::support::{Running, batch_with_seen, counter, options, post, post_with, registry, with_messages};

#[tokio::test]
async fn a_connection_is_kept_alive() {
    let server = Running::start(registry([counter("requests/kept")]), options());
    let mut client = server.connect().await;
    for _ in 0..3 {
        client.send(post(&batch_with_seen("requests/kept", 1))).await;
        let answer = client.answer().await;
        answer.response();
        assert_eq!(answer.header("connection"), None);
        client.send(post(b"no request")).await;
        client.answer().await.refuses(400, &[]);
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = Running::start(registry([counter("requests/piped")]), options());
    let mut client = server.connect().await;
    let (good, bad) = (post(&batch_with_seen("requests/piped", 1)), post(b""));
    client.send([&good[..], &bad, &good].concat()).await;
    client.answer().await.response();
    client.answer().await.refuses(400, &[]);
    client.answer().await.response();
}

#[tokio::test]
async fn a_body_in_pieces_is_put_together() {
    let server = Running::start(registry([counter("requests/pieces")]), options());
    let request = post(&batch_with_seen("requests/pieces", 3));
    let mut client = server.connect().await;
    for byte in &request {
        client.send([*byte]).await;
    }
    let (pieces, whole) = (client.answer().await, server_answer(&server, &request).await);
    // The heads may have been written in different seconds.
    assert_eq!((pieces.status, pieces.body), (whole.status, whole.body));
}

async fn server_answer(server: &Running, request: &[u8]) -> crate::support::Answer {
    let mut client = server.connect().await;
    client.send(request).await;
    client.answer().await
}

#[tokio::test]
async fn a_large_body_is_taken() {
    let server = Running::start(registry([counter("requests/large")]), options());
    let large = vec![7; 32 << 20];
    let request = Batch::to("requests/large", "id-1").state("seen", None);
    let body = with_messages(request, &[("demo/message", &large)]);
    server.post(&body).await.response();
}

#[tokio::test]
async fn any_path_takes_invocations_but_not_the_pages() {
    let server = Running::start(registry([counter("requests/any")]), Options { any_path: true, ..options() });
    let mut client = server.connect().await;
    for path in ["/statefun", "/", "/some/where?query=1", "/healthz"] {
        client.send(post_with(path, "", &batch_with_seen("requests/any", 1))).await;
        client.answer().await.response();
    }
    assert_eq!(server.get("/healthz").await.status, 200);
    assert!(server.get("/").await.text().contains("requests/any"));
    let answer = server.get("/some/where").await;
    answer.refuses(405, &["expected POST"]);
    assert_eq!(answer.header("allow"), Some("POST"));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_too_slowly_is_408() {
    let router = router(registry([counter("requests/slow")]), &Options::default());
    // How much comes every how many seconds, and after how many it is over.
    for (bytes, every, expected) in [(1, u64::MAX / 1000, 10), (1, 1, 10), (65_535, 10, 10), (65_536, 5, 60)] {
        let began = tokio::time::Instant::now();
        let body = stream::unfold((bytes, every), async |(bytes, every)| {
            tokio::time::sleep(Duration::from_secs(every)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from(vec![0; bytes])), (bytes, every)))
        });
        let request = Request::post("/statefun").body(Body::from_stream(Box::pin(body))).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
        assert_eq!(began.elapsed().as_secs(), expected, "{bytes} bytes every {every} s");
        let text = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
        assert_eq!(text, "body too slow: expected 64 KiB or the rest of it in 10 seconds, and all of it in 60\n");
    }
}

//! Every row of the table of statuses.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use prost::Message as _;
use statefun_http::{Endpoint, Options};
use statefun_sdk::protocol::reqreply::{ToFunction, from_function, to_function};
use statefun_sdk::{
    Bytes, Context, Decode, Encode, Function, FunctionError, Message, TypeError, TypeName, Typed, ValueSpec,
};
use statefun_test_support::request::{Batch, typed};
use tokio::time::Instant;

use crate::support::{
    Gate, Running, batch, batch_with_seen, counter, options, post, post_with, registry, with_messages,
};

fn start(functions: impl IntoIterator<Item = Function>) -> Running {
    Running::start(registry(functions), options())
}

#[tokio::test]
async fn a_result_is_200_with_the_content_type_and_nothing_more() {
    let server = start([counter("status/result")]);
    let answer = server.post(&batch_with_seen("status/result", 2)).await;
    let from_function::Response::InvocationResult(result) = answer.response() else { panic!("{answer:?}") };
    assert_eq!(result.state_mutations.len(), 1);
    assert_eq!(result.state_mutations[0].state_value, Some(typed("io.statefun.types/int", vec![13, 2, 0, 0, 0])));
}

#[tokio::test]
async fn missing_states_are_200_too() {
    let server = start([counter("status/missing")]);
    let answer = server.post(&batch("status/missing", &[("demo/message", b"")])).await;
    let from_function::Response::IncompleteInvocationContext(missing) = answer.response() else { panic!("{answer:?}") };
    assert_eq!(missing.missing_values[0].state_name, "seen");
}

#[tokio::test]
async fn bodies_that_are_no_request_are_400() {
    let server = start([counter("status/bad")]);
    server.post(b"").await.refuses(400, &["empty body", "expected", "ToFunction"]);
    server.post(b"secret \xff\xff").await.refuses(400, &["undecodable body", "expected", "ToFunction"]);
    let request =
        |invocation| ToFunction { request: Some(to_function::Request::Invocation(invocation)) }.encode_to_vec();
    let nobody = to_function::InvocationBatchRequest {
        target: None,
        state: vec![],
        invocations: vec![to_function::Invocation { caller: None, argument: Some(typed("demo/message", "")) }],
    };
    server.post(&request(nobody)).await.refuses(400, &["no target", "expected"]);
    server.post(&batch("status/bad", &[])).await.refuses(400, &["no invocation", "expected"]);
    let no_request = ToFunction { request: None }.encode_to_vec();
    assert!(no_request.is_empty());
    server.post(&[0x0a, 0x00]).await.refuses(400, &["no invocation", "expected"]);
}

#[tokio::test]
async fn the_payload_is_in_no_refusal() {
    let server = start([counter("status/quiet")]);
    for body in [&b"secret \xff\xff"[..], &batch("status/other", &[("demo/message", b"secret")])] {
        assert!(!server.post(body).await.text().contains("secret"));
    }
}

#[tokio::test]
async fn an_unknown_function_is_404_and_those_that_exist_are_named() {
    let server = start([counter("status/one"), counter("status/two")]);
    let answer = server.post(&batch("status/three", &[("demo/message", b"")])).await;
    answer.refuses(404, &["\"status/three\"", "status/one, status/two"]);
    // A name with line breaks must not make another line of it, nor a long one a long answer.
    server.post(&batch("status/a\nb\r\nc", &[("demo/message", b"")])).await.refuses(404, &["unknown function"]);
    let long = server.post(&batch(&format!("status/{}", "é".repeat(100_000)), &[("demo/message", b"")])).await;
    long.refuses(404, &["unknown function"]);
    assert!(long.body.len() < 1100, "{} bytes", long.body.len());
}

#[tokio::test]
async fn another_path_is_404() {
    let server = start([counter("status/path")]);
    let mut client = server.connect().await;
    client.send(post_with("/elsewhere", "", &batch_with_seen("status/path", 1))).await;
    client.answer().await.refuses(404, &["POST /statefun"]);
    server.get("/elsewhere").await.refuses(404, &["POST /statefun"]);
}

#[tokio::test]
async fn other_methods_are_405_with_those_that_are_allowed() {
    let server = start([counter("status/method")]);
    let mut client = server.connect().await;
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        client.send(format!("{method} /statefun HTTP/1.1\r\nhost: test\r\n\r\n")).await;
        let answer = client.answer().await;
        answer.refuses(405, &["method", "expected POST"]);
        assert_eq!(answer.header("allow"), Some("POST"));
    }
    client.send(post_with("/healthz", "", b"")).await;
    let answer = client.answer().await;
    answer.refuses(405, &["expected GET"]);
    assert_eq!(answer.header("allow"), Some("GET,HEAD"));
}

#[tokio::test]
async fn the_content_type_is_checked_leniently() {
    let server = start([counter("status/type")]);
    let body = batch_with_seen("status/type", 1);
    let mut client = server.connect().await;
    for content_type in ["text/plain", "application/json; charset=utf-8", "application/octet-stream-like", "\u{e9}"] {
        client.send(post_with("/statefun", &format!("content-type: {content_type}\r\n"), &body)).await;
        client.answer().await.refuses(415, &["content type", "expected application/octet-stream"]);
    }
    for headers in [
        "",
        "content-type: application/octet-stream; charset=binary\r\n",
        "Content-Type: Application/Octet-Stream\r\n",
        "content-type: APPLICATION/OCTET-STREAM ;x=y\r\n",
    ] {
        client.send(post_with("/statefun", headers, &body)).await;
        client.answer().await.response();
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_from_its_announcement_alone() {
    let server = Running::start(registry([counter("status/large")]), Options { body_limit: 1000, ..options() });
    let mut client = server.connect().await;
    client.send("POST /statefun HTTP/1.1\r\nhost: test\r\ncontent-length: 1001\r\n\r\n").await;
    client.answer().await.refuses(413, &["too large", "at most 1000 bytes"]);
    // Once the rest has come, the connection goes on.
    client.send([0; 1001]).await;
    client.send(post(&batch_with_seen("status/large", 1))).await;
    client.answer().await.response();
}

#[tokio::test]
async fn a_client_that_sends_everything_first_reads_the_413() {
    let server = Running::start(registry([counter("status/larger")]), Options { body_limit: 1000, ..options() });
    let mut client = server.connect().await;
    client.send(post(&vec![0; 70 << 20])).await;
    client.answer().await.refuses(413, &["too large"]);
}

#[tokio::test]
async fn a_client_that_sends_everything_first_reads_the_404_and_the_405() {
    let server = start([counter("status/elsewhere")]);
    for (path, status, told) in [("/statefun/", 404, "no such path"), ("/readyz", 405, "expected GET")] {
        let mut client = server.connect().await;
        client.send(post_with(path, "", &vec![0; 70 << 20])).await;
        client.answer().await.refuses(status, &[told]);
    }
}

#[tokio::test]
async fn a_client_that_waits_for_100_continue_reads_the_413() {
    let server = Running::start(registry([counter("status/expecting")]), Options { body_limit: 1000, ..options() });
    let mut client = server.connect().await;
    client.send("POST /statefun HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 1001\r\n\r\n").await;
    client.answer().await.refuses(413, &["too large"]);
    assert!(client.closed().await);
}

#[tokio::test]
async fn a_chunked_body_over_the_limit_is_413() {
    let body = batch_with_seen("status/chunked", 1);
    let limit = body.len();
    let server = Running::start(registry([counter("status/chunked")]), Options { body_limit: limit, ..options() });
    let mut client = server.connect().await;
    let head = "POST /statefun HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n";
    client.send(head).await;
    for byte in &body {
        client.send([b"1\r\n", &[*byte][..], b"\r\n"].concat()).await;
    }
    client.send("0\r\n\r\n").await;
    client.answer().await.response();
    client.send(head).await;
    for byte in body.iter().chain(&[0]) {
        client.send([b"1\r\n", &[*byte][..], b"\r\n"].concat()).await;
    }
    client.answer().await.refuses(413, &["too large", &format!("at most {limit} bytes")]);
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_taken() {
    let body = batch_with_seen("status/exact", 1);
    let server = Running::start(registry([counter("status/exact")]), Options { body_limit: body.len(), ..options() });
    server.post(&body).await.response();
    server.post(&batch_with_seen("status/exact", 2)).await.refuses(413, &[]);
}

#[tokio::test]
async fn a_body_that_was_cut_short_is_408() {
    let server = start([counter("status/cut")]);
    let whole = post(&batch_with_seen("status/cut", 3));
    for missing in [1, 10] {
        let mut client = server.connect().await;
        client.send(&whole[..whole.len() - missing]).await;
        client.finish().await;
        client.answer().await.refuses(408, &["cut short", "expected"]);
    }
    let mut client = server.connect().await;
    client.send("POST /statefun HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab").await;
    client.finish().await;
    client.answer().await.refuses(408, &["cut short", "expected"]);
}

#[tokio::test]
async fn failures_are_500_or_503_and_say_which_and_where() {
    async fn fail(_: &mut Context, message: Message) -> Result<(), FunctionError> {
        match message.type_name() {
            "demo/retry" => Err(FunctionError::transient("the database is down")),
            "demo/poison" => Err(FunctionError::poison("no such\nproduct")),
            "demo/panic" => panic!("out of luck"),
            _ => Ok(()),
        }
    }
    let server = start([Function::new("status/failing").fallback(fail)]);
    for (status, typename, kind, reason) in [
        (503, "demo/retry", "(transient)", "the database is down"),
        (500, "demo/poison", "(poison)", "no such product"),
        (500, "demo/panic", "(panic)", "out of luck"),
    ] {
        let answer = server.post(&batch("status/failing", &[("demo/fine", b""), (typename, b"secret")])).await;
        answer.refuses(status, &["status/failing", "message 1 of 2", typename, kind, reason]);
        assert!(!answer.text().contains("secret"));
    }
}

#[tokio::test]
async fn an_undecodable_state_is_500() {
    let server = start([counter("status/state")]);
    let state = Some(typed("io.statefun.types/int", b"\xff\xff".to_vec()));
    let request = Batch::to("status/state", "id-1").state("seen", state);
    let answer = server.post(&with_messages(request, &[("demo/message", b"")])).await;
    answer.refuses(500, &["status/state", "(state)", "\"seen\""]);
}

/// A state whose writer panics, after the function has returned.
struct Cursed;

impl Typed for Cursed {
    const TYPE_NAME: TypeName = TypeName::new("status/cursed-type");
}

impl Encode for Cursed {
    fn encode(&self, _: &mut Vec<u8>) -> Result<(), TypeError> {
        panic!("cursed")
    }
}

impl Decode for Cursed {
    fn decode(_: &Bytes) -> Result<Self, TypeError> {
        Ok(Self)
    }
}

#[tokio::test]
async fn a_state_that_cannot_be_written_is_500_and_the_connection_goes_on() {
    const CURSED: ValueSpec<Cursed> = ValueSpec::new("seen");
    async fn curse(context: &mut Context, message: Message) -> Result<(), FunctionError> {
        if message.is::<Cursed>() { context.set(&CURSED, Cursed) } else { Ok(()) }
    }
    let server = start([Function::new("status/cursed").fallback(curse).state(&CURSED)]);
    let request = || Batch::to("status/cursed", "id-1").state("seen", None);
    let mut client = server.connect().await;
    client.send(post(&with_messages(request(), &[("status/cursed-type", b"")]))).await;
    client.answer().await.refuses(500, &[]);
    client.send(post(&with_messages(request(), &[("demo/message", b"")]))).await;
    client.answer().await.response();
}

/// On a clock that goes on only when everything waits: not one is early, and none later than it has to be.
#[tokio::test(start_paused = true)]
async fn requests_over_the_rate_limit_wait_for_their_turn() {
    let endpoint = Endpoint::new(registry([counter("status/paced")])).rate_limit(NonZeroU32::new(20).unwrap());
    let request = batch_with_seen("status/paced", 2);
    let begun = Instant::now();
    let mut responses: FuturesUnordered<_> = (0..21).map(|_| endpoint.respond(octets(&request))).collect();
    let mut times = Vec::new();
    while let Some(response) = responses.next().await {
        assert_eq!(response.status(), 200);
        times.push(begun.elapsed().as_millis());
    }
    let expected: Vec<u128> = (0..21).map(|turn| turn * 50).collect();
    assert_eq!(times, expected);
    // Who comes after a pause does not wait.
    tokio::time::advance(Duration::from_secs(1)).await;
    let begun = Instant::now();
    endpoint.respond(octets(&request)).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn requests_that_gave_up_take_no_turns() {
    let endpoint = Endpoint::new(registry([counter("status/given-up")])).rate_limit(NonZeroU32::MIN);
    let request = batch_with_seen("status/given-up", 1);
    let begun = Instant::now();
    let mut waiting: Vec<_> = (0..100).map(|_| Box::pin(endpoint.respond(octets(&request)))).collect();
    let done = waiting.iter_mut().filter_map(|response| response.now_or_never()).count();
    assert_eq!((done, endpoint.drain().in_flight()), (1, 99));
    drop(waiting);
    endpoint.respond(octets(&request)).await;
    assert_eq!((begun.elapsed().as_secs(), endpoint.drain().in_flight()), (1, 0));
}

fn octets(body: &[u8]) -> Request<Body> {
    Request::post("/statefun").body(Body::from(body.to_vec())).unwrap()
}

#[tokio::test]
async fn more_requests_than_may_be_in_flight_are_503() {
    let gate = Gate::new();
    let server = Running::start(registry([gate.function("status/gate")]), Options { max_in_flight: 2, ..options() });
    let body = batch("status/gate", &[("demo/message", b"")]);
    let (mut first, mut second) = (server.connect().await, server.connect().await);
    first.send(post(&body)).await;
    second.send(post(&body)).await;
    gate.arrival().await;
    gate.arrival().await;
    server.post(&body).await.refuses(503, &["overloaded", "at most 2 requests"]);
    gate.open(3);
    first.answer().await.response();
    second.answer().await.response();
    server.post(&body).await.response();
}

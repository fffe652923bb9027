//! Handles one request repeatedly, without a socket, so that a profiler sees nothing else: `requests CASE COUNT`.
//!
//! A case is an operation and a request's name, such as `handle counter_10`. Without arguments it lists all cases.
//! `benches/instructions` runs it under Valgrind.

use std::hint::black_box;
use std::process::ExitCode;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use http_body_util::BodyExt;
use prost::Message;
use statefun_bench::requests::{COUNTER, ECHO, Exchange};
use statefun_bench::{Documents, now, registry};
use statefun_http::{Options, router};
use statefun_sdk::protocol::reqreply::{FromFunction, ToFunction};
use statefun_sdk::{BoxError, RequestReplyHandler};
use tower::ServiceExt;

/// The operations on a request.
const WORKS: [(&str, Prepare); 4] = [("decode", decode), ("encode", encode), ("handle", handle), ("http", http)];

const NOT_READY: &str = "the future is not ready";

type Prepare = fn(Exchange) -> Result<Work, BoxError>;
type Work = Box<dyn FnMut() -> Result<(), BoxError>>;

/// Decodes the protobuf of the request.
fn decode(exchange: Exchange) -> Result<Work, BoxError> {
    let request = Bytes::from_static(exchange.request);
    Ok(Box::new(move || {
        black_box(ToFunction::decode(black_box(request.clone()))?);
        Ok(())
    }))
}

/// Encodes the protobuf of the response.
fn encode(exchange: Exchange) -> Result<Work, BoxError> {
    let response = FromFunction::decode(exchange.response)?;
    Ok(Box::new(move || {
        black_box(black_box(&response).encode_to_vec());
        Ok(())
    }))
}

/// From a request's bytes to the response's.
fn handle(exchange: Exchange) -> Result<Work, BoxError> {
    let handler = RequestReplyHandler::new(registry(Documents::Owned)?);
    Ok(Box::new(move || {
        black_box(now(handler.handle(black_box(Bytes::from_static(exchange.request)))).ok_or(NOT_READY)??);
        Ok(())
    }))
}

/// The same through the router, with limits and metrics.
fn http(exchange: Exchange) -> Result<Work, BoxError> {
    let router: Router = router(registry(Documents::Owned)?, &Options::default());
    Ok(Box::new(move || {
        let request = Request::post("/statefun").header("content-type", "application/octet-stream");
        let response = now(router.clone().oneshot(request.body(Body::from(exchange.request))?)).ok_or(NOT_READY)??;
        black_box(now(response.into_body().collect()).ok_or(NOT_READY)??);
        Ok(())
    }))
}

fn exchanges() -> impl Iterator<Item = Exchange> {
    COUNTER.into_iter().chain(ECHO)
}

/// The measured function: `benches/instructions` passes its name to Valgrind.
#[inline(never)]
fn over_and_over(work: &mut Work, count: usize) -> Result<(), BoxError> {
    (0..count).try_for_each(|_| work())
}

fn run(work: &str, name: &str, count: &str) -> Result<(), BoxError> {
    // The router needs a timer.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let _entered = runtime.enter();
    let (_, work) = WORKS.iter().find(|(known, _)| *known == work).ok_or("unknown operation")?;
    let mut work = work(exchanges().find(|exchange| exchange.name == name).ok_or("unknown request")?)?;
    // Warm up, to exclude one-time initialization.
    work()?;
    over_and_over(&mut work, count.parse()?)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        [work, name, count] => run(work, name, count),
        _ => {
            for (work, _) in WORKS {
                exchanges().for_each(|exchange| println!("{work} {}", exchange.name));
            }
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

//! How long a request takes without HTTP: `cargo bench -p statefun-bench --bench time`.
//!
//! `decode` and `encode` are only the protobuf of the request and of the response: the rest of `handle` is spent on
//! states, JSON, checks and the function.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use prost::Message;
use statefun_bench::requests::{COUNTER, ECHO, Exchange};
use statefun_bench::{Documents, now, registry};
use statefun_sdk::RequestReplyHandler;
use statefun_sdk::protocol::reqreply::{FromFunction, ToFunction};

fn exchanges() -> impl Iterator<Item = (Exchange, Bytes, u64)> {
    COUNTER.into_iter().chain(ECHO).map(|exchange| {
        let calls = exchange.name.rsplit('_').next().and_then(|calls| calls.parse().ok()).expect("a number of calls");
        (exchange, Bytes::from_static(exchange.request), calls)
    })
}

fn codec(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec");
    for (exchange, request, calls) in exchanges() {
        group.throughput(Throughput::Elements(calls));
        group.bench_function(BenchmarkId::new("decode", exchange.name), |bencher| {
            bencher.iter(|| ToFunction::decode(black_box(request.clone())));
        });
        let response = FromFunction::decode(exchange.response).expect("a response");
        group.bench_function(BenchmarkId::new("encode", exchange.name), |bencher| {
            bencher.iter(|| black_box(&response).encode_to_vec());
        });
    }
}

fn handle(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("handle");
    for documents in [Documents::Owned, Documents::Borrowed, Documents::Raw] {
        let handler = RequestReplyHandler::new(registry(documents).expect("a registry"));
        for (exchange, request, calls) in exchanges() {
            if documents != Documents::Owned && exchange.name.starts_with("echo") {
                continue;
            }
            group.throughput(Throughput::Elements(calls));
            group.bench_function(BenchmarkId::new(format!("{documents:?}").to_lowercase(), exchange.name), |bencher| {
                bencher.iter_batched(
                    || request.clone(),
                    |request| now(handler.handle(request)).expect("nothing to wait for"),
                    BatchSize::SmallInput,
                );
            });
        }
    }
}

criterion_group!(benches, codec, handle);
criterion_main!(benches);

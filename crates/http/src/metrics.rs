//! What is counted, through the facade `metrics`: without a recorder it goes nowhere.

use std::time::Duration;

use axum::http::StatusCode;
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use statefun_sdk::{
    FailureKind, InvocationFailure, MemoryBudget, Outcome, Quarantined, Registry, Response, ResponseKind,
};

pub(crate) const DURATION: &str = "statefun_request_duration_seconds";
pub(crate) const BATCH_SIZE: &str = "statefun_batch_size";

/// The `function` label of requests for no registered function; a type name always contains a slash.
const NO_FUNCTION: &str = "none";

/// The statuses of rejections.
const REJECTIONS: [StatusCode; 8] = [
    StatusCode::BAD_REQUEST,
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::SERVICE_UNAVAILABLE,
];

/// The kinds that fail batches.
pub(crate) const KINDS: [FailureKind; 10] = [
    FailureKind::Transient,
    FailureKind::Poison,
    FailureKind::Panic,
    FailureKind::Bug,
    FailureKind::UnexpectedType,
    FailureKind::State,
    FailureKind::Timeout,
    FailureKind::ResponseTooLarge,
    FailureKind::Memory,
    FailureKind::DeadLetterBudget,
];

/// The handles of all metrics, looked up once: a request only adds to them.
pub(crate) struct Metrics {
    functions: Vec<FunctionMetrics>,
    rejections: [Counter; REJECTIONS.len()],
    abandoned: Counter,
    in_flight: Gauge,
    memory: Gauge,
}

struct FunctionMetrics {
    invocations: Counter,
    succeeded: Counter,
    failed: Counter,
    unavailable: Counter,
    batch_size: Histogram,
    duration: Histogram,
    request_bytes: Counter,
    response_bytes: Counter,
    dead_letters: Counter,
    dead_letter_budget_used: Gauge,
    dead_letter_budget_exhausted: Gauge,
    unexpected_types: Counter,
    reruns: Counter,
    missing_states: Counter,
    failures: [Counter; KINDS.len()],
    undecodable_states: Counter,
}

impl Metrics {
    /// The metrics of the functions of `registry`, at the recorder of this process.
    pub(crate) fn of(registry: &Registry) -> Self {
        let functions = registry.functions().iter();
        let functions = functions.map(|function| FunctionMetrics::new(function.type_name().as_str()));
        Self {
            functions: functions.collect(),
            rejections: REJECTIONS.map(|status| requests(NO_FUNCTION, status)),
            abandoned: counter!("statefun_abandoned_requests_total"),
            in_flight: gauge!("statefun_requests_in_flight"),
            memory: gauge!("statefun_memory_budget_used_bytes"),
        }
    }

    pub(crate) fn in_flight(&self) -> Gauge {
        self.in_flight.clone()
    }

    /// Counts a response of a function.
    pub(crate) fn succeeded(&self, response: &Response, request_bytes: usize, took: Duration) {
        let Some(function) = self.functions.get(response.function) else { return };
        function.succeeded.increment(1);
        function.request(request_bytes, took);
        function.response_bytes.increment(response.body.len() as u64);
        match response.kind {
            ResponseKind::Result => {
                function.invocations.increment(response.invocations as u64);
                function.batch_size.record(response.invocations as f64);
                function.reruns.increment(response.reruns as u64);
                for Quarantined { outcome, count, first, .. } in &response.quarantined {
                    let count = *count as u64;
                    function.dead_letters.increment(if *outcome == Outcome::DeadLetter { count } else { 0 });
                    let unexpected = first.kind == FailureKind::UnexpectedType;
                    function.unexpected_types.increment(if unexpected { count } else { 0 });
                }
            }
            _ => function.missing_states.increment(1),
        }
    }

    /// Counts a batch that failed.
    pub(crate) fn failed(&self, function: usize, failure: &InvocationFailure, request_bytes: usize, took: Duration) {
        let Some(function) = self.functions.get(function) else { return };
        let status = if failure.kind.is_transient() { &function.unavailable } else { &function.failed };
        status.increment(1);
        function.request(request_bytes, took);
        function.batch_size.record(failure.invocations as f64);
        for (kind, counter) in KINDS.iter().zip(&function.failures) {
            counter.increment(u64::from(*kind == failure.kind));
        }
        function.undecodable_states.increment(u64::from(failure.kind == FailureKind::State));
        function.unexpected_types.increment(u64::from(failure.kind == FailureKind::UnexpectedType));
    }

    /// Sets the gauges of what changes as time passes.
    pub(crate) fn refresh(&self, registry: &Registry, memory: &MemoryBudget) {
        self.memory.set(memory.used() as f64);
        for (metrics, function) in self.functions.iter().zip(registry.functions()) {
            let usage = function.dead_letter_usage();
            metrics.dead_letter_budget_used.set(usage.used as f64);
            metrics.dead_letter_budget_exhausted.set(f64::from(u8::from(usage.exhausted)));
        }
    }

    /// Counts a request whose client did not wait for the response.
    pub(crate) fn abandoned(&self) {
        self.abandoned.increment(1);
    }

    /// Counts a rejection.
    pub(crate) fn rejected(&self, status: StatusCode) {
        for (of, counter) in REJECTIONS.iter().zip(&self.rejections) {
            counter.increment(u64::from(*of == status));
        }
    }
}

impl FunctionMetrics {
    fn new(function: &str) -> Self {
        let label = || function.to_owned();
        Self {
            invocations: counter!("statefun_invocations_total", "function" => label()),
            succeeded: requests(function, StatusCode::OK),
            failed: requests(function, StatusCode::INTERNAL_SERVER_ERROR),
            unavailable: requests(function, StatusCode::SERVICE_UNAVAILABLE),
            batch_size: histogram!(BATCH_SIZE, "function" => label()),
            duration: histogram!(DURATION, "function" => label()),
            request_bytes: counter!("statefun_request_bytes_total", "function" => label()),
            response_bytes: counter!("statefun_response_bytes_total", "function" => label()),
            dead_letters: counter!("statefun_dead_letters_total", "function" => label()),
            dead_letter_budget_used: gauge!("statefun_dead_letter_budget_used", "function" => label()),
            dead_letter_budget_exhausted: gauge!("statefun_dead_letter_budget_exhausted", "function" => label()),
            unexpected_types: counter!("statefun_unexpected_types_total", "function" => label()),
            reruns: counter!("statefun_reruns_total", "function" => label()),
            missing_states: counter!("statefun_missing_states_total", "function" => label()),
            failures: KINDS
                .map(|kind| counter!("statefun_failures_total", "function" => label(), "kind" => kind.as_str())),
            undecodable_states: counter!("statefun_undecodable_states_total", "function" => label()),
        }
    }

    fn request(&self, bytes: usize, took: Duration) {
        self.request_bytes.increment(bytes as u64);
        self.duration.record(took.as_secs_f64());
    }
}

fn requests(function: &str, status: StatusCode) -> Counter {
    counter!("statefun_requests_total", "function" => function.to_owned(), "status" => status.as_str().to_owned())
}

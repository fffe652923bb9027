use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use axum::http::StatusCode;
use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use statefun_sdk::{FailureKind, InvocationFailure, Registry, Reply, ReplyKind};
use tokio::runtime::Handle;
use tokio::time::{MissedTickBehavior, interval};

const DURATION: &str = "statefun_request_duration_seconds";
const BATCH_SIZE: &str = "statefun_batch_size";

/// From what a function without I/O needs to the runtime's call time-out.
const DURATIONS: [f64; 16] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0];

/// Up to the runtime's `maxNumBatchRequests`.
const BATCH_SIZES: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];

/// The `function` of requests that are for none of ours. No type name is without a slash.
const NO_FUNCTION: &str = "none";

/// The statuses of requests that no function answered.
const REFUSALS: [StatusCode; 8] = [
    StatusCode::BAD_REQUEST,
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::SERVICE_UNAVAILABLE,
];

const KINDS: [FailureKind; 4] = [FailureKind::Retry, FailureKind::Poison, FailureKind::Panic, FailureKind::State];

/// The handles of all metrics, looked up once: a request only adds to them.
pub(crate) struct Metrics {
    functions: Vec<FunctionMetrics>,
    refusals: [Counter; REFUSALS.len()],
    abandoned: Counter,
    in_flight: Gauge,
}

struct FunctionMetrics {
    namespace: String,
    name: String,
    invocations: Counter,
    succeeded: Counter,
    failed: Counter,
    batch_size: Histogram,
    duration: Histogram,
    request_bytes: Counter,
    response_bytes: Counter,
    dead_letters: Counter,
    missing_states: Counter,
    failures: [Counter; KINDS.len()],
    undecodable_states: Counter,
}

impl Metrics {
    /// The metrics of the functions of `registry`, at the recorder of this process.
    pub(crate) fn of(registry: &Registry) -> Self {
        recorder();
        let functions = registry.functions().iter().map(|function| {
            let function = function.type_name();
            FunctionMetrics::new(function.as_str(), function.namespace(), function.name())
        });
        Self {
            functions: functions.collect(),
            refusals: REFUSALS.map(|status| requests(NO_FUNCTION, status)),
            abandoned: counter!("statefun_abandoned_requests_total"),
            in_flight: gauge!("statefun_requests_in_flight"),
        }
    }

    pub(crate) fn in_flight(&self) -> Gauge {
        self.in_flight.clone()
    }

    /// Counts an answer of a function.
    pub(crate) fn answered(&self, reply: &Reply, request_bytes: usize, took: Duration) {
        let Some(function) = self.functions.get(reply.function) else { return };
        function.succeeded.increment(1);
        function.request(request_bytes, took);
        function.response_bytes.increment(reply.body.len() as u64);
        match reply.kind {
            ReplyKind::Result { dead_letters } => {
                function.invocations.increment(reply.invocations as u64);
                function.batch_size.record(reply.invocations as f64);
                if dead_letters > 0 {
                    function.dead_letters.increment(dead_letters as u64);
                }
            }
            ReplyKind::MissingStates => function.missing_states.increment(1),
        }
    }

    /// Counts a batch that failed.
    pub(crate) fn failed(&self, failure: &InvocationFailure, request_bytes: usize, took: Duration) {
        let target = &failure.target;
        let mut functions = self.functions.iter();
        let Some(function) = functions.find(|f| f.namespace == *target.namespace() && f.name == *target.name()) else {
            return;
        };
        function.failed.increment(1);
        function.request(request_bytes, took);
        function.batch_size.record(failure.invocations as f64);
        for (kind, counter) in KINDS.iter().zip(&function.failures) {
            counter.increment(u64::from(*kind == failure.kind));
        }
        function.undecodable_states.increment(u64::from(failure.kind == FailureKind::State));
    }

    /// Counts a request whose client did not wait for the answer.
    pub(crate) fn abandoned(&self) {
        self.abandoned.increment(1);
    }

    /// Counts a request that no function answered.
    pub(crate) fn refused(&self, status: StatusCode) {
        for (of, counter) in REFUSALS.iter().zip(&self.refusals) {
            counter.increment(u64::from(*of == status));
        }
    }
}

impl FunctionMetrics {
    fn new(function: &str, namespace: &str, name: &str) -> Self {
        let label = || function.to_owned();
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            invocations: counter!("statefun_invocations_total", "function" => label()),
            succeeded: requests(function, StatusCode::OK),
            failed: requests(function, StatusCode::INTERNAL_SERVER_ERROR),
            batch_size: histogram!(BATCH_SIZE, "function" => label()),
            duration: histogram!(DURATION, "function" => label()),
            request_bytes: counter!("statefun_request_bytes_total", "function" => label()),
            response_bytes: counter!("statefun_response_bytes_total", "function" => label()),
            dead_letters: counter!("statefun_dead_letters_total", "function" => label()),
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

/// The recorder of this process: ours, unless someone else was first.
fn recorder() -> Option<&'static PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    let install = || {
        let builder = PrometheusBuilder::new();
        let builder = builder.set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), &DURATIONS).ok()?;
        let builder = builder.set_buckets_for_metric(Matcher::Full(BATCH_SIZE.to_owned()), &BATCH_SIZES).ok()?;
        let handle = builder.install_recorder().ok();
        describe();
        handle
    };
    RECORDER.get_or_init(install).as_ref()
}

fn describe() {
    describe_counter!("statefun_invocations_total", "Messages handled, dead letters included.");
    describe_counter!(
        "statefun_requests_total",
        "Requests by status; function \"none\" where no registered function answered."
    );
    describe_histogram!(BATCH_SIZE, "Messages of a request whose states were there.");
    describe_histogram!(
        DURATION,
        Unit::Seconds,
        "Time from a request's head to its answer, its wait for a turn included."
    );
    describe_counter!("statefun_request_bytes_total", Unit::Bytes, "Bytes of request bodies.");
    describe_counter!("statefun_response_bytes_total", Unit::Bytes, "Bytes of answers with status 200.");
    describe_counter!("statefun_dead_letters_total", "Messages that became dead letters.");
    describe_counter!("statefun_missing_states_total", "Answers that asked for states that the runtime did not send.");
    describe_counter!("statefun_failures_total", "Batches that failed, by the kind of the failure that failed them.");
    describe_counter!("statefun_undecodable_states_total", "Batches that failed because a state could not be read.");
    describe_counter!(
        "statefun_abandoned_requests_total",
        "Requests that were dropped before their answer: the client went away, or on Lambda their time was over."
    );
    describe_gauge!("statefun_requests_in_flight", "Invocation requests that are not answered yet.");
}

/// All metrics of this process as Prometheus reads them. `None` where someone else's recorder has them.
pub(crate) fn render() -> Option<String> {
    recorder().map(PrometheusHandle::render)
}

/// As long as `owner` lives, folds what histograms have recorded into their buckets: until then each sample takes room.
pub(crate) fn spawn_upkeep<T: Send + Sync + 'static>(owner: &Arc<T>) {
    let (Some(recorder), Ok(runtime)) = (recorder(), Handle::try_current()) else { return };
    let alive: Weak<T> = Arc::downgrade(owner);
    runtime.spawn(async move {
        let mut second = interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while alive.strong_count() > 0 {
            second.tick().await;
            recorder.run_upkeep();
        }
    });
}

//! The Prometheus recorder of this process, and what `GET /metrics` tells.

use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::{MissedTickBehavior, interval};

use crate::metrics::{BATCH_SIZE, DURATION};

/// From what a function without I/O needs to the runtime's call time-out.
const DURATIONS: [f64; 16] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0];

/// Up to the runtime's `maxNumBatchRequests`.
const BATCH_SIZES: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];

/// Ours, once it was asked for; `None` where the process has another.
static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Installs the recorder, unless this process has one.
pub(crate) fn install() {
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new();
        let builder = builder.set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), &DURATIONS).ok()?;
        let builder = builder.set_buckets_for_metric(Matcher::Full(BATCH_SIZE.to_owned()), &BATCH_SIZES).ok()?;
        let handle = builder.install_recorder().ok();
        describe();
        handle
    });
}

fn recorder() -> Option<&'static PrometheusHandle> {
    RECORDER.get()?.as_ref()
}

fn describe() {
    describe_counter!("statefun_invocations_total", "Messages handled, dead letters included.");
    describe_counter!(
        "statefun_requests_total",
        "Requests by status; function \"none\" where no registered function responded."
    );
    describe_histogram!(BATCH_SIZE, "Messages of a request whose states were there.");
    describe_histogram!(
        DURATION,
        Unit::Seconds,
        "Time from a request's head to its response, its wait for the rate limit included."
    );
    describe_counter!("statefun_request_bytes_total", Unit::Bytes, "Bytes of request bodies.");
    describe_counter!("statefun_response_bytes_total", Unit::Bytes, "Bytes of responses with status 200.");
    describe_counter!("statefun_dead_letters_total", "Messages that became dead letters.");
    describe_gauge!("statefun_dead_letter_budget_used", "Dead letters among the last 1,000 messages: 100 at most.");
    describe_gauge!(
        "statefun_dead_letter_budget_exhausted",
        "1 while batches fail that would make dead letters: too many messages failed."
    );
    describe_counter!("statefun_unexpected_types_total", "Messages of a type that their function does not read.");
    describe_counter!(
        "statefun_reruns_total",
        "Times that messages ran again, because one behind them had failed after it wrote a state."
    );
    describe_counter!(
        "statefun_missing_states_total",
        "Responses that asked for states that the runtime did not send."
    );
    describe_counter!("statefun_failures_total", "Batches that failed, by the kind of the failure that failed them.");
    describe_counter!("statefun_undecodable_states_total", "Batches that failed because a state could not be read.");
    describe_counter!(
        "statefun_abandoned_requests_total",
        "Requests that were dropped before their response: the client went away, or on Lambda their time was over."
    );
    describe_gauge!("statefun_blocked_threads", "Threads that a function blocks.");
    describe_counter!("statefun_blocked_threads_total", "Times that a function blocked its thread.");
    describe_gauge!("statefun_connections", "Open connections.");
    describe_counter!("statefun_connections_rejected_total", "Connections that were closed at once, by the limit.");
    describe_counter!("statefun_connections_closed_total", "Connections that the server ended, by cause.");
    describe_gauge!("statefun_requests_in_flight", "Invocation requests in flight.");
    describe_gauge!(
        "statefun_memory_budget_used_bytes",
        Unit::Bytes,
        "What requests and responses in flight hold of the memory budget."
    );
    describe_counter!(
        "statefun_log_lines_dropped_total",
        "Log lines that were dropped because standard error was not read in time."
    );
    describe_counter!("statefun_tls_handshake_failures_total", "TLS handshakes that failed, by cause.");
    describe_counter!("statefun_tls_reloads_total", "Reloads of changed TLS files, by result.");
    describe_gauge!(
        "statefun_tls_certificate_expiry_timestamp_seconds",
        Unit::Seconds,
        "When the server's certificate expires, in Unix time."
    );
}

/// All metrics of this process as Prometheus reads them.
#[derive(Default)]
pub(crate) struct Page(Mutex<Option<(Instant, Bytes)>>);

/// How often it is rendered at most: with many functions that takes a core some milliseconds.
const RENDER_EVERY: Duration = Duration::from_secs(1);

impl Page {
    /// `None` where there is no recorder of ours.
    pub(crate) async fn text(&self) -> Option<Bytes> {
        let recorder = recorder()?;
        let mut page = self.0.lock().await;
        if let Some((rendered, text)) = &*page
            && rendered.elapsed() < RENDER_EVERY
        {
            return Some(text.clone());
        }
        let text = Bytes::from(recorder.render());
        *page = Some((Instant::now(), text.clone()));
        Some(text)
    }
}

/// As long as `owner` lives, refreshes its gauges and folds what histograms have recorded into their buckets: until then each sample takes room.
pub(crate) fn spawn_upkeep<T: Send + Sync + 'static>(owner: &Arc<T>, refresh: impl Fn(&T) + Send + 'static) {
    let (Some(recorder), Ok(runtime)) = (recorder(), Handle::try_current()) else { return };
    let alive: Weak<T> = Arc::downgrade(owner);
    runtime.spawn(async move {
        let mut second = interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while let Some(owner) = alive.upgrade() {
            refresh(&owner);
            drop(owner);
            recorder.run_upkeep();
            second.tick().await;
        }
    });
}

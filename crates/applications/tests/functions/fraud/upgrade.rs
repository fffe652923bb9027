//! Custom thresholds are added to a running system: what a job does that is restored from a savepoint with a newer
//! release behind its endpoint.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use statefun_applications::fraud::generator::{Event, EventMessage};
use statefun_applications::fraud::messages::Transaction;
use statefun_applications::fraud::{Settings, THRESHOLD};
use statefun_sdk::local::{LocalRuntime, Transport, TransportError};
use statefun_sdk::{Bytes, RequestReplyHandler, TypedValue};

use super::pipeline::{events, registry, settings, transactions};
use statefun_test_support::fraud as expected;

/// An endpoint behind which the release changes, and that answers so many requests and no more.
#[derive(Clone)]
struct Endpoint(Arc<Mutex<(RequestReplyHandler, usize)>>);

impl Endpoint {
    fn of(settings: &Settings) -> Self {
        Self(Arc::new(Mutex::new((RequestReplyHandler::new(registry(settings)), usize::MAX))))
    }

    fn release(&self, settings: &Settings) {
        *self.0.lock().unwrap() = (RequestReplyHandler::new(registry(settings)), usize::MAX);
    }

    fn answer_no_more_than(&self, requests: usize) {
        self.0.lock().unwrap().1 = requests;
    }
}

impl Transport for Endpoint {
    async fn call(&self, request: Bytes) -> Result<Bytes, TransportError> {
        let handler = {
            let (handler, left) = &mut *self.0.lock().unwrap();
            *left = left.checked_sub(1).ok_or_else(|| TransportError::new("stopped"))?;
            handler.clone()
        };
        Transport::call(&handler, request).await
    }
}

fn send(runtime: &mut LocalRuntime<Endpoint>, event: &Event) {
    let ingress = event.ingress();
    let value = TypedValue::from_bytes(ingress.value_type().as_str(), event.value());
    runtime.send(ingress.target().with_id(event.key.as_str()), value).unwrap();
}

#[tokio::test]
async fn what_was_counted_is_kept_and_what_was_under_way_comes_to_its_end() {
    let with = settings();
    let without = Settings { custom_thresholds: false, ..settings() };
    let mut events = events(11, Duration::from_secs(1), 600);
    // Counts, then transactions that are under way when the job is stopped, then all that there is.
    let no_threshold = |event: &Event| !matches!(event.message, EventMessage::CustomThreshold(_));
    let before: Vec<_> = events.by_ref().take(360).filter(no_threshold).collect();
    let meanwhile: Vec<_> = events.by_ref().take(10).collect();
    let after: Vec<_> = events.collect();
    let all = before.iter().chain(&meanwhile).chain(&after).cloned();
    let expected = sorted(expected::alerts(all, with.window, with.default_threshold));

    let mut stops = 0;
    for answered in (0..=60).step_by(4) {
        let endpoint = Endpoint::of(&without);
        let mut runtime = LocalRuntime::new(endpoint.clone(), &registry(&without)).serve(THRESHOLD);
        for event in &before {
            send(&mut runtime, event);
            runtime.run().await.unwrap();
        }
        meanwhile.iter().for_each(|event| send(&mut runtime, event));
        endpoint.answer_no_more_than(answered);
        stops += usize::from(runtime.run().await.is_err());

        runtime.restart();
        endpoint.release(&with);
        runtime.run().await.unwrap();
        for event in &after {
            send(&mut runtime, event);
            runtime.run().await.unwrap();
        }
        let alerts = sorted(transactions(&runtime.take_emitted()));
        assert!(alerts == expected, "after {answered} requests: {} alerts, not {}", alerts.len(), expected.len());
    }
    assert!(stops > 10, "all was done before the job was stopped");
}

fn sorted(mut alerts: Vec<Transaction>) -> Vec<Transaction> {
    alerts.sort_by_key(|alert| (alert.timestamp.map(|time| time.seconds), alert.account.clone()));
    alerts
}

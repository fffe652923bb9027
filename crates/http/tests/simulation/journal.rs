//! What happens within the server: which requests its functions see, and what it counts.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use statefun_sdk::{Context, Egress, Function, FunctionError, Message, Registry, TypedValue};
use tokio::time::sleep;

use crate::client::Order;

pub(crate) const FUNCTION: &str = "simulation/function";
const EGRESS: Egress = Egress::new("simulation/egress");

/// The header that holds a request's number.
pub(crate) const NUMBER: &str = "x-number";

#[derive(Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Entries>>);

#[derive(Default)]
struct Entries {
    seen: HashMap<u32, Seen>,
    at_work: usize,
    most_at_work: usize,
}

/// What the server has seen of a request.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    /// Its head, where there is a layer to see it.
    pub(crate) head: bool,
    /// It got a slot, and its function was called.
    pub(crate) slot: bool,
    pub(crate) responded: bool,
}

/// A request in its function, until it is dropped.
struct AtWork<'a>(&'a Journal);

impl Journal {
    /// A function that does as a request orders.
    pub(crate) fn registry(&self) -> Registry {
        async fn obey(journal: &Journal, context: &mut Context, message: Message) -> Result<(), FunctionError> {
            let order = Order::of(message.value());
            let _at_work = journal.at_work(order.number);
            sleep(Duration::from_millis(order.millis.into())).await;
            context.emit(EGRESS, TypedValue::from_bytes("simulation/response", order.response()))?;
            journal.see(order.number, |seen| seen.responded = true);
            Ok(())
        }
        let function = Function::new(FUNCTION).fallback(obey).with(self.clone()).emits(EGRESS);
        Registry::builder().function(function).build().unwrap()
    }

    /// A layer around the whole server.
    pub(crate) async fn layer(self, request: Request, next: Next) -> Response {
        if let Some(number) = request.headers().get(NUMBER) {
            self.see(number.to_str().unwrap().parse().unwrap(), |seen| seen.head = true);
        }
        next.run(request).await
    }

    pub(crate) fn of(&self, number: u32) -> Seen {
        self.0.lock().unwrap().seen.get(&number).copied().unwrap_or_default()
    }

    /// How many requests have been in the function at a time.
    pub(crate) fn most_at_work(&self) -> usize {
        self.0.lock().unwrap().most_at_work
    }

    fn see(&self, number: u32, note: impl FnOnce(&mut Seen)) {
        note(self.0.lock().unwrap().seen.entry(number).or_default());
    }

    fn at_work(&self, number: u32) -> AtWork<'_> {
        self.see(number, |seen| {
            assert!(!seen.slot, "request {number} was handled twice");
            seen.slot = true;
        });
        let mut entries = self.0.lock().unwrap();
        entries.at_work += 1;
        entries.most_at_work = entries.most_at_work.max(entries.at_work);
        AtWork(self)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().at_work -= 1;
    }
}

/// The gauges of one server, to be read at any time.
#[derive(Clone, Default)]
pub(crate) struct Gauges(Arc<Mutex<HashMap<String, Arc<AtomicU64>>>>);

impl Gauges {
    pub(crate) fn gauge(&self, name: &str) -> Arc<AtomicU64> {
        self.0.lock().unwrap()[name].clone()
    }
}

/// Of a gauge.
pub(crate) fn value(gauge: &AtomicU64) -> f64 {
    f64::from_bits(gauge.load(SeqCst))
}

impl Recorder for Gauges {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.0.lock().unwrap().entry(key.name().to_owned()).or_default().clone())
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::Value;
use statefun_applications::product_cart::CloudEvent;
use statefun_sdk::local::{Emitted, SentMessage, TestContext};
use statefun_sdk::{Function, Typed, TypedValue};

/// A resource file of events, one a line.
pub(super) struct Events(Vec<String>);

impl Events {
    pub(super) fn read(file: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/product_cart").join(file);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self(text.lines().map(str::to_owned).collect())
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The text of the event with this id.
    pub(super) fn line(&self, id: &str) -> &str {
        let mut lines = self.lines();
        lines.find(|line| json(line.as_bytes())["id"] == id).unwrap_or_else(|| panic!("there is no event {id}"))
    }

    /// The event with this id, as a message.
    pub(super) fn message(&self, id: &str) -> TypedValue {
        message(self.line(id))
    }
}

pub(super) fn message(text: &str) -> TypedValue {
    TypedValue::from_bytes(CloudEvent::TYPE_NAME.as_str(), Bytes::copy_from_slice(text.as_bytes()))
}

pub(super) fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or(Value::Null)
}

/// One function and the events that it is fed.
pub(super) struct Fed {
    pub(super) context: TestContext,
    events: Events,
}

impl Fed {
    pub(super) fn new(function: Function, id: &str, file: &str) -> Self {
        Self { context: TestContext::new(function, id).expect("a function"), events: Events::read(file) }
    }

    /// Forgets earlier effects, then feeds these events, each in a request of its own.
    pub(super) async fn feed(&mut self, ids: &[&str]) {
        self.context.clear_effects();
        for id in ids {
            self.context.invoke(self.events.message(id)).await.expect("an answer");
        }
    }

    pub(super) fn line(&self, id: &str) -> &str {
        self.events.line(id)
    }

    /// To whom messages went.
    pub(super) fn targets(&self) -> Vec<String> {
        self.context.sent().iter().map(|sent| sent.target.to_string()).collect()
    }

    /// The only message sent, as JSON.
    pub(super) fn only_sent(&self) -> Value {
        let [SentMessage { value, .. }] = self.context.sent() else { panic!("{:?}", self.context.sent()) };
        json(value.value())
    }

    /// The only record emitted, as JSON.
    pub(super) fn only_emitted(&self) -> Value {
        let [Emitted { record, .. }] = self.context.emitted() else { panic!("{:?}", self.context.emitted()) };
        json(record.value())
    }

    pub(super) fn assert_no_effects(&self) {
        assert_eq!((self.context.sent(), self.context.emitted()), (&[][..], &[][..]));
        assert!(!changes_states(&self.context), "a state was written");
    }
}

/// Whether the last answer changes a state.
pub(super) fn changes_states(context: &TestContext) -> bool {
    use prost::Message as _;
    use statefun_sdk::protocol::reqreply::{FromFunction, from_function::Response};
    let reply = FromFunction::decode(context.last_response().clone()).expect("a FromFunction");
    match reply.response {
        Some(Response::InvocationResult(result)) => !result.state_mutations.is_empty(),
        other => panic!("{other:?}"),
    }
}

/// Feeds every line of a file to a function of its own; each has to become a dead letter that says `SECRET` nowhere but
/// in its payload, and has to leave nothing else behind.
pub(super) async fn assert_all_poison(function: impl Fn() -> Function, file: &str) {
    for line in Events::read(file).lines() {
        let mut context = TestContext::new(function(), "any").expect("a function").expect_dead_letters();
        context.invoke(message(line)).await.expect("an answer");
        assert_dead_letter(&context, line);
    }
}

pub(super) fn assert_dead_letter(context: &TestContext, line: &str) {
    let [Emitted { egress, record }] = context.emitted() else { panic!("{line}: {:?}", context.emitted()) };
    assert_eq!(egress.as_str(), "example/dead-letter", "{line}");
    let letter = json(record.value());
    assert_eq!(letter["failure"], "poison", "{line}");
    let error = letter["error"].as_str().unwrap_or_default();
    let says_why = ["expected", "declared", "missing field", "does not accept", "not JSON", "ends too early"];
    assert!(says_why.iter().any(|words| error.contains(words)), "{line}: {error}");
    assert!(!error.contains("SECRET"), "{line}: {error}");
    assert_eq!(context.sent(), [], "{line}");
    assert!(!changes_states(context), "{line}");
}

/// What is logged while it lives, by this thread.
pub(super) struct Log {
    text: Arc<Mutex<Vec<u8>>>,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Log {
    pub(super) fn capture() -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let writer = Writer(text.clone());
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        Self { text, _guard: tracing::subscriber::set_default(subscriber) }
    }

    pub(super) fn take(&self) -> Vec<String> {
        let text = std::mem::take(&mut *self.text.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
    }
}

#[derive(Clone)]
struct Writer(Arc<Mutex<Vec<u8>>>);

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Feeds every line of a file to a function; each has to be ignored, and counted.
pub(super) async fn assert_all_ignored(function: Function, file: &str) {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _recorder = metrics::set_default_local_recorder(&recorder);
    let mut context = TestContext::new(function, "any").expect("a function");
    let events = Events::read(file);
    let mut count = 0;
    for line in events.lines() {
        context.invoke(message(line)).await.expect("an answer");
        assert_eq!((context.sent(), context.emitted()), (&[][..], &[][..]), "{line}");
        assert!(!changes_states(&context), "{line}");
        count += 1;
    }
    let counted = format!("}} {count}\n");
    let told = metrics.render();
    let counter = told.lines().find(|line| line.starts_with("statefun_ignored_events_total{"));
    assert!(counter.is_some_and(|line| format!("{line}\n").ends_with(&counted)), "{told}");
}

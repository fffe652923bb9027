//! Functions that block, and functions that use the runtime they run on.

use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use statefun_http::{Options, Timeouts};
use statefun_sdk::protocol::reqreply::from_function;
use statefun_sdk::{Context, Function, FunctionError, Message};

use crate::support::{Gate, Running, SEEN, batch, batch_with_seen, counter, options, post, registry, within};

/// What blocks the thread of a function until it is released.
#[derive(Default)]
pub(crate) struct Blocker(Released);

type Released = Arc<(Mutex<bool>, Condvar)>;

impl Blocker {
    /// A function that says at `gate` that it blocks, and then does.
    pub(crate) fn function(&self, name: &'static str, gate: &Gate) -> Function {
        async fn block((released, gate): &(Released, Gate), _: &mut Context, _: Message) -> Result<(), FunctionError> {
            gate.arrive();
            let (released, condition) = &**released;
            drop(condition.wait_while(released.lock().unwrap(), |released| !*released).unwrap());
            Ok(())
        }
        Function::new(name).fallback(block).with((self.0.clone(), gate.clone()))
    }

    pub(crate) fn release(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

/// A test that fails must not leave a thread that the process waits for.
impl Drop for Blocker {
    fn drop(&mut self) {
        self.release();
    }
}

fn two_workers() -> Options {
    Options { workers: NonZeroUsize::new(2).unwrap(), ..options() }
}

#[tokio::test]
async fn a_function_that_blocks_its_thread_stops_no_other_connection() {
    let (blocker, gate) = (Blocker::default(), Gate::new());
    let functions = registry([blocker.function("blocking/one", &gate), counter("blocking/others")]);
    let server = Running::start(functions, two_workers());
    let mut others = Vec::new();
    for _ in 0..20 {
        others.push(server.connect().await);
    }
    let mut blocked = server.connect().await;
    blocked.send(post(&batch("blocking/one", &[("demo/message", b"")]))).await;
    gate.arrival().await;
    // Without a new connection, which would wake the other thread.
    for _ in 0..20 {
        for other in &mut others {
            other.send(post(&batch_with_seen("blocking/others", 1))).await;
        }
        for other in &mut others {
            other.answer().await.response();
        }
    }
    server.post(&batch_with_seen("blocking/others", 1)).await.response();
    blocker.release();
    blocked.answer().await.response();
}

#[tokio::test]
async fn functions_may_use_the_runtime_they_run_on() {
    async fn in_place(_: &mut Context, _: Message) -> Result<(), FunctionError> {
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(tokio::task::yield_now()));
        Ok(())
    }
    async fn elsewhere(_: &mut Context, _: Message) -> Result<(), FunctionError> {
        tokio::task::spawn_blocking(std::thread::yield_now).await.map_err(FunctionError::transient)
    }
    async fn task(_: &mut Context, _: Message) -> Result<(), FunctionError> {
        tokio::spawn(tokio::task::yield_now()).await.map_err(FunctionError::transient)
    }
    for workers in [1, 2] {
        let functions = [
            Function::new("blocking/in-place").fallback(in_place),
            Function::new("blocking/elsewhere").fallback(elsewhere),
            Function::new("blocking/task").fallback(task),
        ];
        let options = Options { workers: NonZeroUsize::new(workers).unwrap(), ..options() };
        let server = Running::start(registry(functions), options);
        for function in ["blocking/in-place", "blocking/elsewhere", "blocking/task"] {
            server.post(&batch(function, &[("demo/message", b"")])).await.response();
        }
    }
}

/// Soon, rather than after seconds.
fn impatient() -> Options {
    let timeouts =
        Timeouts { blocked: Duration::from_millis(20), unhealthy: Duration::from_millis(40), ..Timeouts::default() };
    Options { timeouts, ..two_workers() }
}

async fn until_health_is(server: &Running, status: u16) -> String {
    within(async {
        loop {
            let answer = server.get("/healthz").await;
            if answer.status == status {
                return answer.text();
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_blocked_thread_fails_health_until_it_is_free_and_its_address_is_rejected() {
    let (blocker, gate) = (Blocker::default(), Gate::new());
    let functions = registry([blocker.function("blocking/stuck", &gate), counter("blocking/fine")]);
    let (server, recorded) = Running::recorded(functions, impatient());
    let request = batch("blocking/stuck", &[("demo/message", b"")]);
    let mut blocked = server.connect().await;
    blocked.send(post(&request)).await;
    gate.arrival().await;
    let text = until_health_is(&server, 503).await;
    assert!(text.contains("blocking/stuck/id-1"), "{text}");
    assert_eq!(recorded.metric("statefun_blocked_threads"), 1.0);
    assert_eq!(recorded.metric(r#"statefun_blocked_threads_total{function="blocking/stuck"}"#), 1.0);
    // The retry would block the other thread.
    server.post(&request).await.refuses(503, &["blocked", "blocking/stuck/id-1", "spawn_blocking"]);
    server.post(&batch_with_seen("blocking/fine", 1)).await.response();
    blocker.release();
    blocked.answer().await.response();
    until_health_is(&server, 200).await;
    server.post(&request).await.response();
}

/// The runtime processes nothing else until its first request to a function has its response.
#[tokio::test]
async fn a_blocked_address_is_still_asked_for_its_states() {
    let (blocker, gate) = (Blocker::default(), Gate::new());
    let functions = registry([blocker.function("blocking/stuck", &gate).state(&SEEN)]);
    let server = Running::start(functions, impatient());
    let mut blocked = server.connect().await;
    blocked.send(post(&batch_with_seen("blocking/stuck", 1))).await;
    gate.arrival().await;
    until_health_is(&server, 503).await;
    let response = server.post(&batch("blocking/stuck", &[("demo/message", b"")])).await.response();
    assert!(matches!(response, from_function::Response::IncompleteInvocationContext(_)), "{response:?}");
    server.post(&batch_with_seen("blocking/stuck", 1)).await.refuses(503, &["blocked", "blocking/stuck/id-1"]);
    blocker.release();
    blocked.answer().await.response();
}

#[tokio::test]
async fn a_function_that_waits_long_is_not_blocked() {
    let gate = Gate::new();
    let (server, recorded) = Running::recorded(registry([gate.function("blocking/waits")]), impatient());
    let mut client = server.connect().await;
    client.send(post(&batch("blocking/waits", &[("demo/message", b"")]))).await;
    gate.arrival().await;
    let arrived = Instant::now();
    while arrived.elapsed() < Duration::from_millis(100) {
        assert_eq!(server.get("/healthz").await.status, 200);
    }
    assert_eq!(recorded.metric("statefun_blocked_threads"), 0.0);
    gate.open(1);
    client.answer().await.response();
}

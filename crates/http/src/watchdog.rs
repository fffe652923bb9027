//! Finds functions that block their thread: a future that does not return from a poll can neither be dropped nor time out.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use metrics::{Counter, Gauge, counter, gauge};
use statefun_sdk::{Address, Registry, TypeName};
use tokio::runtime::Handle;
use tracing::error;

use crate::options::Timeouts;

/// How often a thread looks at the others.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How often a thread that stays blocked is logged.
const LOG_AGAIN: Duration = Duration::from_secs(30);

/// The threads that poll functions, each from its first such poll on.
static SLOTS: Mutex<Vec<Weak<Slot>>> = Mutex::new(Vec::new());

thread_local! {
    static SLOT: Arc<Slot> = {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let slot = Arc::new(Slot { id: NEXT.fetch_add(1, Ordering::Relaxed), poll: Mutex::default() });
        locked(&SLOTS).push(Arc::downgrade(&slot));
        slot
    };
}

/// Watches the polls of requests' futures, once it [runs](Self::start). Clones watch together.
#[derive(Clone)]
pub(crate) struct Watchdog(Arc<Shared>);

struct Shared {
    blocked_after: Duration,
    unhealthy_after: Duration,
    /// What the last look found.
    blocked: Mutex<Vec<Blocked>>,
    /// How many these are: usually none, and then the lock is not taken.
    count: AtomicUsize,
    threads: Gauge,
    functions: Vec<(TypeName, Counter)>,
}

/// A function that holds a thread.
#[derive(Clone)]
pub(crate) struct Blocked {
    pub(crate) target: Address,
    since: Instant,
}

impl Blocked {
    pub(crate) fn for_seconds(&self) -> u64 {
        self.since.elapsed().as_secs()
    }
}

/// What a thread is polling.
struct Slot {
    id: u64,
    poll: Mutex<Poll>,
}

#[derive(Default)]
struct Poll {
    /// Which of the thread's polls this is. A clock would cost more, and a request that is polled often is not blocked.
    number: u64,
    running: Option<Arc<Running>>,
}

/// A request that is watched.
struct Running {
    target: Address,
    watchdog: Watchdog,
}

impl Watchdog {
    pub(crate) fn new(registry: &Registry, timeouts: &Timeouts) -> Self {
        let functions = registry.functions().iter().map(|function| {
            let name = function.type_name();
            (name.clone(), counter!("statefun_blocked_threads_total", "function" => name.to_string()))
        });
        Self(Arc::new(Shared {
            blocked_after: timeouts.blocked,
            unhealthy_after: timeouts.unhealthy,
            blocked: Mutex::default(),
            count: AtomicUsize::new(0),
            threads: gauge!("statefun_blocked_threads"),
            functions: functions.collect(),
        }))
    }

    /// Notes at each poll of `future` that this thread polls it for `target`. Within another such poll, that one counts.
    pub(crate) fn watch<F: Future>(&self, target: Address, future: F) -> impl Future<Output = F::Output> + use<F> {
        let running = Arc::new(Running { target, watchdog: self.clone() });
        async move {
            let mut future = pin!(future);
            poll_fn(|context| {
                let _polling = Polling::begin(&running);
                future.as_mut().poll(context)
            })
            .await
        }
    }

    /// Whether a request for `target` holds a thread for too long already.
    pub(crate) fn is_blocked(&self, target: &Address) -> bool {
        self.0.count.load(Ordering::Relaxed) > 0 && locked(&self.0.blocked).iter().any(|b| b.target == *target)
    }

    /// A function that holds a thread for so long that only a restart may help.
    pub(crate) fn stuck(&self) -> Option<Blocked> {
        if self.0.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let blocked = locked(&self.0.blocked);
        blocked.iter().find(|blocked| blocked.since.elapsed() >= self.0.unhealthy_after).cloned()
    }

    /// Starts the thread that looks, until what is returned is dropped. It is no task: all threads of a runtime may be blocked.
    ///
    /// While any thread polls, it also wakes one of `workers`. Of the threads of a multi-thread runtime one waits for I/O and timers,
    /// and the others for it. When it wakes up for a single task it wakes no other; if the task then blocks, no connection would be
    /// read any more.
    ///
    /// # Errors
    /// When there are no more threads.
    pub(crate) fn start(&self, workers: Handle) -> io::Result<Looking> {
        let (looking, dropped) = mpsc::channel();
        let mut look = Look { watchdog: self.clone(), seen: HashMap::new() };
        let every = LOOK_EVERY.min(self.0.blocked_after / 2).max(Duration::from_millis(1));
        thread::Builder::new().name("statefun-watchdog".to_owned()).spawn(move || {
            while dropped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                if look.at_all_threads(Instant::now()) {
                    drop(workers.spawn(std::future::ready(())));
                }
            }
        })?;
        Ok(Looking(looking))
    }

    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn set_blocked(&self, blocked: Vec<Blocked>) {
        self.0.threads.set(blocked.len() as f64);
        self.0.count.store(blocked.len(), Ordering::Relaxed);
        *locked(&self.0.blocked) = blocked;
    }

    fn counter(&self, target: &Address) -> Counter {
        let function = self.0.functions.iter().find(|(name, _)| target.is(name));
        function.map_or(Counter::noop(), |(_, counter)| counter.clone())
    }
}

/// The thread that looks, until this is dropped.
pub(crate) struct Looking(#[allow(dead_code, reason = "dropping it ends the thread")] mpsc::Sender<()>);

/// A poll, until it is dropped.
struct Polling {
    noted: bool,
}

impl Polling {
    fn begin(running: &Arc<Running>) -> Self {
        SLOT.with(|slot| {
            let mut poll = locked(&slot.poll);
            let noted = poll.running.is_none();
            if noted {
                poll.number += 1;
                poll.running = Some(running.clone());
            }
            Self { noted }
        })
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        if self.noted {
            drop(SLOT.with(|slot| locked(&slot.poll).running.take()));
        }
    }
}

/// What the looks before this one saw.
struct Look {
    watchdog: Watchdog,
    /// By the id of its slot, the poll that a thread was in.
    seen: HashMap<u64, Seen>,
}

struct Seen {
    number: u64,
    since: Instant,
    logged: Option<Instant>,
}

impl Look {
    /// Returns whether any thread polls.
    fn at_all_threads(&mut self, now: Instant) -> bool {
        let (mut seen, mut blocked) = (HashMap::new(), Vec::new());
        for slot in slots() {
            let (number, running) = {
                let poll = locked(&slot.poll);
                (poll.number, poll.running.clone())
            };
            let Some(running) = running.filter(|running| running.watchdog.is(&self.watchdog)) else { continue };
            let before = self.seen.remove(&slot.id).filter(|seen| seen.number == number);
            let mut poll = before.unwrap_or(Seen { number, since: now, logged: None });
            let held = now.duration_since(poll.since);
            if held >= self.watchdog.0.blocked_after {
                self.blocked(&mut poll, &running.target, now);
                blocked.push(Blocked { target: running.target.clone(), since: poll.since });
            }
            seen.insert(slot.id, poll);
        }
        self.seen = seen;
        self.watchdog.set_blocked(blocked);
        !self.seen.is_empty()
    }

    fn blocked(&self, poll: &mut Seen, target: &Address, now: Instant) {
        if poll.logged.is_none() {
            self.watchdog.counter(target).increment(1);
        }
        if poll.logged.is_none_or(|logged| now.duration_since(logged) >= LOG_AGAIN) {
            poll.logged = Some(now);
            error!(
                function = ?target, seconds = now.duration_since(poll.since).as_secs(),
                "a function blocks its thread: what blocks belongs into tokio::task::spawn_blocking"
            );
        }
    }
}

/// The slots of all threads that live.
fn slots() -> Vec<Arc<Slot>> {
    let mut slots = locked(&SLOTS);
    slots.retain(|slot| slot.strong_count() > 0);
    slots.iter().filter_map(Weak::upgrade).collect()
}

/// Nothing that is locked here can be left half done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender};
    use std::thread::JoinHandle;

    use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
    use statefun_sdk::{Context, Function, Message};
    use tokio_test::block_on;

    use super::*;

    const BLOCKING: TypeName = TypeName::new("watchdog/blocking");
    const SECOND: Duration = Duration::from_secs(1);

    fn watchdog() -> (Watchdog, PrometheusHandle) {
        let function = Function::new("watchdog/blocking").fallback(async |_: &mut Context, _: Message| Ok(()));
        let registry = Registry::builder().function(function).build().unwrap();
        let recorder = PrometheusBuilder::new().build_recorder();
        let watchdog = metrics::with_local_recorder(&recorder, || Watchdog::new(&registry, &Timeouts::default()));
        (watchdog, recorder.handle())
    }

    /// A thread in a poll for the instance `id`, until it is released.
    struct Blocking {
        release: Sender<()>,
        thread: JoinHandle<()>,
    }

    impl Blocking {
        fn start(watchdog: &Watchdog, id: &str) -> Self {
            let ((arrive, arrived), (release, released)): ((_, Receiver<()>), _) = (mpsc::channel(), mpsc::channel());
            let future = watchdog.watch(BLOCKING.with_id(id), async move {
                arrive.send(()).unwrap();
                released.recv().unwrap();
            });
            let thread = thread::spawn(|| block_on(future));
            arrived.recv().unwrap();
            Self { release, thread }
        }

        fn end(self) {
            self.release.send(()).unwrap();
            self.thread.join().unwrap();
        }
    }

    #[test]
    fn a_poll_that_lasts_blocks_its_address_and_then_is_stuck_until_it_ends() {
        let (watchdog, recorded) = watchdog();
        let (blocked, other) = (BLOCKING.with_id("1"), BLOCKING.with_id("2"));
        let mut look = Look { watchdog: watchdog.clone(), seen: HashMap::new() };
        let poll = Blocking::start(&watchdog, "1");
        // As if it had begun some time ago: what is stuck is told by the clock.
        let start = Instant::now() - 10 * SECOND;
        look.at_all_threads(start);
        look.at_all_threads(start + 2 * SECOND - Duration::from_millis(1));
        assert!(!watchdog.is_blocked(&blocked));
        look.at_all_threads(start + 2 * SECOND);
        look.at_all_threads(start + 3 * SECOND);
        assert!(watchdog.is_blocked(&blocked) && !watchdog.is_blocked(&other));
        let stuck = watchdog.stuck().unwrap();
        assert_eq!((stuck.target.clone(), stuck.for_seconds()), (blocked.clone(), 10));
        let text = recorded.render();
        assert!(text.contains("statefun_blocked_threads 1\n"), "{text}");
        assert!(text.contains("statefun_blocked_threads_total{function=\"watchdog/blocking\"} 1\n"), "{text}");
        poll.end();
        look.at_all_threads(start + 4 * SECOND);
        assert!(!watchdog.is_blocked(&blocked) && watchdog.stuck().is_none());
        assert!(recorded.render().contains("statefun_blocked_threads 0\n"));
    }

    #[test]
    fn many_short_polls_are_not_blocked() {
        let (watchdog, _) = watchdog();
        let mut look = Look { watchdog: watchdog.clone(), seen: HashMap::new() };
        let (start, target) = (Instant::now(), BLOCKING.with_id("1"));
        for second in 0..5 {
            // It is the same thread each time, which looks within the poll.
            block_on(watchdog.watch(target.clone(), async { assert!(look.at_all_threads(start + second * SECOND)) }));
        }
        assert!(!watchdog.is_blocked(&target));
    }

    #[test]
    fn a_poll_within_a_poll_is_the_outer_ones() {
        let (watchdog, _) = watchdog();
        let mut look = Look { watchdog: watchdog.clone(), seen: HashMap::new() };
        let (start, outer, inner) = (Instant::now(), BLOCKING.with_id("outer"), BLOCKING.with_id("inner"));
        block_on(watchdog.watch(outer.clone(), async {
            look.at_all_threads(start);
            watchdog.watch(inner.clone(), async {}).await;
            look.at_all_threads(start + 2 * SECOND);
        }));
        assert!(watchdog.is_blocked(&outer) && !watchdog.is_blocked(&inner));
    }

    #[test]
    fn the_polls_of_another_watchdog_are_its_own() {
        let ((ours, _), (theirs, _)) = (watchdog(), watchdog());
        let mut look = Look { watchdog: ours.clone(), seen: HashMap::new() };
        let poll = Blocking::start(&theirs, "1");
        let start = Instant::now();
        look.at_all_threads(start);
        look.at_all_threads(start + 60 * SECOND);
        assert!(!ours.is_blocked(&BLOCKING.with_id("1")));
        poll.end();
    }
}

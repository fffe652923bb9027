//! All connections of a server: how many there may be, which has to make room, and their end.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge, counter, gauge};
use tokio::time::Instant;

use crate::activity::{Activity, Told};
use crate::sync::{Mutex, MutexGuard, Notify, PoisonError};

/// How many descriptors are left for all that is no connection: files, and connections of functions.
const HEADROOM: usize = 64;

/// How many connections there may be above the limit, as those that have to make room need a moment to end.
const LEAVING: usize = HEADROOM / 2;

/// How many are looked up at a time that could make room.
const CANDIDATES: usize = 256;

/// How soon is looked again where none could make room.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Why a connection ended that its client did not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    HandshakeFailed,
    HandshakeTimeout,
    HeadTimeout,
    IdleTimeout,
    WriteTimeout,
    Evicted,
    Shutdown,
    Abandoned,
}

const CAUSES: [(Cause, &str); 8] = [
    (Cause::HandshakeFailed, "handshake_failed"),
    (Cause::HandshakeTimeout, "handshake_timeout"),
    (Cause::HeadTimeout, "head_timeout"),
    (Cause::IdleTimeout, "idle_timeout"),
    (Cause::WriteTimeout, "write_timeout"),
    (Cause::Evicted, "evicted"),
    (Cause::Shutdown, "shutdown"),
    (Cause::Abandoned, "abandoned"),
];

/// All connections of a server. Clones are the same.
#[derive(Clone)]
pub(crate) struct Connections(Arc<Shared>);

struct Shared {
    origin: Instant,
    limit: usize,
    limit_per_peer: usize,
    members: Mutex<Members>,
    none: Notify,
    gauge: Gauge,
    too_many: Counter,
    too_many_of_peer: Counter,
    closed: [Counter; CAUSES.len()],
}

#[derive(Default)]
struct Members {
    next: u64,
    all: HashMap<u64, Arc<Activity>>,
    /// Only where there is a limit for each.
    of_peer: HashMap<IpAddr, usize>,
    /// Those that have been without a request for longest, the longest last: since when, and which.
    candidates: Vec<(u64, u64)>,
    look_again: Option<Instant>,
}

/// A connection that was admitted, until it is dropped.
pub(crate) struct Member {
    connections: Connections,
    id: u64,
    peer: Option<IpAddr>,
    pub(crate) activity: Arc<Activity>,
}

impl Connections {
    /// At most `limit`, and `limit_per_peer` for each IP address.
    pub(crate) fn new(limit: usize, limit_per_peer: Option<NonZeroUsize>) -> Self {
        let rejected = |cause| counter!("statefun_connections_rejected_total", "cause" => cause);
        Self(Arc::new(Shared {
            origin: Instant::now(),
            limit: limit.min(descriptors_for_connections()),
            limit_per_peer: limit_per_peer.map_or(usize::MAX, NonZeroUsize::get),
            members: Mutex::default(),
            none: Notify::new(),
            gauge: gauge!("statefun_connections"),
            too_many: rejected("max_connections"),
            too_many_of_peer: rejected("max_connections_per_peer"),
            closed: CAUSES.map(|(_, cause)| counter!("statefun_connections_closed_total", "cause" => cause)),
        }))
    }

    /// Admits a connection. At the limit it tells another one to make room that has no request; `None` where all have one.
    pub(crate) fn admit(&self, peer: Option<IpAddr>) -> Option<Member> {
        let peer = peer.filter(|_| self.0.limit_per_peer < usize::MAX);
        let mut members = self.members();
        if peer.is_some_and(|peer| members.of_peer.get(&peer).is_some_and(|n| *n >= self.0.limit_per_peer)) {
            self.0.too_many_of_peer.increment(1);
            return None;
        }
        let count = members.all.len();
        if count >= self.0.limit && (count >= self.0.limit + LEAVING || !members.evict()) {
            self.0.too_many.increment(1);
            return None;
        }
        if let Some(peer) = peer {
            *members.of_peer.entry(peer).or_default() += 1;
        }
        let (id, activity) = (members.next, Arc::new(Activity::new(self.0.origin)));
        members.next += 1;
        members.all.insert(id, activity.clone());
        self.0.gauge.increment(1.0);
        Some(Member { connections: self.clone(), id, peer, activity })
    }

    /// Tells some that have no request to make room, at most `count`.
    pub(crate) fn evict(&self, count: usize) {
        let mut members = self.members();
        for _ in 0..count {
            if !members.evict() {
                return;
            }
        }
    }

    /// Tells all to end: at once, or where a request has come as a whole once it has its response.
    pub(crate) fn close(&self) {
        self.tell(Told::Closed);
    }

    /// Tells all to end at once. Returns how many of them had a request.
    pub(crate) fn abandon(&self) -> usize {
        let requests = self.members().all.values().filter(|activity| activity.has_request()).count();
        self.tell(Told::Abandoned);
        requests
    }

    /// Waits until there is none.
    pub(crate) async fn ended(&self) {
        loop {
            // Before the look: what ends in between wakes it.
            let none = self.0.none.notified();
            if self.members().all.is_empty() {
                return;
            }
            none.await;
        }
    }

    fn tell(&self, told: Told) {
        self.members().all.values().for_each(|activity| activity.tell(told));
    }

    /// Nothing that is locked here can be left half done.
    fn members(&self) -> MutexGuard<'_, Members> {
        self.0.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Members {
    /// Tells the one to make room that has had no request for longest. False where there is none.
    fn evict(&mut self) -> bool {
        if self.evict_candidate() {
            return true;
        }
        if self.look_again.is_some_and(|at| Instant::now() < at) {
            return false;
        }
        self.look_for_candidates();
        let found = self.evict_candidate();
        self.look_again = (!found).then(|| Instant::now() + LOOK_AGAIN);
        found
    }

    /// A candidate that has had a request since is none any more; no other has rested for longer than one that has not.
    fn evict_candidate(&mut self) -> bool {
        while let Some((since, id)) = self.candidates.pop() {
            if let Some(activity) = self.all.get(&id).filter(|activity| activity.evictable_since() == Some(since)) {
                activity.tell(Told::Evicted);
                return true;
            }
        }
        false
    }

    fn look_for_candidates(&mut self) {
        let evictable = |(id, activity): (&u64, &Arc<Activity>)| Some((activity.evictable_since()?, *id));
        self.candidates = self.all.iter().filter_map(evictable).collect();
        if self.candidates.len() > CANDIDATES {
            self.candidates.select_nth_unstable(CANDIDATES);
            self.candidates.truncate(CANDIDATES);
            self.candidates.shrink_to_fit();
        }
        self.candidates.sort_unstable_by_key(|candidate| Reverse(*candidate));
    }
}

impl Member {
    /// Counts why it ends.
    pub(crate) fn closed(&self, cause: Cause) {
        for ((of, _), counter) in CAUSES.iter().zip(&self.connections.0.closed) {
            counter.increment(u64::from(*of == cause));
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut members = self.connections.members();
        members.all.remove(&self.id);
        if let Some(peer) = self.peer
            && let Some(count) = members.of_peer.get_mut(&peer)
        {
            *count -= 1;
            if *count == 0 {
                members.of_peer.remove(&peer);
            }
        }
        self.connections.0.gauge.decrement(1.0);
        if members.all.is_empty() {
            self.connections.0.none.notify_waiters();
        }
    }
}

fn descriptors_for_connections() -> usize {
    descriptors().map_or(usize::MAX, |descriptors| descriptors.saturating_sub(HEADROOM).max(1))
}

/// How many descriptors this process may have.
#[cfg(unix)]
fn descriptors() -> Option<usize> {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Nofile).current?.try_into().ok()
}

#[cfg(not(unix))]
fn descriptors() -> Option<usize> {
    None
}

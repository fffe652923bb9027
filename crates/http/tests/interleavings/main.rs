//! Threads that meet in the atomics and locks of a server, in thousands of orders. Unlike the schedules of the test `simulation`, which
//! are those of one thread, here another one comes in between any two steps.
//!
//! The modules are compiled anew, with shuttle's atomics and locks. Each step of these is in one order with all others, as if all were
//! `SeqCst`; the calls of Tokio's `Notify` and of `AtomicWaker` are single steps.
//!
//! `statefun_test_support::interleavings` says how many orders these are, and how one is run again.

#[allow(dead_code, reason = "what is no server's")]
#[path = "../../src/activity.rs"]
mod activity;
#[allow(dead_code, reason = "what is no server's")]
#[path = "../../src/connections.rs"]
mod connections;
#[allow(dead_code, unreachable_pub, reason = "what is no server's")]
#[path = "../../src/drain.rs"]
mod drain;

/// In place of the crate's.
mod sync {
    pub(crate) use shuttle::sync::{Mutex, MutexGuard, atomic};
    pub(crate) use statefun_test_support::interleavings::{AtomicWaker, Notify};
    pub(crate) use std::sync::PoisonError;
}

mod rejection {
    pub(crate) use statefun_http::Rejection;
}

use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use metrics::Gauge;
use shuttle::future::block_on;
use shuttle::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use shuttle::thread::{self, JoinHandle};
use statefun_test_support::interleavings::check;

use crate::activity::{Activity, Told};
use crate::connections::{Connections, Member};
use crate::drain::Drain;
use crate::rejection::Rejection;

fn join(threads: Vec<JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_drain_waits_for_each_request_that_is_admitted() {
    check(|| {
        let (drain, drained) = (Drain::new(10, Gauge::noop()), Arc::new(AtomicBool::new(false)));
        let requests = (0..3).map(|_| {
            let (drain, drained) = (drain.clone(), drained.clone());
            thread::spawn(move || match drain.enter() {
                Ok(_in_flight) => assert!(!drained.load(SeqCst), "a request is lost"),
                Err(rejection) => assert_eq!(rejection, Rejection::Draining),
            })
        });
        let requests = requests.collect();
        drain.start();
        drain.close();
        block_on(drain.idle());
        drained.store(true, SeqCst);
        join(requests);
        assert_eq!(drain.in_flight(), 0);
    });
}

#[test]
fn no_more_requests_are_admitted_than_may_be_in_flight() {
    check(|| {
        let (drain, at_work) = (Drain::new(2, Gauge::noop()), Arc::new(AtomicUsize::new(0)));
        let requests = (0..4).map(|_| {
            let (drain, at_work) = (drain.clone(), at_work.clone());
            thread::spawn(move || match drain.enter() {
                Ok(_in_flight) => {
                    assert!(at_work.fetch_add(1, SeqCst) < 2);
                    at_work.fetch_sub(1, SeqCst);
                }
                Err(rejection) => assert_eq!(rejection, Rejection::Overloaded(2)),
            })
        });
        join(requests.collect());
        assert_eq!(drain.in_flight(), 0);
    });
}

/// Serves a connection as `connection` does, for so many requests, and then until it is told to end. Returns why it ended, and how
/// many responses it made.
fn serve(activity: &Arc<Activity>, requests: usize) -> (Told, usize) {
    let mut responses = 0;
    let told = block_on(poll_fn(|context| {
        if let Some(told) = activity.has_to_end(context) {
            return Poll::Ready(told);
        }
        if responses < requests {
            request(activity);
            responses += 1;
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }));
    (told, responses)
}

/// A request with its body and its response, between each two of which the connection is polled.
fn request(activity: &Arc<Activity>) {
    // A request that has come as a whole is responded to, whatever is told: unless that is to end now.
    let has_to_end = || block_on(poll_fn(|context| Poll::Ready(activity.has_to_end(context))));
    activity.has_read();
    let mut body = activity.request(Empty::<Bytes>::new());
    assert!(matches!(has_to_end(), None | Some(Told::Abandoned)));
    assert!(block_on(body.frame()).is_none());
    let response = activity.response(body);
    assert!(matches!(has_to_end(), None | Some(Told::Abandoned)));
    drop(response);
    assert!(matches!(has_to_end(), None | Some(Told::Abandoned)));
    activity.has_flushed();
}

#[test]
fn a_connection_that_is_told_to_close_ends_and_never_amid_a_request() {
    check(|| {
        let connections = Connections::new(10, None);
        let tasks = (0..2).map(|requests| {
            let member = connections.admit(None).unwrap();
            thread::spawn(move || {
                let (told, _) = serve(&member.activity, requests);
                assert_eq!(told, Told::Closed);
            })
        });
        let tasks = tasks.collect();
        connections.close();
        block_on(connections.ended());
        join(tasks);
    });
}

#[test]
fn a_connection_that_is_abandoned_ends() {
    check(|| {
        let connections = Connections::new(10, None);
        let tasks = (0..2).map(|requests| {
            let member = connections.admit(None).unwrap();
            thread::spawn(move || {
                serve(&member.activity, requests);
            })
        });
        let tasks = tasks.collect();
        connections.close();
        connections.abandon();
        block_on(connections.ended());
        join(tasks);
    });
}

#[test]
fn no_connection_makes_room_whose_head_has_come() {
    check(|| {
        let connections = Connections::new(1, None);
        let member = connections.admit(None).unwrap();
        let other = {
            let connections = connections.clone();
            // It makes room, or has a request: then the other one is not admitted.
            thread::spawn(move || drop(connections.admit(None)))
        };
        let closing = {
            let connections = connections.clone();
            thread::spawn(move || connections.close())
        };
        let (told, responses) = serve(&member.activity, 2);
        assert!(told == Told::Closed || told == Told::Evicted);
        assert!(responses <= 2);
        drop(member);
        join(vec![other, closing]);
        block_on(connections.ended());
    });
}

#[test]
fn a_peer_has_no_more_connections_than_it_may() {
    check(|| {
        let connections = Connections::new(10, NonZeroUsize::new(2));
        let (open, peer) = (Arc::new(AtomicUsize::new(0)), IpAddr::from(Ipv4Addr::LOCALHOST));
        let clients = (0..4).map(|_| {
            let (connections, open) = (connections.clone(), open.clone());
            thread::spawn(move || {
                let member: Option<Member> = connections.admit(Some(peer));
                if let Some(member) = member {
                    assert!(open.fetch_add(1, SeqCst) < 2);
                    open.fetch_sub(1, SeqCst);
                    drop(member);
                }
            })
        });
        join(clients.collect());
        block_on(connections.ended());
        assert!(connections.admit(Some(peer)).is_some());
    });
}

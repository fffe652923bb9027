//! What a connection is doing, seen from inside and told from outside.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::HttpBody;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::Instant;

use crate::sync::AtomicWaker;
use crate::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

/// A TLS handshake.
const HANDSHAKE: u8 = 1;
/// Bytes of a head have come.
const HEAD: u8 = 1 << 1;
/// The body of a request has not come to its end.
const READING: u8 = 1 << 2;
/// A request has no response yet.
const WORKING: u8 = 1 << 3;
/// The body of a response has not come to its end.
const RESPONDING: u8 = 1 << 4;
/// A response is in a buffer.
const FLUSHING: u8 = 1 << 5;
/// The peer takes no bytes.
const BLOCKED: u8 = 1 << 6;

/// Make room, unless a request has come.
const EVICT: u8 = 1;
/// End, and before that respond to a request that has come as a whole.
const CLOSE: u8 = 1 << 1;
/// End now.
const ABANDON: u8 = 1 << 2;

/// What one connection is doing. Its own task writes it, but for what it is told.
pub(crate) struct Activity {
    /// None of the flags: it waits for a request.
    flags: AtomicU8,
    told: AtomicU8,
    /// When the last response was written, or when the connection was accepted: milliseconds after `origin`.
    rests_since: AtomicU64,
    origin: Instant,
    task: AtomicWaker,
}

/// What a time-out applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    Handshake,
    Head,
    Idle,
    Write,
}

/// Why a connection is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Evicted,
    Closed,
    Abandoned,
}

impl Activity {
    /// Of a connection that was accepted now; times are kept as the time after `origin`.
    pub(crate) fn new(origin: Instant) -> Self {
        let activity = Self {
            flags: AtomicU8::new(0),
            told: AtomicU8::new(0),
            rests_since: AtomicU64::new(0),
            origin,
            task: AtomicWaker::new(),
        };
        activity.rests();
        activity
    }

    #[cfg(feature = "tls")]
    pub(crate) fn handshake_begins(&self) {
        self.set(HANDSHAKE);
    }

    #[cfg(feature = "tls")]
    pub(crate) fn handshake_ended(&self) {
        self.clear(HANDSHAKE);
    }

    /// Bytes have come: those of a body, or else of a head.
    pub(crate) fn has_read(&self) {
        if !self.is(READING | HEAD) {
            self.set(HEAD);
        }
    }

    /// The peer takes no bytes.
    pub(crate) fn write_blocks(&self) {
        if !self.is(BLOCKED) {
            self.set(BLOCKED);
        }
    }

    /// The peer has taken bytes.
    pub(crate) fn has_written(&self) {
        if self.is(BLOCKED) {
            self.clear(BLOCKED);
        }
    }

    /// All bytes that there were are written.
    pub(crate) fn has_flushed(&self) {
        if self.is(FLUSHING) {
            self.rests();
            self.clear(FLUSHING);
        }
    }

    /// A request's head has come; its body is to be read through what is returned.
    pub(crate) fn request<B: HttpBody>(self: &Arc<Self>, body: B) -> NotedBody<B> {
        self.clear(HEAD);
        self.set(if body.is_end_stream() { WORKING } else { WORKING | READING });
        NotedBody { body, of: Of::Request, activity: self.clone() }
    }

    /// The response is made; its body is to be sent through what is returned.
    pub(crate) fn response<B>(self: &Arc<Self>, body: B) -> NotedBody<B> {
        self.set(RESPONDING);
        self.clear(WORKING);
        NotedBody { body, of: Of::Response, activity: self.clone() }
    }

    /// What the connection waits for, where there is a time-out on it.
    pub(crate) fn wait(&self) -> Option<Wait> {
        match self.flags.load(Relaxed) {
            flags if flags & BLOCKED > 0 => Some(Wait::Write),
            flags if flags & HANDSHAKE > 0 => Some(Wait::Handshake),
            HEAD => Some(Wait::Head),
            0 => Some(Wait::Idle),
            _ => None,
        }
    }

    /// Since when it has no request.
    pub(crate) fn rests_since(&self) -> Instant {
        self.origin + std::time::Duration::from_millis(self.rests_since.load(Relaxed))
    }

    /// Where it has no whole head and was not told to end: since when, in milliseconds.
    pub(crate) fn evictable_since(&self) -> Option<u64> {
        (self.has_no_head() && self.told.load(Relaxed) == 0).then(|| self.rests_since.load(Relaxed))
    }

    /// Whether a request has come as a whole that has not got its whole response.
    pub(crate) fn has_request(&self) -> bool {
        self.is(RESPONDING | FLUSHING) || (self.is(WORKING) && !self.is(READING))
    }

    pub(crate) fn tell(&self, told: Told) {
        let told = match told {
            Told::Evicted => EVICT,
            Told::Closed => CLOSE,
            Told::Abandoned => ABANDON,
        };
        self.told.fetch_or(told, Relaxed);
        // It orders what is written before against the task's next poll.
        self.task.wake();
    }

    /// Why it has to end now. If it is told later, the task is woken.
    pub(crate) fn has_to_end(&self, context: &mut Context<'_>) -> Option<Told> {
        self.task.register(context.waker());
        match self.told.load(Relaxed) {
            0 => None,
            told if told & ABANDON > 0 => Some(Told::Abandoned),
            told if told & CLOSE > 0 => (!self.has_request()).then_some(Told::Closed),
            _ if self.has_no_head() => Some(Told::Evicted),
            _ => {
                // A request was faster.
                self.told.fetch_and(!EVICT, Relaxed);
                None
            }
        }
    }

    /// Whether it is to end once it has responded.
    pub(crate) fn is_closing(&self) -> bool {
        self.told.load(Relaxed) & CLOSE > 0
    }

    fn has_no_head(&self) -> bool {
        self.flags.load(Relaxed) & !(HANDSHAKE | HEAD | BLOCKED) == 0
    }

    fn rests(&self) {
        let after = Instant::now().saturating_duration_since(self.origin);
        self.rests_since.store(after.as_millis() as u64, Relaxed);
    }

    fn is(&self, any: u8) -> bool {
        self.flags.load(Relaxed) & any > 0
    }

    fn set(&self, flags: u8) {
        self.flags.fetch_or(flags, Relaxed);
    }

    fn clear(&self, flags: u8) {
        self.flags.fetch_and(!flags, Relaxed);
    }
}

/// The body of a request or of a response, which notes its end.
pub(crate) struct NotedBody<B> {
    body: B,
    of: Of,
    activity: Arc<Activity>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Request,
    Response,
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for NotedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        // Who reads a request keeps its body until there is a response.
        if self.of == Of::Request && (matches!(frame, Poll::Ready(None)) || self.body.is_end_stream()) {
            self.activity.clear(READING);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for NotedBody<B> {
    fn drop(&mut self) {
        match self.of {
            Of::Request => self.activity.clear(READING),
            Of::Response => {
                self.activity.set(FLUSHING);
                self.activity.clear(RESPONDING);
            }
        }
    }
}

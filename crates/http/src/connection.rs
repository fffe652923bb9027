//! One connection: TLS where there is some, then HTTP/1.1.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::HeaderValue;
use axum::http::header::CONNECTION;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep_until};
use tracing::debug;

use crate::activity::{Told, Wait};
use crate::app::Served;
use crate::connections::{Cause, Member};
use crate::drain::Drain;
use crate::options::Timeouts;
#[cfg(feature = "tls")]
use crate::tls::Acceptor;
use crate::writes::CoalescedWrites;

/// The largest head of a request, in bytes; a larger one is 431.
const LARGEST_HEAD: usize = 64 * 1024;

/// A time that never comes, for time-outs that say "never".
const FOREVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// What every connection is served with.
pub(crate) struct Protocol {
    pub(crate) served: Served,
    pub(crate) drain: Drain,
    pub(crate) timeouts: Timeouts,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Acceptor>,
}

impl Protocol {
    /// Serves a connection until it ends, by itself, by a time-out or as it is told. `peer` is for the log.
    pub(crate) async fn serve<S>(self: Arc<Self>, stream: S, peer: Option<SocketAddr>, member: Member)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let bounds = Bounds::new(member, self.timeouts.clone());
        #[cfg(feature = "tls")]
        if let Some(tls) = self.tls.clone() {
            let mut bounds = bounds;
            match bounds.handshake(tls.accept(stream, peer)).await {
                Ok(Some(stream)) => self.http(stream, peer, bounds).await,
                Ok(None) => bounds.member.closed(Cause::HandshakeFailed),
                Err(Cause::HandshakeTimeout) => tls.timed_out(peer),
                Err(_) => {}
            }
            return;
        }
        self.http(stream, peer, bounds).await;
    }

    async fn http<S>(self: Arc<Self>, stream: S, peer: Option<SocketAddr>, mut bounds: Bounds)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let activity = bounds.member.activity.clone();
        let stream = CoalescedWrites::new(stream, activity.clone());
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let request = request.map(|body| activity.request(body));
            let (protocol, activity) = (self.clone(), activity.clone());
            async move {
                let mut response = protocol.served.respond(request, peer).await;
                if !protocol.drain.is_ready() {
                    // The next request belongs to another instance.
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(response.map(|body| activity.response(body)))
            }
        });
        let connection = http1::Builder::new()
            // It would cover the wait for a request, too: `Bounds` tells them apart.
            .header_read_timeout(None)
            .max_header_size(LARGEST_HEAD)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let mut closing = false;
        let ended = poll_fn(|context| {
            if let Some(cause) = bounds.has_to_end(context) {
                return Poll::Ready(Err(cause));
            }
            if !closing && bounds.member.activity.is_closing() {
                closing = true;
                connection.as_mut().graceful_shutdown();
            }
            if let Poll::Ready(result) = connection.as_mut().poll(context) {
                return Poll::Ready(Ok(result));
            }
            bounds.poll_timeout(context).map(Err)
        });
        match ended.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => debug!(%error, "connection ended"),
            Err(cause) => bounds.ended(cause),
        }
    }
}

/// What a connection may wait for, and how long.
struct Bounds {
    member: Member,
    timeouts: Timeouts,
    /// It may be late for what is waited for now, but never too late.
    timer: Pin<Box<Sleep>>,
    /// What was waited for at the last poll, and since when. A write that makes progress is followed by a poll without one, as the
    /// next is deferred: then this begins anew.
    waiting: Option<(Wait, Instant)>,
}

impl Bounds {
    fn new(member: Member, timeouts: Timeouts) -> Self {
        let timer = Box::pin(sleep_until(after(Instant::now(), timeouts.idle)));
        Self { member, timeouts, timer, waiting: None }
    }

    /// An error where it took too long, or the connection was told to end.
    #[cfg(feature = "tls")]
    async fn handshake<F: Future>(&mut self, handshake: F) -> Result<F::Output, Cause> {
        let mut handshake = pin!(handshake);
        self.member.activity.handshake_begins();
        let output = poll_fn(|context| {
            if let Some(cause) = self.has_to_end(context) {
                return Poll::Ready(Err(cause));
            }
            if let Poll::Ready(output) = handshake.as_mut().poll(context) {
                return Poll::Ready(Ok(output));
            }
            self.poll_timeout(context).map(Err)
        })
        .await;
        self.member.activity.handshake_ended();
        output.inspect_err(|cause| self.ended(*cause))
    }

    fn has_to_end(&self, context: &mut Context<'_>) -> Option<Cause> {
        Some(match self.member.activity.has_to_end(context)? {
            Told::Evicted => Cause::Evicted,
            Told::Closed => Cause::Shutdown,
            Told::Abandoned => Cause::Abandoned,
        })
    }

    /// Is ready once the connection has waited for too long.
    fn poll_timeout(&mut self, context: &mut Context<'_>) -> Poll<Cause> {
        loop {
            let Some((deadline, cause)) = self.deadline() else { return Poll::Pending };
            if self.timer.deadline() > deadline {
                self.timer.as_mut().reset(deadline);
            }
            // Most often it is earlier, as it was set for a wait that has ended: nothing is set anew for each request.
            ready!(self.timer.as_mut().poll(context));
            if Instant::now() >= deadline {
                return Poll::Ready(cause);
            }
            self.timer.as_mut().reset(deadline);
        }
    }

    fn deadline(&mut self) -> Option<(Instant, Cause)> {
        let Some(wait) = self.member.activity.wait() else {
            self.waiting = None;
            return None;
        };
        let Timeouts { handshake, head, idle, write, .. } = self.timeouts;
        let (timeout, cause) = match wait {
            Wait::Handshake => (handshake, Cause::HandshakeTimeout),
            Wait::Head => (head, Cause::HeadTimeout),
            // Its beginning is known: there is no clock to ask.
            Wait::Idle => return Some((after(self.member.activity.rests_since(), idle), Cause::IdleTimeout)),
            Wait::Write => (write, Cause::WriteTimeout),
        };
        let since = match self.waiting {
            Some((before, since)) if before == wait => since,
            _ => Instant::now(),
        };
        self.waiting = Some((wait, since));
        Some((after(since, timeout), cause))
    }

    fn ended(&self, cause: Cause) {
        self.member.closed(cause);
        debug!(?cause, "connection ended");
    }
}

fn after(since: Instant, timeout: Duration) -> Instant {
    since.checked_add(timeout).unwrap_or(since + FOREVER)
}

//! One connection: TLS where there is some, then HTTP/1.1.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::debug;

use crate::app::Served;
#[cfg(feature = "tls")]
use crate::tls::Acceptor;
use crate::writes::CoalescedWrites;

/// How long a connection may be idle, or need for a request's head. The runtime keeps one for 15 s and up to 3 s more:
/// were we first to close it, a request could be on its way already.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// What every connection is served with.
#[derive(Clone)]
pub(crate) struct Protocol {
    pub(crate) served: Served,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Acceptor>,
}

impl Protocol {
    /// Serves a connection to its end, or until `watcher` signals shutdown and nothing is in flight on it.
    /// `peer` is for the log.
    pub(crate) async fn serve<S>(self, stream: S, peer: Option<SocketAddr>, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            if let Some(stream) = tls.accept(stream, peer).await {
                self.http(stream, watcher).await;
            }
            return;
        }
        #[cfg(not(feature = "tls"))]
        let _ = peer;
        self.http(stream, watcher).await;
    }

    async fn http(self, stream: impl AsyncRead + AsyncWrite + Unpin + 'static, watcher: Watcher) {
        let service = service_fn(|request: hyper::Request<Incoming>| {
            let served = self.served.clone();
            async move { Ok::<_, Infallible>(served.respond(request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            // It covers the wait for a request as well as a slow head.
            .header_read_timeout(IDLE_TIMEOUT)
            .serve_connection(TokioIo::new(CoalescedWrites::new(stream)), service);
        if let Err(error) = watcher.watch(connection).await {
            debug!(%error, "connection ended");
        }
    }
}

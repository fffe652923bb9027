//! One connection: TLS where there is some, then HTTP/1.1.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use futures_util::future::Either;
use http_body_util::Either as Payload;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tracing::debug;

use crate::invoke::{Response, Service};
use crate::writes::Writes;

/// How long a connection may be idle, or need for a request's head. The runtime keeps one for 15 s and up to 3 s more:
/// were we first to close it, a request could be on its way already.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// How long a client may need for its part of a TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// What every connection is served with.
#[derive(Clone)]
pub(crate) struct Protocol {
    pub(crate) service: Arc<Service>,
    pub(crate) routes: TowerToHyperService<Router>,
    pub(crate) any_path: bool,
    pub(crate) tls: Option<TlsAcceptor>,
}

impl Protocol {
    /// Serves a connection to its end, or until `watcher` is told to shut down and nothing is in flight on it.
    pub(crate) async fn serve(self, stream: TcpStream, watcher: Watcher) {
        // An answer is written at once or in large parts: there is nothing to wait for.
        let _ = stream.set_nodelay(true);
        match self.tls.clone() {
            None => self.http(stream, watcher).await,
            Some(tls) => match timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.http(stream, watcher).await,
                Ok(Err(error)) => debug!(%error, "no TLS"),
                Err(_) => debug!("no TLS: the handshake took too long"),
            },
        }
    }

    async fn http(self, stream: impl AsyncRead + AsyncWrite + Unpin + 'static, watcher: Watcher) {
        let service = service_fn(|request| self.answer(request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            // It covers the wait for a request as well as a slow head.
            .header_read_timeout(IDLE_TIMEOUT)
            .serve_connection(TokioIo::new(Writes::new(stream)), service);
        if let Err(error) = watcher.watch(connection).await {
            debug!(%error, "connection ended");
        }
    }

    /// Invocations, which are most requests, do without the router.
    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Result<Response, Infallible>> + use<> {
        let is_invocation =
            request.method() == Method::POST && (self.any_path || request.uri().path() == crate::router::ENDPOINT);
        if is_invocation {
            let service = self.service.clone();
            return Either::Left(async move { Ok(service.invoke(request).await) });
        }
        let routed = self.routes.call(request);
        Either::Right(async move { Ok(routed.await?.map(Payload::Right)) })
    }
}

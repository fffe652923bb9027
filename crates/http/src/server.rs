use std::fmt;
use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server as Connections};
use hyper_util::rt::TokioTimer;
use rustls::ServerConfig;
use socket2::{Domain, Socket, Type};
use statefun_sdk::Registry;
use tokio::sync::oneshot;
use tracing::info;

use crate::invoke::Service;
use crate::signals::Signals;
use crate::{Options, ServeError, router, tls};

/// How long a connection may be idle, or need for a request's head. The runtime keeps one for 15 s and up to 3 s more:
/// were we first to close it, a request could be on its way already.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// How many connections may wait to be accepted: a job that starts opens a thousand at once.
const BACKLOG: i32 = 4096;

/// A registry of functions that listens.
pub struct Server {
    service: Arc<Service>,
    listener: TcpListener,
    local_addr: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    options: Options,
}

/// Serves `registry` until SIGTERM or SIGINT, as [`Server::run`] does. A second signal ends it at once.
///
/// # Errors
/// When the address or a file of the options cannot be used, or a second signal abandoned requests.
pub async fn serve(registry: impl Into<Arc<Registry>>, options: Options) -> Result<(), ServeError> {
    let mut signals = Signals::listen().map_err(ServeError::Io)?;
    let server = Server::bind(registry, options)?;
    let (shutdown, told) = oneshot::channel::<()>();
    let watch = async {
        signals.next().await;
        let _ = shutdown.send(());
        signals.next().await;
    };
    let told = async {
        let _ = told.await;
    };
    tokio::select! {
        result = server.run(told) => result,
        () = watch => Err(ServeError::Interrupted),
    }
}

impl Server {
    /// Listens; connections wait until [`run`](Self::run).
    ///
    /// It also installs the recorder of the [`metrics`](https://docs.rs/metrics) facade, unless this process has one:
    /// metrics that functions count there are told by `GET /metrics` too.
    ///
    /// # Errors
    /// When the address or a file of the options cannot be used.
    pub fn bind(registry: impl Into<Arc<Registry>>, options: Options) -> Result<Self, ServeError> {
        let tls = options.tls.as_ref().map(tls::configuration).transpose()?;
        let cannot = |source| ServeError::Listen { address: options.listen, source };
        let listener = listen(options.listen).map_err(cannot)?;
        let local_addr = listener.local_addr().map_err(cannot)?;
        Ok(Self { service: router::service(registry, &options), listener, local_addr, tls, options })
    }

    /// Where it listens, with the port that was found where the options said 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `shutdown` is ready, then drains:
    ///
    /// 1. `/readyz` fails, requests are taken for [`Options::drain_delay`];
    /// 2. nothing listens any more, idle connections are closed, late requests get 503;
    /// 3. once all that was in flight is answered, it returns.
    ///
    /// The third takes as long as functions take: who needs a limit sets it where the process is ended.
    ///
    /// # Errors
    /// When the listener cannot be used.
    ///
    /// # Panics
    /// When it is not called within a Tokio runtime with I/O and time.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), ServeError> {
        let Self { service, listener, local_addr, tls, options } = self;
        let routes = router::routes(&service, &options);
        let handle = Handle::new();
        let connections = axum_server::from_tcp(listener).map_err(ServeError::Io)?.handle(handle.clone());
        let scheme = if tls.is_some() { "https" } else { "http" };
        info!(functions = service.handler.registry().functions().len(), "serving at {scheme}://{local_addr}");
        let service_of = routes.into_make_service();
        let serving = async {
            match tls {
                None => http1(connections.acceptor(NoDelayAcceptor::new())).serve(service_of).await,
                Some(config) => {
                    let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(config));
                    http1(connections.acceptor(acceptor.acceptor(NoDelayAcceptor::new()))).serve(service_of).await
                }
            }
        };
        let drain = async {
            shutdown.await;
            info!(delay = ?options.drain_delay, "draining: not ready any more");
            service.lifecycle.drain();
            tokio::time::sleep(options.drain_delay).await;
            service.lifecycle.close();
            info!(in_flight = service.lifecycle.in_flight(), "closing");
            handle.graceful_shutdown(None);
        };
        tokio::pin!(serving);
        tokio::select! {
            ended = &mut serving => return ended.map_err(ServeError::Io),
            () = drain => {}
        }
        serving.await.map_err(ServeError::Io)?;
        info!("ended");
        Ok(())
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("local_addr", &self.local_addr)
            .field("registry", self.service.handler.registry())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// HTTP/1.1 with the idle time-out: it covers the wait for a request as well as a slow head.
fn http1<A>(connections: Connections<SocketAddr, A>) -> Connections<SocketAddr, A> {
    let mut connections = connections.http1_only();
    connections.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(IDLE_TIMEOUT);
    connections
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // A restart must not wait for connections of the last run to be forgotten.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

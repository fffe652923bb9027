use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use socket2::{Domain, Socket, Type};
use statefun_sdk::Registry;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tracing::{error, info};

use crate::connection::Protocol;
use crate::invoke::Service;
use crate::signals::Signals;
use crate::workers::Workers;
use crate::{Options, ServeError, router, tls};

/// How long to wait where connections cannot be accepted.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

/// How many connections may wait to be accepted: a job that starts opens a thousand at once.
const BACKLOG: i32 = 4096;

/// A registry of functions that listens.
pub struct Server {
    service: Arc<Service>,
    listener: std::net::TcpListener,
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
        let protocol = Protocol {
            service: service.clone(),
            routes: TowerToHyperService::new(router::routes(&service, &options)),
            any_path: options.any_path,
            tls: tls.map(TlsAcceptor::from),
        };
        let scheme = if protocol.tls.is_some() { "https" } else { "http" };
        let listener = TcpListener::from_std(listener).map_err(ServeError::Io)?;
        let connections = GracefulShutdown::new();
        let begin = move |stream, watcher| drop(tokio::spawn(protocol.clone().serve(stream, watcher)));
        let mut workers = Workers::start(options.workers, begin).map_err(ServeError::Io)?;
        info!(functions = service.handler.registry().functions().len(), "serving at {scheme}://{local_addr}");
        let drain = async {
            shutdown.await;
            info!(delay = ?options.drain_delay, "draining: not ready any more");
            service.lifecycle.drain();
            tokio::time::sleep(options.drain_delay).await;
            service.lifecycle.close();
            info!(in_flight = service.lifecycle.in_flight(), "closing");
        };
        tokio::select! {
            never = accept(&listener, &mut workers, &connections) => match never {},
            () = drain => drop(listener),
        }
        connections.shutdown().await;
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

/// Hands every connection to a worker.
async fn accept(listener: &TcpListener, workers: &mut Workers, connections: &GracefulShutdown) -> Infallible {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => workers.give(stream, connections.watcher()).await,
            // The client was gone before.
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                // Most often too many open files: some may be closed soon.
                error!(%error, "cannot accept connections");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // A restart must not wait for connections of the last run to be forgotten.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

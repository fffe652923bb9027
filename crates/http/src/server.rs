use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::Route;
use axum::serve::Listener;
use hyper_util::server::graceful::GracefulShutdown;
use socket2::{Domain, Socket, Type};
use statefun_sdk::Registry;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tower_layer::Layer;
use tower_service::Service;
use tracing::{error, info};

use crate::app::{App, Served};
use crate::connection::Protocol;
use crate::drain::Drain;
use crate::error::ServeError;
use crate::options::Options;
use crate::signals::Signals;
#[cfg(feature = "tls")]
use crate::tls::Acceptor;
use crate::workers::Workers;

/// How long to wait where connections cannot be accepted.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

/// How many connections may wait to be accepted: a job that starts opens a thousand at once.
const BACKLOG: i32 = 4096;

/// A server of a registry of functions: the endpoint, pages for operators, and the routes and layers that are added.
///
/// ```no_run
/// # use axum::{Router, routing::get};
/// # use statefun_http::{Options, Server};
/// # use statefun_sdk::Registry;
/// # async fn run(registry: Registry, layer: tower::layer::util::Identity) -> Result<(), statefun_http::ServeError> {
/// let server = Server::new(registry, Options::default())?
///     .routes(Router::new().route("/version", get(async || "1.0")))
///     .layer(layer)
///     .bind()?;
/// println!("serving at {}", server.local_addr());
/// server.run(std::future::pending()).await
/// # }
/// ```
#[must_use]
pub struct Server {
    app: App,
    layers: Vec<Box<dyn FnOnce(Router) -> Router + Send>>,
    #[cfg(feature = "tls")]
    tls: Option<Acceptor>,
    options: Options,
}

/// A [`Server`] that listens on its address. Connections wait until it [runs](Self::run).
pub struct BoundServer {
    server: Server,
    listener: std::net::TcpListener,
    local_addr: SocketAddr,
}

/// Serves `registry` until SIGTERM or SIGINT, then shuts down as [`BoundServer::run`] does. A second signal ends it at once.
///
/// SIGHUP has certificates read again, which happens by itself as well when they change; without TLS it is ignored.
///
/// Dropping the future ends the server at once, with whatever is in flight.
///
/// It logs where it serves, rejections and failures through [`tracing`]: install a subscriber to see them, for example
/// `tracing_subscriber::fmt::init()`.
///
/// # Errors
/// When the address or a file of the options cannot be used, signals or threads are not available, or a second signal abandoned
/// requests.
///
/// # Panics
/// When it is not called within a Tokio runtime with I/O and time.
pub async fn serve(registry: impl Into<Arc<Registry>>, options: Options) -> Result<(), ServeError> {
    let mut signals = Signals::listen().map_err(ServeError::Io)?;
    let server = Server::new(registry, options)?.bind()?;
    let (shutdown, told) = oneshot::channel::<()>();
    let reload = server.reload();
    let watch = async {
        signals.next(&reload).await;
        let _ = shutdown.send(());
        signals.next(&reload).await;
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
    /// A server that does not listen yet.
    ///
    /// # Errors
    /// When a file of the options cannot be used.
    pub fn new(registry: impl Into<Arc<Registry>>, options: Options) -> Result<Self, ServeError> {
        // Before the metrics of TLS are looked up: it may install a recorder.
        let app = App::new(registry, &options);
        #[cfg(feature = "tls")]
        let tls = options.tls.as_ref().map(Acceptor::new).transpose()?;
        Ok(Self {
            app,
            layers: Vec::new(),
            #[cfg(feature = "tls")]
            tls,
            options,
        })
    }

    /// Adds routes. They come before the server's own, and before those added earlier: a route `/` takes the place of the list
    /// of functions. `POST /statefun` always goes to the endpoint; with [`Options::any_path`] every `POST` does.
    ///
    /// A fallback of `routes` is never called, as the server's own pages take its place: nest a catch-all under a prefix.
    pub fn routes(mut self, routes: Router) -> Self {
        self.app = self.app.routes(routes);
        self
    }

    /// Puts a layer of tower around all routes, invocations included. The last one added is the outermost.
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.layers.push(Box::new(|router| router.layer(layer)));
        self
    }

    /// A handle to its endpoint's shutdown. The server uses it itself when it shuts down.
    pub fn drain(&self) -> Drain {
        self.app.endpoint.drain()
    }

    /// Listens on [`Options::listen`].
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub fn bind(self) -> Result<BoundServer, ServeError> {
        let cannot = |source| ServeError::Listen { address: self.options.listen, source };
        let listener = listen(self.options.listen).map_err(cannot)?;
        let local_addr = listener.local_addr().map_err(cannot)?;
        Ok(BoundServer { server: self, listener, local_addr })
    }

    /// Serves the connections of any listener, such as a Unix domain socket or a simulated network, on the Tokio runtime that
    /// polls this: [`Options::listen`] and [`Options::workers`] are for [`BoundServer::run`]. It shuts down as that does.
    ///
    /// Dropping the future stops accepting and ends idle connections; requests in flight are finished as long as the Tokio runtime
    /// runs.
    ///
    /// # Panics
    /// When it is polled outside a Tokio runtime with time.
    pub async fn serve<L: Listener<Io: Unpin>>(self, mut listener: L, shutdown: impl Future<Output = ()> + Send) {
        let connections = GracefulShutdown::new();
        let (protocol, drain) = self.protocol();
        let accept = async {
            loop {
                let (stream, _) = listener.accept().await;
                tokio::spawn(protocol.clone().serve(stream, None, connections.watcher()));
            }
        };
        tokio::select! {
            () = accept => {}
            () = drain.run(shutdown) => {}
        }
        drop(listener);
        connections.shutdown().await;
        info!("shut down");
    }

    fn scheme(&self) -> &'static str {
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            return "https";
        }
        "http"
    }

    fn protocol(self) -> (Protocol, Shutdown) {
        self.app.spawn_upkeep();
        let shutdown = Shutdown { drain: self.drain(), delay: self.options.drain_delay };
        let served = match self.layers.is_empty() {
            true => Served::App(self.app),
            false => {
                let router = Router::new().fallback_service(self.app);
                Served::Layered(self.layers.into_iter().fold(router, |router, layer| layer(router)))
            }
        };
        let protocol = Protocol {
            served,
            #[cfg(feature = "tls")]
            tls: self.tls,
        };
        (protocol, shutdown)
    }
}

/// The first part of a shutdown: until nothing more is accepted.
struct Shutdown {
    drain: Drain,
    delay: Duration,
}

impl Shutdown {
    async fn run(self, shutdown: impl Future<Output = ()>) {
        shutdown.await;
        info!(delay = ?self.delay, "draining: not ready any more");
        self.drain.start();
        tokio::time::sleep(self.delay).await;
        self.drain.close();
        info!(in_flight = self.drain.in_flight(), "closing");
    }
}

impl BoundServer {
    /// Where it listens, with the port that was chosen where the options said 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// A handle to its endpoint's shutdown.
    pub fn drain(&self) -> Drain {
        self.server.drain()
    }

    /// What SIGHUP does.
    fn reload(&self) -> impl Fn() + use<> {
        #[cfg(feature = "tls")]
        let tls = self.server.tls.clone();
        move || {
            #[cfg(feature = "tls")]
            if let Some(tls) = &tls {
                return tls.reload();
            }
            info!("SIGHUP is ignored: there are no certificates to reload");
        }
    }

    /// Serves until `shutdown` is ready, then shuts down:
    ///
    /// 1. `/readyz` fails; requests are served for [`Options::drain_delay`];
    /// 2. nothing listens any more, idle connections are closed, late requests get 503;
    /// 3. once all that was in flight has its response, it returns.
    ///
    /// The third takes as long as functions take: a limit is to be set where the process is ended. Dropping the future ends the
    /// server at once, with whatever is in flight.
    ///
    /// # Errors
    /// When the listener cannot be used.
    ///
    /// # Panics
    /// When it is not called within a Tokio runtime with I/O and time.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), ServeError> {
        let Self { server, listener, local_addr } = self;
        let listener = TcpListener::from_std(listener).map_err(ServeError::Io)?;
        let connections = GracefulShutdown::new();
        let workers = server.options.workers;
        let functions = server.app.endpoint.registry().functions().len();
        let scheme = server.scheme();
        let (protocol, drain) = server.protocol();
        let begin = move |stream: TcpStream, watcher| {
            // A response is written at once or in large parts: there is nothing to wait for.
            let _ = stream.set_nodelay(true);
            let peer = stream.peer_addr().ok();
            drop(tokio::spawn(protocol.clone().serve(stream, peer, watcher)));
        };
        let mut workers = Workers::start(workers, begin).map_err(ServeError::Io)?;
        info!(functions, "serving at {scheme}://{local_addr}");
        tokio::select! {
            never = accept(&listener, &mut workers, &connections) => match never {},
            () = drain.run(shutdown) => drop(listener),
        }
        connections.shutdown().await;
        info!("shut down");
        Ok(())
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("registry", self.app.endpoint.registry())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for BoundServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundServer").field("local_addr", &self.local_addr).field("server", &self.server).finish()
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

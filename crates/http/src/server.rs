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
use socket2::{Domain, Socket, Type};
use statefun_sdk::{Registry, RequestReplyHandler};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tower_layer::Layer;
use tower_service::Service;
use tracing::{error, info, warn};

use crate::admin::Admin;
use crate::app::{self, App, Served};
use crate::connection::Protocol;
use crate::connections::Connections;
use crate::drain::Drain;
use crate::endpoint::Endpoint;
use crate::error::ServeError;
use crate::options::Options;
use crate::signals::Signals;
#[cfg(feature = "tls")]
use crate::tls::Acceptor;
use crate::workers::Workers;

/// How long to wait where connections cannot be accepted.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

/// How many connections have to make room then.
const EVICTED: usize = 32;

/// How many connections may wait to be accepted: a job that starts opens a thousand at once.
const BACKLOG: i32 = 4096;

/// A server of a registry of functions: the endpoint, pages for operators, and the routes and layers that are added.
///
/// ```no_run
/// # use axum::{Router, routing::get};
/// # use statefun_http::{Options, Server};
/// # use statefun_sdk::{Registry, RequestReplyHandler};
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
    endpoint: Endpoint,
    connections: Connections,
    routes: Vec<Router>,
    layers: Vec<Box<dyn FnOnce(Router) -> Router + Send>>,
    #[cfg(feature = "tls")]
    tls: Option<Acceptor>,
    options: Options,
}

/// A [`Server`] that listens on its address. Connections wait until it [runs](Self::run).
pub struct BoundServer {
    server: Server,
    main: Bound,
    admin: Option<Bound>,
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
/// When the address or a file of the options cannot be used, signals or threads are not available, or requests were abandoned: by a
/// second signal, or as they took longer than the drain timeout.
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
        let endpoint = app::endpoint(registry, &options);
        #[cfg(feature = "tls")]
        let tls = options.tls.as_ref().map(Acceptor::new).transpose()?;
        let connections = Connections::new(options.max_connections, options.max_connections_per_peer);
        Ok(Self {
            endpoint,
            connections,
            routes: Vec::new(),
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
        self.routes.push(routes);
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
        self.endpoint.drain()
    }

    /// Listens on [`Options::listen`], and on [`Options::admin_listen`] where it is set.
    ///
    /// # Errors
    /// When an address cannot be listened on.
    pub fn bind(self) -> Result<BoundServer, ServeError> {
        let main = Bound::to(self.options.listen)?;
        let admin = self.options.admin_listen.map(Bound::to).transpose()?;
        Ok(BoundServer { server: self, main, admin })
    }

    /// Serves the connections of any listener, such as a Unix domain socket or a simulated network, on the Tokio runtime that
    /// polls this: the addresses of the options, [`Options::workers`] and [`Options::max_connections_per_peer`] are for
    /// [`BoundServer::run`]. It shuts down as that does.
    ///
    /// Dropping the future stops accepting and ends connections without a request; requests in flight are finished as long as the
    /// Tokio runtime runs.
    ///
    /// # Errors
    /// When there are no threads, or requests took longer than the drain timeout.
    ///
    /// # Panics
    /// When it is polled outside a Tokio runtime with time.
    pub async fn serve<L: Listener<Io: Unpin>>(
        self,
        mut listener: L,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), ServeError> {
        let _looking = self.endpoint.watchdog.start(Handle::current()).map_err(ServeError::Io)?;
        let pages = app::pages(&self.endpoint, &self.options);
        let (protocol, connections, drain) = self.parts(pages);
        // Also where this future is dropped.
        let closed = Closed(&connections);
        let accept = async {
            loop {
                let (stream, _) = listener.accept().await;
                if let Some(member) = connections.admit(None) {
                    tokio::spawn(protocol.clone().serve(stream, None, member));
                }
            }
        };
        tokio::select! {
            () = accept => {}
            () = drain.begin(shutdown) => {}
        }
        drop(listener);
        drop(closed);
        drain.finish(&connections).await
    }

    fn scheme(&self) -> &'static str {
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            return "https";
        }
        "http"
    }

    /// With these pages beside the invocations.
    fn parts(self, pages: Router) -> (Arc<Protocol>, Connections, Shutdown) {
        app::spawn_upkeep(&self.endpoint);
        let drain = self.endpoint.drain();
        let rest = app::invocations(pages, &self.endpoint, &self.options);
        let rest = self.routes.into_iter().fold(rest, |rest, routes| routes.fallback_service(rest));
        let app = App::new(self.endpoint, &self.options, rest);
        let served = match self.layers.is_empty() {
            true => Served::App(app),
            false => {
                let router = Router::new().fallback_service(app);
                Served::Router(self.layers.into_iter().fold(router, |router, layer| layer(router)))
            }
        };
        let Options { drain_delay: delay, drain_timeout: timeout, timeouts, .. } = self.options;
        let protocol = Protocol {
            served,
            drain: drain.clone(),
            timeouts,
            #[cfg(feature = "tls")]
            tls: self.tls,
        };
        (Arc::new(protocol), self.connections, Shutdown { drain, delay, timeout })
    }
}

/// How a server ends.
struct Shutdown {
    drain: Drain,
    delay: Duration,
    timeout: Duration,
}

impl Shutdown {
    /// The first part: until nothing more is accepted.
    async fn begin(&self, shutdown: impl Future<Output = ()>) {
        shutdown.await;
        info!(delay = ?self.delay, "draining: not ready any more");
        self.drain.start();
        tokio::time::sleep(self.delay).await;
        self.drain.close();
        info!(in_flight = self.drain.in_flight(), "closing");
    }

    /// The second part: until there are no connections any more, or too late.
    async fn finish(&self, connections: &Connections) -> Result<(), ServeError> {
        connections.close();
        if tokio::time::timeout(self.timeout, connections.ended()).await.is_err() {
            let requests = connections.abandon();
            if requests > 0 {
                error!(requests, timeout = ?self.timeout, "abandoned: they took longer than the drain timeout");
                return Err(ServeError::Abandoned(requests));
            }
        }
        info!("shut down");
        Ok(())
    }
}

/// Connections that are closed when it is dropped.
struct Closed<'a>(&'a Connections);

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl BoundServer {
    /// Where it listens, with the port that was chosen where the options said 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.main.address
    }

    /// Where it serves the pages for operators, if that is an address of their own.
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(|admin| admin.address)
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
    /// 1. `/readyz` fails; requests are served for [`Options::drain_delay`], and
    ///    each response says `connection: close`;
    /// 2. nothing listens any more; connections without a whole request end at once, whether idle, in a TLS handshake, or in the
    ///    middle of a head or a body;
    /// 3. it returns once all requests in flight have their responses, or after [`Options::drain_timeout`].
    ///
    /// Dropping the future ends the server at once, with whatever is in flight. A thread that a function blocks is never waited for:
    /// it ends once the function returns, or with the process.
    ///
    /// # Errors
    /// When the listener or threads cannot be used, or requests took longer than the drain timeout.
    ///
    /// # Panics
    /// When it is not called within a Tokio runtime with I/O and time.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), ServeError> {
        let Self { server, main, admin } = self;
        let listener = TcpListener::from_std(main.listener).map_err(ServeError::Io)?;
        let workers = Workers::start(server.options.workers).map_err(ServeError::Io)?;
        let _looking = server.endpoint.watchdog.start(workers.handle().clone()).map_err(ServeError::Io)?;
        let functions = server.endpoint.registry().functions().len();
        let scheme = server.scheme();
        let (_admin, pages) = match admin {
            None => (None, app::pages(&server.endpoint, &server.options)),
            Some(admin) => {
                let serving =
                    Admin::start(admin.listener, &server.endpoint, &server.options).map_err(ServeError::Io)?;
                info!("pages for operators at http://{}", admin.address);
                (Some(serving), Router::new())
            }
        };
        let body_limit = server.endpoint.largest_body();
        let (protocol, connections, drain) = server.parts(pages);
        info!(functions, "serving at {scheme}://{}", main.address);
        if body_limit < RequestReplyHandler::RESPONSE_LIMIT {
            // The runtime's limit is the same in both directions.
            warn!(
                body_limit,
                "a request of the runtime may be larger, up to its payload_max_bytes, 32 MiB unless it is set: it would be \
                 rejected until the job fails; give the process more memory, or decrease payload_max_bytes"
            );
        }
        tokio::select! {
            never = accept(&listener, &protocol, workers.handle(), &connections) => match never {},
            () = drain.begin(shutdown) => drop(listener),
        }
        drain.finish(&connections).await
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("registry", self.endpoint.registry())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for BoundServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundServer").field("local_addr", &self.main.address).field("server", &self.server).finish()
    }
}

/// Hands every connection to the runtime of the workers, and never waits for them.
pub(crate) async fn accept(
    listener: &TcpListener,
    protocol: &Arc<Protocol>,
    workers: &Handle,
    connections: &Connections,
) -> Infallible {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // One that is not admitted is closed.
                let Some(member) = connections.admit(Some(peer.ip())) else { continue };
                match on(workers, stream) {
                    Ok(stream) => drop(workers.spawn(protocol.clone().serve(stream, Some(peer), member))),
                    Err(error) => warn!(%error, "a connection was lost before it was served"),
                }
            }
            // The client was gone before.
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                // Most often too many open files: some may be closed soon.
                error!(%error, "cannot accept connections");
                connections.evict(EVICTED);
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

/// A connection that was accepted on this thread, for the runtime that serves it.
fn on(runtime: &Handle, stream: TcpStream) -> io::Result<TcpStream> {
    let stream = stream.into_std()?;
    // A response is written at once or in large parts: there is nothing to wait for.
    stream.set_nodelay(true)?;
    let _entered = runtime.enter();
    TcpStream::from_std(stream)
}

fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

/// A listener, and where it listens.
struct Bound {
    listener: std::net::TcpListener,
    address: SocketAddr,
}

impl Bound {
    fn to(address: SocketAddr) -> Result<Self, ServeError> {
        let bound = listen(address).and_then(|listener| Ok(Self { address: listener.local_addr()?, listener }));
        bound.map_err(|source| ServeError::Listen { address, source })
    }
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

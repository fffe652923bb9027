use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
#[cfg(feature = "tls")]
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use statefun_sdk::RequestReplyHandler;

use crate::available_memory::available_memory;

/// The settings of a [`Server`](crate::Server).
///
/// ```
/// use statefun_http::Options;
/// let options = Options { listen: ([127, 0, 0, 1], 8080).into(), any_path: true, ..Options::default() };
/// ```
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 is any free port. Default: `0.0.0.0:8000`.
    pub listen: SocketAddr,
    /// Where to serve the pages for operators instead: `/`, `/healthz`, `/readyz` and `/metrics`, over plain HTTP, on a thread of
    /// their own, so that they respond however busy or blocked the workers are. Keep it from strangers. Default: they are beside the
    /// invocations.
    pub admin_listen: Option<SocketAddr>,
    /// Accept invocations at every path, rather than at `/statefun` alone: then no added route receives a `POST`. Default: no.
    pub any_path: bool,
    /// The largest request body in bytes. Default: 64 MiB, twice what the runtime's `payload_max_bytes` allows by
    /// default.
    pub body_limit: usize,
    /// How long requests are still served after shutdown began, while `/readyz` already fails: as long as load balancers need
    /// to notice. Default: 5 seconds.
    pub drain_delay: Duration,
    /// How long requests in flight may take after the drain delay; then they are abandoned. Default: 20 seconds.
    pub drain_timeout: Duration,
    /// How many connections there may be. One more takes the place of the one that has had no request for longest, or is closed
    /// where all have one. Where the process may have few open files it is 64 less than these. Default: 16,384.
    pub max_connections: usize,
    /// How many of these a peer may have, by IP address; one more is closed. Proxies are peers of many connections, and so are the
    /// workers of the cluster. Default: no limit.
    pub max_connections_per_peer: Option<NonZeroUsize>,
    /// How many invocation requests may be in flight; one more is rejected with 503. The runtime has one for each address
    /// at most, and 1024 connections for each of its task managers. Default: 4096.
    pub max_in_flight: usize,
    /// How many messages a request may hold; one of more is rejected with 413. Not less than `maxNumBatchRequests` in module.yaml.
    /// Default: 65,536.
    pub invocation_limit: usize,
    /// How long one invocation may take: then it is dropped at an await, and its batch fails with 503, which the runtime retries. Much
    /// less than the runtime's `call` timeout. Default: 30 seconds.
    pub invocation_timeout: Duration,
    /// The largest response in bytes; a batch that makes a larger one fails with 500. Not more than the runtime's
    /// `payload_max_bytes`. Default: 32 MiB.
    pub response_limit: usize,
    /// How many bytes the bodies that are read, requests in flight and responses that are not yet written may hold together. Above
    /// it, bodies wait for a second and are rejected with 503. Three quarters of it bound a single body. Default: a fifth of the
    /// memory that the process may use, by its control groups (version 1 and 2) or its machine.
    pub memory_budget: usize,
    /// The rate limit: how many invocation requests are handled a second; more wait. What arrives meanwhile for their
    /// addresses travels with the next request, so that a saturated cluster handles more messages with fewer requests.
    /// Default: none.
    pub rate_limit: Option<NonZeroU32>,
    /// How many threads serve connections; functions run on them. Default: one for each core that the process may use.
    pub workers: NonZeroUsize,
    /// How long what waits may wait.
    pub timeouts: Timeouts,
    /// Install a Prometheus recorder for this process, and serve what is recorded at `GET /metrics`. Default: no, as a recorder is
    /// global: a process has one, and an application may have its own.
    #[cfg(feature = "metrics")]
    pub metrics: bool,
    /// Serve HTTPS. Default: HTTP.
    #[cfg(feature = "tls")]
    pub tls: Option<Tls>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8000)),
            admin_listen: None,
            any_path: false,
            body_limit: 64 * 1024 * 1024,
            drain_delay: Duration::from_secs(5),
            drain_timeout: Duration::from_secs(20),
            max_connections: 16_384,
            max_connections_per_peer: None,
            max_in_flight: 4096,
            invocation_limit: RequestReplyHandler::INVOCATION_LIMIT,
            invocation_timeout: RequestReplyHandler::INVOCATION_TIMEOUT,
            response_limit: RequestReplyHandler::RESPONSE_LIMIT,
            memory_budget: available_memory() / 5,
            rate_limit: None,
            workers: available_parallelism().unwrap_or(NonZeroUsize::MIN),
            timeouts: Timeouts::default(),
            #[cfg(feature = "metrics")]
            metrics: false,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

/// How long a [`Server`](crate::Server) waits for a client, and for a function that blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeouts {
    /// For a TLS handshake. Default: 10 seconds.
    pub handshake: Duration,
    /// For a request's head, from its first byte to its end. Default: 10 seconds.
    pub head: Duration,
    /// Between requests, and before the first. The runtime keeps a connection for 15 s and up to 3 s more: were the server first to
    /// close it, a request could be on its way already. Default: 75 seconds.
    pub idle: Duration,
    /// For a client to take more of a response. Default: 30 seconds.
    pub write: Duration,
    /// How long a function may hold its thread between two awaits until the server says so in log and metrics, and rejects further
    /// requests for its address. Default: 2 seconds.
    pub blocked: Duration,
    /// How long it may hold its thread until `/healthz` fails, so that the process is restarted. Default: 8 seconds.
    pub unhealthy: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            write: Duration::from_secs(30),
            blocked: Duration::from_secs(2),
            unhealthy: Duration::from_secs(8),
        }
    }
}

/// What HTTPS is served with.
#[cfg(feature = "tls")]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Tls {
    /// PEM files, which are read when the server is made, and again when they change and at SIGHUP.
    Files(TlsFiles),
    /// A configuration of rustls, whatever it does. For HTTP/1.1 its `alpn_protocols` are empty or hold `http/1.1`.
    Config(std::sync::Arc<rustls::ServerConfig>),
}

/// The PEM files of HTTPS.
#[cfg(feature = "tls")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate, followed by those that lead to its authority.
    pub cert: PathBuf,
    /// The certificate's private key: PKCS #8, PKCS #1 or SEC 1.
    pub key: PathBuf,
    /// The authorities of client certificates. Where it is set, every client has to present one: the runtime's `client_cert`
    /// and `client_key`. So do probes of health and readiness, unless there is [`Options::admin_listen`].
    pub client_ca: Option<PathBuf>,
    /// How often the contents of the files are compared. New connections get what has changed once all of it can be used; those that
    /// are open stay. [`RELOAD_INTERVAL`](Self::RELOAD_INTERVAL) suits most.
    pub reload_interval: Duration,
}

#[cfg(feature = "tls")]
impl TlsFiles {
    /// 10 seconds: Kubernetes itself takes up to a minute or two until a changed secret is in a mounted volume.
    pub const RELOAD_INTERVAL: Duration = Duration::from_secs(10);
}

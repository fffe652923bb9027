use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
#[cfg(feature = "tls")]
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

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
    /// Accept invocations at every path, rather than at `/statefun` alone: then no added route receives a `POST`. Default: no.
    pub any_path: bool,
    /// The largest request body in bytes. Default: 64 MiB, twice what the runtime's `payload_max_bytes` allows by
    /// default.
    pub body_limit: usize,
    /// How long requests are still served after shutdown began, while `/readyz` already fails: as long as load balancers need
    /// to notice. Default: 5 seconds.
    pub drain_delay: Duration,
    /// How many invocation requests may be in flight; one more is rejected with 503. The runtime has one for each address
    /// at most, and 1024 connections for each of its task managers. Default: 4096.
    pub max_in_flight: usize,
    /// The rate limit: how many invocation requests are handled a second; more wait. What arrives meanwhile for their
    /// addresses travels with the next request, so that a saturated cluster handles more messages with fewer requests.
    /// Default: none.
    pub rate_limit: Option<NonZeroU32>,
    /// How many threads serve connections; functions run on them. Default: one for each core that the process may use.
    pub workers: NonZeroUsize,
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
            any_path: false,
            body_limit: 64 * 1024 * 1024,
            drain_delay: Duration::from_secs(5),
            max_in_flight: 4096,
            rate_limit: None,
            workers: available_parallelism().unwrap_or(NonZeroUsize::MIN),
            #[cfg(feature = "metrics")]
            metrics: false,
            #[cfg(feature = "tls")]
            tls: None,
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
    /// and `client_key`. So do probes of health and readiness.
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

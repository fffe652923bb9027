use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

/// What a [`Server`](crate::Server) can be told.
///
/// ```
/// use statefun_http::Options;
/// let options = Options { listen: ([127, 0, 0, 1], 8080).into(), any_path: true, ..Options::default() };
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where to listen; port 0 is any free port. Default: `0.0.0.0:8000`.
    pub listen: SocketAddr,
    /// Take invocations at every path, rather than at `/statefun` alone. Default: no.
    pub any_path: bool,
    /// The largest request body in bytes. Default: 64 MiB, twice what the runtime's `payload_max_bytes` allows by
    /// default.
    pub body_limit: usize,
    /// How long requests are still taken after the server was told to end, while `/readyz` already fails: as long as
    /// load balancers need to notice. Default: 5 seconds.
    pub drain_delay: Duration,
    /// How many invocation requests may be in flight; one more is answered with 503. The runtime has one for each address
    /// at most, and 1024 connections for each of its task managers. Default: 4096.
    pub max_in_flight: usize,
    /// How many invocation requests are handled a second; more wait for their turn. What arrives meanwhile for their
    /// addresses travels with the next request, so that a cluster at its limit handles more messages with fewer requests.
    /// Default: as many as come.
    pub rate_limit: Option<NonZeroU32>,
    /// How many threads serve connections; functions run on them. Default: one for each core that the process may use.
    pub workers: NonZeroUsize,
    /// Serve HTTPS. Default: HTTP.
    pub tls: Option<TlsOptions>,
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
            tls: None,
        }
    }
}

/// The files that HTTPS needs, all PEM. They are read once, by [`Server::bind`](crate::Server::bind).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsOptions {
    /// The server's certificate, followed by those that lead to its authority.
    pub cert: PathBuf,
    /// The certificate's private key: PKCS #8, PKCS #1 or SEC 1.
    pub key: PathBuf,
    /// The authorities whose client certificates are taken. Where it is set, every client has to present one: the
    /// runtime's `client_cert` and `client_key`. Probes of health and readiness have to as well.
    pub client_ca: Option<PathBuf>,
}

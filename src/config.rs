//! Options of the server, each also an environment variable that begins with `STATEFUN_`.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::Args;
use statefun_http::{Options, Tls, TlsFiles};

/// Options of the HTTP server.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The address to listen on
    #[arg(long, env = "STATEFUN_LISTEN", value_name = "ADDR:PORT", default_value = "0.0.0.0:8000")]
    listen: SocketAddr,
    /// Accept invocations at every path, not only at /statefun
    #[arg(long, env = "STATEFUN_ANY_PATH", value_parser = clap::builder::FalseyValueParser::new())]
    any_path: bool,
    /// The largest request body; larger ones are rejected with 413
    #[arg(long, env = "STATEFUN_BODY_LIMIT", value_name = "SIZE", default_value = "64MiB")]
    body_limit: ByteSize,
    /// The most requests in flight; any more are rejected with 503
    #[arg(long, env = "STATEFUN_MAX_IN_FLIGHT", value_name = "N", default_value_t = Options::default().max_in_flight)]
    max_in_flight: usize,
    /// The most requests per second; any more wait [default: no limit]
    ///
    /// The cluster has one request in flight for each address and sends the messages that arrive meanwhile with the
    /// next one. A rate limit therefore makes requests larger, which costs the cluster less. If every message is for
    /// another address there is nothing to batch, and it limits the messages.
    #[arg(long, env = "STATEFUN_RATE_LIMIT", value_name = "N")]
    rate_limit: Option<NonZeroU32>,
    /// The number of worker threads [default: one for each core available to the process]
    #[arg(long, env = "STATEFUN_WORKERS", value_name = "N")]
    workers: Option<NonZeroUsize>,
    /// How long requests are still accepted after SIGTERM
    ///
    /// The time that a load balancer needs to see that /readyz fails.
    #[arg(long, env = "STATEFUN_DRAIN_DELAY", value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration)]
    drain_delay: Duration,
    /// Serve HTTPS with this certificate chain (PEM)
    ///
    /// This file, the key and the authorities are read again when they change, and at SIGHUP. Connections stay open.
    #[arg(long, env = "STATEFUN_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key (PEM)
    #[arg(long, env = "STATEFUN_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Accept only clients with a certificate of one of these authorities (PEM)
    #[arg(long, env = "STATEFUN_TLS_CLIENT_CA", value_name = "FILE", requires = "tls_cert")]
    tls_client_ca: Option<PathBuf>,
}

impl ServeArgs {
    /// The options of `statefun-http`.
    ///
    /// # Errors
    /// When the body limit is more than this machine can address.
    pub fn options(self) -> Result<Options, std::num::TryFromIntError> {
        let tls = self.tls_cert.zip(self.tls_key);
        let default = Options::default();
        Ok(Options {
            listen: self.listen,
            any_path: self.any_path,
            body_limit: self.body_limit.as_u64().try_into()?,
            drain_delay: self.drain_delay,
            max_in_flight: self.max_in_flight,
            rate_limit: self.rate_limit,
            workers: self.workers.unwrap_or(default.workers),
            metrics: true,
            tls: tls.map(|(cert, key)| {
                let (client_ca, reload_interval) = (self.tls_client_ca, TlsFiles::RELOAD_INTERVAL);
                Tls::Files(TlsFiles { cert, key, client_ca, reload_interval })
            }),
        })
    }
}

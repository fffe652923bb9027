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
    /// Serve the pages for operators at this address instead: /, /healthz, /readyz, /metrics [default: at that of --listen]
    ///
    /// Over plain HTTP, also where invocations need HTTPS, and by a thread of their own: they respond however busy the
    /// workers are. Keep the address from strangers.
    #[arg(long, env = "STATEFUN_ADMIN_LISTEN", value_name = "ADDR:PORT")]
    admin_listen: Option<SocketAddr>,
    /// Accept invocations at every path, not only at /statefun
    #[arg(long, env = "STATEFUN_ANY_PATH", value_parser = clap::builder::FalseyValueParser::new())]
    any_path: bool,
    /// The largest request body; larger ones are rejected with 413
    #[arg(long, env = "STATEFUN_BODY_LIMIT", value_name = "SIZE", default_value = "64MiB")]
    body_limit: ByteSize,
    /// The most requests in flight; any more are rejected with 503
    #[arg(long, env = "STATEFUN_MAX_IN_FLIGHT", value_name = "N", default_value_t = Options::default().max_in_flight)]
    max_in_flight: usize,
    /// The most connections; any more take the place of those idle longest
    ///
    /// 64 fewer than the process may have open files, where that is less.
    #[arg(long, env = "STATEFUN_MAX_CONNECTIONS", value_name = "N", default_value_t = Options::default().max_connections)]
    max_connections: usize,
    /// The most connections of one IP address; any more are closed [default: no limit]
    ///
    /// A worker of the cluster has as many as its pool_size, 1024 by default.
    #[arg(long, env = "STATEFUN_MAX_CONNECTIONS_PER_PEER", value_name = "N")]
    max_connections_per_peer: Option<NonZeroUsize>,
    /// The most messages in a request; requests of more are rejected with 413
    ///
    /// At least the maxNumBatchRequests of the endpoint in module.yaml: otherwise the job fails.
    #[arg(long, env = "STATEFUN_INVOCATION_LIMIT", value_name = "N", default_value_t = Options::default().invocation_limit)]
    invocation_limit: usize,
    /// How long a function may take over one message; then its batch fails with 503, and the cluster retries it
    ///
    /// Much shorter than the call timeout of the endpoint in module.yaml, after which the job fails. A function that
    /// blocks its thread cannot be interrupted.
    #[arg(
        long,
        env = "STATEFUN_INVOCATION_TIMEOUT",
        value_name = "TIME",
        default_value = "30s",
        value_parser = humantime::parse_duration
    )]
    invocation_timeout: Duration,
    /// The largest response; a batch that makes a larger one fails with 500
    ///
    /// At most the payload_max_bytes of the endpoint's transport in module.yaml.
    #[arg(long, env = "STATEFUN_RESPONSE_LIMIT", value_name = "SIZE", default_value = "32MiB")]
    response_limit: ByteSize,
    /// The most bytes that requests and responses in flight hold together [default: a fifth of the memory]
    ///
    /// The memory is that of the container (cgroup v1 or v2) or of the machine. Above the budget, bodies wait for a
    /// second and are rejected with 503. Three quarters of it bound a single body.
    #[arg(long, env = "STATEFUN_MEMORY_BUDGET", value_name = "SIZE")]
    memory_budget: Option<ByteSize>,
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
    /// How long requests in flight may take after the drain delay
    ///
    /// Then they are abandoned, and the process exits with an error that says how many. The cluster sends them again.
    #[arg(long, env = "STATEFUN_DRAIN_TIMEOUT", value_name = "TIME", default_value = "20s", value_parser = humantime::parse_duration)]
    drain_timeout: Duration,
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
    /// When a size is more than this machine can address.
    pub fn options(self) -> Result<Options, std::num::TryFromIntError> {
        let tls = self.tls_cert.zip(self.tls_key);
        let default = Options::default();
        Ok(Options {
            listen: self.listen,
            admin_listen: self.admin_listen,
            any_path: self.any_path,
            body_limit: self.body_limit.as_u64().try_into()?,
            drain_delay: self.drain_delay,
            drain_timeout: self.drain_timeout,
            max_connections: self.max_connections,
            max_connections_per_peer: self.max_connections_per_peer,
            max_in_flight: self.max_in_flight,
            invocation_limit: self.invocation_limit,
            invocation_timeout: self.invocation_timeout,
            response_limit: self.response_limit.as_u64().try_into()?,
            memory_budget: match self.memory_budget {
                Some(budget) => budget.as_u64().try_into()?,
                None => default.memory_budget,
            },
            rate_limit: self.rate_limit,
            workers: self.workers.unwrap_or(default.workers),
            timeouts: default.timeouts,
            metrics: true,
            tls: tls.map(|(cert, key)| {
                let (client_ca, reload_interval) = (self.tls_client_ca, TlsFiles::RELOAD_INTERVAL);
                Tls::Files(TlsFiles { cert, key, client_ca, reload_interval })
            }),
        })
    }
}

//! Checks a server's health: the health check of an image without a shell.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::Uri;
use http::uri::Scheme;
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use statefun_sdk::BoxError;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A healthy server responds at once.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Which server to check. The options are those of `serve`, so that both can use the same environment.
#[derive(Debug, Args)]
pub struct HealthArgs {
    /// Check this URL instead, http only: http://HOST:PORT/readyz of another server
    #[arg(value_name = "URL")]
    url: Option<Uri>,
    /// The address that the server listens on; if that is the unspecified address, loopback is checked
    #[arg(long, env = "STATEFUN_LISTEN", value_name = "ADDR:PORT", default_value = "0.0.0.0:8000")]
    listen: SocketAddr,
    /// The address of its pages for operators: if set, that is checked instead
    #[arg(long, env = "STATEFUN_ADMIN_LISTEN", value_name = "ADDR:PORT")]
    admin_listen: Option<SocketAddr>,
    /// The server's TLS certificate: if set and there is no --admin-listen, only the TCP connection is checked, as the server may require a client
    /// certificate
    #[arg(long, env = "STATEFUN_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
}

/// Requests `/healthz`, or the URL.
///
/// # Errors
/// When the server does not respond in time, or not with 200.
pub async fn run(args: &HealthArgs) -> Result<(), BoxError> {
    let checked = match &args.url {
        Some(url) => url.to_string(),
        None => format!("http://{}/healthz", reachable(args.admin_listen.unwrap_or(args.listen))),
    };
    let check = async {
        match (&args.url, &args.admin_listen, &args.tls_cert) {
            (None, None, Some(_)) => TcpStream::connect(reachable(args.listen)).await.map(drop).map_err(BoxError::from),
            _ => get(checked.parse()?).await,
        }
    };
    match timeout(TIMEOUT, check).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!("{checked}: {error}").into()),
        Err(_) => Err(format!("{checked}: no response within {} s", TIMEOUT.as_secs()).into()),
    }
}

async fn get(url: Uri) -> Result<(), BoxError> {
    if url.scheme() != Some(&Scheme::HTTP) || url.host().is_none() {
        return Err("expected http://HOST:PORT/PATH".into());
    }
    let client: Client<HttpConnector, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    // The client's own message is vague; the root cause says, for example, that the connection was refused.
    let response = client.get(url).await.map_err(|error| {
        let mut cause: &dyn std::error::Error = &error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        cause.to_string()
    })?;
    let status = response.status();
    if status.is_success() { Ok(()) } else { Err(format!("expected status 200, got {status}").into()) }
}

/// An address to connect to: loopback in place of the unspecified address.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, listen.port())
}

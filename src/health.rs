//! Asks a server how it is: the health check of an image that has no shell.

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

/// A server that lives answers at once.
const PATIENCE: Duration = Duration::from_secs(3);

/// Which server to ask: the same options as those of `serve`, so that the same environment tells both.
#[derive(Debug, Args)]
pub struct HealthArgs {
    /// What to ask instead, http only: http://HOST:PORT/readyz of a server elsewhere
    #[arg(value_name = "URL")]
    url: Option<Uri>,
    /// Where it listens; of all addresses, it is asked at that of this machine
    #[arg(long, env = "STATEFUN_LISTEN", value_name = "ADDR:PORT", default_value = "0.0.0.0:8000")]
    listen: SocketAddr,
    /// It serves HTTPS: then it has to take connections, no more, as it may want a certificate
    #[arg(long, env = "STATEFUN_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
}

/// Asks for `/healthz`, or for the URL.
///
/// # Errors
/// When the server does not answer in time, or not with 200.
pub async fn run(args: &HealthArgs) -> Result<(), BoxError> {
    let asked = match &args.url {
        Some(url) => url.to_string(),
        None => format!("http://{}/healthz", reachable(args.listen)),
    };
    let check = async {
        match (&args.url, &args.tls_cert) {
            (None, Some(_)) => TcpStream::connect(reachable(args.listen)).await.map(drop).map_err(BoxError::from),
            _ => get(asked.parse()?).await,
        }
    };
    match timeout(PATIENCE, check).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!("{asked}: {error}").into()),
        Err(_) => Err(format!("{asked}: no answer within {} s", PATIENCE.as_secs()).into()),
    }
}

async fn get(url: Uri) -> Result<(), BoxError> {
    if url.scheme() != Some(&Scheme::HTTP) || url.host().is_none() {
        return Err("expected http://HOST:PORT/PATH".into());
    }
    let client: Client<HttpConnector, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    // The client's own words say less than their cause, such as that the connection was refused.
    let answer = client.get(url).await.map_err(|error| {
        let mut cause: &dyn std::error::Error = &error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        cause.to_string()
    })?;
    let status = answer.status();
    if status.is_success() { Ok(()) } else { Err(format!("answered {status}").into()) }
}

/// An address to connect to: that a server listens at all of them says nothing of where.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, listen.port())
}

//! Connections to the server, from the address of a healthy client or that of an attacker.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

pub(crate) const HEALTHY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);
/// Limits by address tell it from a healthy client.
pub(crate) const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// The path of invocations.
pub(crate) const INVOCATIONS: &str = "/statefun";

/// Where a server is, and whom it is expected to be.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    tls: Option<TlsConnector>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Peer {
    pub(crate) fn plain(address: SocketAddr) -> Self {
        Self { address, tls: None }
    }

    /// # Errors
    /// When the certificate is none.
    pub(crate) fn with_certificate(address: SocketAddr, certificate: CertificateDer<'static>) -> anyhow::Result<Self> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { address, tls: Some(Arc::new(config).into()) })
    }

    /// A TCP connection.
    pub(crate) async fn connect(&self, from: Ipv4Addr) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((from, 0)))?;
        let stream = socket.connect(self.address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// A connection for whole requests.
    pub(crate) async fn open(&self, from: Ipv4Addr) -> anyhow::Result<Connection> {
        let stream = self.connect(from).await?;
        let stream: Box<dyn Stream> = match &self.tls {
            Some(tls) => Box::new(tls.connect(ServerName::from(self.address.ip()), stream).await?),
            None => Box::new(stream),
        };
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Connection { sender })
    }
}

/// A connection for whole requests. It is closed when it is dropped.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    /// Whether another request can be sent.
    pub(crate) async fn is_open(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    pub(crate) async fn invoke(&mut self, body: Bytes) -> anyhow::Result<Response<Bytes>> {
        let request = Request::post(INVOCATIONS).header("content-type", "application/octet-stream");
        self.send(request.header("host", "attack").body(Full::new(body))?).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<Response<Bytes>> {
        self.send(Request::get(path).header("host", "attack").body(Full::default())?).await
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> anyhow::Result<Response<Bytes>> {
        let (head, body) = self.sender.send_request(request).await.context("sent")?.into_parts();
        Ok(Response::from_parts(head, body.collect().await.context("received")?.to_bytes()))
    }
}

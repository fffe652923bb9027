use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use axum::http::uri::Scheme;
use axum::http::{Request, Response, StatusCode, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use statefun_sdk::ErrorChain;
use statefun_sdk::local::{Transport, TransportError};
use tokio::time::timeout;

const OCTET_STREAM: &str = "application/octet-stream";

/// The runtime's `payload_max_bytes`, as it is by default.
const LARGEST_RESPONSE: usize = 32 * 1024 * 1024;

/// How long the runtime's pool keeps a connection.
const POOL_TTL: Duration = Duration::from_secs(15);

/// The embedded runtime's way to functions behind a URL, in whatever language.
///
/// It sends what the cluster's runtime sends and takes what that takes: a status of 2xx with a content type of exactly
/// `application/octet-stream`, and no more than 32 MiB. It never sends a request twice by itself.
#[derive(Clone)]
pub struct HttpTransport {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: Uri,
    call_timeout: Duration,
}

impl HttpTransport {
    /// A transport to an `http` or `https` URL, such as `http://localhost:8000/statefun`.
    ///
    /// Servers are trusted whose authority the operating system trusts, or the file that the environment variable
    /// `SSL_CERT_FILE` names.
    ///
    /// # Errors
    /// When it is no such URL, or there are no trusted authorities for `https`.
    pub fn new(url: impl AsRef<str>) -> Result<Self, TransportError> {
        let text = url.as_ref();
        let wrong = || TransportError::new(format!("{text:?} is no URL of functions: expected http://HOST:PORT/PATH"));
        let url: Uri = text.parse().map_err(|_| wrong())?;
        let secure = match (url.scheme(), url.host()) {
            (Some(scheme), Some(_)) if *scheme == Scheme::HTTP => false,
            (Some(scheme), Some(_)) if *scheme == Scheme::HTTPS => true,
            _ => return Err(wrong()),
        };
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls(secure)?).https_or_http();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_TTL)
            .build(connector.enable_http1().wrap_connector(tcp));
        Ok(Self { client, url, call_timeout: Duration::from_secs(60) })
    }

    /// Sets how long to wait for a response. Default: 60 seconds.
    #[must_use]
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.call_timeout = timeout;
        self
    }

    async fn post(&self, body: Bytes) -> Result<Bytes, TransportError> {
        let request = Request::post(&self.url)
            .header(CONTENT_TYPE, OCTET_STREAM)
            .header(ACCEPT, OCTET_STREAM)
            .header(USER_AGENT, "statefun")
            .body(Full::new(body))
            .map_err(|error| self.error(&error))?;
        let response = self.client.request(request).await.map_err(|error| self.error(&error))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, LARGEST_RESPONSE).collect().await.map_err(|error| self.error(&*error))?;
        self.check(&Response::from_parts(head, body.to_bytes()))
    }

    /// The response's body, if the runtime would accept it.
    fn check(&self, response: &Response<Bytes>) -> Result<Bytes, TransportError> {
        if !response.status().is_success() {
            return Err(self.rejected(response.status(), response.body()));
        }
        match response.headers().get(CONTENT_TYPE) {
            Some(value) if value == OCTET_STREAM => Ok(response.body().clone()),
            other => Err(TransportError::new(format!(
                "POST {}: content type {:?}, expected exactly {OCTET_STREAM:?}",
                self.url,
                other.map_or(Ok(""), |value| value.to_str()).unwrap_or("that is no text"),
            ))),
        }
    }

    fn rejected(&self, status: StatusCode, body: &[u8]) -> TransportError {
        let text = String::from_utf8_lossy(&body[..body.len().min(1000)]);
        let line = text.lines().next().unwrap_or_default();
        TransportError::new(format!("POST {}: {status}: {line}", self.url))
    }

    fn error(&self, error: &(dyn Error + 'static)) -> TransportError {
        TransportError::new(format!("POST {}: {}", self.url, ErrorChain(error)))
    }
}

impl Transport for HttpTransport {
    async fn call(&self, request: Bytes) -> Result<Bytes, TransportError> {
        match timeout(self.call_timeout, self.post(request)).await {
            Ok(result) => result,
            Err(_) => {
                Err(TransportError::new(format!("POST {}: no response within {:?}", self.url, self.call_timeout)))
            }
        }
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport").field("url", &self.url).finish_non_exhaustive()
    }
}

fn tls(secure: bool) -> Result<ClientConfig, TransportError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TransportError::new(error.to_string()))?;
    let builder = if secure {
        builder.with_native_roots().map_err(|error| TransportError::new(format!("no trusted authorities: {error}")))?
    } else {
        builder.with_root_certificates(RootCertStore::empty())
    };
    Ok(builder.with_no_client_auth())
}

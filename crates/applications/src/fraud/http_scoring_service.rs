//! The HTTP client of a scoring service; `docs/scoring-service.md` specifies the service's responses.

use std::fmt::Display;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{ACCEPT, USER_AGENT};
use http::uri::Scheme;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use statefun_sdk::{BoxError, ErrorChain, TypeError};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::circuit_breaker::CircuitBreaker;
use super::scoring_service::ScoringService;

/// A response is a few bytes of JSON.
const LARGEST_RESPONSE: usize = 64 * 1024;

/// The backoff before the first retry. It doubles for each further retry; jitter can double it once more.
const MIN_BACKOFF: Duration = Duration::from_millis(50);
const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// After this many consecutive failed calls the circuit breaker opens, and calls fail at once for a while.
///
/// Messages of a batch are processed in sequence. If each of them waited for a service that is down, the batch would
/// exceed the cluster's call timeout, and the job would restart.
const FAILURES_TO_OPEN: usize = 3;

const WRONG_URL: &str = "expected http://HOST:PORT/PATH or https://HOST:PORT/PATH, without user and password";

/// ScoringOptions of [`HttpScoringService`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoringOptions {
    /// The service's URL, `http` or `https`; the merchant is added as a query parameter.
    pub url: Uri,
    /// The timeout of one request.
    pub timeout: Duration,
    /// How often a request is retried after a transient error.
    pub retries: u8,
    /// The most concurrent requests; any more wait.
    pub concurrency: NonZeroU16,
    /// How long calls fail at once after three consecutive calls failed.
    pub cool_down: Duration,
}

impl ScoringOptions {
    /// The timeout of a call: all of its requests, and the wait for other calls.
    fn call_timeout(&self) -> Duration {
        self.timeout.saturating_add(2 * MAX_BACKOFF).saturating_mul(u32::from(self.retries) + 1)
    }
}

/// A scoring service behind a URL.
///
/// A request is retried after a transient error: no connection, no response in time, or one of the statuses 408, 429
/// and 5xx. After three consecutive calls whose retries all failed, calls fail at once for a while; then a single call is made, and the
/// others fail at once until it has succeeded.
pub struct HttpScoringService {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    name: String,
    options: ScoringOptions,
    slots: Semaphore,
    breaker: CircuitBreaker,
}

impl HttpScoringService {
    /// A client of this service. It trusts the authorities that the operating system trusts, or those in the file that
    /// the environment variable `SSL_CERT_FILE` names.
    ///
    /// # Errors
    /// When the URL is not `http` or `https` with a host, or no trusted authorities are found for `https`.
    pub fn new(options: ScoringOptions) -> Result<Self, BoxError> {
        let url = &options.url;
        let (Some(scheme), Some(authority)) = (url.scheme(), url.authority()) else { return Err(WRONG_URL.into()) };
        if ![Scheme::HTTP, Scheme::HTTPS].contains(scheme) || authority.as_str().contains('@') {
            return Err(WRONG_URL.into());
        }
        // Without the query, which may contain an API key.
        let name = format!("{scheme}://{authority}{}", url.path());
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls(*scheme == Scheme::HTTPS)?).https_or_http();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(connector.enable_http1().wrap_connector(tcp));
        Ok(Self {
            client,
            slots: Semaphore::new(options.concurrency.get().into()),
            breaker: CircuitBreaker::new(FAILURES_TO_OPEN, options.cool_down),
            name,
            options,
        })
    }

    async fn call(&self, merchant: &str) -> Result<i32, Failure> {
        let url = self.url_of(merchant)?;
        let backoff = ExponentialBuilder::new()
            .with_min_delay(MIN_BACKOFF)
            .with_max_delay(MAX_BACKOFF)
            .with_max_times(self.options.retries.into())
            .with_jitter();
        let attempts = (|| self.attempt(&url)).retry(backoff).when(Failure::is_transient);
        match timeout(self.options.call_timeout(), attempts).await {
            Ok(result) => result,
            Err(_) => Err(Failure::transient("too many requests before this one")),
        }
    }

    fn url_of(&self, merchant: &str) -> Result<Uri, Failure> {
        let url = &self.options.url;
        let separator = if url.query().is_some() { '&' } else { '?' };
        let url = format!("{url}{separator}merchant={}", utf8_percent_encode(merchant, NON_ALPHANUMERIC));
        url.parse().map_err(|_| Failure::permanent("the merchant's name is too long for a URL"))
    }

    async fn attempt(&self, url: &Uri) -> Result<i32, Failure> {
        let _slot = self.slots.acquire().await.map_err(|error| Failure::permanent(error.to_string()))?;
        match timeout(self.options.timeout, self.get(url)).await {
            Ok(result) => result,
            Err(_) => Err(Failure::transient(format!("no response within {:?}", self.options.timeout))),
        }
    }

    async fn get(&self, url: &Uri) -> Result<i32, Failure> {
        let request = Request::get(url)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("statefun-server/", env!("CARGO_PKG_VERSION")))
            .body(Empty::new())
            .map_err(|error| Failure::permanent(error.to_string()))?;
        let response =
            self.client.request(request).await.map_err(|error| Failure::transient(ErrorChain(&error).to_string()))?;
        let status = response.status();
        if status != StatusCode::OK {
            let text = format!("status {status}, expected 200");
            let transient = status.is_server_error()
                || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
            return Err(if transient { Failure::transient(text) } else { Failure::permanent(text) });
        }
        let body = Limited::new(response.into_body(), LARGEST_RESPONSE);
        let body = body.collect().await.map_err(|error| match error.is::<LengthLimitError>() {
            true => Failure::permanent(format!("response body larger than {LARGEST_RESPONSE} bytes")),
            false => Failure::transient(ErrorChain(&*error).to_string()),
        })?;
        score(&body.to_bytes())
    }
}

impl ScoringService for HttpScoringService {
    fn score<'a>(&'a self, merchant: &'a str) -> BoxFuture<'a, Result<i32, BoxError>> {
        Box::pin(async move {
            let Some(admitted) = self.breaker.admit() else {
                let name = &self.name;
                return Err(format!("{name}: no request sent after {FAILURES_TO_OPEN} consecutive failed calls").into());
            };
            let result = self.call(merchant).await;
            match &result {
                Err(failure) if failure.is_transient() => admitted.failed(),
                _ => admitted.succeeded(),
            }
            result.map_err(|failure| format!("{}: {}", self.name, failure.text).into())
        })
    }
}

/// The error of a call.
#[derive(Debug)]
struct Failure {
    text: String,
    transient: bool,
}

impl Failure {
    fn transient(text: impl Into<String>) -> Self {
        Self { text: text.into(), transient: true }
    }

    fn permanent(text: impl Into<String>) -> Self {
        Self { text: text.into(), transient: false }
    }

    fn is_transient(&self) -> bool {
        self.transient
    }
}

/// Reads a response body. An invalid one is a permanent error: a retry would get the same body.
fn score(body: &[u8]) -> Result<i32, Failure> {
    #[derive(Deserialize)]
    struct Score {
        score: i32,
    }
    let invalid =
        |reason: &dyn Display| Failure::permanent(format!("{reason}; expected {{\"score\": N}}, N from 0 to 100"));
    // serde_json also deserializes a struct from an array.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(invalid(&"not a JSON object"));
    }
    match serde_json::from_slice(body) {
        Ok(Score { score }) if (0..=100).contains(&score) => Ok(score),
        Ok(_) => Err(invalid(&"score out of range")),
        Err(error) => Err(invalid(&TypeError::json(&error))),
    }
}

fn tls(secure: bool) -> Result<ClientConfig, BoxError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?;
    let builder = match secure {
        true => builder.with_native_roots().map_err(|error| format!("no trusted authorities: {error}"))?,
        false => builder.with_root_certificates(RootCertStore::empty()),
    };
    Ok(builder.with_no_client_auth())
}

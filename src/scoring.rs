//! The client of a scoring service over HTTP; `docs/scoring-service.md` says what such a service has to answer.

use std::error::Error;
use std::fmt::Display;
use std::iter;
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
use recloser::{AsyncRecloser, Recloser};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use statefun_sdk::{BoxError, TypeError};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::functions::fraud::ScoringService;

/// An answer is some bytes of JSON.
const LARGEST_ANSWER: usize = 64 * 1024;

/// The pause before the first retry; each is twice the one before, and as much again at most by chance.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// After so many calls in a row that failed, the service is left alone for a while.
///
/// Messages of a batch come one after the other. Were each of them to wait for a service that is down, the batch would
/// outlast the cluster's patience, and the job would restart.
const FAILURES_BEFORE_REST: usize = 3;

const WRONG_URL: &str = "expected http://HOST:PORT/PATH or https://HOST:PORT/PATH, without user and password";

/// How to ask a scoring service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where it is, `http` or `https`; the merchant is added as a parameter of the query.
    pub url: Uri,
    /// How long it may take to answer.
    pub timeout: Duration,
    /// How often it is asked again after a failure that may pass.
    pub retries: u8,
    /// How many requests it gets at once; more wait.
    pub concurrency: NonZeroU16,
    /// How long it is left alone after three calls in a row failed.
    pub rest: Duration,
}

impl Options {
    /// How long one call may take in all, from the wait for others on.
    fn patience(&self) -> Duration {
        self.timeout.saturating_add(2 * LONGEST_PAUSE).saturating_mul(u32::from(self.retries) + 1)
    }
}

/// A scoring service behind a URL.
///
/// A failed request is sent again if the failure may pass: no connection, no answer in time, the statuses 408, 429 and
/// 5xx. After three calls in a row for which all of that was in vain, calls fail at once for a while.
pub struct HttpScoringService {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    name: String,
    options: Options,
    slots: Semaphore,
    breaker: AsyncRecloser,
}

impl HttpScoringService {
    /// A client of this service. Servers are trusted whose authority the operating system trusts, or the file that the
    /// environment variable `SSL_CERT_FILE` names.
    ///
    /// # Errors
    /// When the URL is not `http` or `https` with a host, or there are no trusted authorities for `https`.
    pub fn new(options: Options) -> Result<Self, BoxError> {
        let url = &options.url;
        let (Some(scheme), Some(authority)) = (url.scheme(), url.authority()) else { return Err(WRONG_URL.into()) };
        if ![Scheme::HTTP, Scheme::HTTPS].contains(scheme) || authority.as_str().contains('@') {
            return Err(WRONG_URL.into());
        }
        // Without the query: there may be a key in it.
        let name = format!("{scheme}://{authority}{}", url.path());
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls(*scheme == Scheme::HTTPS)?).https_or_http();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(connector.enable_http1().wrap_connector(tcp));
        // The ring has to be full before one more result counts.
        let breaker = Recloser::custom()
            .error_rate(1.0)
            .closed_len(FAILURES_BEFORE_REST - 1)
            .half_open_len(1)
            .open_wait(options.rest)
            .build();
        Ok(Self {
            client,
            slots: Semaphore::new(options.concurrency.get().into()),
            breaker: breaker.into(),
            name,
            options,
        })
    }

    async fn ask(&self, merchant: &str) -> Result<i32, Failure> {
        let url = self.url_of(merchant)?;
        let pauses = ExponentialBuilder::new()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .with_max_times(self.options.retries.into())
            .with_jitter();
        let attempts = (|| self.attempt(&url)).retry(pauses).when(Failure::may_pass);
        match timeout(self.options.patience(), attempts).await {
            Ok(result) => result,
            Err(_) => Err(Failure::passing("too many requests before this one")),
        }
    }

    fn url_of(&self, merchant: &str) -> Result<Uri, Failure> {
        let url = &self.options.url;
        let separator = if url.query().is_some() { '&' } else { '?' };
        let url = format!("{url}{separator}merchant={}", utf8_percent_encode(merchant, NON_ALPHANUMERIC));
        url.parse().map_err(|_| Failure::lasting("the merchant's name is too long for a URL"))
    }

    async fn attempt(&self, url: &Uri) -> Result<i32, Failure> {
        let _slot = self.slots.acquire().await.map_err(|error| Failure::lasting(error.to_string()))?;
        match timeout(self.options.timeout, self.get(url)).await {
            Ok(result) => result,
            Err(_) => Err(Failure::passing(format!("no answer within {:?}", self.options.timeout))),
        }
    }

    async fn get(&self, url: &Uri) -> Result<i32, Failure> {
        let request = Request::get(url)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("statefun-server/", env!("CARGO_PKG_VERSION")))
            .body(Empty::new())
            .map_err(|error| Failure::lasting(error.to_string()))?;
        let response = self.client.request(request).await.map_err(|error| Failure::passing(chain(&error)))?;
        let status = response.status();
        if status != StatusCode::OK {
            let text = format!("status {status}, expected 200");
            let passes = status.is_server_error()
                || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
            return Err(if passes { Failure::passing(text) } else { Failure::lasting(text) });
        }
        let body = Limited::new(response.into_body(), LARGEST_ANSWER);
        let body = body.collect().await.map_err(|error| match error.is::<LengthLimitError>() {
            true => Failure::lasting(format!("an answer of more than {LARGEST_ANSWER} bytes")),
            false => Failure::passing(chain(&*error)),
        })?;
        score(&body.to_bytes())
    }
}

impl ScoringService for HttpScoringService {
    fn score<'a>(&'a self, merchant: &'a str) -> BoxFuture<'a, Result<i32, BoxError>> {
        Box::pin(async move {
            let call = self.breaker.call_with(Failure::may_pass, self.ask(merchant));
            call.await.map_err(|error| match error {
                recloser::Error::Inner(failure) => format!("{}: {}", self.name, failure.text).into(),
                recloser::Error::Rejected => {
                    format!("{}: not asked, as {FAILURES_BEFORE_REST} calls in a row failed", self.name).into()
                }
            })
        })
    }
}

/// Why there is no score.
#[derive(Debug)]
struct Failure {
    text: String,
    passes: bool,
}

impl Failure {
    fn passing(text: impl Into<String>) -> Self {
        Self { text: text.into(), passes: true }
    }

    fn lasting(text: impl Into<String>) -> Self {
        Self { text: text.into(), passes: false }
    }

    fn may_pass(&self) -> bool {
        self.passes
    }
}

/// Reads an answer. What is wrong with it would be wrong again.
fn score(body: &[u8]) -> Result<i32, Failure> {
    #[derive(Deserialize)]
    struct Answer {
        score: i32,
    }
    let wrong =
        |reason: &dyn Display| Failure::lasting(format!("{reason}; expected {{\"score\": N}}, N from 0 to 100"));
    // A struct could be read from an array, too.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(wrong(&"not a JSON object"));
    }
    match serde_json::from_slice(body) {
        Ok(Answer { score }) if (0..=100).contains(&score) => Ok(score),
        Ok(_) => Err(wrong(&"a score out of range")),
        Err(error) => Err(wrong(&TypeError::json(&error))),
    }
}

/// An error and its causes.
fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
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

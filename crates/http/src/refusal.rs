use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use statefun_sdk::{InvocationFailure, RequestError};

/// Why a request gets no answer of the protocol.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Cannot be a runtime's request, or is for a function that is not here.
    Request(RequestError),
    /// Nothing lives at that path.
    Path,
    /// Another method than those.
    Method(&'static str),
    /// The body ended before its announced end.
    CutShort,
    /// Nothing of the body came for so many seconds.
    Stalled(u64),
    /// The body is larger than so many bytes.
    TooLarge(usize),
    /// The content type is another one.
    ContentType,
    /// An invocation failed and with it its batch.
    Failed(Box<InvocationFailure>),
    /// The server is about to end.
    Draining,
    /// So many requests are in flight already.
    Overloaded(usize),
}

/// The longest line that is answered, in bytes: names come from the request and may have any length.
const LONGEST_LINE: usize = 1000;

impl Refusal {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Request(RequestError::UnknownFunction { .. }) | Self::Path => StatusCode::NOT_FOUND,
            Self::Request(_) => StatusCode::BAD_REQUEST,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            // OkHttp's transport fails the job on 400, and a body that was cut short may come whole the next time.
            Self::CutShort | Self::Stalled(_) => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Draining | Self::Overloaded(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What was wrong and what was expected, on one line of bounded length.
    pub(crate) fn line(&self) -> String {
        one_line(&self.reason())
    }

    fn reason(&self) -> Cow<'static, str> {
        match self {
            Self::Request(error) => error.to_string().into(),
            Self::Path => "no such path: expected POST /statefun, or GET of /, /healthz, /readyz or /metrics".into(),
            Self::Method(allowed) => format!("method not allowed: expected {allowed}").into(),
            Self::CutShort => "body cut short: expected as many bytes as were announced".into(),
            Self::Stalled(seconds) => format!("body stalled: expected more of it within {seconds} seconds").into(),
            Self::TooLarge(limit) => format!("body too large: expected at most {limit} bytes").into(),
            Self::ContentType => "wrong content type: expected application/octet-stream".into(),
            Self::Failed(failure) => failure.to_string().into(),
            Self::Draining => "draining: expected the request at another instance".into(),
            Self::Overloaded(limit) => format!("overloaded: expected at most {limit} requests in flight").into(),
        }
    }

    pub(crate) fn response(&self) -> Response {
        let mut response = Response::new(Body::from(self.line() + "\n"));
        *response.status_mut() = self.status();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        if let Self::Method(allowed) = self {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        }
        response
    }
}

/// Text of others on one line of bounded length.
fn one_line(text: &str) -> String {
    let mut end = text.len().min(LONGEST_LINE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut line: String = text[..end].chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if end < text.len() {
        line.push('…');
    }
    line
}

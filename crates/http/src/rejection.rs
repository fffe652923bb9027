use std::borrow::Cow;
use std::fmt;

use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use bytes::Bytes;
use http_body_util::Full;
use statefun_sdk::{Address, HandlerError, InvocationFailure, RequestError};

/// Why a request gets no response of the protocol. It displays as one line: what was wrong and what was expected, never the
/// payload. As a response it is that line with [`status`](Self::status).
///
/// | rejection | status |
/// |---|---|
/// | `Request` | 400, 404 for an unknown function, 413 for too many messages |
/// | `Malformed` | 400 |
/// | `Path` | 404 |
/// | `Method` | 405 |
/// | `CutShort`, `Slow` | 408 |
/// | `TooLarge` | 413 |
/// | `ContentType` | 415 |
/// | `Failed` | 500, 503 where it may succeed the next time |
/// | `Draining`, `NoMemory`, `Overloaded`, `Blocked` | 503 |
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// It cannot be a runtime's request, or is for a function that is not here.
    Request(RequestError),
    /// There is no such path.
    Path,
    /// Another method than these, as the header `allow` lists them.
    Method(&'static str),
    /// The body ended before its announced end.
    CutShort,
    /// The body is not what its transfer encoding says.
    Malformed,
    /// The body comes too slowly.
    Slow,
    /// The body is larger than this many bytes; `None` where a layer has limited it.
    TooLarge(Option<usize>),
    /// The content type is not `application/octet-stream`.
    ContentType,
    /// An invocation failed and with it its batch.
    Failed(Box<InvocationFailure>),
    /// The server is shutting down.
    Draining,
    /// There is no memory for the body: other requests and responses hold it.
    NoMemory,
    /// This many requests are in flight already.
    Overloaded(usize),
    /// An earlier request for this address still blocks a thread: this one would block another.
    Blocked(Address),
}

/// The longest line of a response, in bytes: names come from the request and may have any length.
const LONGEST_LINE: usize = 1000;

impl Rejection {
    /// The status of the response.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Path => StatusCode::NOT_FOUND,
            Self::Request(error) => StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::BAD_REQUEST),
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            // OkHttp's transport fails the job on 400, and a body that was cut short may come whole the next time.
            Self::CutShort | Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Failed(failure) if failure.kind.is_transient() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Draining | Self::NoMemory | Self::Overloaded(_) | Self::Blocked(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn reason(&self) -> Cow<'static, str> {
        match self {
            Self::Request(error) => error.to_string().into(),
            Self::Path => "no such path: expected POST /statefun, or GET of a page of the server".into(),
            Self::Method(allowed) => format!("method not allowed: expected {allowed}").into(),
            Self::CutShort => "body cut short: expected as many bytes as were announced".into(),
            Self::Malformed => "body malformed: expected chunks as HTTP/1.1 defines them".into(),
            Self::Slow => "body too slow: expected 64 KiB or the rest of it in 10 seconds, and all of it in 60".into(),
            Self::TooLarge(Some(limit)) => format!("body too large: expected at most {limit} bytes").into(),
            Self::TooLarge(None) => "body too large: expected what the layer around the endpoint allows".into(),
            Self::ContentType => "wrong content type: expected application/octet-stream".into(),
            Self::Failed(failure) => failure.to_string().into(),
            Self::Draining => "draining: expected the request at another instance".into(),
            Self::NoMemory => "no memory for the body: other requests and responses hold the memory budget".into(),
            Self::Overloaded(limit) => format!("overloaded: expected at most {limit} requests in flight").into(),
            Self::Blocked(target) => format!(
                "blocked: {target:?} blocks a thread since an earlier request: expected it to await, and what blocks within \
                 tokio::task::spawn_blocking"
            )
            .into(),
        }
    }

    pub(crate) fn response(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::from(format!("{self}\n")));
        *response.status_mut() = self.status();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        if let Self::Method(allowed) = self {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        }
        response
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&one_line(&self.reason()))
    }
}

impl std::error::Error for Rejection {}

impl From<HandlerError> for Rejection {
    fn from(error: HandlerError) -> Self {
        match error {
            HandlerError::Request(error) => Self::Request(error),
            HandlerError::Invocation(failure) => Self::Failed(failure),
        }
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> axum::response::Response {
        self.response().into_response()
    }
}

/// Text of others on one line of bounded length.
fn one_line(text: &str) -> String {
    let end = text.floor_char_boundary(LONGEST_LINE);
    let mut line: String = text[..end].chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if end < text.len() {
        line.push('…');
    }
    line
}

//! Events whose body cannot be decoded.

use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_http::http::header::HOST;
use lambda_http::http::uri::PathAndQuery;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, LambdaEvent, Request, Response, Service};
use tracing::warn;

/// The size of a chunk of base64, and of its decoded bytes.
const CHUNK: usize = 4096;
const CHUNK_BYTES: usize = CHUNK / 4 * 3;

/// The response of an HTTP service.
pub(crate) type HttpResponse = Response<axum::body::Body>;

/// Passes events to an HTTP service.
///
/// lambda_http panics if a body is marked as base64 and is not. This passes such a body on as text, which the service
/// rejects with a response. It also panics where path, host and query make no URI: the service has no use for the host, and
/// takes any path.
pub(crate) struct Readable<'a, S>(Adapter<'a, HttpResponse, S>);

impl<'a, S> Readable<'a, S>
where
    S: Service<Request, Response = HttpResponse>,
    S::Future: Send + 'a,
{
    pub(crate) fn new(service: S) -> Self {
        Self(Adapter::from(service))
    }
}

impl<'a, S> Service<LambdaEvent<LambdaRequest>> for Readable<'a, S>
where
    S: Service<Request, Response = HttpResponse>,
    S::Future: Send + 'a,
{
    type Response = <Adapter<'a, HttpResponse, S> as Service<LambdaEvent<LambdaRequest>>>::Response;
    type Error = S::Error;
    type Future = <Adapter<'a, HttpResponse, S> as Service<LambdaEvent<LambdaRequest>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut event: LambdaEvent<LambdaRequest>) -> Self::Future {
        match &mut event.payload {
            LambdaRequest::ApiGatewayV1(event) => {
                event.headers.remove(HOST);
                event.request_context.domain_name = None;
                make_absolute(&mut event.path);
            }
            LambdaRequest::ApiGatewayV2(event) => {
                event.headers.remove(HOST);
                event.request_context.domain_name = None;
                make_absolute(&mut event.raw_path);
                event.raw_query_string.take_if(|query| PathAndQuery::try_from(format!("/?{query}")).is_err());
            }
            _ => {}
        }
        let encoded = match &mut event.payload {
            LambdaRequest::ApiGatewayV1(event) => Some((event.body.as_deref(), &mut event.is_base64_encoded)),
            LambdaRequest::ApiGatewayV2(event) => Some((event.body.as_deref(), &mut event.is_base64_encoded)),
            _ => None,
        };
        if let Some((Some(body), is_base64)) = encoded
            && *is_base64
            && !self::is_base64(body)
        {
            warn!(characters = body.len(), "the event's body is marked as base64 and is not");
            *is_base64 = false;
        }
        self.0.call(event)
    }
}

/// What begins with a slash is a path, whatever follows.
fn make_absolute(path: &mut Option<String>) {
    if let Some(path) = path.as_mut().filter(|path| !path.starts_with('/')) {
        path.insert(0, '/');
    }
}

/// Whether a text is base64 that lambda_http can decode. Decodes in chunks, without allocating.
fn is_base64(text: &str) -> bool {
    let mut bytes = [0; CHUNK_BYTES];
    let mut chunks = text.as_bytes().chunks(CHUNK).peekable();
    while let Some(chunk) = chunks.next() {
        match STANDARD.decode_slice(chunk, &mut bytes) {
            // Padding is only valid at the end.
            Ok(length) if length == CHUNK_BYTES || chunks.peek().is_none() => {}
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_any_length_is_recognized() {
        for length in [0, 1, 2, 3, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 10_000] {
            let text = STANDARD.encode(vec![0xfb; length]);
            assert!(is_base64(&text), "{length} bytes");
            assert!(!is_base64(&format!("{text}{text}=")), "{length} bytes");
            assert!(!is_base64(&format!("{text}*")), "{length} bytes");
            assert!(length == 0 || !is_base64(&text[1..]), "{length} bytes, cut short");
        }
        // The first chunk ends with padding.
        let padded = STANDARD.encode(vec![0; CHUNK_BYTES - 1]);
        assert_eq!(padded.len(), CHUNK);
        assert!(!is_base64(&format!("{padded}AAAA")));
    }
}

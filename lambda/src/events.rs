//! Events whose body cannot be read.

use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, LambdaEvent, Request, Response, Service};
use tracing::warn;

/// A piece of base64, and the bytes that it stands for.
const PIECE: usize = 4096;
const PIECE_BYTES: usize = PIECE / 4 * 3;

/// An answer of a service of HTTP.
pub(crate) type Answer = Response<axum::body::Body>;

/// Hands events to a service of HTTP.
///
/// lambda_http panics where a body is said to be base64 and is not. Such a body goes on as the text that it is, for which
/// there is an answer.
pub(crate) struct Readable<'a, S>(Adapter<'a, Answer, S>);

impl<'a, S> Readable<'a, S>
where
    S: Service<Request, Response = Answer>,
    S::Future: Send + 'a,
{
    pub(crate) fn new(service: S) -> Self {
        Self(Adapter::from(service))
    }
}

impl<'a, S> Service<LambdaEvent<LambdaRequest>> for Readable<'a, S>
where
    S: Service<Request, Response = Answer>,
    S::Future: Send + 'a,
{
    type Response = <Adapter<'a, Answer, S> as Service<LambdaEvent<LambdaRequest>>>::Response;
    type Error = S::Error;
    type Future = <Adapter<'a, Answer, S> as Service<LambdaEvent<LambdaRequest>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut event: LambdaEvent<LambdaRequest>) -> Self::Future {
        let encoded = match &mut event.payload {
            LambdaRequest::ApiGatewayV1(event) => Some((event.body.as_deref(), &mut event.is_base64_encoded)),
            LambdaRequest::ApiGatewayV2(event) => Some((event.body.as_deref(), &mut event.is_base64_encoded)),
            _ => None,
        };
        if let Some((Some(body), is_base64)) = encoded
            && *is_base64
            && !self::is_base64(body)
        {
            warn!(characters = body.len(), "the event's body is said to be base64 and is not");
            *is_base64 = false;
        }
        self.0.call(event)
    }
}

/// Whether a text is base64 as lambda_http takes it. Nothing of the size of the text is allocated.
fn is_base64(text: &str) -> bool {
    let mut bytes = [0; PIECE_BYTES];
    let mut pieces = text.as_bytes().chunks(PIECE).peekable();
    while let Some(piece) = pieces.next() {
        match STANDARD.decode_slice(piece, &mut bytes) {
            // Padding ends a text.
            Ok(length) if length == PIECE_BYTES || pieces.peek().is_none() => {}
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_told_from_what_is_not_whatever_its_length() {
        for length in [0, 1, 2, 3, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES, 10_000] {
            let text = STANDARD.encode(vec![0xfb; length]);
            assert!(is_base64(&text), "{length} bytes");
            assert!(!is_base64(&format!("{text}{text}=")), "{length} bytes");
            assert!(!is_base64(&format!("{text}*")), "{length} bytes");
            assert!(length == 0 || !is_base64(&text[1..]), "{length} bytes, cut short");
        }
        // The first piece ends with padding.
        let padded = STANDARD.encode(vec![0; PIECE_BYTES - 1]);
        assert_eq!(padded.len(), PIECE);
        assert!(!is_base64(&format!("{padded}AAAA")));
    }
}

use std::time::Duration;

use axum::body::HttpBody;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::refusal::Refusal;

/// How long a client may leave us waiting for the next bytes of a body.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// What is reserved at most on the word of a `content-length`, in bytes.
const LARGEST_RESERVATION: usize = 1024 * 1024;

/// What is read at most of a body that was refused, in bytes, and for how long.
const LARGEST_DISCARD: usize = 256 * 1024 * 1024;
const LONGEST_DISCARD: Duration = Duration::from_secs(30);

/// The body of a request, as a connection or the router hands it over.
pub(crate) trait RequestBody: HttpBody<Data = Bytes, Error: Send> + Unpin + Send + 'static {}

impl<B: HttpBody<Data = Bytes, Error: Send> + Unpin + Send + 'static> RequestBody for B {}

/// Reads a body of at most `limit` bytes. One that came in one piece is not copied.
pub(crate) async fn read(body: &mut impl RequestBody, limit: usize) -> Result<Bytes, Refusal> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(Refusal::TooLarge(limit));
    }
    let Some(first) = next(body).await? else { return Ok(Bytes::new()) };
    if first.len() > limit {
        return Err(Refusal::TooLarge(limit));
    }
    if body.is_end_stream() {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(announced.clamp(first.len(), LARGEST_RESERVATION.max(first.len())));
    whole.extend_from_slice(&first);
    while let Some(bytes) = next(body).await? {
        if bytes.len() > limit - whole.len() {
            return Err(Refusal::TooLarge(limit));
        }
        whole.extend_from_slice(&bytes);
    }
    Ok(whole.freeze())
}

async fn next(body: &mut impl RequestBody) -> Result<Option<Bytes>, Refusal> {
    loop {
        // Most often it is there already: then there is no clock to ask.
        let frame = match body.frame().now_or_never() {
            Some(frame) => frame,
            None => match timeout(READ_TIMEOUT, body.frame()).await {
                Ok(frame) => frame,
                Err(_) => return Err(Refusal::Stalled(READ_TIMEOUT.as_secs())),
            },
        };
        match frame {
            None => return Ok(None),
            Some(Err(_)) => return Err(Refusal::CutShort),
            // Trailers mean nothing here.
            Some(Ok(frame)) => {
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
        }
    }
}

/// Reads what is left of a refused body while the answer is on its way: were the connection closed on a client that still
/// sends, that client would see a reset in place of the answer.
pub(crate) fn discard(mut body: impl RequestBody) {
    if body.is_end_stream() {
        return;
    }
    tokio::spawn(timeout(LONGEST_DISCARD, async move {
        let mut left = LARGEST_DISCARD;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(length) {
                Some(less) => left = less,
                None => return,
            }
        }
    }));
}

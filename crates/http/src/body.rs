use std::time::Duration;

use axum::body::HttpBody;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http_body_util::{BodyExt, LengthLimitError};
use statefun_sdk::BoxError;
use tokio::time::timeout;

use crate::rejection::Rejection;

/// How long the next bytes of a body may take.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// What is reserved at most on the word of a `content-length`, in bytes.
const LARGEST_RESERVATION: usize = 1024 * 1024;

/// What is read at most of a rejected request's body, in bytes, and for how long.
const LARGEST_DISCARD: usize = 256 * 1024 * 1024;
const LONGEST_DISCARD: Duration = Duration::from_secs(30);

/// The body of a request that an [`Endpoint`](crate::Endpoint) reads: any body of bytes. There is nothing to implement.
pub trait RequestBody: HttpBody<Data = Bytes, Error: Into<BoxError> + Send> + Unpin + Send + 'static {}

impl<B: HttpBody<Data = Bytes, Error: Into<BoxError> + Send> + Unpin + Send + 'static> RequestBody for B {}

/// Reads a body of at most `limit` bytes. One that came in one piece is not copied.
pub(crate) async fn read(body: &mut impl RequestBody, limit: usize) -> Result<Bytes, Rejection> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(Rejection::TooLarge(Some(limit)));
    }
    let Some(first) = next(body).await? else { return Ok(Bytes::new()) };
    if first.len() > limit {
        return Err(Rejection::TooLarge(Some(limit)));
    }
    if body.is_end_stream() {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(announced.clamp(first.len(), LARGEST_RESERVATION.max(first.len())));
    whole.extend_from_slice(&first);
    while let Some(bytes) = next(body).await? {
        if bytes.len() > limit - whole.len() {
            return Err(Rejection::TooLarge(Some(limit)));
        }
        whole.extend_from_slice(&bytes);
    }
    Ok(whole.freeze())
}

async fn next(body: &mut impl RequestBody) -> Result<Option<Bytes>, Rejection> {
    loop {
        // Most often it is there already: then there is no clock to ask.
        let frame = match body.frame().now_or_never() {
            Some(frame) => frame,
            None => match timeout(READ_TIMEOUT, body.frame()).await {
                Ok(frame) => frame,
                Err(_) => return Err(Rejection::Stalled(READ_TIMEOUT.as_secs())),
            },
        };
        match frame {
            None => return Ok(None),
            Some(Err(error)) => return Err(unreadable(error.into())),
            // Trailers mean nothing here.
            Some(Ok(frame)) => {
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
        }
    }
}

/// A layer around us may have a limit of its own.
fn unreadable(error: BoxError) -> Rejection {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&*error);
    while let Some(error) = source {
        if error.is::<LengthLimitError>() {
            return Rejection::TooLarge(None);
        }
        source = error.source();
    }
    Rejection::CutShort
}

/// Reads what is left of a rejected body while the response is on its way: were the connection closed on a client that still
/// sends, that client would see a reset in place of the response.
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

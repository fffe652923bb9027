use std::error::Error;
use std::io;
use std::time::Duration;

use axum::body::HttpBody;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http_body_util::{BodyExt, LengthLimitError};
use hyper::body::Frame;
use statefun_sdk::{BoxError, MemoryPermit};
use tokio::time::{Instant, timeout, timeout_at};

use crate::rejection::Rejection;

/// In each of these while a body is waited for, at least [`LEAST`] bytes or the rest of it have to come.
const WINDOW: Duration = Duration::from_secs(10);
const LEAST: usize = 64 * 1024;

/// How long a body may take as a whole.
const LONGEST: Duration = Duration::from_secs(60);

/// What a body may hold without a permit, in bytes: as little as its connection.
const FREE: usize = 4096;

/// How long to wait for memory that others hold. The runtime comes again after some milliseconds.
const MEMORY_TIMEOUT: Duration = Duration::from_secs(1);

/// What is read at most of a rejected request's body, in bytes, and for how long.
const LARGEST_DISCARD: usize = 256 * 1024 * 1024;
const LONGEST_DISCARD: Duration = Duration::from_secs(30);

/// The body of a request that an [`Endpoint`](crate::Endpoint) reads: any body of bytes. There is nothing to implement.
pub trait RequestBody: HttpBody<Data = Bytes, Error: Into<BoxError> + Send> + Unpin + Send + 'static {}

impl<B: HttpBody<Data = Bytes, Error: Into<BoxError> + Send> + Unpin + Send + 'static> RequestBody for B {}

/// Reads a body of at most `limit` bytes, for whose memory `permit` grows. One that came in one piece is not copied.
pub(crate) async fn read(
    body: &mut impl RequestBody,
    limit: usize,
    permit: &mut MemoryPermit,
) -> Result<Bytes, Rejection> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(Rejection::TooLarge(Some(limit)));
    }
    let mut pace = Pace::default();
    let Some(first) = pace.next(body).await? else { return Ok(Bytes::new()) };
    if first.len() > limit {
        return Err(Rejection::TooLarge(Some(limit)));
    }
    if body.is_end_stream() {
        claim(permit, first.len()).await?;
        return Ok(first);
    }
    let mut whole = BytesMut::new();
    let mut next = Some(first);
    while let Some(bytes) = next {
        if bytes.len() > limit - whole.len() {
            return Err(Rejection::TooLarge(Some(limit)));
        }
        let length = whole.len() + bytes.len();
        if length > whole.capacity() {
            // It doubles, and ends at what was announced: the word of a peer alone takes no memory.
            let capacity = length.max((2 * length).min(announced));
            claim(permit, capacity).await?;
            whole.reserve(capacity - whole.len());
        }
        whole.extend_from_slice(&bytes);
        next = pace.next(body).await?;
    }
    Ok(whole.freeze())
}

/// Has the permit cover so many bytes.
async fn claim(permit: &mut MemoryPermit, bytes: usize) -> Result<(), Rejection> {
    let missing = bytes.saturating_sub(permit.bytes());
    if bytes <= FREE || missing == 0 || permit.try_grow(missing) {
        return Ok(());
    }
    // In a box, as the other timer of this module: it is large and aligned to cache lines, and the future of each request would be so.
    Box::pin(timeout(MEMORY_TIMEOUT, permit.grow(missing))).await.map_err(|_| Rejection::NoMemory)
}

/// How fast a body comes. The clock is read once it has to be waited for.
#[derive(Default)]
struct Pace {
    began: Option<Instant>,
    /// When the window began, and how many bytes came in it.
    window: Option<Instant>,
    bytes: usize,
}

impl Pace {
    async fn next(&mut self, body: &mut impl RequestBody) -> Result<Option<Bytes>, Rejection> {
        loop {
            // Most often it is there already: then there is no clock to ask.
            let frame = match body.frame().now_or_never() {
                Some(frame) => frame,
                None => self.wait(body).await?,
            };
            match frame {
                None => return Ok(None),
                Some(Err(error)) => return Err(unreadable(error.into())),
                // Trailers mean nothing here.
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        self.bytes += bytes.len();
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    async fn wait<B: RequestBody>(
        &mut self,
        body: &mut B,
    ) -> Result<Option<Result<Frame<Bytes>, B::Error>>, Rejection> {
        let began = *self.began.get_or_insert_with(Instant::now);
        let mut window = *self.window.get_or_insert(began);
        loop {
            let deadline = (window + WINDOW).min(began + LONGEST);
            if let Ok(frame) = Box::pin(timeout_at(deadline, body.frame())).await {
                return Ok(frame);
            }
            if self.bytes < LEAST || deadline == began + LONGEST {
                return Err(Rejection::Slow);
            }
            self.bytes = 0;
            window = Instant::now();
            self.window = Some(window);
        }
    }
}

/// A layer around us may have a limit of its own.
fn unreadable(error: BoxError) -> Rejection {
    let mut source: Option<&(dyn Error + 'static)> = Some(&*error);
    while let Some(error) = source {
        if error.is::<LengthLimitError>() {
            return Rejection::TooLarge(None);
        }
        // A chunk that is none.
        let kind = error.downcast_ref().map(io::Error::kind);
        if matches!(kind, Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)) {
            return Rejection::Malformed;
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

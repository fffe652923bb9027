//! Defers and coalesces writes, and notes what comes and goes.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::activity::Activity;

/// The most that is copied, in bytes.
const SMALL: usize = 4096;

/// A connection that saves the kernel work, and its peer.
///
/// - A write is deferred until its thread has polled whatever else is ready. So the responses to requests that came together leave
///   together, and their reader is woken once; with a response at a time it falls asleep between any two, which costs this side
///   more than a small response itself.
/// - The kernel takes longer over the two pieces of a head and a body than copying a small body to its head does.
pub(crate) struct CoalescedWrites<S> {
    stream: S,
    activity: Arc<Activity>,
    joined: Vec<u8>,
    /// The next write has let the others go first.
    has_waited: bool,
}

impl<S> CoalescedWrites<S> {
    pub(crate) fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self { stream, activity, joined: Vec::new(), has_waited: false }
    }

    /// Notes whether the peer takes what is written.
    fn noted<T>(&self, result: Poll<T>) -> Poll<T> {
        match result {
            Poll::Pending => self.activity.write_blocks(),
            Poll::Ready(_) => self.activity.has_written(),
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> CoalescedWrites<S> {
    fn write(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Vec<u8>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if !self.has_waited {
            self.has_waited = true;
            // To the end of the thread's queue.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let result = write(Pin::new(&mut self.stream), &mut self.joined, context);
        let written = ready!(self.noted(result));
        self.has_waited = false;
        Poll::Ready(written)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for CoalescedWrites<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.activity.has_read();
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for CoalescedWrites<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().write(context, |stream, _, context| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().write(context, |stream, joined, context| {
            if pieces.iter().map(|piece| piece.len()).sum::<usize>() > SMALL {
                return stream.poll_write_vectored(context, pieces);
            }
            joined.clear();
            pieces.iter().for_each(|piece| joined.extend_from_slice(piece));
            stream.poll_write(context, joined)
        })
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        if result.is_ready() {
            self.activity.has_flushed();
        }
        self.noted(result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_shutdown(context);
        self.noted(result)
    }
}

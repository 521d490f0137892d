//! A connection whose peer must read: one that leaves what it is told unread for too long is cut.
//!
//! ```text
//!   writing ── no room ──► waiting(until) ── room ──► writing
//!                               └── until ──► TimedOut
//! ```
//!
//! Without it who asks and never reads keeps his seat for ever: the kernel probes a closed window without end. It knows
//! nothing of HTTP; who reads little by little may do so.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A connection with a limit on how long nothing of what is written is taken.
#[derive(Debug)]
pub(super) struct Unread<T> {
    io: T,
    limit: Duration,
    /// Until when there must be room again, if there is none.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<T: Unpin> Unread<T> {
    /// This connection, with this limit.
    pub(super) fn new(io: T, limit: Duration) -> Self {
        Self { io, limit, waiting: None }
    }

    /// What came of trying to write.
    fn judged<R>(
        &mut self,
        tried: Poll<io::Result<R>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<R>> {
        if tried.is_ready() {
            self.waiting = None;
            return tried;
        }
        let limit = self.limit;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(limit)));
        match waiting.as_mut().poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Unread<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, to)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Unread<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let tried = Pin::new(&mut self.io).poll_write(context, octets);
        self.judged(tried, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let tried = Pin::new(&mut self.io).poll_flush(context);
        self.judged(tried, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let tried = Pin::new(&mut self.io).poll_shutdown(context);
        self.judged(tried, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let tried = Pin::new(&mut self.io).poll_write_vectored(context, pieces);
        self.judged(tried, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[test]
    fn who_never_reads_is_cut_and_who_reads_is_not() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (ours, _theirs) = duplex(8);
            let mut never = Unread::new(ours, Duration::from_millis(1));
            let cut = never.write_all(b"more than there is room for").await.unwrap_err();
            assert_eq!(cut.kind(), io::ErrorKind::TimedOut);

            let (ours, mut theirs) = duplex(8);
            let mut reads = Unread::new(ours, Duration::from_secs(3600));
            let mut heard = [0; 27];
            let (told, read) = tokio::join!(
                reads.write_all(b"more than there is room for"),
                theirs.read_exact(&mut heard)
            );
            told.unwrap();
            read.unwrap();
            assert_eq!(&heard, b"more than there is room for");
            assert!(reads.waiting.is_none(), "nothing is waited for when all is read");
        });
    }
}

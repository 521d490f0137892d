//! Ttys, pty masters, TUN devices and other descriptors as asynchronous streams. The one place that registers a
//! descriptor with tokio.
//!
//! A terminal has no end of file, only a hang-up; this module turns the kernel's two ways of saying so
//! (`EIO` on a pty's master when the last slave closed, 0 bytes on a hung-up tty) into one: end of file.
//!
//! It deliberately does not know what the bytes are.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::fs::OFlags;
use rustix::io::Errno;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::pty::PtyMaster;
use crate::tty::Tty;
use crate::tun::Tun;

mod owned {
    /// Types that own exactly one descriptor and never exchange it, which is what makes
    /// [`super::AsyncFile`] sound. Closed to other crates for that reason.
    pub trait OwnsFd: std::os::fd::AsFd + Send + 'static {}
}
use owned::OwnsFd;

impl OwnsFd for OwnedFd {}
impl OwnsFd for Tty {}
impl OwnsFd for PtyMaster {}
impl OwnsFd for Tun {}

/// Gives tokio its raw descriptor; private, so that nobody else can answer for it.
#[derive(Debug)]
struct Held<T>(T);

impl<T: AsFd> AsRawFd for Held<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

/// A descriptor on the runtime.
#[derive(Debug)]
pub struct AsyncFile<T: OwnsFd = OwnedFd> {
    fd: AsyncFd<Held<T>>,
}

/// A terminal on the runtime.
pub type AsyncTty = AsyncFile<Tty>;

/// A pty's master on the runtime.
pub type AsyncPty = AsyncFile<PtyMaster>;

/// A TUN device on the runtime. One read is one packet; end of file means that the interface is down or gone.
pub type AsyncTun = AsyncFile<Tun>;

impl<T: OwnsFd> AsyncFile<T> {
    /// Puts `file` on the current runtime and makes it non-blocking.
    ///
    /// # Errors
    /// Regular files and directories cannot be waited for; everything else can.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O enabled.
    pub fn new(file: T) -> io::Result<Self> {
        let flags = rustix::fs::fcntl_getfl(&file)?;
        if !flags.contains(OFlags::NONBLOCK) {
            rustix::fs::fcntl_setfl(&file, flags.union(OFlags::NONBLOCK))?;
        }
        // SAFETY: OwnsFd is implemented above only, for types that own one descriptor, keep it open until
        // they are dropped and never exchange it; Held gives no mutable access to them.
        let registered = unsafe { AsyncFd::register(Held(file)) };
        let fd = registered.map_err(|e| {
            let (_file, source) = e.into_parts();
            if source.raw_os_error() == Some(libc::EPERM) {
                io::Error::new(
                    source.kind(),
                    "a regular file or directory has no readiness to wait for",
                )
            } else {
                source
            }
        })?;
        Ok(Self { fd })
    }

    /// The file itself, for settings and signals.
    pub fn get(&self) -> &T {
        &self.fd.get_ref().0
    }

    /// Takes the file off the runtime. It stays non-blocking.
    pub fn into_inner(self) -> T {
        self.fd.into_inner().0
    }

    /// Waits until there is something to read, or the other side is gone. Cancel safe.
    ///
    /// # Errors
    /// Only when the runtime shuts down.
    pub async fn readable(&self) -> io::Result<()> {
        // The readiness is kept: only a read that finds nothing may clear it.
        self.fd.readable().await.map(|mut guard| guard.retain_ready())
    }

    /// Waits until there is room to write, or the other side is gone. Cancel safe.
    ///
    /// # Errors
    /// Only when the runtime shuts down.
    pub async fn writable(&self) -> io::Result<()> {
        self.fd.writable().await.map(|mut guard| guard.retain_ready())
    }

    /// Reads what is there. `Ok(0)` on a non-empty buffer: the other side is gone.
    ///
    /// # Errors
    /// `WouldBlock`: nothing is there now; wait with [`AsyncFile::readable`].
    pub fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.fd.try_io(tokio::io::Interest::READABLE, |held| read(&held.0, into))
    }

    /// Writes what there is room for.
    ///
    /// # Errors
    /// `WouldBlock`: no room now; wait with [`AsyncFile::writable`]. `BrokenPipe`: the other side is gone.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.fd.try_io(tokio::io::Interest::WRITABLE, |held| write(&held.0, bytes))
    }

    /// Reads once there is something. `Ok(0)`: the other side is gone. Cancel safe.
    ///
    /// # Errors
    /// What the kernel says, but never a hang-up.
    pub async fn read_some(&self, into: &mut [u8]) -> io::Result<usize> {
        self.fd.async_io(tokio::io::Interest::READABLE, |held| read(&held.0, into)).await
    }

    /// Writes once there is room, perhaps less than all. Cancel safe.
    ///
    /// # Errors
    /// `BrokenPipe`: the other side is gone.
    pub async fn write_some(&self, bytes: &[u8]) -> io::Result<usize> {
        self.fd.async_io(tokio::io::Interest::WRITABLE, |held| write(&held.0, bytes)).await
    }

    /// Receives with `read` once there is something. Cancel safe if `read` is.
    pub(crate) async fn read_with<R>(
        &self,
        mut read: impl FnMut(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        self.fd.async_io(tokio::io::Interest::READABLE, |held| read(&held.0)).await
    }

    /// Sends with `write` once there is room. Cancel safe if `write` is.
    pub(crate) async fn write_with<R>(
        &self,
        mut write: impl FnMut(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        self.fd.async_io(tokio::io::Interest::WRITABLE, |held| write(&held.0)).await
    }

    /// Reads with `read` if something is there, which must fail with `WouldBlock` when it finds nothing.
    pub(crate) fn try_read_with<R>(
        &self,
        mut read: impl FnMut(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        self.fd.try_io(tokio::io::Interest::READABLE, |held| read(&held.0))
    }

    /// Polls for something to read; the task in `cx` is woken when there is.
    pub(crate) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut guard = ready!(self.fd.poll_read_ready(cx))?;
        guard.retain_ready();
        Poll::Ready(Ok(()))
    }
}

impl AsyncTun {
    /// Gives the kernel a packet: at once, and whole. A TUN device always has room, but the runtime knows nothing of
    /// that until it has asked for the first time, and [`AsyncFile::try_write`] would drop a session's first packet.
    ///
    /// # Errors
    /// `BrokenPipe`: the interface is down or gone. Else the kernel does not take this packet.
    pub fn write_packet(&self, packet: &[u8]) -> io::Result<()> {
        write(self.get(), packet).map(drop)
    }
}

impl<T: OwnsFd> AsFd for AsyncFile<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.get().as_fd()
    }
}

impl<T: OwnsFd> AsyncRead for AsyncFile<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.fd.poll_read_ready(cx))?;
            let room = into.initialize_unfilled();
            if let Ok(done) = guard.try_io(|held| read(&held.get_ref().0, room)) {
                into.advance(done?);
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<T: OwnsFd> AsyncWrite for AsyncFile<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.fd.poll_write_ready(cx))?;
            if let Ok(done) = guard.try_io(|held| write(&held.get_ref().0, bytes)) {
                return Poll::Ready(done);
            }
        }
    }

    /// Nothing is kept back here. What the kernel keeps, [`Tty::unsent`] tells.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// A terminal cannot be half-closed; dropping it closes it.
    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn read(fd: impl AsFd, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match rustix::io::read(&fd, &mut *into) {
            Ok(count) => return Ok(count),
            Err(Errno::INTR) => {}
            // The last slave of a pty closed, or a tty was hung up or unplugged.
            Err(Errno::IO | Errno::NODEV | Errno::NXIO) => return Ok(0),
            Err(e) => return Err(e.into()),
        }
    }
}

fn write(fd: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match rustix::io::write(&fd, bytes) {
            Ok(count) => return Ok(count),
            Err(Errno::INTR) => {}
            Err(Errno::IO | Errno::NODEV | Errno::NXIO) => {
                return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the line is hung up"));
            }
            Err(e) => return Err(e.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pty::Pty;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn bytes_pass_both_ways_and_the_end_of_the_slave_is_the_end_of_the_file() {
        let (master, slave) = Pty::open().unwrap().into_halves();
        slave.set(&crate::tty::tests::MODEM).unwrap();
        let mut master = AsyncPty::new(master).unwrap();
        let mut slave = AsyncTty::new(slave).unwrap();
        master.write_all(b"ATZ\r").await.unwrap();
        let mut seen = [0; 4];
        slave.read_exact(&mut seen).await.unwrap();
        assert_eq!(&seen, b"ATZ\r");
        slave.write_all(b"\r\nOK\r\n").await.unwrap();
        drop(slave);
        let mut rest = Vec::new();
        master.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"\r\nOK\r\n", "what was written before the end still arrives");
    }

    #[tokio::test]
    async fn a_hang_up_ends_reading_and_breaks_writing() {
        let (master, slave) = Pty::open().unwrap().into_halves();
        let slave = AsyncTty::new(slave).unwrap();
        let mut buffer = [0; 8];
        assert_eq!(slave.try_read(&mut buffer).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(master);
        slave.readable().await.unwrap();
        assert_eq!(slave.read_some(&mut buffer).await.unwrap(), 0);
        let broken = slave.write_some(b"x").await.unwrap_err();
        assert_eq!(broken.kind(), io::ErrorKind::BrokenPipe);
    }

    #[tokio::test]
    async fn a_full_terminal_makes_the_writer_wait_until_somebody_reads() {
        let (master, slave) = Pty::open().unwrap().into_halves();
        slave.set(&crate::tty::tests::MODEM).unwrap();
        let master = AsyncPty::new(master).unwrap();
        let slave = AsyncTty::new(slave).unwrap();
        let chunk = [b'x'; 4096];
        let mut sent = 0;
        loop {
            match slave.try_write(&chunk) {
                Ok(count) => sent += count,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(e) => panic!("{e}"),
            }
        }
        let mut buffer = [0; 4096];
        let mut received = 0;
        while received < sent {
            received += master.read_some(&mut buffer).await.unwrap();
        }
        slave.writable().await.unwrap();
        assert!(slave.try_write(b"y").unwrap() == 1);
        assert_eq!(received, sent);
    }

    #[tokio::test]
    async fn a_regular_file_is_refused_in_words() {
        let file = std::fs::File::open("/proc/self/exe").unwrap();
        let fault = AsyncFile::new(OwnedFd::from(file)).unwrap_err();
        assert!(fault.to_string().contains("regular file"), "{fault}");
    }
}

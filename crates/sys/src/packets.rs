//! A pair of sockets for messages between two processes, each of which may carry open descriptors.
//!
//! `SOCK_SEQPACKET`: a message arrives whole or not at all, in order, and the end of the one process is the end of the
//! other's reading. It deliberately does not know what is said.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType,
    sockopt,
};

use crate::async_fd::AsyncFile;

/// The largest message in bytes. What is larger goes in a file whose descriptor is sent.
pub const MESSAGE_LIMIT: usize = 16 * 1024;

/// The most descriptors in one message.
const FDS: usize = 4;

/// One end, whose calls wait.
#[derive(Debug)]
pub struct Packets(OwnedFd);

/// One end on the runtime.
#[derive(Debug)]
pub struct AsyncPackets(AsyncFile);

/// A message as it arrived.
#[derive(Debug)]
pub struct Packet {
    /// What it says.
    pub bytes: Vec<u8>,
    /// What came with it.
    pub fds: Vec<OwnedFd>,
}

impl Packets {
    /// Both ends; neither survives an exec unless it is made another program's standard input.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (one, other) = rustix::net::socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        Ok((Self(one), Self(other)))
    }

    /// Takes over an end that another program gave us.
    ///
    /// # Errors
    /// It is something else.
    pub fn adopt(fd: OwnedFd) -> io::Result<Self> {
        let kind = sockopt::socket_type(&fd)?;
        let family = sockopt::socket_domain(&fd)?;
        if kind != SocketType::SEQPACKET || family != AddressFamily::UNIX {
            return Err(io::Error::other("not a socket for messages between processes"));
        }
        Ok(Self(fd))
    }

    /// As [`Packets::adopt`]; of a socket that listens, the next one who connects to it. Waits for him.
    ///
    /// # Errors
    /// It is something else, or what the kernel says.
    pub fn adopt_or_accept(fd: OwnedFd) -> io::Result<Self> {
        if !sockopt::socket_acceptconn(&fd)? {
            return Self::adopt(fd);
        }
        loop {
            match rustix::net::accept_with(&fd, SocketFlags::CLOEXEC) {
                Ok(connected) => return Self::adopt(connected),
                // He has gone again.
                Err(Errno::INTR | Errno::CONNABORTED) => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Connects to whoever listens at `path`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn connect(path: &Path) -> io::Result<Self> {
        let socket = rustix::net::socket_with(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
        Ok(Self(socket))
    }

    /// From now on a message that is not taken for so long fails to be sent (`WouldBlock`).
    ///
    /// # Errors
    /// What the kernel says.
    pub fn give_up_sending_after(&self, patience: Duration) -> io::Result<()> {
        Ok(sockopt::set_socket_timeout(&self.0, sockopt::Timeout::Send, Some(patience))?)
    }

    /// Sends one message. Waits for room.
    ///
    /// # Errors
    /// `BrokenPipe`: the other process has ended.
    pub fn send(&self, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        send(self.0.as_fd(), bytes, fds)
    }

    /// The next message; `None`: the other process has ended. Waits for one.
    ///
    /// # Errors
    /// A message that is too long, or carries too much, and what the kernel says.
    pub fn receive(&self) -> io::Result<Option<Packet>> {
        receive(self.0.as_fd())
    }

    /// The descriptor, for the program that gets this end.
    pub fn into_fd(self) -> OwnedFd {
        self.0
    }
}

impl AsFd for Packets {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsyncPackets {
    /// Puts an end on the current runtime.
    ///
    /// # Errors
    /// What the kernel says.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O enabled.
    pub fn new(packets: Packets) -> io::Result<Self> {
        Ok(Self(AsyncFile::new(packets.0)?))
    }

    /// Sends one message once there is room. Cancel safe: it is sent or not.
    ///
    /// # Errors
    /// As [`Packets::send`].
    pub async fn send(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_with(|fd| send(fd.as_fd(), bytes, &[])).await
    }

    /// The next message; `None`: the other process has ended. Cancel safe.
    ///
    /// # Errors
    /// As [`Packets::receive`].
    pub async fn receive(&self) -> io::Result<Option<Packet>> {
        self.0.read_with(|fd| receive(fd.as_fd())).await
    }
}

fn send(to: BorrowedFd<'_>, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    if bytes.is_empty() || bytes.len() > MESSAGE_LIMIT || fds.len() > FDS {
        return Err(io::Error::other("not a message of this size"));
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::other("too many descriptors"));
    }
    loop {
        // Without a signal: an end that is gone is an error like others.
        match rustix::net::sendmsg(to, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL) {
            Ok(_all) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
}

fn receive(from: BorrowedFd<'_>) -> io::Result<Option<Packet>> {
    // One more than the limit shows nothing; the kernel says when it has cut something off.
    let mut bytes = vec![0; MESSAGE_LIMIT];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let seen = loop {
        let mut room = [IoSliceMut::new(&mut bytes)];
        match rustix::net::recvmsg(from, &mut room, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Ok(seen) => break seen,
            Err(Errno::INTR) => {}
            Err(Errno::CONNRESET) => return Ok(None),
            Err(e) => return Err(e.into()),
        }
    };
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    if seen.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
        return Err(io::Error::other("a message that is too long"));
    }
    if seen.bytes == 0 {
        return Ok(None);
    }
    bytes.truncate(seen.bytes);
    Ok(Some(Packet { bytes, fds }))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_message_arrives_whole_with_its_descriptors_and_the_end_is_told() {
        let (ours, theirs) = Packets::pair().unwrap();
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        ours.send(b"one", &[reader.as_fd()]).unwrap();
        ours.send(b"two", &[]).unwrap();
        let first = theirs.receive().unwrap().unwrap();
        assert_eq!((first.bytes.as_slice(), first.fds.len()), (b"one".as_slice(), 1));
        rustix::io::write(&writer, b"through it").unwrap();
        drop(writer);
        let mut text = String::new();
        let end = first.fds.into_iter().next().unwrap();
        std::fs::File::from(end).read_to_string(&mut text).unwrap();
        assert_eq!(text, "through it");
        assert_eq!(theirs.receive().unwrap().unwrap().bytes, b"two");
        drop(ours);
        assert!(theirs.receive().unwrap().is_none());
        assert!(theirs.send(b"too late", &[]).is_err());
    }

    #[test]
    fn what_is_no_message_is_refused_on_both_sides() {
        let (ours, theirs) = Packets::pair().unwrap();
        assert!(ours.send(&[0; MESSAGE_LIMIT + 1], &[]).is_err());
        assert!(ours.send(b"", &[]).is_err());
        let (reader, _writer) = rustix::pipe::pipe().unwrap();
        assert!(ours.send(b"x", &[reader.as_fd(); FDS + 1]).is_err());
        // Around our own side's checks.
        let long = [7; MESSAGE_LIMIT + 1];
        rustix::net::send(&ours, &long, SendFlags::empty()).unwrap();
        let refused = theirs.receive().unwrap_err();
        assert!(refused.to_string().contains("too long"), "{refused}");
        assert!(Packets::adopt(std::fs::File::open("/dev/null").unwrap().into()).is_err());
    }

    #[tokio::test]
    async fn on_the_runtime_it_waits_for_room_and_for_messages() {
        let (ours, theirs) = Packets::pair().unwrap();
        let (ours, theirs) = (AsyncPackets::new(ours).unwrap(), AsyncPackets::new(theirs).unwrap());
        let message = vec![1; 4096];
        let send = async {
            for _ in 0..200 {
                ours.send(&message).await.unwrap();
            }
        };
        let receive = async {
            for _ in 0..200 {
                assert_eq!(theirs.receive().await.unwrap().unwrap().bytes.len(), 4096);
            }
        };
        tokio::join!(send, receive);
        drop(ours);
        assert!(theirs.receive().await.unwrap().is_none());
    }
}

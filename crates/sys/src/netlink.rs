//! Requests to the kernel's routing socket (`rtnetlink(7)`): a message is put together, sent, and its answer is
//! awaited, which the kernel has given before `send` returns.
//!
//! Only what changes something is here: each request is acknowledged by one message, and nothing is listed. That
//! is a page of code; the crates for it bring a runtime and a listing of everything.
//!
//! It deliberately does not know what the attributes mean.

use std::io;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with,
};

/// Bytes of `struct nlmsghdr`.
const HEADER: usize = 16;

/// An acknowledgement is its header, an error number and the request it answers, which is never longer than this.
const ANSWER: usize = 1024;

/// One request.
#[derive(Debug)]
pub(crate) struct Request {
    bytes: Vec<u8>,
}

/// Whether what a request names may or must be there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    /// For what changes or removes something.
    Expected,
    /// A second one is an error.
    Refused,
    /// It is replaced.
    Replaced,
}

impl Request {
    /// A request of this kind (`RTM_*`) about this family, which opens with the kind's own header.
    pub(crate) fn new(kind: u16, existing: Existing, header: &[u8]) -> Self {
        let more = match existing {
            Existing::Expected => 0,
            Existing::Refused => libc::NLM_F_CREATE | libc::NLM_F_EXCL,
            Existing::Replaced => libc::NLM_F_CREATE | libc::NLM_F_REPLACE,
        };
        let flags = u16::try_from(libc::NLM_F_REQUEST | libc::NLM_F_ACK | more).unwrap_or(0);
        let mut bytes = vec![0; HEADER];
        for (at, value) in [(4, kind), (6, flags)] {
            if let Some(place) = bytes.get_mut(at..at + 2) {
                place.copy_from_slice(&value.to_ne_bytes());
            }
        }
        bytes.extend_from_slice(header);
        Self { bytes }
    }

    /// Adds an attribute.
    #[must_use]
    pub(crate) fn with(mut self, kind: u16, value: &[u8]) -> Self {
        let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self
    }

    /// Asks the kernel to do it, in the network namespace of this thread.
    pub(crate) fn carry_out(mut self) -> io::Result<()> {
        let length = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        if let Some(place) = self.bytes.get_mut(..4) {
            place.copy_from_slice(&length.to_ne_bytes());
        }
        let socket =
            socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
        sendto(&socket, &self.bytes, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
        let mut answer = [0; ANSWER];
        let (_, count) = recv(&socket, &mut answer, RecvFlags::empty())?;
        acknowledged(answer.get(..count).unwrap_or_default())
    }
}

/// An attribute of attributes.
pub(crate) fn nested(kind: u16, value: &[u8]) -> Vec<u8> {
    let inner = Request { bytes: Vec::new() };
    inner.with(kind, value).bytes
}

/// What an answer says: `struct nlmsgerr` with 0 for success.
fn acknowledged(answer: &[u8]) -> io::Result<()> {
    let strange = || io::Error::other("the kernel's routing socket answers in no known way");
    let kind = answer.get(4..6).and_then(|bytes| bytes.try_into().ok()).map(u16::from_ne_bytes);
    if kind.map(i32::from) != Some(libc::NLMSG_ERROR) {
        return Err(strange());
    }
    let error = answer.get(HEADER..HEADER + 4).and_then(|bytes| bytes.try_into().ok());
    match error.map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(error) => Err(io::Error::from_raw_os_error(-error)),
        None => Err(strange()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_padded_to_four_octets_and_its_length_does_not_count_them() {
        let request = Request::new(20, Existing::Refused, &[2, 32, 0, 0]).with(3, b"dial\0");
        let said = request.bytes.get(HEADER..).unwrap();
        let mut wanted = vec![2, 32, 0, 0];
        wanted.extend_from_slice(&9u16.to_ne_bytes());
        wanted.extend_from_slice(&3u16.to_ne_bytes());
        wanted.extend_from_slice(b"dial\0\0\0\0");
        assert_eq!(said, wanted);
    }

    #[test]
    fn answers_are_errors_successes_or_strange() {
        let answer = |kind: u16, error: i32| {
            let mut bytes = vec![0; HEADER];
            bytes.get_mut(4..6).unwrap().copy_from_slice(&kind.to_ne_bytes());
            bytes.extend_from_slice(&error.to_ne_bytes());
            bytes
        };
        assert!(acknowledged(&answer(2, 0)).is_ok());
        let refused = acknowledged(&answer(2, -libc::EPERM)).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::EPERM));
        assert!(acknowledged(&answer(3, 0)).is_err());
        assert!(acknowledged(&[]).is_err());
        assert!(acknowledged(&answer(2, 0)[..18]).is_err());
    }
}

//! The connection to a syslog host: UDP (RFC 5426), TCP with octets counted (RFC 6587 §3.4.1), TLS (RFC 5425).

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs, UdpSocket};
use std::time::Duration;

use calls::config::relay::{Syslog, Transport};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::relay::tls;

/// How long a host may take to answer, or to take what was written.
const PATIENCE: Duration = Duration::from_secs(15);

/// See the file's text.
#[derive(Debug)]
pub(super) enum Wire {
    Udp(UdpSocket),
    Tcp(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Wire {
    /// Connects to the host.
    pub(super) fn connect(host: &Syslog) -> io::Result<Self> {
        match host.transport {
            Transport::Udp => {
                let mut last = io::Error::other("the name has no address");
                for address in (host.host.as_str(), host.port).to_socket_addrs()? {
                    let own = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                    let connected = UdpSocket::bind(own).and_then(|socket| {
                        socket.connect(address)?;
                        Ok(socket)
                    });
                    match connected {
                        Ok(socket) => return Ok(Self::Udp(socket)),
                        Err(e) => last = e,
                    }
                }
                Err(last)
            }
            Transport::Tcp => tcp(host).map(Self::Tcp),
            Transport::Tls => {
                let config = tls::client(host.ca_file.as_deref()).map_err(io::Error::other)?;
                let name = ServerName::try_from(host.host.clone()).map_err(io::Error::other)?;
                let connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
                let mut stream = StreamOwned::new(connection, tcp(host)?);
                // A certificate that nobody vouches for is told before anything is sent.
                while stream.conn.is_handshaking() {
                    stream.conn.complete_io(&mut stream.sock)?;
                }
                Ok(Self::Tls(Box::new(stream)))
            }
        }
    }

    /// Sends messages; when this returns, the kernel has all of them.
    pub(super) fn send(&mut self, messages: &[Vec<u8>]) -> io::Result<()> {
        if let Self::Udp(socket) = self {
            for message in messages {
                socket.send(message)?;
            }
            return Ok(());
        }
        let frames: Vec<u8> = messages.iter().flat_map(|message| framed(message)).collect();
        match self {
            Self::Udp(_) => Ok(()),
            Self::Tcp(stream) => stream.write_all(&frames),
            Self::Tls(stream) => {
                stream.write_all(&frames)?;
                stream.flush()
            }
        }
    }

    /// Whether the other end has not closed. A first write to a closed connection succeeds and is lost; so we look
    /// before.
    pub(super) fn is_open(&mut self) -> bool {
        match self {
            // It has no other end; what came back is told by the next write.
            Self::Udp(_) => true,
            Self::Tcp(stream) => {
                let open = stream.set_nonblocking(true).is_ok() && nothing_but_silence(stream);
                open && stream.set_nonblocking(false).is_ok()
            }
            Self::Tls(stream) => {
                let open = stream.sock.set_nonblocking(true).is_ok() && nothing_but_silence(stream);
                open && stream.sock.set_nonblocking(false).is_ok()
            }
        }
    }
}

/// Syslog hosts say nothing; whatever one says is left aside.
fn nothing_but_silence(stream: &mut impl Read) -> bool {
    let mut aside = [0_u8; 512];
    // A host that talks without end is none: 64 KiB are enough to see it.
    for _ in 0..128 {
        match stream.read(&mut aside) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return true,
            Err(_) => return false,
        }
    }
    false
}

fn tcp(host: &Syslog) -> io::Result<TcpStream> {
    let mut last = io::Error::other("the name has no address");
    for address in (host.host.as_str(), host.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_write_timeout(Some(PATIENCE))?;
                stream.set_read_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(e) => last = e,
        }
    }
    Err(last)
}

/// `MSG-LEN SP SYSLOG-MSG`.
fn framed(message: &[u8]) -> Vec<u8> {
    let mut frame = format!("{} ", message.len()).into_bytes();
    frame.extend_from_slice(message);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_counts_octets_and_not_characters() {
        assert_eq!(framed(b"abc"), b"3 abc");
        assert_eq!(framed("\u{e9}".as_bytes()), b"2 \xc3\xa9");
    }
}

//! The connection to a syslog host: UDP (RFC 5426), TCP with octets counted (RFC 6587 §3.4.1), TLS (RFC 5425).

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs, UdpSocket};
use std::time::{Duration, Instant};

use calls::config::relay::{Syslog, Transport};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::relay::tls;

/// How long a host may take to answer, or to take what was written.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long a host that was told the end may take to read what is under way.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long the address is believed that a host's name had: nothing tells that datagrams go where nobody is any more.
const ADDRESS_TIME: Duration = Duration::from_secs(3600);

/// See the file's text.
#[derive(Debug)]
pub(super) enum Wire {
    Udp { socket: UdpSocket, until: Instant },
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
                        Ok(socket) => {
                            return Ok(Self::Udp { socket, until: Instant::now() + ADDRESS_TIME });
                        }
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
        if let Self::Udp { socket, .. } = self {
            for message in messages {
                socket.send(message)?;
            }
            return Ok(());
        }
        let frames: Vec<u8> = messages.iter().flat_map(|message| framed(message)).collect();
        match self {
            Self::Udp { .. } => Ok(()),
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
            Self::Udp { until, .. } => Instant::now() < *until,
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

/// Whoever closes with bytes unread (the tickets that a TLS 1.3 host sends behind the handshake are enough) resets the
/// connection, and the host may lose what it has not read yet. So the end is told, and the host's own waited for.
impl Drop for Wire {
    fn drop(&mut self) {
        let stream = match self {
            Self::Udp { .. } => return,
            Self::Tcp(stream) => stream,
            Self::Tls(stream) => {
                stream.conn.send_close_notify();
                // A connection that has failed already has nothing to say; so below.
                if stream.flush().is_err() {
                    return;
                }
                &mut stream.sock
            }
        };
        if stream.shutdown(Shutdown::Write).is_err() {
            return;
        }
        let until = Instant::now() + FAREWELL;
        let mut aside = [0_u8; 512];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
                return;
            }
            match stream.read(&mut aside) {
                Ok(0) => return,
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
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
    use std::io::BufReader;
    use std::net::TcpListener;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use std::thread::JoinHandle;

    use calls::alert::Severity;
    use calls::config::relay::Filter;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::{ServerConfig, ServerConnection};

    use super::*;

    fn testing(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/relay/syslog/testing").join(name)
    }

    fn host(transport: Transport, port: u16, ca_file: Option<PathBuf>) -> Syslog {
        Syslog {
            name: "a".to_owned(),
            transport,
            host: "localhost".to_owned(),
            port,
            ca_file,
            facility: 10,
            numbers: true,
            filter: Filter { events: Vec::new(), severity: Severity::Plain },
        }
    }

    /// What a connection brought, and whether its end was told.
    type Brought = (String, bool);

    /// A TLS host with a certificate for `localhost`; gives back what one connection brought.
    fn tls_host() -> (u16, JoinHandle<Brought>) {
        let certificate = CertificateDer::from_pem_file(testing("host.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(testing("host.key")).unwrap();
        let config = ServerConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let served = std::thread::spawn(move || {
            let (stream, _) = socket.accept().unwrap();
            let connection = ServerConnection::new(Arc::new(config)).unwrap();
            let mut text = String::new();
            let read =
                BufReader::new(StreamOwned::new(connection, stream)).read_to_string(&mut text);
            (text, read.is_ok())
        });
        (port, served)
    }

    #[test]
    fn a_frame_counts_octets_and_not_characters() {
        assert_eq!(framed(b"abc"), b"3 abc");
        assert_eq!(framed("\u{e9}".as_bytes()), b"2 \xc3\xa9");
    }

    #[test]
    fn a_tls_host_gets_frames_if_somebody_vouches_for_it() {
        let (port, served) = tls_host();
        let mut wire = Wire::connect(&host(Transport::Tls, port, Some(testing("ca.pem")))).unwrap();
        wire.send(&[b"one".to_vec()]).unwrap();
        assert!(wire.is_open());
        wire.send(&[b"two".to_vec(), b"three".to_vec()]).unwrap();
        drop(wire);
        assert_eq!(served.join().unwrap(), ("3 one3 two5 three".to_owned(), true));
    }

    #[test]
    fn a_tls_host_that_nobody_vouches_for_gets_nothing() {
        let (port, served) = tls_host();
        // The host's own certificate is no authority.
        let refused = Wire::connect(&host(Transport::Tls, port, Some(testing("host.pem"))));
        assert!(refused.is_err());
        drop(refused);
        assert_eq!(served.join().unwrap(), (String::new(), false));
    }

    #[test]
    fn a_host_that_talks_loses_nothing_when_the_connection_is_closed() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let mut wire = Wire::connect(&host(Transport::Tcp, port, None)).unwrap();
        let (mut stream, _) = socket.accept().unwrap();
        stream.write_all(b"welcome").unwrap();
        let Wire::Tcp(own) = &mut wire else { panic!("not TCP") };
        assert_eq!(own.peek(&mut [0]).unwrap(), 1);
        wire.send(&[b"one".to_vec()]).unwrap();
        let closing = std::thread::spawn(move || drop(wire));
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert_eq!(text, "3 one");
        drop(stream);
        closing.join().unwrap();
    }

    #[test]
    fn a_host_that_has_closed_is_known_before_something_is_lost() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let mut wire = Wire::connect(&host(Transport::Tcp, port, None)).unwrap();
        let (stream, _) = socket.accept().unwrap();
        assert!(wire.is_open());
        drop(stream);
        // Its end arrives when it arrives: reading waits for it.
        let Wire::Tcp(own) = &mut wire else { panic!("not TCP") };
        assert_eq!(own.peek(&mut [0]).unwrap(), 0);
        assert!(!wire.is_open());
    }

    #[test]
    fn a_datagram_is_a_message_without_a_frame() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let to = Syslog { host: "127.0.0.1".to_owned(), ..host(Transport::Udp, port, None) };
        let mut wire = Wire::connect(&to).unwrap();
        wire.send(&[b"one".to_vec(), b"two".to_vec()]).unwrap();
        let mut bytes = [0; 16];
        for expected in [b"one", b"two"] {
            let length = socket.recv(&mut bytes).unwrap();
            assert_eq!(&bytes[..length], expected);
        }
        // The name may have another address by now.
        assert!(wire.is_open());
        let Wire::Udp { until, .. } = &mut wire else { panic!("not UDP") };
        *until = Instant::now();
        assert!(!wire.is_open());
    }
}

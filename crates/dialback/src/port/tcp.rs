//! A modem behind a plain TCP port: bytes and nothing else. There are no control lines; `+++ATH` hangs up,
//! and closing the connection leaves the modem alone.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use proto::signals::Signals;
use tokio::io::Interest;
use tokio::net::{TcpSocket, TcpStream, lookup_host};

use super::pace::Pace;
use super::wire::{Heard, READ_ROOM, Unsent};

/// How long the far end may take to accept a connection, on each of its addresses.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// A terminal server that was switched off says nothing: after so much silence the kernel asks.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
/// And asks again,
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// so often, before the connection counts as lost: a minute in all.
const KEEPALIVE_COUNT: u32 = 3;

/// Connects to `host`, trying each of its addresses. The error is for people.
pub(super) async fn connect(host: &str, tcp_port: u16) -> Result<TcpStream, String> {
    let place = format!("{host}:{tcp_port}");
    let addresses = lookup_host((host, tcp_port))
        .await
        .map_err(|e| format!("{place}: {e}: is the name right, and does name service work?"))?;
    let mut last = format!("{place}: the name has no address");
    for address in addresses {
        match tokio::time::timeout(CONNECT_TIME, connect_to(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(e)) => {
                last = format!("{place}: {e}: is the terminal server on, and its port not in use?");
            }
            Err(_) => {
                let s = CONNECT_TIME.as_secs();
                last = format!("{place}: no answer within {s} s: is the terminal server on?");
            }
        }
    }
    Err(last)
}

async fn connect_to(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_keepalive(true)?;
    // Keys come one by one, and AT commands wait for their answers.
    socket.set_nodelay(true)?;
    let stream = socket.connect(address).await?;
    rustix::net::sockopt::set_tcp_keepidle(&stream, KEEPALIVE_IDLE)?;
    rustix::net::sockopt::set_tcp_keepintvl(&stream, KEEPALIVE_INTERVAL)?;
    rustix::net::sockopt::set_tcp_keepcnt(&stream, KEEPALIVE_COUNT)?;
    Ok(stream)
}

/// Waits for what is wanted of a stream; an error shows when it is read.
pub(super) async fn ready(stream: &TcpStream, read: bool, write: bool) {
    let interest = match (read, write) {
        (true, true) => Interest::READABLE | Interest::WRITABLE,
        (true, false) => Interest::READABLE,
        (false, true) => Interest::WRITABLE,
        (false, false) => return std::future::pending().await,
    };
    drop(stream.ready(interest).await);
}

/// What one read of a stream brings. `Err` is what to tell people.
pub(super) fn read(stream: &TcpStream) -> Result<Option<Vec<u8>>, String> {
    let mut room = [0; READ_ROOM];
    match stream.try_read(&mut room) {
        Ok(0) => Err("the far end has closed the connection".to_owned()),
        Ok(count) => Ok(room.get(..count).map(<[u8]>::to_vec)),
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(e) => Err(format!("the connection is lost: {e}")),
    }
}

/// Plain bytes over TCP.
#[derive(Debug)]
pub(crate) struct TcpWire {
    stream: TcpStream,
    pace: Pace,
}

impl TcpWire {
    pub(super) async fn open(host: &str, tcp_port: u16, speed: u32) -> Result<Self, String> {
        let stream = connect(host, tcp_port).await?;
        Ok(Self { stream, pace: Pace::new(speed) })
    }

    pub(super) fn signals(&self) -> Option<Signals> {
        None
    }

    pub(super) async fn wait(&mut self, read: bool, write: bool) {
        ready(&self.stream, read, write).await;
    }

    pub(super) fn hear(&mut self, may_read: bool) -> Vec<Heard> {
        if !may_read {
            return Vec::new();
        }
        match read(&self.stream) {
            Ok(Some(bytes)) => vec![Heard::Bytes(bytes)],
            Ok(None) => Vec::new(),
            Err(why) => vec![Heard::Lost(why)],
        }
    }

    pub(super) fn offer(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.stream.try_write(bytes)?;
        self.pace.sent(count);
        Ok(count)
    }

    pub(super) fn unsent(&mut self) -> Unsent {
        self.pace.left().map_or(Unsent::Nothing, Unsent::LookIn)
    }

    pub(super) fn set_dtr(&mut self, _up: bool) -> Result<(), String> {
        Ok(())
    }

    pub(super) fn set_speed(&mut self, speed: u32) -> Result<(), String> {
        self.pace.set_speed(speed);
        Ok(())
    }

    pub(super) fn flush(&mut self) {
        // As much as the kernel can hold; a flood must not keep us here.
        for _ in 0..64 {
            match read(&self.stream) {
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break,
            }
        }
        self.pace.forget();
    }
}

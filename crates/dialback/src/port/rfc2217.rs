//! A modem behind a terminal server that speaks RFC 2217: bytes, speed, DTR and the modem's signals over TCP.
//!
//! The protocol is `proto::telnet`'s; here are the socket, the time and the translation. An access server
//! that never says its signals is a port without control lines.

use std::io;
use std::time::Duration;

use proto::signals::Signals;
use proto::telnet::ComPortClient;
use proto::telnet::client::{ClientConfig, Output};
use proto::telnet::comport::{Control, Flow, PortSettings, Purge, Setting};
use proto::time::Instant;
use tokio::net::TcpStream;

use super::Settings;
use super::pace::Pace;
use super::tcp::{connect, read, ready};
use super::wire::{Heard, Unsent};

/// Encoded bytes that may wait for the socket before the port takes no more.
const OUT_LIMIT: usize = 4096;

/// As long as a local terminal's break (tcsendbreak(3)).
const BREAK: Duration = Duration::from_millis(300);

/// A terminal server's port.
#[derive(Debug)]
pub(crate) struct Rfc2217Wire {
    stream: TcpStream,
    client: ComPortClient,
    place: String,
    /// Encoded, not yet taken by the socket.
    out: Vec<u8>,
    may_send: bool,
    signals: Option<Signals>,
    stage: Stage,
    heard: Vec<Heard>,
    pace: Pace,
}

/// How far the opening has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Negotiating,
    /// The port is ours; its signals have not been said yet.
    Ready,
    /// Signals are known, or known not to come.
    Open,
}

impl Rfc2217Wire {
    pub(super) async fn open(
        host: &str,
        tcp_port: u16,
        settings: &Settings,
    ) -> Result<Self, String> {
        let place = format!("{host}:{tcp_port}");
        let stream = connect(host, tcp_port).await?;
        let flow = if settings.hardware_flow { Flow::Hardware } else { Flow::None };
        let port = PortSettings { baud: settings.speed, flow, ..PortSettings::default() };
        let config = ClientConfig { port, ..ClientConfig::default() };
        let mut wire = Self {
            stream,
            client: ComPortClient::new(config, now()),
            place,
            out: Vec::new(),
            may_send: true,
            signals: None,
            stage: Stage::Negotiating,
            heard: Vec::new(),
            pace: Pace::new(settings.speed),
        };
        wire.client.control(Control::DtrOn);
        // With RTS/CTS the terminal server drives RTS by its own buffer.
        if !settings.hardware_flow {
            wire.client.control(Control::RtsOn);
        }
        wire.carry_out();
        // The client's own time limits end this.
        while wire.stage != Stage::Open {
            wire.wait(true, false).await;
            wire.look(true);
            if let Some(why) = wire.lost() {
                return Err(why);
            }
        }
        // What the modem said before the port was ours is nobody's.
        wire.heard.clear();
        Ok(wire)
    }

    pub(super) fn signals(&self) -> Option<Signals> {
        self.signals
    }

    pub(super) async fn wait(&mut self, read: bool, write: bool) {
        let write = write && self.may_send || !self.out.is_empty();
        let deadline = self.client.deadline();
        tokio::select! {
            () = ready(&self.stream, read, write) => {}
            () = until(deadline.map(|deadline| deadline.at)) => {}
        }
    }

    pub(super) fn hear(&mut self, may_read: bool) -> Vec<Heard> {
        self.look(may_read);
        std::mem::take(&mut self.heard)
    }

    pub(super) fn offer(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.may_send || self.out.len() >= OUT_LIMIT {
            self.push();
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = bytes.len().min(OUT_LIMIT);
        self.client.write(bytes.get(..count).unwrap_or(bytes));
        self.pace.sent(count);
        self.carry_out();
        Ok(count)
    }

    pub(super) fn unsent(&mut self) -> Unsent {
        self.push();
        if !self.out.is_empty() {
            return Unsent::Told;
        }
        self.pace.left().map_or(Unsent::Nothing, Unsent::LookIn)
    }

    pub(super) fn set_dtr(&mut self, up: bool) -> Result<(), String> {
        self.client.control(if up { Control::DtrOn } else { Control::DtrOff });
        self.carry_out();
        self.lost().map_or(Ok(()), Err)
    }

    pub(super) async fn send_break(&mut self) -> Result<(), String> {
        self.client.control(Control::BreakOn);
        self.carry_out();
        // A break is a length of time: RFC 2217 has "on" and "off", and no word for a whole one.
        tokio::time::sleep(BREAK).await;
        self.client.control(Control::BreakOff);
        self.carry_out();
        self.lost().map_or(Ok(()), Err)
    }

    pub(super) fn set_speed(&mut self, speed: u32) -> Result<(), String> {
        self.client.set(Setting::Baud(speed));
        self.pace.set_speed(speed);
        self.carry_out();
        self.lost().map_or(Ok(()), Err)
    }

    pub(super) fn flush(&mut self) {
        self.look(true);
        self.heard.retain(|heard| !matches!(heard, Heard::Bytes(_)));
        self.client.purge(Purge::Both);
        self.pace.forget();
        self.carry_out();
    }

    /// Reads once if it may, lets time pass, and carries out what that brings.
    fn look(&mut self, may_read: bool) {
        let now = now();
        if may_read {
            match read(&self.stream) {
                Ok(Some(bytes)) => self.client.receive(now, &bytes),
                Ok(None) => {}
                Err(why) => self.heard.push(Heard::Lost(format!("{}: {why}", self.place))),
            }
        }
        if self.client.deadline().is_some_and(|deadline| deadline.at <= now) {
            self.client.tick(now);
        }
        self.carry_out();
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.client.poll() {
            match output {
                Output::Wire(bytes) => self.out.extend_from_slice(&bytes),
                Output::Data(bytes) => self.heard.push(Heard::Bytes(bytes)),
                Output::Ready { unanswered } => {
                    if unanswered > 0 {
                        tracing::debug!("{}: {unanswered} port settings unanswered", self.place);
                    }
                    self.stage = match self.signals {
                        Some(_) => Stage::Open,
                        None => Stage::Ready,
                    };
                }
                Output::NoComPort { telnet } => {
                    let what =
                        if telnet { "speaks telnet but not RFC 2217" } else { "is a raw port" };
                    let why = format!(
                        "{} {what}: there is no DTR or carrier on it; set its RFC 2217 mode, or write the \
                         line's port as \"tcp://{}\"",
                        self.place, self.place
                    );
                    self.heard.push(Heard::Lost(why));
                }
                Output::Signals(signals) => {
                    self.signals = Some(signals);
                    if self.stage == Stage::Ready {
                        self.stage = Stage::Open;
                    }
                    self.heard.push(Heard::Signals(signals));
                }
                Output::NoSignals => {
                    tracing::warn!("{}: never says its modem signals", self.place);
                    self.stage = Stage::Open;
                }
                Output::Differs { asked, got } => {
                    tracing::warn!("{}: asked for {asked:?}, got {got:?}", self.place);
                }
                Output::MaySend(may_send) => self.may_send = may_send,
                Output::Set(_)
                | Output::Control(_)
                | Output::LineState(_)
                | Output::Signature(_) => {}
            }
        }
        self.push();
    }

    /// Gives the socket what it takes.
    fn push(&mut self) {
        while !self.out.is_empty() {
            match self.stream.try_write(&self.out) {
                Ok(count) => drop(self.out.drain(..count)),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return,
                Err(e) => {
                    self.out.clear();
                    let why = format!("{}: the connection is lost: {e}", self.place);
                    self.heard.push(Heard::Lost(why));
                }
            }
        }
        // An idle line keeps no buffer.
        self.out = Vec::new();
    }

    fn lost(&self) -> Option<String> {
        self.heard.iter().find_map(|heard| match heard {
            Heard::Lost(why) => Some(why.clone()),
            Heard::Bytes(_) | Heard::Signals(_) => None,
        })
    }
}

/// Telnet's own clock: nobody compares it with the core's.
fn now() -> Instant {
    Instant::from_micros(sys::clock::monotonic_micros())
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep(at - now()).await,
        None => std::future::pending().await,
    }
}

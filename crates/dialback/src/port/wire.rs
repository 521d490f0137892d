//! An open port, of whatever kind: read, write, wait, and the modem's control lines.

use std::io;
use std::time::Duration;

use calls::config::PortSpec;
use proto::signals::Signals;

use super::rfc2217::Rfc2217Wire;
use super::sim::SimWire;
use super::tcp::TcpWire;
use super::tty::TtyWire;
use super::{Settings, Surroundings};

/// What came from a port.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Bytes of the modem.
    Bytes(Vec<u8>),
    /// The control lines have changed.
    Signals(Signals),
    /// The port is gone. For people, with the cure.
    Lost(String),
}

/// What has not left for the modem yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsent {
    /// Everything has, as far as can be known.
    Nothing,
    /// Something; look again after this long.
    LookIn(Duration),
    /// Something; [`Wire::wait`] returns when that may have changed.
    Told,
}

/// Room for one read, on the stack: what arrives at 115,200 bit/s in a third of a second.
pub(super) const READ_ROOM: usize = 4096;

/// An open port.
#[derive(Debug)]
pub(crate) enum Wire {
    /// A local terminal.
    Tty(Box<TtyWire>),
    /// A terminal server's port.
    Rfc2217(Box<Rfc2217Wire>),
    /// Plain bytes over TCP.
    Tcp(TcpWire),
    /// A modem of the embedded exchange.
    Sim(Box<SimWire>),
}

/// One method of each kind.
macro_rules! each {
    ($wire:expr, $name:ident => $call:expr) => {
        match $wire {
            Wire::Tty($name) => $call,
            Wire::Rfc2217($name) => $call,
            Wire::Tcp($name) => $call,
            Wire::Sim($name) => $call,
        }
    };
}

impl Wire {
    /// Opens a port: raw, DTR up. Bounded in time. The error is for people.
    pub(crate) async fn open(settings: Settings, around: Surroundings) -> Result<Self, String> {
        match &settings.spec {
            PortSpec::Tty(path) => {
                if let Some(launcher) = &around.launcher
                    && let Some(fault) = launcher.vacate(path.clone()).await
                {
                    // Opening it says what is wrong, if anything is.
                    tracing::debug!("{}: throwing others out: {fault}", path.display());
                }
                TtyWire::open(&settings).map(|wire| Self::Tty(Box::new(wire)))
            }
            PortSpec::Rfc2217 { host, tcp_port } => {
                let opened = Rfc2217Wire::open(host, *tcp_port, &settings).await;
                opened.map(|wire| Self::Rfc2217(Box::new(wire)))
            }
            PortSpec::Tcp { host, tcp_port } => {
                TcpWire::open(host, *tcp_port, settings.speed).await.map(Self::Tcp)
            }
            PortSpec::Sim(name) => {
                SimWire::open(name, around.sim.as_ref()).await.map(|wire| Self::Sim(Box::new(wire)))
            }
        }
    }

    /// The control lines, if the port has them.
    pub(crate) fn signals(&self) -> Option<Signals> {
        each!(self, wire => wire.signals())
    }

    /// Waits until something can be read (if `read`) or written (if `write`), or the wire itself has
    /// something to do. Cancel safe.
    pub(crate) async fn wait(&mut self, read: bool, write: bool) {
        each!(self, wire => wire.wait(read, write).await);
    }

    /// What has come, in order; at most one read's worth of bytes, and those only if `read`.
    pub(crate) fn hear(&mut self, read: bool) -> Vec<Heard> {
        each!(self, wire => wire.hear(read))
    }

    /// Takes as many of `bytes` as there is room for; `WouldBlock` if there is none.
    pub(crate) fn offer(&mut self, bytes: &[u8]) -> io::Result<usize> {
        each!(self, wire => wire.offer(bytes))
    }

    /// What has not left yet.
    pub(crate) fn unsent(&mut self) -> Unsent {
        each!(self, wire => wire.unsent())
    }

    /// Raises or drops DTR, where there is one.
    pub(crate) fn set_dtr(&mut self, up: bool) -> Result<(), String> {
        each!(self, wire => wire.set_dtr(up))
    }

    /// Sends a break of a quarter to half a second.
    pub(crate) async fn send_break(&mut self) -> Result<(), String> {
        match self {
            Self::Tty(tty) => tty.send_break(),
            Self::Rfc2217(wire) => wire.send_break().await,
            Self::Tcp(_) | Self::Sim(_) => {
                Err("a break cannot be sent on this kind of port".to_owned())
            }
        }
    }

    /// Another speed between us and the modem.
    pub(super) fn set_speed(&mut self, speed: u32) -> Result<(), String> {
        each!(self, wire => wire.set_speed(speed))
    }

    /// Forgets what was received and not read, and what was offered and has not left.
    pub(super) fn flush(&mut self) {
        each!(self, wire => wire.flush());
    }

    /// Whether the fall of DCD hangs up the terminal for the program on it.
    pub(super) fn carrier_matters(&mut self, matters: bool) -> Result<(), String> {
        match self {
            Self::Tty(tty) => tty.carrier_matters(matters),
            Self::Rfc2217(_) | Self::Tcp(_) | Self::Sim(_) => Ok(()),
        }
    }

    /// The terminal itself, where a program can have it.
    pub(super) fn as_tty(&mut self) -> Option<&mut TtyWire> {
        match self {
            Self::Tty(tty) => Some(tty),
            Self::Rfc2217(_) | Self::Tcp(_) | Self::Sim(_) => None,
        }
    }

    /// Drops DTR, where the port has it, before it is closed.
    pub(crate) fn close(mut self) {
        // A port that is gone has no DTR any more.
        drop(self.set_dtr(false));
        drop(self);
    }
}

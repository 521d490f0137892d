//! Modems of an exchange inside this process: the seam between the rim and the simulated town.
//!
//! Whoever runs the exchange keeps the receiving end of [`Sockets::new`]. Each time that a `sim:` port is
//! opened he gets a [`Plug`]: he finds the modem by its name, answers whether there is one, and then the two
//! talk over the plug's channels until one side drops its ends (a cable pulled out: DTR is down). The virtual
//! modems of `dialback exchange` are reached the same way by ptys and network ports, with [`Sockets::plug`].

use std::io;

use proto::signals::Signals;
use tokio::sync::{mpsc, oneshot};

use super::wire::{Heard, Unsent};

/// What the DTE says to its modem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ToModem {
    /// Bytes.
    Bytes(Vec<u8>),
    /// DTR.
    Dtr(bool),
    /// The port's speed in bit/s.
    Speed(u32),
    /// Say [`FromModem::Drained`] once everything before this has left for the telephone line.
    Drain,
    /// Forget the bytes that have not left.
    Flush,
    /// A break.
    Break,
    /// Whether the computer takes bytes (RTS).
    Ready(bool),
}

/// What the modem says to its DTE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FromModem {
    /// Bytes.
    Bytes(Vec<u8>),
    /// The control lines have changed.
    Signals(Signals),
    /// The answer to [`ToModem::Drain`].
    Drained,
    /// The modem has taken so many of the bytes that it was sent (CTS).
    Taken(usize),
}

/// A cable from a port to a modem, at the modem's end.
#[derive(Debug)]
pub(crate) struct Plug {
    /// The modem that is wanted.
    pub(crate) name: String,
    /// From the port. Its end is the cable pulled out.
    pub(crate) from_port: mpsc::UnboundedReceiver<ToModem>,
    /// To the port. Bounded: a modem waits for a slow reader as it would with RTS down.
    pub(crate) to_port: mpsc::Sender<FromModem>,
    /// Whether to wait for a modem whose cable is off, and not to be told that it is.
    pub(crate) patient: bool,
    /// How the control lines stand, or why there is no such modem.
    pub(crate) answer: oneshot::Sender<Result<Signals, String>>,
}

/// Messages that may wait for a port to read them.
const CABLE: usize = 64;

/// Where `sim:` ports are plugged in.
#[derive(Clone, Debug)]
pub(crate) struct Sockets(mpsc::UnboundedSender<Plug>);

impl Sockets {
    /// A board of sockets, and the end at which the exchange gets the plugs.
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Plug>) {
        let (sockets, plugs) = mpsc::unbounded_channel();
        (Self(sockets), plugs)
    }
}

/// A cable from a modem, at the port's end.
#[derive(Debug)]
pub(crate) struct Cable {
    /// To the modem.
    pub(crate) to: mpsc::UnboundedSender<ToModem>,
    /// From the modem. Its end: the cable is off, or the exchange is gone.
    pub(crate) from: mpsc::Receiver<FromModem>,
    /// How the control lines stood when it was plugged in.
    pub(crate) signals: Signals,
}

impl Sockets {
    /// Plugs a port into the modem with this name, and waits until its cable is on. `Err` says why there is none.
    pub(crate) async fn plug(&self, name: &str, patient: bool) -> Result<Cable, String> {
        let none = || "the simulated exchange is gone".to_owned();
        let (to, from_port) = mpsc::unbounded_channel();
        let (to_port, from) = mpsc::channel(CABLE);
        let (answer, answered) = oneshot::channel();
        let plug = Plug { name: name.to_owned(), from_port, to_port, patient, answer };
        self.0.send(plug).map_err(|_| none())?;
        let signals = answered.await.map_err(|_| none())??;
        Ok(Cable { to, from, signals })
    }
}

/// An open `sim:` port.
#[derive(Debug)]
pub(crate) struct SimWire {
    to: mpsc::UnboundedSender<ToModem>,
    from: mpsc::Receiver<FromModem>,
    signals: Signals,
    /// Received while waiting, not yet handed out.
    heard: Option<FromModem>,
    drain: Drain,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drain {
    Not,
    Asked,
    Done,
}

impl SimWire {
    pub(super) async fn open(name: &str, sockets: Option<&Sockets>) -> Result<Self, String> {
        let none =
            || format!("sim:{name}: no simulated exchange runs in this server: use dialback demo");
        let Some(sockets) = sockets else { return Err(none()) };
        let Cable { to, from, signals } = sockets.plug(name, false).await?;
        drop(to.send(ToModem::Dtr(true)));
        Ok(Self { to, from, signals, heard: None, drain: Drain::Not })
    }

    pub(super) fn signals(&self) -> Option<Signals> {
        Some(self.signals)
    }

    pub(super) async fn wait(&mut self, read: bool, write: bool) {
        if write && !self.to.is_closed() || self.heard.is_some() {
            return;
        }
        if !read && self.drain != Drain::Asked {
            return std::future::pending().await;
        }
        match self.from.recv().await {
            Some(heard) => self.heard = Some(heard),
            None => self.drain = Drain::Done,
        }
    }

    pub(super) fn hear(&mut self, may_read: bool) -> Vec<Heard> {
        let mut all = Vec::new();
        if !may_read && self.heard.is_none() && self.drain != Drain::Asked {
            return all;
        }
        loop {
            let next = match self.heard.take() {
                Some(heard) => Ok(heard),
                None => self.from.try_recv(),
            };
            match next {
                Ok(FromModem::Bytes(bytes)) => all.push(Heard::Bytes(bytes)),
                Ok(FromModem::Signals(signals)) => {
                    self.signals = signals;
                    all.push(Heard::Signals(signals));
                }
                Ok(FromModem::Drained) => self.drain = Drain::Done,
                Ok(FromModem::Taken(_)) => {}
                Err(mpsc::error::TryRecvError::Empty) => return all,
                Err(mpsc::error::TryRecvError::Disconnected) => {
                    all.push(Heard::Lost("the simulated exchange is gone".to_owned()));
                    return all;
                }
            }
        }
    }

    pub(super) fn offer(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.drain = Drain::Not;
        match self.to.send(ToModem::Bytes(bytes.to_vec())) {
            Ok(()) => Ok(bytes.len()),
            Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    pub(super) fn unsent(&mut self) -> Unsent {
        match self.drain {
            Drain::Done => Unsent::Nothing,
            Drain::Asked => Unsent::Told,
            Drain::Not => match self.to.send(ToModem::Drain) {
                Ok(()) => {
                    self.drain = Drain::Asked;
                    Unsent::Told
                }
                Err(_) => Unsent::Nothing,
            },
        }
    }

    pub(super) fn set_dtr(&mut self, up: bool) -> Result<(), String> {
        self.say(ToModem::Dtr(up))
    }

    pub(super) fn set_speed(&mut self, speed: u32) -> Result<(), String> {
        self.say(ToModem::Speed(speed))
    }

    pub(super) fn flush(&mut self) {
        // What has been received already is forgotten with the next look; signals are not.
        let signals = self.hear(true).into_iter().rev().find_map(|heard| match heard {
            Heard::Signals(signals) => Some(signals),
            Heard::Bytes(_) | Heard::Lost(_) => None,
        });
        self.heard = signals.map(FromModem::Signals);
        drop(self.say(ToModem::Flush));
    }

    fn say(&self, what: ToModem) -> Result<(), String> {
        self.to.send(what).map_err(|_| "the simulated exchange is gone".to_owned())
    }
}

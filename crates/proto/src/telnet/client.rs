//! The user of a remote modem: telnet with RFC 2217 towards a terminal server.
//!
//! ```text
//!     Negotiating --- option 44 agreed ---> Setting --- all values answered, or time over ---> Ready
//!          `--- refused, or time over ---> Plain      (no control over the port: telnet or raw TCP only)
//! ```
//!
//! Real servers differ from the RFC, and all of these are lived with: an answer to SET-CONTROL that is
//! wrong or missing (ser2net answers a break's end with its begin, and DTR on a pseudo terminal not at
//! all), values longer than they should be, signals that are never notified unless their mask is set
//! again. A server that never says a signal is reported as such: to assume a carrier would be to hope.
//! A modem behind a raw TCP port echoes our negotiation, which looks like agreement; it is told by the
//! echo of our own commands, which no server says.
//!
//! It does not know who dials whom, nor that a modem is behind the port.

use std::collections::VecDeque;
use std::time::Duration;

use super::codec::{Decoder, Item, write_data};
use super::comport::{
    Command, Control, PortSettings, Purge, Setting, Speaker, modem_state, signals,
};
use super::negotiate::{BINARY, COM_PORT, ECHO, Negotiation, SGA, Side};
use crate::signals::Signals;
use crate::time::{Deadline, Instant};

/// How often the signals are asked for before they are given up.
const SIGNAL_TRIES: u8 = 3;
/// All signals and changes but that of CTS, whose level is enough. The full mask is the byte IAC, and sredird 2.2.1
/// sends the end of a subnegotiation with an IAC in it out of the port, to the modem.
const SIGNAL_MASK: u8 = 0xfe;
/// The most bytes of commands kept while the negotiation runs; a command has 10 at most. Later ones are dropped:
/// a driver that gives a hundred commands to a server that has not yet said a word has lost its way.
pub const MAX_EARLY: usize = 1024;

/// How the port is wanted, and how patiently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// How the port shall be set.
    pub port: PortSettings,
    /// The line state bits to be told; see [`line_state`](super::comport::line_state).
    pub line_mask: u8,
    /// How long the server may take to agree on option 44, and then to answer the settings.
    pub answer_limit: Duration,
    /// How long to wait for the first signals before they are asked for again.
    pub signal_limit: Duration,
    /// For servers that never notify by themselves: ask for the signals this often. `None` asks until they
    /// have come once.
    pub refresh: Option<Duration>,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            port: PortSettings::default(),
            line_mask: 0,
            answer_limit: Duration::from_secs(3),
            signal_limit: Duration::from_secs(1),
            refresh: None,
        }
    }
}

/// What the client wants done and what it learned, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Bytes for the connection.
    Wire(Vec<u8>),
    /// Bytes from the port.
    Data(Vec<u8>),
    /// The port is ours and its settings were sent. `unanswered`: how many of speed, data bits, parity and
    /// stop bits the server did not answer.
    Ready {
        /// 0 to 4.
        unanswered: u8,
    },
    /// The server does not know option 44. `telnet`: it has answered as telnet at all; if not, it is a
    /// raw TCP port, and the connection is better used without this machine.
    NoComPort {
        /// The peer speaks telnet.
        telnet: bool,
    },
    /// The server confirms a setting.
    Set(Setting),
    /// The server has another value than the one asked for.
    Differs {
        /// What was asked for.
        asked: Setting,
        /// What the server says.
        got: Setting,
    },
    /// What the server answered to a SET-CONTROL: a hint, servers answer wrongly.
    Control(Control),
    /// The modem's signals: the first, and each change.
    Signals(Signals),
    /// The server never says its signals; nothing is known about the carrier.
    NoSignals,
    /// Line state bits: break, errors.
    LineState(u8),
    /// Who the server says that it is.
    Signature(Vec<u8>),
    /// `false`: the server wants no more data until `true`.
    MaySend(bool),
}

/// The four settings that a server answers, as bits.
mod setting_bit {
    pub(super) const BAUD: u8 = 1;
    pub(super) const DATA_BITS: u8 = 2;
    pub(super) const PARITY: u8 = 4;
    pub(super) const STOP_BITS: u8 = 8;
    pub(super) const ALL: u8 = 15;
}

#[derive(Debug)]
enum State {
    Negotiating { until: Instant, early: Vec<u8> },
    Setting { until: Instant, waiting: u8 },
    Ready,
    Plain,
}

/// What is known of the signals.
#[derive(Debug)]
enum Watch {
    /// Not asked for: the option is not in force.
    Off,
    Asked {
        again: Instant,
        left: u8,
    },
    Heard {
        signals: Signals,
        refresh: Option<Instant>,
    },
    Silent,
}

/// What is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peer {
    Unknown,
    Telnet,
    /// Something that sends back what it gets: a modem in its command state, behind a raw TCP port.
    Echo,
}

impl Peer {
    fn speaks_telnet(&mut self) {
        *self = match self {
            Self::Unknown | Self::Telnet => Self::Telnet,
            Self::Echo => Self::Echo,
        };
    }
}

/// One connection to a terminal server.
#[derive(Debug)]
pub struct ComPortClient {
    config: ClientConfig,
    decoder: Decoder,
    negotiation: Negotiation,
    state: State,
    watch: Watch,
    peer: Peer,
    wire: Vec<u8>,
    outputs: VecDeque<Output>,
}

impl ComPortClient {
    /// Begins to negotiate on a fresh connection.
    #[must_use]
    pub fn new(config: ClientConfig, now: Instant) -> Self {
        let until = now + config.answer_limit;
        let mut client = Self {
            config,
            decoder: Decoder::default(),
            negotiation: Negotiation::default(),
            state: State::Negotiating { until, early: Vec::new() },
            watch: Watch::Off,
            peer: Peer::Unknown,
            wire: Vec::new(),
            outputs: VecDeque::new(),
        };
        // RFC 2217 §3: the client says WILL. Some servers wait to be asked to, so their half is allowed, too.
        client.negotiation.allow(Side::Peer, COM_PORT);
        // A server that announces ECHO means that the terminal shall not: true, the modem does.
        client.negotiation.allow(Side::Peer, ECHO);
        for (side, option) in [
            (Side::Us, COM_PORT),
            (Side::Us, BINARY),
            (Side::Peer, BINARY),
            (Side::Us, SGA),
            (Side::Peer, SGA),
        ] {
            client.negotiation.ask(side, option, true, &mut client.wire);
        }
        client.speak();
        client
    }

    /// Takes bytes from the connection.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        let mut bytes = bytes;
        while let Some(item) = self.decoder.next(&mut bytes) {
            match item {
                Item::Data(run) => {
                    if let Some(Output::Data(before)) = self.outputs.back_mut() {
                        before.extend_from_slice(run);
                    } else {
                        self.outputs.push_back(Output::Data(run.to_vec()));
                    }
                }
                Item::Negotiate(verb, option) => {
                    self.peer.speaks_telnet();
                    let change = self.negotiation.receive(verb, option, &mut self.wire);
                    self.decoder.set_binary(self.negotiation.is_on(Side::Peer, BINARY));
                    if change.is_some_and(|change| change.option == COM_PORT) {
                        self.com_port(now);
                    }
                }
                Item::Command(_) => self.peer.speaks_telnet(),
                Item::Subnegotiation => {
                    self.peer.speaks_telnet();
                    let body = std::mem::take(self.decoder.body_mut());
                    if matches!(body.as_slice(), [COM_PORT, 0..=12, ..]) {
                        self.echoed();
                    } else if let Some(command) = Command::parse(Speaker::Server, &body) {
                        self.command(now, command);
                    }
                    *self.decoder.body_mut() = body;
                }
            }
        }
        self.speak();
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Instant) {
        match self.state {
            State::Negotiating { until, .. } if now >= until => self.no_com_port(),
            State::Setting { until, waiting } if now >= until => self.ready(waiting),
            State::Negotiating { .. } | State::Setting { .. } | State::Ready | State::Plain => {}
        }
        match self.watch {
            Watch::Asked { again, left } if now >= again => {
                if let Some(left) = left.checked_sub(1) {
                    self.watch = Watch::Asked { again: now + self.config.signal_limit, left };
                    self.ask_signals();
                } else {
                    self.watch = Watch::Silent;
                    self.outputs.push_back(Output::NoSignals);
                }
            }
            Watch::Heard { signals, refresh: Some(at) } if now >= at => {
                let refresh = self.config.refresh.map(|every| now + every);
                self.watch = Watch::Heard { signals, refresh };
                self.ask_signals();
            }
            Watch::Off | Watch::Asked { .. } | Watch::Heard { .. } | Watch::Silent => {}
        }
        self.speak();
    }

    /// The next thing to be done or known.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When `tick` is wanted.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        let state = match self.state {
            State::Negotiating { until, .. } => Some(Deadline::new(until, "com port option")),
            State::Setting { until, .. } => Some(Deadline::new(until, "answers to port settings")),
            State::Ready | State::Plain => None,
        };
        let watch = match self.watch {
            Watch::Asked { again, .. } => Some(Deadline::new(again, "modem signals")),
            Watch::Heard { refresh, .. } => {
                refresh.map(|at| Deadline::new(at, "refresh of modem signals"))
            }
            Watch::Off | Watch::Silent => None,
        };
        Deadline::earliest(state, watch)
    }

    /// Sends bytes to the port.
    pub fn write(&mut self, data: &[u8]) {
        write_data(data, self.negotiation.is_on(Side::Us, BINARY), &mut self.wire);
        self.speak();
    }

    /// Changes a setting. The answer is `Set` or `Differs`.
    pub fn set(&mut self, setting: Setting) {
        match setting {
            Setting::Baud(baud) => self.config.port.baud = baud,
            Setting::DataBits(bits) => self.config.port.data_bits = bits,
            Setting::Parity(parity) => self.config.port.parity = parity,
            Setting::StopBits(bits) => self.config.port.stop_bits = bits,
        }
        match self.state {
            // Will be sent with the others.
            State::Negotiating { .. } => {}
            State::Setting { .. } | State::Ready | State::Plain => self.say(request(setting)),
        }
        self.speak();
    }

    /// Drives DTR, RTS, break or flow control: `Control::DtrOff` hangs up.
    pub fn control(&mut self, control: Control) {
        self.say(Command::Control(control));
        self.speak();
    }

    /// Empties the server's buffers.
    pub fn purge(&mut self, purge: Purge) {
        self.say(Command::Purge(purge));
        self.speak();
    }

    /// Asks the server who it is.
    pub fn ask_signature(&mut self) {
        self.say(Command::Signature(b""));
        self.speak();
    }

    /// Option 44 came into force, went or was refused.
    fn com_port(&mut self, now: Instant) {
        let on = [Side::Us, Side::Peer].iter().any(|side| self.negotiation.is_on(*side, COM_PORT));
        match (&mut self.state, on) {
            (State::Negotiating { early, .. }, true) => {
                let early = std::mem::take(early);
                self.state = State::Setting {
                    until: now + self.config.answer_limit,
                    waiting: setting_bit::ALL,
                };
                self.configure();
                self.wire.extend_from_slice(&early);
                // A server that notified before it agreed (ser2net does) is not asked again.
                if !matches!(self.watch, Watch::Heard { .. }) {
                    let again = now + self.config.signal_limit;
                    self.watch = Watch::Asked { again, left: SIGNAL_TRIES - 1 };
                }
            }
            (State::Negotiating { .. } | State::Setting { .. } | State::Ready, false) => {
                self.no_com_port();
            }
            (State::Setting { .. } | State::Ready, true) => {}
            // It comes late, but it comes.
            (State::Plain, true) if self.peer == Peer::Telnet => {
                self.state = State::Negotiating { until: now, early: Vec::new() };
                self.com_port(now);
            }
            (State::Plain, _) => {}
        }
    }

    /// Our own words came back: what is there is no server.
    fn echoed(&mut self) {
        match self.state {
            State::Negotiating { .. } | State::Setting { .. } | State::Ready => {
                self.peer = Peer::Echo;
                self.no_com_port();
            }
            State::Plain => {}
        }
    }

    fn no_com_port(&mut self) {
        self.state = State::Plain;
        self.watch = Watch::Off;
        self.outputs.push_back(Output::NoComPort { telnet: self.peer == Peer::Telnet });
    }

    fn ready(&mut self, waiting: u8) {
        self.state = State::Ready;
        let unanswered = u8::try_from(waiting.count_ones()).unwrap_or(u8::MAX);
        self.outputs.push_back(Output::Ready { unanswered });
    }

    fn configure(&mut self) {
        let port = self.config.port;
        for setting in [
            Setting::Baud(port.baud),
            Setting::DataBits(port.data_bits),
            Setting::Parity(port.parity),
            Setting::StopBits(port.stop_bits),
        ] {
            self.say(request(setting));
        }
        self.say(Command::Control(port.flow.control()));
        self.say(Command::LineMask(self.config.line_mask));
        self.ask_signals();
    }

    /// Setting the mask makes every server that we know tell the signals.
    fn ask_signals(&mut self) {
        self.say(Command::ModemMask(SIGNAL_MASK));
    }

    fn command(&mut self, now: Instant, command: Command<'_>) {
        match command {
            Command::Baud(baud) => self.answered(setting_bit::BAUD, baud.map(Setting::Baud)),
            Command::DataBits(bits) => {
                self.answered(setting_bit::DATA_BITS, bits.map(Setting::DataBits));
            }
            Command::Parity(parity) => {
                self.answered(setting_bit::PARITY, parity.map(Setting::Parity));
            }
            Command::StopBits(bits) => {
                self.answered(setting_bit::STOP_BITS, bits.map(Setting::StopBits));
            }
            Command::Control(control) => self.outputs.push_back(Output::Control(control)),
            Command::ModemState(state) => self.modem_state(now, state),
            Command::LineState(state) => self.outputs.push_back(Output::LineState(state)),
            Command::Signature(text) => {
                self.outputs.push_back(Output::Signature(text.to_vec()));
            }
            Command::Suspend => self.outputs.push_back(Output::MaySend(false)),
            Command::Resume => self.outputs.push_back(Output::MaySend(true)),
            // Echoes of what was asked, of no use to anybody.
            Command::LineMask(_) | Command::ModemMask(_) | Command::Purge(_) => {}
        }
    }

    fn answered(&mut self, bit: u8, got: Option<Setting>) {
        if let Some(got) = got {
            let port = self.config.port;
            let asked = match got {
                Setting::Baud(_) => Setting::Baud(port.baud),
                Setting::DataBits(_) => Setting::DataBits(port.data_bits),
                Setting::Parity(_) => Setting::Parity(port.parity),
                Setting::StopBits(_) => Setting::StopBits(port.stop_bits),
            };
            self.outputs.push_back(if asked == got {
                Output::Set(got)
            } else {
                Output::Differs { asked, got }
            });
        }
        match &mut self.state {
            State::Setting { waiting, .. } => {
                *waiting &= !bit;
                if *waiting == 0 {
                    self.ready(0);
                }
            }
            State::Negotiating { .. } | State::Ready | State::Plain => {}
        }
    }

    fn modem_state(&mut self, now: Instant, state: u8) {
        let fresh = signals(state);
        let known = match self.watch {
            Watch::Heard { signals, .. } => Some(signals),
            Watch::Off | Watch::Asked { .. } | Watch::Silent => None,
        };
        // A ring that began and ended between two notifications shows as its end only. Of the other changes
        // the level is believed: servers that are asked again repeat stale change bits.
        let rang = state & modem_state::TRAILING_RI != 0 && !fresh.ri;
        if rang && known.is_some_and(|known| !known.ri) {
            self.outputs.push_back(Output::Signals(Signals { ri: true, ..fresh }));
            self.outputs.push_back(Output::Signals(fresh));
        } else if known != Some(fresh) {
            self.outputs.push_back(Output::Signals(fresh));
        }
        let refresh = self.config.refresh.map(|every| now + every);
        self.watch = Watch::Heard { signals: fresh, refresh };
    }

    fn say(&mut self, command: Command<'_>) {
        match &mut self.state {
            State::Negotiating { early, .. } => {
                if early.len() < MAX_EARLY {
                    command.write(Speaker::Client, early);
                }
            }
            State::Setting { .. } | State::Ready => {
                command.write(Speaker::Client, &mut self.wire);
            }
            // Nobody would understand it.
            State::Plain => {}
        }
    }

    fn speak(&mut self) {
        if !self.wire.is_empty() {
            self.outputs.push_back(Output::Wire(std::mem::take(&mut self.wire)));
        }
    }
}

const fn request(setting: Setting) -> Command<'static> {
    match setting {
        Setting::Baud(baud) => Command::Baud(Some(baud)),
        Setting::DataBits(bits) => Command::DataBits(Some(bits)),
        Setting::Parity(parity) => Command::Parity(Some(parity)),
        Setting::StopBits(bits) => Command::StopBits(Some(bits)),
    }
}

//! The owner of a port: a modem of ours offered over telnet with RFC 2217.
//!
//! ```text
//!     the client's settings  --> facts (Baud, Dtr, ..), answered with the value in force
//!     the modem's signals    --> NOTIFY-MODEMSTATE, through the client's mask, with what changed
//! ```
//!
//! A client without option 44 has a plain telnet port: DTR and RTS are on while it is connected. The
//! machine does not know the modem behind it, and has no timer: it never asks anything that it would
//! have to wait for.

use std::collections::VecDeque;

use super::codec::{BRK, Decoder, Item, write_data};
use super::comport::{
    Command, Control, Flow, PortParity, PortSettings, Purge, Speaker, StopBits, modem_state,
};
use super::negotiate::{BINARY, COM_PORT, ECHO, Negotiation, SGA, Side};
use crate::signals::Signals;

/// What the server wants done and what it learned, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Bytes for the connection.
    Wire(Vec<u8>),
    /// Bytes for the port.
    Data(Vec<u8>),
    /// The client controls the port (`true`), or stopped to.
    ComPort(bool),
    /// The client set another speed, in bit/s.
    Baud(u32),
    /// The client set other data bits.
    DataBits(u8),
    /// The client set another parity.
    Parity(PortParity),
    /// The client set other stop bits.
    StopBits(StopBits),
    /// The client set another flow control.
    Flow(Flow),
    /// DTR changed: off hangs up.
    Dtr(bool),
    /// RTS changed.
    Rts(bool),
    /// A break begins or ends.
    Break(bool),
    /// Buffers are to be emptied.
    Purge(Purge),
    /// Who the client says that it is.
    Signature(Vec<u8>),
    /// `false`: the client wants no more data until `true`.
    MaySend(bool),
}

/// One client on one port.
#[derive(Debug)]
pub struct ComPortServer {
    decoder: Decoder,
    negotiation: Negotiation,
    signature: String,
    port: PortSettings,
    dtr: bool,
    rts: bool,
    breaking: bool,
    signals: Signals,
    modem_mask: u8,
    line_mask: u8,
    wire: Vec<u8>,
    outputs: VecDeque<Output>,
}

impl ComPortServer {
    /// Begins on a fresh connection: how the port is set now, what the modem shows, and who we are (at most
    /// [`MAX_SIGNATURE`](super::comport::MAX_SIGNATURE) bytes are told). DTR and RTS count as on.
    #[must_use]
    pub fn new(signature: &str, port: PortSettings, signals: Signals) -> Self {
        let mut server = Self {
            decoder: Decoder::default(),
            negotiation: Negotiation::default(),
            signature: signature.to_owned(),
            port,
            dtr: true,
            rts: true,
            breaking: false,
            signals,
            // RFC 2217 §3 gives these two as the initial values.
            modem_mask: 0xff,
            line_mask: 0,
            wire: Vec::new(),
            outputs: VecDeque::new(),
        };
        // pySerial asks for our half of option 44, too, and does not mind which of them it gets.
        server.negotiation.allow(Side::Us, COM_PORT);
        for (side, option) in [
            // ECHO and SGA let a person's telnet send each key at once; the modem does echo.
            (Side::Us, ECHO),
            (Side::Us, SGA),
            (Side::Peer, SGA),
            (Side::Us, BINARY),
            (Side::Peer, BINARY),
            (Side::Peer, COM_PORT),
        ] {
            server.negotiation.ask(side, option, true, &mut server.wire);
        }
        server.speak();
        server
    }

    /// Takes bytes from the connection.
    pub fn receive(&mut self, bytes: &[u8]) {
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
                    let before = self.in_force();
                    let _ = self.negotiation.receive(verb, option, &mut self.wire);
                    self.decoder.set_binary(self.negotiation.is_on(Side::Peer, BINARY));
                    let after = self.in_force();
                    if before != after {
                        self.outputs.push_back(Output::ComPort(after));
                        if after {
                            self.notify(self.signals, true);
                        }
                    }
                }
                // The break key of a plain telnet: a break that begins and ends.
                Item::Command(BRK) if !self.breaking => {
                    self.outputs.extend([Output::Break(true), Output::Break(false)]);
                }
                Item::Command(_) => {}
                Item::Subnegotiation => {
                    let body = std::mem::take(self.decoder.body_mut());
                    if let Some(command) = Command::parse(Speaker::Client, &body) {
                        self.command(command);
                    }
                    *self.decoder.body_mut() = body;
                }
            }
        }
        self.speak();
    }

    /// The next thing to be done or known.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Sends bytes of the port to the client.
    pub fn write(&mut self, data: &[u8]) {
        write_data(data, self.negotiation.is_on(Side::Us, BINARY), &mut self.wire);
        self.speak();
    }

    /// The modem shows these signals now: the client is told, if it wants to know what changed.
    pub fn signals(&mut self, now: Signals) {
        let before = std::mem::replace(&mut self.signals, now);
        self.notify(before, false);
        self.speak();
    }

    /// The port saw a break or an error; bits of [`line_state`](super::comport::line_state).
    pub fn line_state(&mut self, state: u8) {
        if self.in_force() && state & self.line_mask != 0 {
            self.say(Command::LineState(state & self.line_mask));
        }
        self.speak();
    }

    /// Asks the client to hold its data (`false`) or to go on.
    pub fn may_send(&mut self, may: bool) {
        if self.in_force() {
            self.say(if may { Command::Resume } else { Command::Suspend });
        }
        self.speak();
    }

    /// How the port is set now.
    #[must_use]
    pub const fn port(&self) -> &PortSettings {
        &self.port
    }

    fn in_force(&self) -> bool {
        [Side::Peer, Side::Us].iter().any(|side| self.negotiation.is_on(*side, COM_PORT))
    }

    /// Tells the signals if they changed in a way that the mask lets through, or in any case.
    fn notify(&mut self, before: Signals, in_any_case: bool) {
        let levels = modem_state(before, before) ^ modem_state(self.signals, self.signals);
        let state = modem_state(before, self.signals);
        let changes = levels | (state & !modem_state::LEVELS);
        if self.in_force() && (in_any_case || changes & self.modem_mask != 0) {
            self.say(Command::ModemState(state & self.modem_mask));
        }
    }

    /// Takes a request. Each is answered with the value that holds afterwards (RFC 2217 §3).
    fn command(&mut self, command: Command<'_>) {
        let port = self.port;
        match command {
            Command::Baud(wanted) => {
                self.port.baud = wanted.unwrap_or(port.baud);
                self.say(Command::Baud(Some(self.port.baud)));
                self.tell(self.port.baud != port.baud, Output::Baud(self.port.baud));
            }
            Command::DataBits(wanted) => {
                self.port.data_bits = wanted.unwrap_or(port.data_bits);
                self.say(Command::DataBits(Some(self.port.data_bits)));
                let changed = self.port.data_bits != port.data_bits;
                self.tell(changed, Output::DataBits(self.port.data_bits));
            }
            Command::Parity(wanted) => {
                self.port.parity = wanted.unwrap_or(port.parity);
                self.say(Command::Parity(Some(self.port.parity)));
                self.tell(self.port.parity != port.parity, Output::Parity(self.port.parity));
            }
            Command::StopBits(wanted) => {
                self.port.stop_bits = wanted.unwrap_or(port.stop_bits);
                self.say(Command::StopBits(Some(self.port.stop_bits)));
                let changed = self.port.stop_bits != port.stop_bits;
                self.tell(changed, Output::StopBits(self.port.stop_bits));
            }
            Command::Control(control) => self.control(control),
            Command::Signature([]) => {
                let ours = std::mem::take(&mut self.signature);
                self.say(Command::Signature(ours.as_bytes()));
                self.signature = ours;
            }
            Command::Signature(theirs) => {
                self.outputs.push_back(Output::Signature(theirs.to_vec()));
            }
            Command::LineMask(mask) => {
                self.line_mask = mask;
                self.say(command);
            }
            Command::ModemMask(mask) => {
                self.modem_mask = mask;
                self.say(command);
                // Clients set the mask to learn the signals; the RFC does not ask for it, everybody does it.
                self.notify(self.signals, true);
            }
            Command::Purge(purge) => {
                self.say(command);
                self.outputs.push_back(Output::Purge(purge));
            }
            Command::Suspend => self.outputs.push_back(Output::MaySend(false)),
            Command::Resume => self.outputs.push_back(Output::MaySend(true)),
            // Said by servers only.
            Command::LineState(_) | Command::ModemState(_) => {}
        }
    }

    fn control(&mut self, control: Control) {
        match control {
            Control::FlowNone => self.flow(Flow::None),
            Control::FlowXonXoff => self.flow(Flow::XonXoff),
            Control::FlowHardware => self.flow(Flow::Hardware),
            Control::DtrOn | Control::DtrOff => {
                let before = std::mem::replace(&mut self.dtr, control == Control::DtrOn);
                self.tell(self.dtr != before, Output::Dtr(self.dtr));
            }
            Control::RtsOn | Control::RtsOff => {
                let before = std::mem::replace(&mut self.rts, control == Control::RtsOn);
                self.tell(self.rts != before, Output::Rts(self.rts));
            }
            Control::BreakOn | Control::BreakOff => {
                let before = std::mem::replace(&mut self.breaking, control == Control::BreakOn);
                self.tell(self.breaking != before, Output::Break(self.breaking));
            }
            Control::AskFlow | Control::AskBreak | Control::AskDtr | Control::AskRts => {}
            // Both directions have the same flow control here, and none by DCD, DTR or DSR: not granted,
            // and the answer says what holds instead.
            Control::AskInbound
            | Control::InboundNone
            | Control::InboundXonXoff
            | Control::InboundHardware
            | Control::FlowDcd
            | Control::InboundDtr
            | Control::FlowDsr => {}
        }
        self.say(Command::Control(self.in_place_of(control)));
    }

    /// What holds of the thing that a SET-CONTROL is about.
    const fn in_place_of(&self, control: Control) -> Control {
        match control {
            Control::AskFlow
            | Control::FlowNone
            | Control::FlowXonXoff
            | Control::FlowHardware
            | Control::FlowDcd
            | Control::FlowDsr => self.port.flow.control(),
            Control::AskInbound
            | Control::InboundNone
            | Control::InboundXonXoff
            | Control::InboundHardware
            | Control::InboundDtr => self.port.flow.inbound(),
            Control::AskBreak | Control::BreakOn | Control::BreakOff => {
                if self.breaking {
                    Control::BreakOn
                } else {
                    Control::BreakOff
                }
            }
            Control::AskDtr | Control::DtrOn | Control::DtrOff => {
                if self.dtr {
                    Control::DtrOn
                } else {
                    Control::DtrOff
                }
            }
            Control::AskRts | Control::RtsOn | Control::RtsOff => {
                if self.rts {
                    Control::RtsOn
                } else {
                    Control::RtsOff
                }
            }
        }
    }

    fn flow(&mut self, flow: Flow) {
        let before = std::mem::replace(&mut self.port.flow, flow);
        self.tell(before != flow, Output::Flow(flow));
    }

    fn tell(&mut self, changed: bool, fact: Output) {
        if changed {
            self.outputs.push_back(fact);
        }
    }

    fn say(&mut self, command: Command<'_>) {
        command.write(Speaker::Server, &mut self.wire);
    }

    fn speak(&mut self) {
        if !self.wire.is_empty() {
            self.outputs.push_back(Output::Wire(std::mem::take(&mut self.wire)));
        }
    }
}

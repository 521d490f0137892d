//! What happens in a world at a time of its own: what a story brings about, beside what its people do.
//!
//! It does not know what comes of it.

use std::time::Duration;

use calls::vocabulary::{Command, Input, ProgramInput, RequestId};

use super::port::Port;
use super::setup::configure;
use super::{Owner, World};
use crate::exchange::DteInput;
use crate::exchange::fault::{Fault, Times};
use crate::people::Step;

/// Something that happens at a time of its own.
#[derive(Debug)]
pub enum Act {
    /// Somebody begins to follow a script.
    Begin(String, Vec<Step>),
    /// Somebody drops everything: his modem loses DTR.
    HangUp(String),
    /// A fault.
    Fault(String, Fault, Times),
    /// The power of the server fails; it is back after this time.
    PowerFails(Duration),
    /// An operator.
    Command(Command),
    /// SIGHUP with these files in place: `dialback.toml`, `login.config`.
    Reload(String, String),
    /// SIGTERM.
    Stop(Duration),
    /// Another program takes the lock of a line's port (by station).
    Take(String),
    /// And gives it back.
    GiveBack(String),
    /// The journal can't be written (`true`) or can again.
    StoreFails(bool),
    /// No network interface can be made (`true`) or they can again.
    NoInterfaces(bool),
    /// Another program writes to a line's modem. It takes the lock before and gives it back at once, and writes
    /// nothing where it does not get it; or it asks nobody (`asks: false`), as one does that looks for locks in
    /// another directory.
    Intrude {
        /// The line's station.
        station: String,
        /// What it writes.
        text: String,
        /// Whether it takes the lock.
        asks: bool,
    },
    /// The program on a line writes this: a caller who has a shell had it `sleep` before.
    Writes(String),
    /// Somebody has set the modem of a station anew, by a way of its own (`S0=1`), and had it stored.
    SetAnew(String, String),
}

impl World {
    pub(super) fn act(&mut self, act: Act) {
        let now = self.now;
        match act {
            Act::Begin(station, steps) => self.begin(&station, steps),
            Act::HangUp(station) => {
                let Some(id) = self.exchange.station(&station) else { return };
                self.exchange.dte(now, id, DteInput::Dtr(false));
                if let Some(Owner::Person(index)) = self.owners.get(&id)
                    && let Some(person) = self.people.get_mut(*index)
                {
                    person.caller.stop(now, "he hung up");
                }
            }
            Act::Fault(station, fault, times) => {
                if let Some(id) = self.exchange.station(&station) {
                    self.exchange.fault(now, id, fault, times);
                }
            }
            Act::PowerFails(down) => self.power_fails(down),
            Act::Command(command) => {
                self.requests += 1;
                self.inbox.push_back(Input::Command(RequestId(self.requests), command));
            }
            Act::Reload(config, login_config) => match configure(&config, &login_config) {
                Ok(config) => {
                    self.config = config.clone();
                    self.inbox.push_back(Input::Config(Box::new(config)));
                }
                Err(faults) => self.watch.violated(format!("the story: {faults}")),
            },
            Act::Stop(grace) => self.inbox.push_back(Input::Stop { grace }),
            Act::Take(station) => self.lock(&station, true),
            Act::GiveBack(station) => self.lock(&station, false),
            Act::StoreFails(fails) => self.store.set_full(now, fails),
            Act::NoInterfaces(none) => self.networks.broken = none,
            Act::Intrude { station, text, asks } => self.intrude(&station, &text, asks),
            Act::Writes(text) => {
                if let Some(call) = self.running.keys().next_back() {
                    let said = ProgramInput::Bytes(text.into_bytes());
                    self.inbox.push_back(Input::Program(*call, said));
                }
            }
            Act::SetAnew(station, commands) => {
                let taken = self
                    .exchange
                    .station(&station)
                    .is_some_and(|id| self.exchange.set_anew(now, id, &commands));
                if !taken {
                    self.watch.violated(format!("the story: {station} does not take {commands}"));
                }
            }
        }
    }

    fn intrude(&mut self, station: &str, text: &str, asks: bool) {
        let Some(id) = self.exchange.station(station) else { return };
        if asks {
            let Some(Owner::Server(line)) = self.owners.get(&id).copied() else { return };
            if self.ports.get(&line).is_none_or(Port::is_claimed) {
                return;
            }
            self.lock(station, true);
        }
        self.exchange.dte(self.now, id, DteInput::Bytes(text.as_bytes()));
        if asks {
            self.lock(station, false);
        }
        self.hear_town();
    }

    fn lock(&mut self, station: &str, taken: bool) {
        let Some(id) = self.exchange.station(station) else { return };
        let Some(Owner::Server(line)) = self.owners.get(&id).copied() else { return };
        if let Some(port) = self.ports.get_mut(&line) {
            let input = port.lock(taken);
            self.inbox.extend(input.map(|input| Input::Port(line, input)));
        }
    }
}

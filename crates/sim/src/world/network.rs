//! The interfaces of calls in the simulated world: each answers pings to the server's address on it, and nothing else
//! is on its network.
//!
//! What must never happen is watched here: two calls with one address, packets without an interface, an interface that
//! outlives its call.

use std::collections::BTreeMap;

use calls::vocabulary::{CallId, Interface, NetworkInput, NetworkOutput};

use crate::ping;

/// The interfaces, and the scripts that were run.
#[derive(Debug, Default)]
pub(super) struct Networks {
    up: BTreeMap<CallId, (String, Interface)>,
    /// Whether interfaces can be made.
    pub(super) broken: bool,
    pub(super) scripts: Vec<String>,
}

impl Networks {
    /// Carries an order out; what it brings about, and what should not have been.
    pub(super) fn carry_out(
        &mut self,
        call: CallId,
        order: NetworkOutput,
    ) -> (Vec<NetworkInput>, Option<String>) {
        match order {
            NetworkOutput::Set(_) if self.broken => {
                self.up.remove(&call);
                (vec![NetworkInput::Failed("no such device".to_owned())], None)
            }
            NetworkOutput::Set(wanted) => self.set(call, *wanted),
            NetworkOutput::Packet(packet) => match self.up.get(&call) {
                Some((_, interface)) => {
                    let own = interface.ipv4.map(|ends| ends.local);
                    let answer = own.and_then(|own| ping::answer(&packet, own));
                    (answer.map(NetworkInput::Packet).into_iter().collect(), None)
                }
                // It could not be made, and this was on its way.
                None if self.broken => (Vec::new(), None),
                None => (Vec::new(), Some(format!("{call} has a packet and no interface"))),
            },
            NetworkOutput::Remove => {
                self.up.remove(&call);
                (Vec::new(), None)
            }
            NetworkOutput::Script(script) => {
                self.scripts.push(script.argv.join(" "));
                (Vec::new(), None)
            }
        }
    }

    fn set(&mut self, call: CallId, wanted: Interface) -> (Vec<NetworkInput>, Option<String>) {
        let known = self.up.get(&call).map(|(name, _)| name.clone());
        let free = || {
            let names = (0..).map(|number: u32| wanted.name.replace("%d", &number.to_string()));
            let mut names = names.filter(|name| self.up.values().all(|(taken, _)| taken != name));
            names.next().unwrap_or_default()
        };
        let name = known.unwrap_or_else(free);
        let address = wanted.ipv4.map(|ends| ends.peer);
        let twin = self.up.iter().find(|(other, (_, interface))| {
            **other != call && address.is_some() && interface.ipv4.map(|ends| ends.peer) == address
        });
        let fault = twin.map(|(other, _)| format!("{call} and {other} have one address"));
        self.up.insert(call, (name.clone(), wanted));
        (vec![NetworkInput::Ready { interface: name }], fault)
    }

    /// The call is over; what should not be.
    pub(super) fn ended(&self, call: CallId) -> Option<String> {
        let (name, _) = self.up.get(&call)?;
        Some(format!("{name} outlives {call}"))
    }

    /// The power fails: a TUN device goes with its process.
    pub(super) fn fail(&mut self) {
        self.up.clear();
    }
}

//! Option negotiation by the Q method (RFC 1143): both sides of every option that we know, without loops.
//!
//! ```text
//!             we ask              peer agrees
//!     No ------------> WantYes ----------------> Yes          and the mirror image from Yes by WantNo to No;
//!     ^---------------- peer refuses                         a wish changed meanwhile is remembered in `turn`
//! ```
//!
//! An option that we do not know, or do not allow, is refused every time it is asked for. It does not
//! know what an option does.

use super::codec::{IAC, Verb};

/// Eight-bit data path (RFC 856).
pub const BINARY: u8 = 0;
/// The peer echoes what it receives (RFC 857).
pub const ECHO: u8 = 1;
/// Suppress go-ahead (RFC 858): with ECHO it makes a terminal send each key at once.
pub const SGA: u8 = 3;
/// Com port control (RFC 2217 §3).
pub const COM_PORT: u8 = 44;

const KNOWN: [u8; 4] = [BINARY, ECHO, SGA, COM_PORT];

/// Whose behaviour an option is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What we do: we say WILL, the peer says DO.
    Us,
    /// What the peer does: it says WILL, we say DO.
    Peer,
}

/// An option that came into force, or went, or was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whose.
    pub side: Side,
    /// Its number.
    pub option: u8,
    /// Whether it is in force now. `false` is also the answer when the peer refused.
    pub on: bool,
}

/// RFC 1143 §7; `turn` is its queue bit: we want the opposite of what is being asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    No,
    Yes,
    WantNo {
        turn: bool,
    },
    WantYes {
        turn: bool,
    },
}

#[derive(Clone, Copy, Debug, Default)]
struct Half {
    state: State,
    allowed: bool,
}

/// The state of all options of one connection.
#[derive(Debug, Default)]
pub struct Negotiation {
    /// Ours and the peer's half of each of [`KNOWN`].
    options: [(Half, Half); KNOWN.len()],
}

impl Negotiation {
    fn half(&mut self, side: Side, option: u8) -> Option<&mut Half> {
        let at = KNOWN.iter().position(|known| *known == option)?;
        let (us, peer) = self.options.get_mut(at)?;
        Some(match side {
            Side::Us => us,
            Side::Peer => peer,
        })
    }

    /// Whether an option is in force.
    #[must_use]
    pub fn is_on(&self, side: Side, option: u8) -> bool {
        let known = KNOWN.iter().position(|known| *known == option);
        known.and_then(|at| self.options.get(at)).is_some_and(|(us, peer)| {
            let half = match side {
                Side::Us => us,
                Side::Peer => peer,
            };
            half.state == State::Yes
        })
    }

    /// Lets the peer have an option when it asks, without asking for it.
    pub fn allow(&mut self, side: Side, option: u8) {
        if let Some(half) = self.half(side, option) {
            half.allowed = true;
        }
    }

    /// Asks for an option (and allows it), or asks to end it. What has to be sent is appended to `wire`.
    pub fn ask(&mut self, side: Side, option: u8, on: bool, wire: &mut Vec<u8>) {
        let Some(half) = self.half(side, option) else { return };
        half.allowed = on;
        half.state = match (half.state, on) {
            (State::No, true) => {
                say(side, option, true, wire);
                State::WantYes { turn: false }
            }
            (State::Yes, false) => {
                say(side, option, false, wire);
                State::WantNo { turn: false }
            }
            (State::WantNo { .. }, on) => State::WantNo { turn: on },
            (State::WantYes { .. }, on) => State::WantYes { turn: !on },
            (State::No, false) => State::No,
            (State::Yes, true) => State::Yes,
        };
    }

    /// Takes what the peer said. The answer, if one is due, is appended to `wire`.
    pub fn receive(&mut self, verb: Verb, option: u8, wire: &mut Vec<u8>) -> Option<Change> {
        let (side, on) = match verb {
            Verb::Will => (Side::Peer, true),
            Verb::Wont => (Side::Peer, false),
            Verb::Do => (Side::Us, true),
            Verb::Dont => (Side::Us, false),
        };
        let Some(half) = self.half(side, option) else {
            if on {
                say(side, option, false, wire);
            }
            return None;
        };
        let before = half.state;
        half.state = match (before, on) {
            (State::No, true) => {
                say(side, option, half.allowed, wire);
                if half.allowed { State::Yes } else { State::No }
            }
            (State::Yes, false) => {
                say(side, option, false, wire);
                State::No
            }
            // "DONT answered by WILL", which RFC 1143 calls an error of the peer: believe what it does.
            (State::WantNo { turn }, true) => {
                if turn {
                    State::Yes
                } else {
                    State::No
                }
            }
            (State::WantNo { turn: true }, false) => {
                say(side, option, true, wire);
                State::WantYes { turn: false }
            }
            (State::WantYes { turn: true }, true) => {
                say(side, option, false, wire);
                State::WantNo { turn: false }
            }
            (State::WantYes { turn: false }, true) | (State::Yes, true) => State::Yes,
            (State::WantYes { .. } | State::WantNo { turn: false } | State::No, false) => State::No,
        };
        let after = half.state;
        let settled = matches!(after, State::Yes | State::No);
        (settled && after != before).then_some(Change { side, option, on: after == State::Yes })
    }
}

fn say(side: Side, option: u8, on: bool, wire: &mut Vec<u8>) {
    let verb = match (side, on) {
        (Side::Us, true) => Verb::Will,
        (Side::Us, false) => Verb::Wont,
        (Side::Peer, true) => Verb::Do,
        (Side::Peer, false) => Verb::Dont,
    };
    wire.extend_from_slice(&[IAC, verb as u8, option]);
}

#[cfg(test)]
mod tests {
    use super::*;

    enum Act {
        Ask(Side, u8, bool),
        Allow(Side, u8),
        Hear(Verb, u8),
    }
    use Act::{Allow, Ask, Hear};

    fn check(acts: &[Act], wanted_wire: &[u8], on: &[(Side, u8)]) {
        let mut negotiation = Negotiation::default();
        let mut wire = Vec::new();
        for act in acts {
            match *act {
                Ask(side, option, on) => negotiation.ask(side, option, on, &mut wire),
                Allow(side, option) => negotiation.allow(side, option),
                Hear(verb, option) => {
                    negotiation.receive(verb, option, &mut wire);
                }
            }
        }
        let wire: Vec<u8> = wire.into_iter().filter(|byte| *byte != IAC).collect();
        assert_eq!(wire, wanted_wire);
        for side in [Side::Us, Side::Peer] {
            for option in 0..=255 {
                let wanted = on.contains(&(side, option));
                assert_eq!(negotiation.is_on(side, option), wanted, "{side:?} {option}");
            }
        }
    }

    const WILL: u8 = 251;
    const WONT: u8 = 252;
    const DO: u8 = 253;
    const DONT: u8 = 254;

    #[test]
    fn what_is_asked_for_and_agreed_on_is_not_answered_again() {
        let us = (Side::Us, BINARY);
        check(&[Ask(Side::Us, BINARY, true)], &[WILL, BINARY], &[]);
        let agreed = [Ask(Side::Us, BINARY, true), Hear(Verb::Do, BINARY), Hear(Verb::Do, BINARY)];
        check(&agreed, &[WILL, BINARY], &[us]);
        check(&[Ask(Side::Us, BINARY, true), Hear(Verb::Dont, BINARY)], &[WILL, BINARY], &[]);
    }

    #[test]
    fn what_is_allowed_is_granted_and_all_else_refused_each_time() {
        const TERMINAL_TYPE: u8 = 24;
        check(&[Hear(Verb::Do, TERMINAL_TYPE)], &[WONT, TERMINAL_TYPE], &[]);
        check(&[Hear(Verb::Will, 200), Hear(Verb::Will, 200)], &[DONT, 200, DONT, 200], &[]);
        check(&[Hear(Verb::Wont, 200), Hear(Verb::Dont, 24)], &[], &[]);
        check(&[Hear(Verb::Will, ECHO)], &[DONT, ECHO], &[]);
        let allowed = [Allow(Side::Peer, SGA), Hear(Verb::Will, SGA), Hear(Verb::Will, SGA)];
        check(&allowed, &[DO, SGA], &[(Side::Peer, SGA)]);
        let withdrawn = [Allow(Side::Us, SGA), Hear(Verb::Do, SGA), Hear(Verb::Dont, SGA)];
        check(&withdrawn, &[WILL, SGA, WONT, SGA], &[]);
    }

    #[test]
    fn a_wish_changed_while_asking_waits_for_the_answer() {
        let ask = |on| Ask(Side::Peer, BINARY, on);
        check(&[ask(true), ask(false)], &[DO, BINARY], &[]);
        check(&[ask(true), ask(false), Hear(Verb::Will, BINARY)], &[DO, BINARY, DONT, BINARY], &[]);
        let again = [ask(true), ask(false), ask(true), Hear(Verb::Will, BINARY)];
        check(&again, &[DO, BINARY], &[(Side::Peer, BINARY)]);
        let back = [
            ask(true),
            Hear(Verb::Will, BINARY),
            ask(false),
            ask(true),
            Hear(Verb::Wont, BINARY),
            Hear(Verb::Will, BINARY),
        ];
        check(&back, &[DO, BINARY, DONT, BINARY, DO, BINARY], &[(Side::Peer, BINARY)]);
        // A peer that answers DONT with WILL.
        let wrong = [ask(true), Hear(Verb::Will, BINARY), ask(false), Hear(Verb::Will, BINARY)];
        check(&wrong, &[DO, BINARY, DONT, BINARY], &[]);
    }

    #[test]
    fn a_change_is_told_once() {
        let mut negotiation = Negotiation::default();
        let mut wire = Vec::new();
        negotiation.ask(Side::Us, COM_PORT, true, &mut wire);
        negotiation.allow(Side::Peer, SGA);
        let change = |side, option, on| Some(Change { side, option, on });
        for (verb, option, wanted) in [
            (Verb::Do, COM_PORT, change(Side::Us, COM_PORT, true)),
            (Verb::Do, COM_PORT, None),
            (Verb::Will, COM_PORT, None),
            (Verb::Will, SGA, change(Side::Peer, SGA, true)),
            (Verb::Wont, SGA, change(Side::Peer, SGA, false)),
            (Verb::Wont, SGA, None),
            (Verb::Will, 24, None),
            (Verb::Dont, COM_PORT, change(Side::Us, COM_PORT, false)),
        ] {
            assert_eq!(negotiation.receive(verb, option, &mut wire), wanted, "{verb:?} {option}");
        }
        // A refusal is a change, too: what was asked for is settled.
        negotiation.ask(Side::Peer, BINARY, true, &mut wire);
        let refused = negotiation.receive(Verb::Wont, BINARY, &mut wire);
        assert_eq!(refused, change(Side::Peer, BINARY, false));
    }

    #[test]
    fn two_of_us_never_talk_for_ever() {
        // Both ask for everything at once; every message is answered until nothing is left to say.
        let mut peers = [Negotiation::default(), Negotiation::default()];
        let mut wires = [Vec::new(), Vec::new()];
        for (peer, wire) in peers.iter_mut().zip(&mut wires) {
            for option in KNOWN {
                peer.ask(Side::Us, option, true, wire);
                peer.ask(Side::Peer, option, true, wire);
            }
        }
        let mut messages = 0;
        while wires.iter().any(|wire| !wire.is_empty()) {
            for (from, to) in [(0, 1), (1, 0)] {
                for message in std::mem::take(&mut wires[from]).chunks(3) {
                    messages += 1;
                    assert!(messages < 100, "they talk for ever");
                    let verb = [Verb::Will, Verb::Wont, Verb::Do, Verb::Dont]
                        .into_iter()
                        .find(|verb| *verb as u8 == message[1])
                        .expect("a verb");
                    peers[to].receive(verb, message[2], &mut wires[to]);
                }
            }
        }
        for option in KNOWN {
            assert!(peers[0].is_on(Side::Us, option) && peers[1].is_on(Side::Us, option));
        }
    }
}

//! Two links on a virtual wire that delays, drops, repeats and damages, each with an owner.
//!
//! Time jumps from one event to the next: a whole call takes a fraction of a millisecond. Everything is
//! decided by one seed, which a failing test prints.

use std::collections::BTreeMap;
use std::time::Duration;

use dialback_ppp::auth::{Answer, Credentials, Duty};
use dialback_ppp::capture::Direction;
use dialback_ppp::cbcp::Offer;
use dialback_ppp::link::{Approval, Config, End, Link, Output, Phase};
use dialback_ppp::time::Instant;

/// What the wire does to each piece of octets, in percent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    pub(crate) drop: u64,
    pub(crate) repeat: u64,
    pub(crate) damage: u64,
    /// Up to this long on top of the 50 ms that each piece takes. Pieces never overtake each other.
    pub(crate) jitter: Duration,
}

/// A small generator (xorshift) for the wire's luck.
pub(crate) struct Luck(u64);

impl Luck {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit.max(1)
    }
}

pub(crate) struct Side {
    pub(crate) link: Link,
    pub(crate) phases: Vec<Phase>,
    pub(crate) end: Option<End>,
    pub(crate) agreed: usize,
    pub(crate) withdrawn: usize,
    pub(crate) up: usize,
    pub(crate) packets: Vec<Vec<u8>>,
    pub(crate) octets_sent: usize,
}

pub(crate) struct Pair {
    pub(crate) now: Instant,
    pub(crate) answerer: Side,
    pub(crate) caller: Side,
    /// What is under way: to whom, in order of arrival.
    wire: BTreeMap<(Instant, u64), (To, Vec<u8>)>,
    last_arrival: [Instant; 2],
    sequence: u64,
    faults: Faults,
    luck: Luck,
    pub(crate) offer: Option<Offer>,
    pub(crate) duty: Duty,
    /// What arrived, in order.
    pub(crate) tapped: Vec<Piece>,
    /// The caller hangs its modem up when its link is over.
    pub(crate) carrier: bool,
    pub(crate) steps: u64,
}

/// Octets that arrived, as the answerer sees them.
pub(crate) struct Piece {
    pub(crate) at: Instant,
    pub(crate) direction: Direction,
    pub(crate) octets: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    Answerer,
    Caller,
}

fn side(config: Config, seed: u64) -> Side {
    let mut octets = [0; 32];
    octets[..8].copy_from_slice(&seed.to_le_bytes());
    Side {
        link: Link::new(config, octets, Instant::ZERO),
        phases: Vec::new(),
        end: None,
        agreed: 0,
        withdrawn: 0,
        up: 0,
        packets: Vec::new(),
        octets_sent: 0,
    }
}

impl Pair {
    pub(crate) fn new(answerer: Config, caller: Config, faults: Faults, seed: u64) -> Self {
        Self {
            now: Instant::ZERO,
            answerer: side(answerer, seed),
            caller: side(caller, seed ^ u64::MAX),
            wire: BTreeMap::new(),
            last_arrival: [Instant::ZERO; 2],
            sequence: 0,
            faults,
            luck: Luck::new(seed),
            offer: None,
            duty: Duty::None,
            tapped: Vec::new(),
            carrier: true,
            steps: 0,
        }
    }

    /// Cuts the wire: nothing arrives any more, and neither side is told.
    pub(crate) fn cut(&mut self) {
        self.faults.drop = 100;
        self.wire.clear();
        self.carrier = false;
    }

    /// Runs until both are over, or `done`, or the time is.
    pub(crate) fn run_until(&mut self, limit: Instant, done: impl Fn(&Self) -> bool) {
        self.drain();
        while !done(self) && self.step(limit) {
            self.steps += 1;
            assert!(self.steps < 200_000, "the pair spins");
        }
    }

    /// Runs a whole call.
    pub(crate) fn run(&mut self) {
        self.run_until(Instant::from_secs(900), |pair| {
            pair.answerer.end.is_some() && pair.caller.end.is_some()
        });
    }

    /// Does what is next; false when nothing is, or only beyond the limit.
    fn step(&mut self, limit: Instant) -> bool {
        let arrival = self.wire.first_key_value().map(|(key, _)| key.0);
        let timers = [&self.answerer, &self.caller].map(|side| side.link.deadline().map(|d| d.at));
        let Some(next) = timers.into_iter().chain([arrival]).flatten().min() else { return false };
        if next > limit {
            return false;
        }
        self.now = self.now.max(next);
        if arrival == Some(next)
            && let Some((_, (to, octets))) = self.wire.pop_first()
        {
            let (side, direction) = match to {
                To::Answerer => (&mut self.answerer, Direction::Received),
                To::Caller => (&mut self.caller, Direction::Sent),
            };
            side.link.receive(self.now, &octets);
            self.tapped.push(Piece { at: self.now, direction, octets });
        } else {
            self.answerer.link.tick(self.now);
            self.caller.link.tick(self.now);
        }
        self.drain();
        true
    }

    fn drain(&mut self) {
        loop {
            let mut quiet = true;
            while let Some(output) = self.answerer.link.poll() {
                quiet = false;
                self.on_answerer(output);
            }
            while let Some(output) = self.caller.link.poll() {
                quiet = false;
                self.on_caller(output);
            }
            if quiet {
                return;
            }
        }
    }

    fn on_answerer(&mut self, output: Output) {
        let link = &mut self.answerer.link;
        match output {
            Output::Send(octets) => self.put(To::Caller, octets),
            Output::Verify { ticket, claim, .. } => {
                let known = claim.name.as_bytes() == b"alice";
                let answer = if known {
                    Answer::Password("s3cret".into())
                } else {
                    Answer::Refused(dialback_ppp::auth::Refusal::WrongPassword)
                };
                link.judge(self.now, ticket, &answer, self.duty);
            }
            Output::AskCallback { ticket, .. } => link.offer(self.now, ticket, self.offer.clone()),
            Output::ApproveCallback { ticket, .. } => {
                link.approve(self.now, ticket, Approval::Granted);
            }
            Output::AskSecret { ticket, .. } => {
                let credentials = Credentials { name: "alice".into(), secret: "s3cret".into() };
                link.prove(self.now, ticket, Some(&credentials));
            }
            other => note(&mut self.answerer, other),
        }
    }

    fn on_caller(&mut self, output: Output) {
        match output {
            Output::Send(octets) => self.put(To::Answerer, octets),
            Output::AskSecret { ticket, .. } => {
                let credentials = Credentials { name: "alice".into(), secret: "s3cret".into() };
                self.caller.link.prove(self.now, ticket, Some(&credentials));
            }
            Output::Verify { ticket, .. } => {
                let answer = Answer::Password("s3cret".into());
                self.caller.link.judge(self.now, ticket, &answer, Duty::None);
            }
            Output::Down(end) => {
                note(&mut self.caller, Output::Down(end));
                if self.carrier {
                    // The modem hangs up; the other side sees it when all that was sent has arrived.
                    self.answerer.link.carrier_lost(self.now);
                }
            }
            other => note(&mut self.caller, other),
        }
    }

    fn put(&mut self, to: To, mut octets: Vec<u8>) {
        let sender = if to == To::Answerer { &mut self.caller } else { &mut self.answerer };
        sender.octets_sent += octets.len();
        if self.luck.below(100) < self.faults.drop {
            return;
        }
        if self.luck.below(100) < self.faults.damage {
            let at = usize::try_from(self.luck.below(octets.len() as u64)).unwrap();
            octets[at] ^= 1 << self.luck.below(8);
        }
        let jitter = self.luck.below(u64::try_from(self.faults.jitter.as_micros()).unwrap() + 1);
        let arrival = self.now + Duration::from_millis(50) + Duration::from_micros(jitter);
        let last = &mut self.last_arrival[usize::from(to == To::Caller)];
        *last = arrival.max(*last);
        let copies = if self.luck.below(100) < self.faults.repeat { 2 } else { 1 };
        for _ in 0..copies {
            self.sequence += 1;
            let arrival = self.last_arrival[usize::from(to == To::Caller)];
            self.wire.insert((arrival, self.sequence), (to, octets.clone()));
        }
    }
}

fn note(side: &mut Side, output: Output) {
    assert!(side.end.is_none(), "something after the end: {output:?}");
    match output {
        Output::Phase(phase) => side.phases.push(phase),
        Output::Down(end) => side.end = Some(end),
        Output::CallbackAgreed(_) => side.agreed += 1,
        Output::CallbackWithdrawn(_) => side.withdrawn += 1,
        Output::Ipv4Up(_) | Output::Ipv6Up(_) => side.up += 1,
        Output::Packet(packet) => side.packets.push(packet),
        Output::Ipv4Down
        | Output::Ipv6Down
        | Output::Identified(_)
        | Output::TimeRemaining(_)
        | Output::Send(_)
        | Output::Verify { .. }
        | Output::AskSecret { .. }
        | Output::AskCallback { .. }
        | Output::ApproveCallback { .. } => {}
    }
}

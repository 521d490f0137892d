//! PPP on one call, as a loop over the modem and the interface.
//!
//! ```text
//!   modem ─bytes─► Session ─► Call ─packets─► interface
//!   modem ◄─bytes─ Session ◄─ Call ◄─packets─ interface      read while little waits for the modem
//! ```
//!
//! The session is that of a program on the line ([`proto::dialer::session`]): it knows when the call is gone, and
//! how to hang up. A signal ends PPP in good order first; a second one does not wait for the peer.

use ::ppp::auth::{Answer, Refusal};
use ::ppp::caller::{Call, Leg, Outcome as Came, Plan as Wanted, Step};
use ::ppp::capture::Direction;
use ::ppp::link::{Phase, Unsendable};
use proto::dialer::Hook;
use proto::dialer::session::{Session, Step as Act};
use proto::time::Instant;
use serde_json::json;

use super::interface::Ends;
use super::{Ready, network};
use crate::dial::line::Line;
use crate::dial::progress::Progress;
use crate::dial::run::{Ended, Leaving, Said, lost, until};
use crate::dial::{Signals, now};
use crate::port::Heard;

/// Packets are read while fewer bytes than this wait for the modem: what waits there cannot be overtaken by
/// anything shorter or more urgent.
const AHEAD: usize = 2048;

/// Room for one packet.
const MAX_PACKET: usize = 65_536;

struct Speaking<'a, 'b> {
    line: &'a mut Line,
    ready: &'a mut Ready<'b>,
    progress: &'a mut Progress,
    session: Session,
    call: Call,
    leg: Leg,
    phase: Phase,
    came: Option<Came>,
    /// What went wrong here while PPP went on; it outweighs what PPP ends with.
    fault: Option<Ended>,
    gone: bool,
    stopped: bool,
}

fn ppp_now() -> ::ppp::time::Instant {
    ::ppp::time::Instant::from_micros(now().as_micros())
}

fn from_ppp(at: ::ppp::time::Instant) -> Instant {
    Instant::from_micros(at.as_micros())
}

/// Speaks PPP until it is over and the line is on-hook.
pub(super) async fn run(
    line: &mut Line,
    ready: &mut Ready<'_>,
    (wanted, leg): (&Wanted, Leg),
    hook: &Hook,
    said: Said,
    progress: &mut Progress,
    signals: &mut Signals,
) -> Result<Came, Ended> {
    let seed = sys::seed::seed().map_err(|e| lost(e.to_string()))?;
    let session = Session::start(now(), hook.clone(), line.signals());
    let call = Call::new(wanted, leg, seed, ppp_now());
    let mut speaking = Speaking {
        line,
        ready,
        progress,
        session,
        call,
        leg,
        phase: Phase::Establish,
        came: None,
        fault: None,
        gone: false,
        stopped: false,
    };
    speaking.session.receive(now(), &said.rest);
    let ended = speaking.speak(signals).await;
    let Speaking { ready, progress, came, fault, .. } = speaking;
    let down = ready.interface.down();
    if let Some(fault) = fault {
        return Err(fault);
    }
    ended?;
    if let Err(why) = down {
        progress.say(now(), why, None);
    }
    came.ok_or_else(|| lost("the line is gone".to_owned()))
}

impl Speaking<'_, '_> {
    async fn speak(&mut self, signals: &mut Signals) -> Result<(), Ended> {
        let mut room = vec![0; MAX_PACKET];
        let mut leaving: Option<Leaving> = None;
        let mut hung_up = false;
        loop {
            self.drain()?;
            if self.gone {
                return Ok(());
            }
            let mut look = None;
            if self.came.is_some() && !hung_up {
                // The last words are the peer's permission to let go: they leave first.
                look = leaving.get_or_insert_with(Leaving::start).look(self.line);
                if look.is_none() {
                    hung_up = true;
                    self.session.hang_up(now());
                    continue;
                }
            }
            let due = [
                self.session.deadline().map(|deadline| deadline.at),
                self.call.deadline().map(|deadline| from_ppp(deadline.at)),
                look,
            ];
            let due = due.into_iter().flatten().min();
            let shown = self.progress.next_tick(now());
            let takes = self.call.is_up() && self.line.waiting() < AHEAD;
            tokio::select! {
                () = self.line.wait() => {}
                () = until(due) => {}
                () = until(shown) => self.progress.tick(now()),
                read = self.ready.interface.tun.readable(), if takes => {
                    read.map_err(|e| network(e.to_string()))?;
                    self.take_packets(&mut room);
                }
                _ = signals.next() => self.stop(),
            }
            for heard in self.line.hear(true) {
                match heard {
                    Heard::Bytes(bytes) => self.session.receive(now(), &bytes),
                    Heard::Signals(signals) => self.session.signals(now(), signals),
                    Heard::Lost(why) => return Err(lost(why)),
                }
            }
            if self.phase == Phase::Terminate && self.session.is_hushed() {
                // Both have taken leave, and the peer has hung up: PPP's own wait for that is over.
                self.call.carrier_lost(ppp_now());
            }
            self.session.tick(now());
            self.call.tick(ppp_now());
        }
    }

    /// A signal: the first one in good order.
    fn stop(&mut self) {
        if self.came.is_some() || std::mem::replace(&mut self.stopped, true) {
            self.session.hang_up(now());
        } else {
            self.call.close(ppp_now());
        }
    }

    /// Carries out what both machines want, until neither wants any more.
    fn drain(&mut self) -> Result<(), Ended> {
        loop {
            if let Some(act) = self.session.poll() {
                self.act(act)?;
            } else if let Some(step) = self.call.poll() {
                self.step(step);
            } else {
                return Ok(());
            }
        }
    }

    fn act(&mut self, act: Act) -> Result<(), Ended> {
        match act {
            Act::Send(bytes) => self.line.send(&bytes),
            Act::Dtr(up) => self.line.set_dtr(up).map_err(lost)?,
            Act::Show(bytes) => {
                self.line.note(&bytes).map_err(|e| lost(format!("the log: {e}")))?;
                self.keep(Direction::Received, &bytes);
                self.call.receive(ppp_now(), &bytes);
            }
            Act::Ended(_) => {
                self.gone = true;
                self.call.carrier_lost(ppp_now());
            }
            // A person's.
            Act::Break | Act::Help => {}
        }
        Ok(())
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Send(bytes) => {
                self.keep(Direction::Sent, &bytes);
                self.session.data(now(), &bytes);
            }
            Step::Packet(packet) => self.give(&packet),
            Step::Phase(phase) => self.phase(phase),
            Step::AskSecret { ticket, method, peer } => {
                let credentials = self.ready.credentials(method, &peer);
                if credentials.is_none() {
                    let text = format!("no secret towards {peer}: it gets no proof");
                    self.progress.say(now(), text, None);
                }
                self.call.prove(ppp_now(), ticket, credentials.as_ref());
            }
            Step::Verify { ticket, claim } => {
                let secret = self.ready.secret_of(&claim.name);
                let refused = Answer::Refused(Refusal::WrongPassword);
                let answer = secret.map_or(refused, Answer::Password);
                self.call.judge(ppp_now(), ticket, &answer);
            }
            Step::Ipv4Up(agreed) => {
                let up = self.ready.interface.ipv4_up(&agreed, self.call.peer_mru());
                let dns: Vec<_> = agreed.dns.into_iter().flatten().collect();
                self.up("ipv4", up.map(Some), &json!(dns));
            }
            Step::Ipv6Up(agreed) => {
                let up = self.ready.interface.ipv6_up(&agreed, self.call.peer_mru());
                self.up("ipv6", up, &json!([]));
            }
            Step::Ipv4Down => {
                if let Err(why) = self.ready.interface.ipv4_down() {
                    self.progress.say(now(), why, None);
                }
            }
            Step::Ipv6Down => self.ready.interface.ipv6_down(),
            Step::Identified(text) => {
                let text = format!("the server is {}", text.escape_ascii());
                self.progress.say(now(), text, None);
            }
            Step::TimeRemaining(time) => {
                let text = format!("the server gives us {} s", time.as_secs());
                self.progress.say(now(), text, None);
            }
            Step::Over(came) => self.came = Some(came),
        }
    }

    /// Puts octets into the capture, if there is one.
    fn keep(&mut self, direction: Direction, octets: &[u8]) {
        let Some(tape) = &mut self.ready.tape else { return };
        if let Err(why) = tape.passed(ppp_now(), direction, octets) {
            self.ready.tape = None;
            self.progress.say(now(), why, None);
        }
    }

    fn phase(&mut self, phase: Phase) {
        self.phase = phase;
        let (word, text) = match phase {
            Phase::Establish => ("establish", "speaking PPP"),
            Phase::Authenticate => ("authenticate", "proving who we are"),
            Phase::Callback => ("callback", "asking to be called back"),
            Phase::Network => ("network", "asking for a network"),
            Phase::Terminate => ("terminate", "taking leave"),
            Phase::Dead => return,
        };
        let leg = match self.leg {
            Leg::Request => "request",
            Leg::Return => "return",
        };
        let more = json!({"phase": word, "leg": leg});
        self.progress.fact(now(), "ppp", text.to_owned(), &more);
    }

    /// A network is agreed on, and the interface has it, or cannot.
    fn up(&mut self, family: &str, up: Result<Option<Ends>, String>, dns: &serde_json::Value) {
        match up {
            Ok(Some(ends)) => {
                let name = self.ready.interface.name();
                let text = format!("{name} is up: {} towards {}", ends.local, ends.remote);
                let more = json!({
                    "interface": name, "family": family, "local": ends.local,
                    "remote": ends.remote, "mtu": ends.mtu, "dns": dns,
                });
                self.progress.fact(now(), "up", text, &more);
            }
            Ok(None) => {
                let text = "no IPv6: the server takes packets of less than 1280 octets only";
                self.progress.say(now(), text.to_owned(), None);
            }
            Err(why) => self.fail(network(why)),
        }
    }

    /// Gives up for a reason of our own; the peer is told.
    fn fail(&mut self, ended: Ended) {
        self.fault.get_or_insert(ended);
        self.call.close(ppp_now());
    }

    /// A packet of the peer's. One that the kernel does not take is dropped, as on any link.
    fn give(&mut self, packet: &[u8]) {
        let interface = &mut self.ready.interface;
        if interface.tun.write_packet(packet).is_ok() {
            interface.passed.received += octets(packet);
        }
    }

    /// Takes packets for the peer, as many as the modem has room for.
    fn take_packets(&mut self, room: &mut [u8]) {
        while self.call.is_up() && self.line.waiting() < AHEAD {
            let interface = &mut self.ready.interface;
            let packet = match interface.tun.try_read(room) {
                Ok(0) => {
                    let why = format!("{} was taken down", interface.name());
                    return self.fail(network(why));
                }
                Ok(count) => room.get(..count).unwrap_or_default(),
                Err(_) => return,
            };
            match self.call.send_packet(ppp_now(), packet) {
                Ok(()) => interface.passed.sent += octets(packet),
                // Of a network that is not agreed on, or longer than the MTU that we have set.
                Err(
                    Unsendable::NotUp
                    | Unsendable::TooLong(_)
                    | Unsendable::NotIp
                    | Unsendable::QueueFull,
                ) => {}
            }
            while let Some(step) = self.call.poll() {
                self.step(step);
            }
            while let Some(act) = self.session.poll() {
                if let Err(ended) = self.act(act) {
                    self.fault.get_or_insert(ended);
                }
            }
        }
    }
}

fn octets(packet: &[u8]) -> u64 {
    u64::try_from(packet.len()).unwrap_or(u64::MAX)
}

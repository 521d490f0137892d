//! Whole calls of a client's against an answering link in memory, in virtual time.

use super::*;
use crate::auth::Refusal;
use crate::cbcp::{CallerFailure, NumberList, Offer, Stay};
use crate::lcp::callback::Answer as Stand;
use crate::link::Approval;
use crate::ncp::PeerAddress;
use std::net::Ipv4Addr;

const OURS: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);
const THEIRS: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
const PASSWORD: &str = "s3cret";

/// The server: what it takes by option 13, what it offers, and by what it wants names proved.
struct Server {
    stance: Stance,
    offer: Option<Offer>,
    demand: Vec<Method>,
    password: &'static str,
}

fn server(offer: Offer) -> Server {
    Server {
        stance: Stance::Answer(Stand::CBCP_ONLY),
        offer: Some(offer),
        demand: vec![Method::MsChapV2],
        password: PASSWORD,
    }
}

fn plan(callback: Option<Callback>) -> Plan {
    Plan {
        callback,
        name: Name::from("alice"),
        submit: vec![Method::MsChapV2, Method::ChapMd5],
        demand: Vec::new(),
        mru: 1500,
        keepalive: None,
        ipv4: Some(Ipv4Wishes {
            local: None,
            peer: PeerAddress::Any,
            dns: [None; 2],
            nbns: [None; 2],
            asks_servers: true,
        }),
        ipv6: Some(Ipv6Wishes { local: None }),
        idle: None,
        session: None,
        rate: None,
    }
}

fn wanted(number: Option<&str>, by: By) -> Callback {
    Callback { number: number.map(Number::from), by, delay: 5, otherwise: Otherwise::GoOn }
}

fn required(number: Option<&str>, by: By) -> Callback {
    Callback { otherwise: Otherwise::GiveUp, ..wanted(number, by) }
}

struct Pair {
    now: Instant,
    call: Call,
    link: Link,
    offer: Option<Offer>,
    password: &'static str,
    told: Vec<String>,
    outcome: Option<Outcome>,
}

impl Pair {
    fn new(plan: &Plan, leg: Leg, server: Server) -> Self {
        let now = Instant::from_secs(1);
        let mut config = Config::answerer("orion");
        config.lcp.callback = server.stance;
        config.lcp.demand = server.demand;
        config.lcp.submit = vec![Method::ChapMd5];
        config.keepalive = None;
        config.ipv4 = Some(Ipv4Wishes {
            local: Some(THEIRS),
            peer: PeerAddress::Assigned(OURS),
            dns: [Some(THEIRS), None],
            nbns: [None; 2],
            asks_servers: false,
        });
        config.ipv6 = Some(Ipv6Wishes { local: None });
        Self {
            now,
            call: Call::new(plan, leg, [1; 32], now),
            link: Link::new(config, [2; 32], now),
            offer: server.offer,
            password: server.password,
            told: Vec::new(),
            outcome: None,
        }
    }

    /// Lets both speak until neither has anything to say.
    fn exchange(&mut self) {
        loop {
            let mut quiet = true;
            while let Some(step) = self.call.poll() {
                quiet = false;
                self.stepped(step);
            }
            while let Some(output) = self.link.poll() {
                quiet = false;
                self.answered(output);
            }
            if quiet {
                return;
            }
        }
    }

    fn stepped(&mut self, step: Step) {
        let now = self.now;
        match step {
            Step::Send(octets) => self.link.receive(now, &octets),
            Step::AskSecret { ticket, .. } => {
                let credentials =
                    Credentials { name: Name::from("alice"), secret: PASSWORD.into() };
                self.call.prove(now, ticket, Some(&credentials));
            }
            Step::Verify { ticket, .. } => {
                self.call.judge(now, ticket, &Answer::Password(self.password.into()));
            }
            Step::Ipv4Up(ipv4) => {
                assert_eq!((ipv4.local, ipv4.peer), (Some(OURS), Some(THEIRS)));
                assert_eq!(ipv4.dns, [Some(THEIRS), None]);
                self.told.push("ipv4 up".to_owned());
            }
            Step::Ipv6Up(_) => self.told.push("ipv6 up".to_owned()),
            Step::Packet(packet) => self.told.push(format!("packet of {}", packet.len())),
            Step::Over(outcome) => {
                assert!(self.outcome.is_none(), "over twice");
                self.outcome = Some(outcome);
            }
            Step::Phase(_)
            | Step::Ipv4Down
            | Step::Ipv6Down
            | Step::Identified(_)
            | Step::TimeRemaining(_) => {}
        }
    }

    fn answered(&mut self, output: Output) {
        let now = self.now;
        match output {
            Output::Send(octets) => self.call.receive(now, &octets),
            Output::Verify { ticket, .. } => {
                let answer = match self.password {
                    "" => Answer::Refused(Refusal::WrongPassword),
                    password => Answer::Password(password.into()),
                };
                self.link.judge(now, ticket, &answer, Duty::None);
            }
            Output::AskSecret { ticket, .. } => {
                let credentials =
                    Credentials { name: Name::from("orion"), secret: self.password.into() };
                self.link.prove(now, ticket, Some(&credentials));
            }
            Output::AskCallback { ticket, .. } => {
                self.link.offer(now, ticket, self.offer.clone());
            }
            Output::ApproveCallback { ticket, .. } => {
                self.link.approve(now, ticket, Approval::Granted);
            }
            Output::Phase(_)
            | Output::CallbackAgreed(_)
            | Output::CallbackWithdrawn(_)
            | Output::Ipv4Up(_)
            | Output::Ipv4Down
            | Output::Ipv6Up(_)
            | Output::Ipv6Down
            | Output::Packet(_)
            | Output::Identified(_)
            | Output::TimeRemaining(_)
            | Output::Down(_) => {}
        }
    }

    /// Lets time pass, to each deadline on the way.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        self.exchange();
        loop {
            let next = Deadline::earliest(self.call.deadline(), self.link.deadline());
            match next {
                Some(next) if next.at <= until => {
                    self.now = self.now.max(next.at);
                    self.call.tick(self.now);
                    self.link.tick(self.now);
                    self.exchange();
                }
                Some(_) | None => break,
            }
        }
        self.now = until;
    }
}

/// Runs a call for five minutes; what it came to, `None` for a session that goes on.
fn check(plan: &Plan, leg: Leg, server: Server) -> Option<Outcome> {
    let mut pair = Pair::new(plan, leg, server);
    pair.pass(Duration::from_secs(300));
    assert_eq!(pair.outcome.is_none(), pair.call.is_up());
    pair.outcome
}

fn called(choice: Option<Choice>, delay: u8) -> Option<Outcome> {
    Some(Outcome::Callback { choice, delay })
}

const NUMBER: &str = "5550199";

#[test]
fn a_caller_gets_the_callback_that_it_asks_for() {
    let number = || Number::from(NUMBER);
    let list =
        || Offer::List(NumberList::new(vec!["5550198".into(), number()]).unwrap(), Stay::Refused);
    let rows = [
        (wanted(Some(NUMBER), By::Cbcp), Offer::Own(Stay::Allowed), Choice::Number(number())),
        (required(Some(NUMBER), By::Cbcp), Offer::Own(Stay::Allowed), Choice::Number(number())),
        (wanted(None, By::Cbcp), Offer::Administrator(Stay::Allowed), Choice::Administrator),
        (required(None, By::Either), Offer::Administrator(Stay::Refused), Choice::Administrator),
        (wanted(Some(NUMBER), By::Cbcp), list(), Choice::Listed(number())),
        (wanted(None, By::Cbcp), list(), Choice::Listed("5550198".into())),
        (
            wanted(Some(NUMBER), By::Cbcp),
            Offer::Administrator(Stay::Allowed),
            Choice::Administrator,
        ),
    ];
    for (callback, offer, choice) in rows {
        let what = format!("{callback:?} {offer:?}");
        let outcome = check(&plan(Some(callback)), Leg::Request, server(offer));
        assert_eq!(outcome, called(Some(choice), 5), "{what}");
    }
}

#[test]
fn option_13_alone_is_good_for_a_callback_too() {
    let both = Stand { administrator: true, numbers: true, ..Stand::CBCP_ONLY };
    let alone = Stand { cbcp: false, ..both };
    let rows = [
        (wanted(None, By::Option13), both, Offer::Administrator(Stay::Allowed)),
        (required(Some(NUMBER), By::Option13), both, Offer::Own(Stay::Allowed)),
        (required(None, By::Either), alone, Offer::Administrator(Stay::Refused)),
        (wanted(Some(NUMBER), By::Either), alone, Offer::Administrator(Stay::Refused)),
    ];
    for (callback, stand, offer) in rows {
        let what = format!("{callback:?}");
        let server = Server { stance: Stance::Answer(stand), ..server(offer) };
        assert_eq!(check(&plan(Some(callback)), Leg::Request, server), called(None, 0), "{what}");
    }
}

#[test]
fn without_a_callback_it_stays_or_leaves_as_it_was_told() {
    let refused = |why| Some(Outcome::Failed(End::CallbackNotGranted(why)));
    let lenient = || Stand { cbcp: false, administrator: true, ..Stand::CBCP_ONLY };
    type Row = (&'static str, fn(By) -> Callback, By, Stance, Offer, Option<Outcome>);
    let rows: Vec<Row> = vec![
        (
            "none offered",
            |by| wanted(Some(NUMBER), by),
            By::Cbcp,
            Stance::Answer(Stand::CBCP_ONLY),
            Offer::NoCallback,
            None,
        ),
        (
            "none offered, but it must",
            |by| required(Some(NUMBER), by),
            By::Cbcp,
            Stance::Answer(Stand::CBCP_ONLY),
            Offer::NoCallback,
            refused(Some(CallerFailure::NothingToChoose)),
        ),
        ("not spoken", |by| wanted(None, by), By::Cbcp, Stance::Refuse, Offer::NoCallback, None),
        (
            "not spoken, but it must",
            |by| required(None, by),
            By::Either,
            Stance::Refuse,
            Offer::NoCallback,
            refused(None),
        ),
        (
            "acknowledged and not done",
            |by| wanted(None, by),
            By::Option13,
            Stance::Answer(lenient()),
            Offer::NoCallback,
            None,
        ),
        (
            "acknowledged and not done, but it must",
            |by| required(None, by),
            By::Option13,
            Stance::Answer(lenient()),
            Offer::NoCallback,
            refused(None),
        ),
    ];
    for (what, callback, by, stance, offer, outcome) in rows {
        let server = Server { stance, ..server(offer) };
        assert_eq!(check(&plan(Some(callback(by))), Leg::Request, server), outcome, "{what}");
    }
}

#[test]
fn on_the_return_leg_nobody_calls_anybody_back() {
    let plan = plan(Some(required(Some(NUMBER), By::Cbcp)));
    assert_eq!(check(&plan, Leg::Return, server(Offer::Own(Stay::Allowed))), None);
}

#[test]
fn a_proof_that_fails_is_told_from_either_side() {
    let outcome =
        check(&plan(None), Leg::Return, Server { password: "", ..server(Offer::NoCallback) });
    assert!(matches!(outcome, Some(Outcome::Failed(End::NotAuthenticated(_)))), "{outcome:?}");
    let server = || server(Offer::NoCallback);
    let demanding = Plan { demand: vec![Method::ChapMd5], ..plan(None) };
    assert_eq!(check(&demanding, Leg::Return, server()), None);
    let impostor = Plan { demand: vec![Method::MsChapV2], ..plan(None) };
    let outcome = check(&impostor, Leg::Return, server());
    assert_eq!(outcome, Some(Outcome::Failed(End::PeerRefusesAuthentication)));
    let pap = Server { demand: vec![Method::Pap], ..server() };
    let outcome = check(&plan(None), Leg::Request, pap);
    assert!(matches!(outcome, Some(Outcome::Failed(_))), "PAP has not been allowed: {outcome:?}");
}

/// A packet of this many octets towards an address.
fn packet(to: Ipv4Addr, length: usize) -> Vec<u8> {
    let mut packet = vec![0; length];
    packet[0] = 0x45;
    packet[16..20].copy_from_slice(&to.octets());
    packet
}

#[test]
fn a_session_ends_when_it_is_idle_and_chatter_is_no_use() {
    let plan = Plan { idle: Some(Duration::from_secs(60)), ..plan(None) };
    let mut pair = Pair::new(&plan, Leg::Return, server(Offer::NoCallback));
    pair.pass(Duration::from_secs(50));
    assert_eq!(pair.told, ["ipv6 up", "ipv4 up"]);
    let now = pair.now;
    pair.call.send_packet(now, &packet(THEIRS, 100)).unwrap();
    pair.pass(Duration::from_secs(30));
    pair.link.send_packet(&packet(OURS, 40)).unwrap();
    pair.pass(Duration::from_secs(30));
    pair.call.send_packet(pair.now, &packet(Ipv4Addr::new(224, 0, 0, 251), 100)).unwrap();
    pair.pass(Duration::from_secs(29));
    assert_eq!((pair.told.last().unwrap().as_str(), &pair.outcome), ("packet of 40", &None));
    pair.pass(Duration::from_secs(2));
    assert_eq!(pair.outcome, Some(Outcome::Session(Ending::Idle)));
    pair.pass(Duration::from_secs(5));
    assert!(pair.link.is_over(), "the peer has been told");
    assert_eq!(pair.call.deadline(), None);
}

#[test]
fn a_session_ends_when_its_time_is_over_however_busy_it_is() {
    let plan = Plan { session: Some(Duration::from_secs(60)), ..plan(None) };
    let mut pair = Pair::new(&plan, Leg::Return, server(Offer::NoCallback));
    for _ in 0..59 {
        pair.pass(Duration::from_secs(1));
        pair.call.send_packet(pair.now, &packet(THEIRS, 100)).unwrap();
    }
    assert_eq!(pair.outcome, None);
    pair.pass(Duration::from_secs(2));
    assert_eq!(pair.outcome, Some(Outcome::Session(Ending::TimeOver)));
}

#[test]
fn a_session_tells_who_ended_it() {
    let up = || {
        let mut pair = Pair::new(&plan(None), Leg::Return, server(Offer::NoCallback));
        pair.pass(Duration::from_secs(10));
        assert!(pair.call.is_up());
        pair
    };
    let mut pair = up();
    pair.call.close(pair.now);
    pair.exchange();
    assert_eq!(pair.outcome, Some(Outcome::Session(Ending::Closed)));
    let mut pair = up();
    pair.link.close(pair.now, "good night");
    pair.pass(Duration::from_secs(10));
    assert_eq!(pair.outcome, Some(Outcome::Session(Ending::Peer(b"good night".to_vec()))));
    let mut pair = up();
    pair.call.carrier_lost(pair.now);
    pair.exchange();
    assert_eq!(pair.outcome, Some(Outcome::Session(Ending::Broken(End::CarrierLost))));
    assert_eq!(pair.call.send_packet(pair.now, &packet(THEIRS, 20)), Err(Unsendable::NotUp));
}

#[test]
fn a_promise_stands_when_the_line_is_lost_before_the_peer_has_said_good_bye() {
    let plan = plan(Some(wanted(None, By::Cbcp)));
    let mut pair = Pair::new(&plan, Leg::Request, server(Offer::Administrator(Stay::Refused)));
    // Until we ask for the end: the answer never comes.
    while pair.outcome.is_none() {
        let step = pair.call.poll();
        let Some(step) = step else {
            pair.exchange_once();
            continue;
        };
        let leaving = matches!(&step, Step::Phase(Phase::Terminate));
        pair.stepped(step);
        if leaving {
            pair.call.carrier_lost(pair.now);
        }
    }
    assert_eq!(pair.outcome, called(Some(Choice::Administrator), 5));
}

impl Pair {
    /// One thing of the answerer's.
    fn exchange_once(&mut self) {
        let output = self.link.poll().expect("one of the two has something to say");
        self.answered(output);
    }
}

#[test]
fn a_line_without_ppp_is_told_after_thirty_seconds() {
    let now = Instant::ZERO;
    let mut call = Call::new(&plan(None), Leg::Request, [3; 32], now);
    let mut outcome = None;
    while let Some(deadline) = call.deadline() {
        call.tick(deadline.at);
        while let Some(step) = call.poll() {
            if let Step::Over(over) = step {
                outcome = Some((over, deadline.at));
            }
        }
    }
    assert_eq!(outcome, Some((Outcome::Failed(End::NoAnswer), Instant::from_secs(30))));
}

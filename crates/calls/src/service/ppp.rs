//! Our PPP engine as a service on a line: its clock, whom it lets in, and what it has pledged.
//!
//! ```text
//!   pledge:  None ── policy agrees, `Promised` journalled ──► Storing ── durable ──► Granted ── the caller is told ──► Told
//!              ▲                                                │                       │                            │
//!              └──────── the link begins anew, or ends otherwise than for the callback: the promise is void ─────────┘
//! ```
//!
//! The link runs the phases by itself and asks three questions: is this name proved, what may its owner
//! choose from, shall it be this number? The first two are answered here, from the configuration; the third
//! by policy, through the session.
//!
//! It does not dial, does not know the line, and makes no promise.

use std::time::Duration;

use ppp::auth::{Answer, Claim, Duty, Refusal};
use ppp::capture::Direction;
use ppp::cbcp::{Offer, Stay};
use ppp::lcp::callback::{Answer as Accepted, Stance};
use ppp::link::{self, Approval, End, Link, NetworkPhase, Phase, Ticket};
use ppp::ncp::{Ipv4Wishes, Ipv6Wishes};
use proto::time::{Deadline, Instant};

use super::capture::Capture;
use super::network::{Network, keepalive};
use crate::config::Config;
use crate::config::capture::Capture as Settings;
use crate::config::user::{CallbackOffer, Service, UserCallback};
use crate::policy;
use crate::vocabulary::{CallId, CaptureOutput, Cause, Leg, Now, Seq, Wall};

/// How long the journal may take to store a promise. The link waits for an answer a little longer.
const STORE_TIME: Duration = Duration::from_secs(30);

/// A PPP link on a line.
#[derive(Debug)]
pub(crate) struct Ppp {
    link: Link,
    leg: Leg,
    phase: Phase,
    /// On a return leg that was promised to a PPP user: nobody else is let in.
    only: Option<String>,
    pub(crate) pledge: Pledge,
    /// Whether somebody was let in.
    let_in: bool,
    /// Why the line was lost, if it was.
    lost: Option<Cause>,
    /// What passes, if it is kept.
    capture: Option<Capture>,
    /// Why we have ended the link, if it was we.
    closed: Option<(Cause, String)>,
    /// In the network phase: what is carried.
    pub(crate) network: Option<Box<Network>>,
}

/// How far the promise of a callback is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pledge {
    /// There is none.
    None,
    /// It is being stored.
    Storing { ticket: Ticket, seq: Seq, until: Instant },
    /// It is stored; the caller has not been told yet.
    Granted,
    /// The caller has been told.
    Told,
}

/// What became of a claim.
pub(crate) struct Judged {
    /// The identity, or why nobody is let in.
    pub(crate) verdict: Result<String, String>,
    answer: Answer,
    duty: Duty,
}

impl Judged {
    /// Whether name and password do not belong together, whatever the reason.
    pub(crate) const fn is_guess(&self) -> bool {
        matches!(self.answer, Answer::Refused(Refusal::WrongPassword))
    }
}

impl Ppp {
    /// A link on a line that is up; `None` if nobody could prove a name on it.
    pub(crate) fn begin(
        config: &Config,
        leg: Leg,
        only: Option<String>,
        seed: [u8; 32],
        now: Instant,
    ) -> Option<Self> {
        let ppp = config.ppp.as_ref()?;
        let demand = ppp.secrets.methods();
        // A link that demands nothing lets everybody in.
        if demand.is_empty() {
            return None;
        }
        let mut settings = link::Config::answerer(&config.server.host);
        settings.lcp.demand = demand;
        settings.lcp.mru = ppp.network.mru;
        settings.lcp.callback = Stance::Answer(Accepted {
            administrator: ppp.rfc1570.user,
            numbers: ppp.rfc1570.number,
            ..Accepted::CBCP_ONLY
        });
        settings.keepalive = keepalive(&ppp.network);
        settings.networks = NetworkPhase::WhenToldTo;
        let settings = match leg {
            Leg::Request => settings,
            Leg::Return => settings.on_the_return_leg(),
        };
        Some(Self {
            link: Link::new(settings, seed, time(now)),
            leg,
            phase: Phase::Establish,
            only,
            pledge: Pledge::None,
            let_in: false,
            lost: None,
            closed: None,
            capture: None,
            network: None,
        })
    }

    /// What passes on the line from now on is kept.
    pub(crate) fn keep(&mut self, settings: &Settings, call: CallId, now: Now) {
        self.capture = Some(Capture::begin(settings, call, now));
    }

    /// What is to be written of what has passed.
    pub(crate) fn poll_capture(&mut self) -> Option<CaptureOutput> {
        self.capture.as_mut()?.poll()
    }

    pub(crate) fn receive(&mut self, now: Instant, bytes: &[u8]) {
        if let Some(capture) = &mut self.capture {
            capture.passed(time(now), Direction::Received, bytes);
        }
        self.link.receive(time(now), bytes);
    }

    pub(crate) fn tick(&mut self, now: Instant) {
        self.link.tick(time(now));
    }

    pub(crate) fn poll(&mut self, now: Instant) -> Option<link::Output> {
        let output = self.link.poll()?;
        if let (link::Output::Send(octets), Some(capture)) = (&output, &mut self.capture) {
            capture.passed(time(now), Direction::Sent, octets);
        }
        Some(output)
    }

    pub(crate) fn deadline(&self) -> Option<Deadline> {
        let link = self.link.deadline().map(|deadline| {
            Deadline::new(Instant::from_micros(deadline.at.as_micros()), deadline.why)
        });
        let journal = match self.pledge {
            Pledge::Storing { until, .. } => Some(Deadline::new(until, "journal")),
            Pledge::None | Pledge::Granted | Pledge::Told => None,
        };
        let limits = match (&self.network, self.phase, &self.closed) {
            (Some(network), Phase::Network, None) => network.deadline(),
            (_, _, _) => None,
        };
        Deadline::earliest(Deadline::earliest(link, journal), limits)
    }

    /// The event that must be stored before the caller is told.
    pub(crate) const fn waits_for(&self) -> Option<Seq> {
        match self.pledge {
            Pledge::Storing { seq, .. } => Some(seq),
            Pledge::None | Pledge::Granted | Pledge::Told => None,
        }
    }

    /// For people: where it is.
    pub(crate) const fn phase(&self) -> &'static str {
        match (self.pledge, self.phase) {
            (Pledge::Storing { .. }, _) => "storing",
            (_, Phase::Establish) => "establish",
            (_, Phase::Authenticate) => "authenticate",
            (_, Phase::Callback) => "callback",
            (_, Phase::Network) => "network",
            (_, Phase::Terminate | Phase::Dead) => "terminate",
        }
    }

    /// The link has gone into a phase.
    pub(crate) const fn enter(&mut self, phase: Phase) {
        self.phase = phase;
    }

    // ----------------------------------------------------------------------------------- the network

    /// The longest packet that the peer takes.
    pub(crate) fn peer_mru(&self) -> u16 {
        self.link.lcp().options().granted().mru
    }

    /// The network phase has come, and this shall be carried.
    pub(crate) fn serve(
        &mut self,
        now: Instant,
        network: Network,
        ipv4: Option<Ipv4Wishes>,
        ipv6: Option<Ipv6Wishes>,
    ) {
        self.network = Some(Box::new(network));
        self.link.begin_networks(time(now), ipv4, ipv6);
    }

    /// A packet for the peer. One that it cannot take is dropped, as a network may.
    pub(crate) fn send_packet(&mut self, now: Instant, packet: &[u8]) {
        if self.link.send_packet(packet).is_ok()
            && let Some(network) = &mut self.network
        {
            network.sent(packet, now);
        }
    }

    /// Ends the link if its time is over.
    pub(crate) fn keep_limits(&mut self, now: Instant) {
        let network = self.network.as_ref().filter(|_| self.phase == Phase::Network);
        if let Some((cause, why)) = network.and_then(|network| network.over(now)) {
            self.close(now, cause, why);
        }
    }

    // ------------------------------------------------------------------------------- who is let in

    /// Whether a claim is good, and what its owner owes.
    pub(crate) fn judge(&self, config: &Config, claim: &Claim, at: Wall) -> Judged {
        let refused = |refusal: Refusal, why: String| Judged {
            verdict: Err(why),
            answer: Answer::Refused(refusal),
            duty: Duty::None,
        };
        let method = claim.proof.method();
        let secrets = config.ppp.as_ref().map(|ppp| &ppp.secrets);
        let known = secrets.and_then(|s| s.find(method, &claim.name, &config.server.host));
        let proven = known.and_then(|known| Some((claim.check(&known.secret)?, known.identity)));
        let Some((proven, identity)) = proven else {
            let refusal = Refusal::WrongPassword;
            return refused(refusal, refusal.message().to_owned());
        };
        if let Err(refusal) = policy::serves(config, &identity, Service::Ppp, self.leg, at) {
            return refused(Refusal::NotAllowed, format!("{}: {}", refusal.rule, refusal.reason));
        }
        let is = |only: &str| {
            only == identity || config.user(only).is_some_and(|user| user.is_called(&identity))
        };
        let duty = match &self.only {
            Some(only) if !is(only) => {
                return refused(Refusal::NotAllowed, format!("{only} is called back, nobody else"));
            }
            // Called back as he must be.
            Some(_) => Duty::None,
            // A return call that somebody has asked for at the prompt does not count.
            None if user_callback(config, &identity).is_some_and(|callback| callback.required) => {
                Duty::MustBeCalledBack
            }
            None => Duty::None,
        };
        let answer = Answer::Accepted { success: proven.success };
        Judged { verdict: Ok(identity), answer, duty }
    }

    /// Tells the link.
    pub(crate) fn judged(&mut self, now: Instant, ticket: Ticket, judged: &Judged) {
        self.let_in |= judged.verdict.is_ok();
        self.link.judge(time(now), ticket, &judged.answer, judged.duty);
    }

    /// What a user may choose from.
    pub(crate) fn offer(&mut self, now: Instant, ticket: Ticket, config: &Config, name: &str) {
        let offer = match self.leg {
            Leg::Request => user_callback(config, name).map_or(Some(Offer::NoCallback), offer),
            // Option 13 was rejected; nobody can ask.
            Leg::Return => None,
        };
        self.link.offer(time(now), ticket, offer);
    }

    // ---------------------------------------------------------------------------------- the promise

    /// Policy agrees, and the promise is being stored.
    pub(crate) fn pledge(&mut self, now: Instant, ticket: Ticket, seq: Seq) {
        self.pledge = Pledge::Storing { ticket, seq, until: now + STORE_TIME };
    }

    /// It shall not be this number.
    pub(crate) fn refuse(&mut self, now: Instant, ticket: Ticket) {
        self.link.approve(time(now), ticket, Approval::Refused);
    }

    /// The journal is stored up to `upto`.
    pub(crate) fn durable(&mut self, upto: Seq, now: Instant) {
        match self.pledge {
            Pledge::Storing { ticket, seq, .. } if seq <= upto => {
                self.pledge = Pledge::Granted;
                self.link.approve(time(now), ticket, Approval::Granted);
            }
            Pledge::Storing { .. } | Pledge::None | Pledge::Granted | Pledge::Told => {}
        }
    }

    /// The journal takes too long.
    pub(crate) fn is_late(&self, now: Instant) -> bool {
        matches!(self.pledge, Pledge::Storing { until, .. } if until <= now)
    }

    /// The journal cannot be written: no promise.
    pub(crate) fn store_failed(&mut self, now: Instant) {
        match self.pledge {
            Pledge::Storing { ticket, .. } => self.refuse(now, ticket),
            Pledge::None | Pledge::Granted | Pledge::Told => {}
        }
    }

    // -------------------------------------------------------------------------------------- the end

    /// Ends the link; the peer is told why.
    pub(crate) fn close(&mut self, now: Instant, cause: Cause, why: &str) {
        self.closed.get_or_insert_with(|| (cause, why.to_owned()));
        self.link.close(time(now), why);
    }

    /// The line may be gone. Once leave is taken nothing is waited for but that (RFC 1661 §4.4, zrc: three seconds, if nothing
    /// tells), so then the word counts; before, a caller's file may contain it.
    pub(crate) fn carrier_doubted(&mut self, now: Instant) {
        if self.phase == Phase::Terminate {
            self.link.carrier_lost(time(now));
        }
    }

    /// The line is gone.
    pub(crate) fn carrier_lost(&mut self, now: Instant, why: Cause) {
        self.lost = Some(why);
        self.link.carrier_lost(time(now));
    }

    /// Why the call ends with this end, and the same for people.
    pub(crate) fn ended(&self, end: &End) -> (Cause, String) {
        // What was decided stands, even if the line was lost before the last Terminate-Ack.
        let cause = match (end, self.lost) {
            (End::Callback(_), _) => Cause::Callback,
            (End::Closed, _) if let Some((cause, _)) = &self.closed => *cause,
            (End::PeerTerminated(_), _) if self.let_in => Cause::UserRequest,
            (_, Some(lost)) => lost,
            (End::CarrierLost | End::Silent, None) => Cause::LostCarrier,
            (End::NoAnswer, None) => Cause::IdleTimeout,
            (End::Closed | End::NoNetwork | End::CallbackFailed(_), None) => {
                Cause::ServiceUnavailable
            }
            (
                End::PeerTerminated(_)
                | End::NotConverging
                | End::Looped
                | End::NotSpoken
                | End::PeerRefusesAuthentication
                | End::PeerNotAuthenticated(_)
                | End::CallbackUnconfirmed(_),
                None,
            ) => Cause::UserError,
            // Ends of a caller, which we are not.
            (
                End::NotAuthenticated(_)
                | End::Impostor
                | End::AwaitCallback(..)
                | End::CallbackNotGranted(_),
                None,
            ) => Cause::NasError,
        };
        let why = match (end, &self.closed) {
            (End::Closed, Some((_, why))) => why.clone(),
            (_, _) => end.to_string(),
        };
        (cause, why)
    }
}

/// How a user may be called back.
pub(crate) fn user_callback<'c>(config: &'c Config, name: &str) -> Option<&'c UserCallback> {
    config.user(name)?.callback.as_ref()
}

/// `None` if it cannot be offered.
fn offer(callback: &UserCallback) -> Option<Offer> {
    let stay = if callback.may_stay { Stay::Allowed } else { Stay::Refused };
    Some(match callback.offer {
        CallbackOffer::Nothing => Offer::NoCallback,
        CallbackOffer::Fixed => Offer::Administrator(stay),
        CallbackOffer::List => Offer::List(callback.list()?, stay),
        CallbackOffer::Caller => Offer::Own(stay),
        CallbackOffer::FixedOrCaller => Offer::AdministratorOrOwn(stay),
    })
}

/// The link's clock is ours.
const fn time(now: Instant) -> ppp::time::Instant {
    ppp::time::Instant::from_micros(now.as_micros())
}

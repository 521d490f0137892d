//! The engine of a link: what each packet, answer and tick does in each phase.
//!
//! Every input ends in `settle`, which pulls one fact at a time out of the engines below, acts on it,
//! and goes on until all of them are silent. What a fact does is decided here and nowhere else; what the
//! engines negotiate, here not at all.

use std::time::Duration;

use super::config::{Config, Opening};
use super::intake::{Heed, Patience};
use super::outbox::Outbox;
use super::output::{End, Output, Phase, Ticket};
use super::session::{Callback, Network, NetworkState, Networks, Proof, Proofs, Session};
use crate::auth::{self, Authenticator, AuthenticatorFact, Claimant, ClaimantFact};
use crate::cbcp::{AnswererFact, Caller, CallerFact, CallerFailure};
use crate::framing::{Accm, Framing};
use crate::lcp::callback::{Otherwise, Proposal, Stance};
use crate::lcp::{self, Essential, Lcp};
use crate::ncp::{Ipcp, Ipv6cp};
use crate::negotiation::{self, Ending, Negotiation, Options};
use crate::protocol::Protocol;
use crate::random::Random;
use crate::time::{Deadline, Instant};

/// How long our own owner may think about a callback before the caller is sent away.
pub(super) const OWNER_WAIT: Duration = Duration::from_secs(40);

#[derive(Debug)]
pub(super) struct Core {
    pub(super) config: Config,
    pub(super) lcp: Lcp,
    pub(super) stage: Stage,
    pub(super) out: Outbox,
    framing: Framing,
    random: Random,
    /// Why we end the link, from when we decide to until it is over.
    end: Option<End>,
    tickets: u32,
    /// Wrong passwords that the peer may still give. One that begins anew does not get new ones.
    tries_left: u32,
}

#[derive(Debug)]
pub(super) enum Stage {
    /// LCP is not open.
    Establish,
    /// LCP is open.
    Open(Box<Session>),
    /// LCP is being closed.
    Terminate,
    /// All is over.
    Dead,
}

impl Core {
    pub(super) fn new(config: Config, seed: [u8; 32], now: Instant) -> Self {
        let mut random = Random::new(seed, "link");
        let lcp =
            Lcp::new(config.lcp.clone(), config.limits, config.keepalive, random.fork("magic"));
        let opening = config.opening;
        let tries_left = config.authentication.tries;
        let mut this = Self {
            config,
            lcp,
            stage: Stage::Establish,
            out: Outbox::default(),
            framing: Framing::DEFAULT,
            random,
            end: None,
            tickets: 0,
            tries_left,
        };
        this.out.push(Output::Phase(Phase::Establish));
        match opening {
            Opening::Ask => this.lcp.open(now),
            Opening::Listen => this.lcp.listen(now),
        }
        this.settle(now);
        this
    }

    /// What the peer has agreed to escape, from the moment both sides have agreed.
    pub(super) fn receive_accm(&self) -> Accm {
        match self.stage {
            Stage::Open(_) => self.lcp.options().receive_accm(),
            Stage::Establish | Stage::Terminate | Stage::Dead => Accm::ALL,
        }
    }

    pub(super) const fn framing(&self) -> Framing {
        self.framing
    }

    /// A good frame has come.
    pub(super) fn frame(&mut self, now: Instant, protocol: Protocol, information: &[u8]) {
        match (&mut self.stage, protocol) {
            (Stage::Dead, _) => return,
            (_, Protocol::LCP) => self.lcp.receive(now, information),
            // RFC 1661 §3.4: before LCP is open, nothing else counts.
            (Stage::Establish | Stage::Terminate, _) => return,
            (Stage::Open(session), _) => {
                if session.receive(now, protocol, information, &mut self.out) == Heed::Rejected {
                    self.lcp.reject_protocol(protocol, information);
                }
            }
        }
        self.settle(now);
    }

    pub(super) fn tick(&mut self, now: Instant) {
        if let Stage::Dead = self.stage {
            return;
        }
        self.lcp.tick(now);
        if let Stage::Open(session) = &mut self.stage
            && session.tick(now) == Patience::Over
        {
            let failure = crate::cbcp::Failure::TimedOut;
            self.end_with(now, End::CallbackFailed(failure), "callback cannot be decided in time");
        }
        self.settle(now);
    }

    pub(super) fn deadline(&self) -> Option<Deadline> {
        match &self.stage {
            Stage::Dead => None,
            Stage::Establish | Stage::Terminate => self.lcp.deadline(),
            Stage::Open(session) => Deadline::earliest(self.lcp.deadline(), session.deadline()),
        }
    }

    pub(super) fn carrier_lost(&mut self, now: Instant) {
        let end = match &self.stage {
            Stage::Dead => return,
            Stage::Establish | Stage::Terminate => None,
            Stage::Open(session) => session.end_unterminated(&self.config),
        };
        // What the link was already ending for stands: the promise of a call back, for one.
        let end = self.end.take().or(end).unwrap_or(End::CarrierLost);
        if let Stage::Open(session) = std::mem::replace(&mut self.stage, Stage::Dead) {
            self.networks_down(&session.networks);
        }
        self.lcp.lower_down(now);
        while self.lcp.poll().is_some() {}
        self.over(end);
    }

    /// Decides that the link ends, and asks LCP to close. The first reason stands.
    pub(super) fn end_with(&mut self, now: Instant, end: End, farewell: &str) {
        if let Stage::Dead = self.stage {
            return;
        }
        self.end.get_or_insert(end);
        self.lcp.close(now, farewell);
    }

    pub(super) const fn ticket(&mut self) -> Ticket {
        self.tickets = self.tickets.wrapping_add(1);
        Ticket(self.tickets)
    }

    pub(super) fn settle(&mut self, now: Instant) {
        while self.step(now) {}
    }

    /// Pulls one fact and acts on it; false when there is none.
    fn step(&mut self, now: Instant) -> bool {
        if let Some(fact) = self.lcp.poll() {
            self.on_lcp(now, fact);
            return true;
        }
        let Stage::Open(session) = &mut self.stage else { return false };
        if let Some(authenticator) = &mut session.proofs.authenticator
            && let Some(fact) = authenticator.poll()
        {
            let protocol = authenticator.method().protocol();
            self.on_authenticator(now, protocol, fact);
            return true;
        }
        if let Some(claimant) = &mut session.proofs.claimant
            && let Some(fact) = claimant.poll()
        {
            self.on_claimant(now, fact);
            return true;
        }
        if let Callback::Answering { answerer, .. } = &mut session.callback
            && let Some(fact) = answerer.poll()
        {
            self.on_answerer(now, fact);
            return true;
        }
        if let Callback::Calling(caller) = &mut session.callback
            && let Some(fact) = caller.poll()
        {
            self.on_caller(now, fact);
            return true;
        }
        if let Networks::Running { ipv4, ipv6 } = &mut session.networks {
            if let Some(fact) = poll_network(ipv4) {
                self.on_ipv4(now, fact);
                return true;
            }
            if let Some(fact) = poll_network(ipv6) {
                self.on_ipv6(now, fact);
                return true;
            }
        }
        false
    }

    fn on_lcp(&mut self, now: Instant, fact: lcp::Fact) {
        match fact {
            lcp::Fact::Send(packet) => self.out.send(self.framing, Protocol::LCP, &packet),
            lcp::Fact::Up => self.opened(now),
            lcp::Fact::Down => self.session_down(),
            lcp::Fact::Finished(ending) => {
                let end = self.end.take().unwrap_or_else(|| self.end_of(ending));
                self.stage = Stage::Dead;
                self.over(end);
            }
            lcp::Fact::ProtocolRejected(protocol) => self.protocol_rejected(now, protocol),
            lcp::Fact::Identified(text) => self.out.push_droppable(Output::Identified(text)),
            lcp::Fact::TimeRemaining(time) => self.out.push_droppable(Output::TimeRemaining(time)),
            lcp::Fact::Silent => self.end_with(now, End::Silent, "no reply to echo requests"),
        }
    }

    fn end_of(&self, ending: Ending) -> End {
        match ending {
            Ending::Closed => End::Closed,
            Ending::Terminated(text) => End::PeerTerminated(text),
            Ending::NoAnswer => End::NoAnswer,
            Ending::NotConverging => End::NotConverging,
            Ending::EssentialRefused => match self.lcp.options().missing() {
                Some(Essential::Authentication) => End::PeerRefusesAuthentication,
                Some(Essential::Callback) => End::CallbackNotGranted(None),
                None => End::NotConverging,
            },
            Ending::NotSpoken => End::NotSpoken,
            Ending::Looped => End::Looped,
        }
    }

    /// LCP is open: the proofs begin, if any are due.
    fn opened(&mut self, now: Instant) {
        let options = self.lcp.options();
        let granted = options.granted();
        self.framing = Framing { accm: granted.accm, acfc: granted.acfc, pfc: granted.pfc };
        let (demanded, submitted) = (options.demanded(), granted.authentication);
        let limits = auth::Limits { tries: self.tries_left, ..self.config.authentication };
        let authenticator = demanded.map(|method| {
            let random = self.random.fork("challenge");
            Authenticator::new(method, self.config.name.clone(), limits, random, now)
        });
        let claimant = submitted
            .map(|method| Claimant::new(method, limits, self.random.fork("peer challenge"), now));
        let due = |is_due| if is_due { Proof::Due } else { Proof::Done(None) };
        let proofs = Proofs {
            user: due(authenticator.is_some()),
            ours: due(claimant.is_some()),
            authenticator,
            claimant,
            judging: None,
            proving: None,
        };
        for text in self.config.identification.clone() {
            self.lcp.identify(&text);
        }
        if !proofs.are_done() {
            self.out.push(Output::Phase(Phase::Authenticate));
        }
        let session = Session { proofs, callback: Callback::NotYet, networks: Networks::Waiting };
        self.stage = Stage::Open(Box::new(session));
        self.proofs_done(now);
    }

    /// LCP is no longer open, because it ends or because the peer begins anew.
    fn session_down(&mut self) {
        self.framing = Framing::DEFAULT;
        let terminating = self.lcp.is_terminating();
        let stage = if terminating { Stage::Terminate } else { Stage::Establish };
        let Stage::Open(session) = std::mem::replace(&mut self.stage, stage) else { return };
        if let Some(authenticator) = &session.proofs.authenticator {
            self.tries_left = authenticator.tries_left();
        }
        self.networks_down(&session.networks);
        if !terminating {
            if let Some(agreed) = session.callback.agreed() {
                self.out.push(Output::CallbackWithdrawn(agreed.clone()));
            }
            self.out.push(Output::Phase(Phase::Establish));
            return;
        }
        // A promise is kept once the caller has ended the call, whatever the line does after that.
        if let (None, Ending::Terminated(text)) = (&self.end, self.lcp.ending()) {
            let end = session.end_by_peer();
            self.end = Some(end.unwrap_or_else(|| End::PeerTerminated(text.clone())));
        }
        self.out.push(Output::Phase(Phase::Terminate));
    }

    fn networks_down(&mut self, networks: &Networks) {
        for (protocol, output) in
            [(Protocol::IPV4, Output::Ipv4Down), (Protocol::IPV6, Output::Ipv6Down)]
        {
            if networks.carries(protocol) {
                self.out.push(output);
            }
        }
    }

    fn over(&mut self, end: End) {
        self.out.push(Output::Phase(Phase::Dead));
        self.out.push(Output::Down(end));
    }

    fn protocol_rejected(&mut self, now: Instant, protocol: Protocol) {
        let Stage::Open(session) = &mut self.stage else { return };
        match (protocol, &mut session.callback, &mut session.networks) {
            (Protocol::PAP | Protocol::CHAP, _, _) if !session.proofs.are_done() => {
                self.end_with(now, End::PeerRefusesAuthentication, "authentication is required");
            }
            (Protocol::CBCP, Callback::Answering { answerer, .. }, _) => answerer.not_spoken(),
            (Protocol::CBCP, Callback::Calling(caller), _) => caller.not_spoken(),
            (Protocol::IPCP, _, Networks::Running { ipv4: Some(network), .. }) => {
                network.control.not_spoken(now);
            }
            (Protocol::IPV6CP, _, Networks::Running { ipv6: Some(network), .. }) => {
                network.control.not_spoken(now);
            }
            (_, _, _) => {}
        }
    }

    fn on_authenticator(&mut self, now: Instant, protocol: Protocol, fact: AuthenticatorFact) {
        match fact {
            AuthenticatorFact::Send(packet) => self.out.send(self.framing, protocol, &packet),
            AuthenticatorFact::Verify(claim) => {
                let ticket = self.ticket();
                let callback = self.lcp.options().callback().cloned();
                if let Stage::Open(session) = &mut self.stage {
                    session.proofs.judging = Some(ticket);
                }
                self.out.push(Output::Verify { ticket, claim, callback });
            }
            AuthenticatorFact::Passed(name) => {
                if let Stage::Open(session) = &mut self.stage {
                    session.proofs.user = Proof::Done(Some(name));
                }
                self.proofs_done(now);
            }
            AuthenticatorFact::Failed(failure) => {
                self.end_with(now, End::PeerNotAuthenticated(failure), "authentication failed");
            }
        }
    }

    fn on_claimant(&mut self, now: Instant, fact: ClaimantFact) {
        let ticket = self.ticket();
        let Stage::Open(session) = &mut self.stage else { return };
        let Some(method) = session.proofs.claimant.as_ref().map(Claimant::method) else { return };
        match fact {
            ClaimantFact::Send(packet) => self.out.send(self.framing, method.protocol(), &packet),
            ClaimantFact::AskSecret(peer) => {
                session.proofs.proving = Some(ticket);
                self.out.push(Output::AskSecret { ticket, method, peer });
            }
            ClaimantFact::Passed => {
                session.proofs.ours = Proof::Done(None);
                self.proofs_done(now);
            }
            ClaimantFact::Refused(text) => {
                self.end_with(now, End::NotAuthenticated(text), "not authenticated");
            }
            ClaimantFact::Impostor => {
                self.end_with(now, End::Impostor, "you did not prove that you know the password");
            }
            ClaimantFact::TimedOut => {
                let text = b"no answer to our proof".to_vec();
                self.end_with(now, End::NotAuthenticated(text), "no answer to our proof");
            }
        }
    }

    /// Both sides have proved what they had to: callback is next, or the networks.
    fn proofs_done(&mut self, now: Instant) {
        let agreed = self.lcp.options().callback().cloned();
        let ticket = self.ticket();
        let Stage::Open(session) = &mut self.stage else { return };
        if !session.proofs.are_done() || !matches!(session.callback, Callback::NotYet) {
            return;
        }
        let Some(proposal) = agreed else {
            session.callback = Callback::NotAgreed;
            return self.start_networks(now);
        };
        match (&self.config.lcp.callback, &proposal) {
            (Stance::Answer(_), _) => {
                self.out.push(Output::Phase(Phase::Callback));
                let user = session.proofs.user();
                session.callback = Callback::Asking {
                    ticket,
                    proposal: proposal.clone(),
                    until: now + OWNER_WAIT,
                };
                self.out.push(Output::AskCallback { ticket, user, proposal });
            }
            (Stance::Ask(_), Proposal::Cbcp) => {
                self.out.push(Output::Phase(Phase::Callback));
                let caller = Caller::new(self.config.wish.clone(), now);
                session.callback = Callback::Calling(Box::new(caller));
            }
            (Stance::Ask(_), Proposal::Administrator | Proposal::Number(_)) => {
                session.callback = Callback::Hoping;
                self.start_networks(now);
            }
            (Stance::Refuse, _) => {
                session.callback = Callback::NotAgreed;
                self.start_networks(now);
            }
        }
    }

    fn on_answerer(&mut self, now: Instant, fact: AnswererFact) {
        let new_ticket = self.ticket();
        let Stage::Open(session) = &mut self.stage else { return };
        match fact {
            AnswererFact::Send(packet) => self.out.send(self.framing, Protocol::CBCP, &packet),
            AnswererFact::Approve(agreed) => {
                if let Callback::Answering { ticket, .. } = &mut session.callback {
                    *ticket = Some(new_ticket);
                }
                let user = session.proofs.user();
                self.out.push(Output::ApproveCallback { ticket: new_ticket, user, agreed });
            }
            AnswererFact::Agreed(agreed) => self.out.push(Output::CallbackAgreed(agreed)),
            AnswererFact::Stay => self.start_networks(now),
            AnswererFact::Failed(failure) => {
                let farewell = farewell(failure);
                self.end_with(now, End::CallbackFailed(failure), &farewell);
            }
            AnswererFact::Overdue => {
                let end = session.end_unterminated(&self.config).unwrap_or(End::CarrierLost);
                self.end_with(now, end, "callback is agreed: please hang up");
            }
        }
    }

    fn on_caller(&mut self, now: Instant, fact: CallerFact) {
        match fact {
            CallerFact::Send(packet) => self.out.send(self.framing, Protocol::CBCP, &packet),
            CallerFact::Stay => self.start_networks(now),
            CallerFact::Leave => self.end_with(now, End::Closed, ""),
            CallerFact::Agreed(choice, delay) => {
                let farewell = self.config.farewell.clone();
                self.end_with(now, End::AwaitCallback(Some(choice), delay), &farewell);
            }
            CallerFact::Failed(failure) => {
                let goes_on = match &self.config.lcp.callback {
                    Stance::Ask(ask) => ask.otherwise == Otherwise::GoOn,
                    Stance::Answer(_) | Stance::Refuse => false,
                };
                if failure == CallerFailure::NotSpoken && goes_on {
                    self.start_networks(now);
                } else {
                    self.end_with(
                        now,
                        End::CallbackNotGranted(Some(failure)),
                        "callback was not agreed",
                    );
                }
            }
        }
    }

    pub(super) fn start_networks(&mut self, now: Instant) {
        let Stage::Open(session) = &mut self.stage else { return };
        match (&session.networks, self.config.networks) {
            (Networks::Asked | Networks::Running { .. }, _) => return,
            (Networks::Waiting, super::config::Networks::WhenToldTo) => {
                session.networks = Networks::Asked;
                return self.out.push(Output::Phase(Phase::Network));
            }
            (Networks::Waiting, super::config::Networks::AsSet) => {}
        }
        self.out.push(Output::Phase(Phase::Network));
        self.run_networks(now);
    }

    /// Begins to negotiate what is set.
    pub(super) fn run_networks(&mut self, now: Instant) {
        let Stage::Open(session) = &mut self.stage else { return };
        let limits = self.config.limits;
        let ipv4 = self.config.ipv4.clone().map(|wishes| start(Ipcp::new(wishes), limits, now));
        let random = self.random.fork("interface");
        let ipv6 = self.config.ipv6.map(|wishes| start(Ipv6cp::new(wishes, random), limits, now));
        session.networks = Networks::Running { ipv4, ipv6 };
    }

    fn on_ipv4(&mut self, now: Instant, fact: negotiation::Fact) {
        let Stage::Open(session) = &self.stage else { return };
        let Networks::Running { ipv4: Some(network), .. } = &session.networks else { return };
        match fact {
            negotiation::Fact::Send(packet) => self.out.send(self.framing, Protocol::IPCP, &packet),
            negotiation::Fact::Up => {
                self.out.push(Output::Ipv4Up(network.control.options.agreed()));
            }
            negotiation::Fact::Down => self.out.push(Output::Ipv4Down),
            negotiation::Fact::Finished(_) => self.network_finished(now),
        }
    }

    fn on_ipv6(&mut self, now: Instant, fact: negotiation::Fact) {
        let Stage::Open(session) = &self.stage else { return };
        let Networks::Running { ipv6: Some(network), .. } = &session.networks else { return };
        match fact {
            negotiation::Fact::Send(packet) => {
                self.out.send(self.framing, Protocol::IPV6CP, &packet);
            }
            negotiation::Fact::Up => {
                self.out.push(Output::Ipv6Up(network.control.options.agreed()));
            }
            negotiation::Fact::Down => self.out.push(Output::Ipv6Down),
            negotiation::Fact::Finished(_) => self.network_finished(now),
        }
    }

    fn network_finished(&mut self, now: Instant) {
        if let Stage::Open(session) = &self.stage
            && session.networks.are_finished()
        {
            self.end_with(now, End::NoNetwork, "no network protocol left");
        }
    }
}

fn start<O: Options>(options: O, limits: negotiation::Limits, now: Instant) -> Network<O> {
    let mut control = Negotiation::new(options, limits);
    control.open(now);
    Network { control, state: NetworkState::Negotiating }
}

/// The next fact of a network protocol, whose state is kept in step with it.
fn poll_network<O: Options>(network: &mut Option<Network<O>>) -> Option<negotiation::Fact> {
    let network = network.as_mut()?;
    let fact = network.control.poll()?;
    match fact {
        negotiation::Fact::Send(_) => {}
        negotiation::Fact::Up => network.state = NetworkState::Up,
        negotiation::Fact::Down => network.state = NetworkState::Negotiating,
        negotiation::Fact::Finished(_) => network.state = NetworkState::Finished,
    }
    Some(fact)
}

/// What the caller is told when callback came to nothing. It may be shown to a person.
fn farewell(failure: crate::cbcp::Failure) -> String {
    use crate::cbcp::Failure;
    match failure {
        Failure::TimedOut => "Callback negotiation timed out".into(),
        Failure::Unusable => "The callback that was chosen is not on offer".into(),
        Failure::NoNumber => "A number to call back is required".into(),
        Failure::Number(fault) => format!("Cannot call back: {fault}"),
        Failure::Refused => "That number may not be called".into(),
        Failure::NotSpoken => "Callback is required".into(),
    }
}

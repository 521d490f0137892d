//! A PPP link's part of a session: what it wants sent, whom it has let in, and the promise that it pledges.
//!
//! The number comes from the callback protocol, and the approval from policy like every other. A promise is
//! void if the link ends otherwise than for the callback before the caller has been told of it.

use ppp::auth::Claim;
use ppp::cbcp::{Agreed, Choice};
use ppp::link::{End, Output, Phase, Ticket};
use proto::dial::PhoneNumber;

use super::network::traffic;
use super::{Office, Session, printable};
use crate::config::{Action, Config, user};
use crate::dispatch::{self, AUTO_PPP};
use crate::line::Line;
use crate::messages::Message;
use crate::policy::{Counters, Identity, Marked, Numbers, Proof, Request};
use crate::promises::Terms;
use crate::service::{Pledge, Ppp, Service, user_callback};
use crate::vocabulary::{self, Cause, Event};

impl Session {
    /// PPP begins; `first` are the octets that gave it away.
    pub(super) fn start_ppp(&mut self, first: &[u8], line: &mut Line, office: &mut Office<'_>) {
        let (seed, now) = (office.desk.chance.seed(), office.desk.at());
        let Some(mut ppp) =
            Ppp::begin(office.config, self.leg, self.only_by_ppp(office), seed, now)
        else {
            office.desk.journal(Event::LaunchFailed {
                call: self.call,
                session: self.id,
                program: "ppp".to_owned(),
                reason: "there are no secrets to check proofs with".to_owned(),
            });
            let message = Some(Message::NoPpp);
            return self.last_words(message, Cause::ServiceUnavailable, line, office);
        };
        if let Some(settings) = office.config.ppp.as_ref().and_then(|ppp| ppp.capture.as_ref()) {
            ppp.keep(settings, self.call, office.desk.now);
        }
        ppp.receive(now, first);
        self.service = Service::Ppp(Box::new(ppp));
        self.hear_ppp(line, office);
    }

    /// A PPP user was called back: PPP begins at once, by our engine or a program, as login.config says.
    pub(super) fn return_ppp(
        &mut self,
        user: String,
        early: &[u8],
        line: &mut Line,
        office: &mut Office<'_>,
    ) {
        self.name = Some(user);
        self.ppp_at_once(early, line, office);
    }

    /// PPP begins without a prompt.
    fn ppp_at_once(&mut self, early: &[u8], line: &mut Line, office: &mut Office<'_>) {
        let config = office.config;
        let entry = dispatch::find(&config.entries, AUTO_PPP, self.leg);
        if let Some(entry) = entry {
            office.desk.journal(Event::Dispatched {
                call: self.call,
                session: self.id,
                entry: dispatch::entry_name(entry),
                action: dispatch::action_name(&entry.action),
            });
            match &entry.action {
                Action::Ppp => return self.start_ppp(early, line, office),
                Action::Program { .. } => {
                    return self.launch(entry, AUTO_PPP, early.to_vec(), line, office);
                }
                Action::Callback { .. } => {}
            }
        }
        self.last_words(Some(Message::NoPpp), Cause::ServiceUnavailable, line, office);
    }

    /// The line is for PPP alone. An entry of login.config decides who speaks it, where there is one.
    pub(super) fn only_ppp(&mut self, line: &mut Line, office: &mut Office<'_>) {
        if dispatch::is_served(&office.config.entries, AUTO_PPP, self.leg) {
            return self.ppp_at_once(&[], line, office);
        }
        self.start_ppp(&[], line, office);
    }

    /// Takes everything that the link has to say.
    pub(super) fn hear_ppp(&mut self, line: &mut Line, office: &mut Office<'_>) {
        while let Some(output) = self.poll_ppp(office) {
            let Service::Ppp(ppp) = &mut self.service else { return };
            let now = office.desk.at();
            match output {
                Output::Send(octets) => line.send(octets, office.desk),
                Output::Phase(phase) => {
                    ppp.enter(phase);
                    match phase {
                        // It begins anew: what was settled is not any more.
                        Phase::Establish | Phase::Authenticate => {
                            self.end_network("the link began anew", line, office);
                            self.void_promise("the link began anew", office);
                        }
                        Phase::Network => self.serve_network(line, office),
                        Phase::Callback | Phase::Terminate | Phase::Dead => {}
                    }
                }
                Output::Verify { ticket, claim, callback: _ } => {
                    self.verify(ticket, &claim, line, office);
                }
                Output::AskCallback { ticket, user: _, proposal: _ } => {
                    let name = self.name.as_deref().unwrap_or_default();
                    ppp.offer(now, ticket, office.config, name);
                }
                Output::ApproveCallback { ticket, user: _, agreed } => {
                    self.approve(ticket, &agreed, line, office);
                }
                Output::CallbackAgreed(_) => ppp.pledge = Pledge::Told,
                Output::CallbackWithdrawn(_) => {
                    self.void_promise("the caller began anew", office);
                }
                Output::Down(end) => self.link_down(&end, line, office),
                Output::Ipv4Up(agreed) => {
                    if let Some(network) = &mut ppp.network {
                        network.ipv4_up(&agreed, office.desk);
                    }
                }
                Output::Ipv4Down => {
                    if let Some(network) = &mut ppp.network {
                        network.ipv4_down(traffic(line), office.desk);
                    }
                }
                Output::Ipv6Up(agreed) => {
                    if let Some(network) = &mut ppp.network {
                        network.ipv6_up(&agreed, office.desk);
                    }
                }
                Output::Ipv6Down => {
                    if let Some(network) = &mut ppp.network {
                        network.ipv6_down(traffic(line), office.desk);
                    }
                }
                Output::Packet(packet) => {
                    if let Some(network) = &mut ppp.network {
                        network.received(packet, office.desk);
                    }
                }
                // We prove nothing; what a peer says of itself is not kept.
                Output::AskSecret { .. } | Output::Identified(_) | Output::TimeRemaining(_) => {}
            }
        }
    }

    /// The next thing that the link has to say, if there is one; what has passed on the line is kept.
    fn poll_ppp(&mut self, office: &mut Office<'_>) -> Option<Output> {
        let Service::Ppp(ppp) = &mut self.service else { return None };
        let output = ppp.poll(office.desk.at());
        while let Some(captured) = ppp.poll_capture() {
            office.desk.output(vocabulary::Output::Capture(self.call, captured));
        }
        output
    }

    fn verify(&mut self, ticket: Ticket, claim: &Claim, line: &Line, office: &mut Office<'_>) {
        let given = claimed(claim, office.config);
        self.trapped(&given, line, office);
        let Service::Ppp(ppp) = &mut self.service else { return };
        let judged = ppp.judge(office.config, claim, office.desk.now.wall);
        let (call, session) = (self.call, self.id);
        let method = claim.proof.method().name().to_owned();
        office.desk.journal(match &judged.verdict {
            Ok(name) => {
                self.name = Some(name.clone());
                Event::Proved { call, session, name: name.clone(), method, step: None }
            }
            Err(why) => {
                let name = printable(&claim.name.to_string());
                Event::NotProved { call, session, name, method, why: why.clone(), step: None }
            }
        });
        ppp.judged(office.desk.at(), ticket, &judged);
        let marks = self.marks(Some(given), line);
        if judged.is_guess() {
            self.guessed(marks, line, office);
        } else if let Ok(name) = &judged.verdict {
            office.desk.guesses.right(&marks);
            self.recognise(name, office);
        }
    }

    /// The caller has chosen where to be called: policy decides.
    fn approve(&mut self, ticket: Ticket, agreed: &Agreed, line: &Line, office: &mut Office<'_>) {
        // One that was asked for before is not wanted any more.
        self.void_promise("the caller chose again", office);
        // Whichever of his names he has proved: promises and budgets are the user's.
        let name = self.user_name(office.config);
        let stored =
            user_callback(office.config, &name).map(|callback| callback.numbers.as_slice());
        let stored = stored.unwrap_or_default();
        let given = agreed.number.as_deref().unwrap_or_default();
        let own = stored.iter().position(|number| is_same(number, given));
        let own = own.and_then(|at| stored.get(at..=at));
        let numbers = match (&agreed.choice, own) {
            (Choice::Administrator, _) => Numbers::User(stored),
            (Choice::Number(_) | Choice::Listed(_), Some(own)) => Numbers::User(own),
            (Choice::Number(_), None) => Numbers::Typed(given),
            // What was offered as a list was stored then; a reload may have changed it.
            (Choice::Listed(_) | Choice::None, _) => Numbers::User(&[]),
        };
        let caller_id = line.caller_id();
        let request = Request {
            user: &name,
            numbers,
            return_line: &office.config.callback.line,
            identity: Identity::Proven(Proof::Ppp),
            service: user::Service::Ppp,
            came_in_on: Some(&line.config().name),
            caller_id: caller_id.as_deref(),
            leg: self.leg,
            at: office.desk.now.wall,
            counters: Counters::default(),
            marked: Marked::default(),
        };
        let terms = Terms {
            session: self.id,
            call: Some(self.call),
            user: &name,
            init: &[],
            speed: None,
            least_delay: agreed.delay,
            bound: false,
            ppp: true,
            reply: None,
        };
        let made = office.promises.make(office.config, office.desk, request, &terms);
        let now = office.desk.at();
        match made {
            Ok(made) => {
                self.promised = Some(made.promise);
                if let Service::Ppp(ppp) = &mut self.service {
                    ppp.pledge(now, ticket, made.seq);
                }
            }
            Err(refusal) => {
                self.refused(&refusal, agreed.number.as_deref().map(printable).as_deref(), office);
                if let Service::Ppp(ppp) = &mut self.service {
                    ppp.refuse(now, ticket);
                }
            }
        }
    }

    /// The promise is none: nobody has been told of it, or he has taken it back.
    pub(super) fn void_promise(&mut self, why: &str, office: &mut Office<'_>) {
        if let Service::Ppp(ppp) = &mut self.service {
            ppp.pledge = Pledge::None;
        }
        if let Some(promise) = self.promised.take() {
            // Nobody waits for an answer.
            let _promise = office.promises.withdraw(office.desk, promise, why.to_owned());
        }
    }

    fn link_down(&mut self, end: &End, line: &mut Line, office: &mut Office<'_>) {
        let Service::Ppp(ppp) = &self.service else { return };
        let (cause, why) = ppp.ended(end);
        if !matches!(end, End::Callback(_)) {
            self.void_promise(&why, office);
        }
        let (call, session) = (self.call, self.id);
        self.end_network(&why, line, office);
        office.desk.journal(Event::LinkEnded { call, session, why });
        self.last_words(None, cause, line, office);
    }

    /// Somebody above the caller ends the call. A promise that the caller was told of stands.
    pub(super) fn end_ppp(&mut self, cause: Cause, line: &mut Line, office: &mut Office<'_>) {
        let Service::Ppp(ppp) = &mut self.service else { return };
        let told = ppp.pledge == Pledge::Told;
        ppp.close(office.desk.at(), cause, "the call is ended by the server");
        if !told {
            self.void_promise("the call was ended by the server", office);
        }
        while let Some(output) = self.poll_ppp(office) {
            if let Output::Send(octets) = output {
                line.send(octets, office.desk);
            }
        }
        self.end_network("the call is ended by the server", line, office);
        self.last_words(None, cause, line, office);
    }
}

/// Whose name is claimed: Windows puts a domain before it, which a user's name may have too.
fn claimed(claim: &Claim, config: &Config) -> String {
    let whole = printable(&claim.name.to_string());
    match config.user(&whole) {
        Some(_) => whole,
        None => printable(&String::from_utf8_lossy(claim.name.without_domain())),
    }
}

/// Whether a number that was given is this stored one, however it is written.
fn is_same(stored: &PhoneNumber, given: &str) -> bool {
    stored.as_str() == given
        || PhoneNumber::typed(given.as_bytes()).is_ok_and(|number| number == *stored)
}

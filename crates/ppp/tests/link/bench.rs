//! One link on the bench: a test plays the peer, packet by packet, and an owner with one user answers.
//!
//! What the link does becomes lines of text in order: packets as `CBCP 01 01 ..`, everything else as
//! words. A test says what goes in and compares what came out since.

use std::time::Duration;

use dialback_ppp::auth::{Answer, Duty, Method, Refusal};
use dialback_ppp::cbcp::{Offer, Stay};
use dialback_ppp::framing::{Accm, Deframer, Framing};
use dialback_ppp::link::{Approval, Config, Link, Output, Ticket};
use dialback_ppp::protocol::Protocol;
use dialback_ppp::secret::Secret;
use dialback_ppp::time::Instant;

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap())
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

pub(crate) fn show(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(" ")
}

/// What the owner of the link does when it is asked.
pub(crate) struct Policy {
    pub(crate) duty: Duty,
    pub(crate) offer: Option<Offer>,
    pub(crate) approval: Option<Approval>,
    pub(crate) refusal: Option<Refusal>,
    /// The owner does not answer about the proof; the test does.
    pub(crate) judges: bool,
}

impl Policy {
    pub(crate) fn offers(offer: Offer) -> Self {
        let approval = Some(Approval::Granted);
        Self { duty: Duty::None, offer: Some(offer), approval, refusal: None, judges: true }
    }
}

pub(crate) struct Bench {
    pub(crate) link: Link,
    pub(crate) now: Instant,
    pub(crate) policy: Policy,
    pub(crate) verify: Option<Ticket>,
    pub(crate) approval: Option<Ticket>,
    deframer: Deframer,
    lines: Vec<String>,
}

/// An answerer whose caller's name is proved by PAP, so that a script can do it.
pub(crate) fn pap_answerer() -> Config {
    let mut config = Config::answerer("dialback");
    config.lcp.demand = vec![Method::Pap];
    config.lcp.accm = Some(Accm::NONE);
    config.keepalive = None;
    config
}

pub(crate) const PAP_ALICE: &str = "01 01 00 11 05 61 6c 69 63 65 06 73 33 63 72 65 74";

impl Bench {
    pub(crate) fn new(config: Config, policy: Policy) -> Self {
        let mut deframer = Deframer::new(1600);
        deframer.set_accm(Accm::NONE);
        let link = Link::new(config, [42; 32], Instant::ZERO);
        let mut bench = Self {
            link,
            now: Instant::ZERO,
            policy,
            verify: None,
            approval: None,
            deframer,
            lines: Vec::new(),
        };
        bench.drain();
        bench
    }

    /// An answerer whose LCP is open, with these options in the caller's request, and nothing said yet.
    pub(crate) fn opened(config: Config, policy: Policy, options: &str) -> Self {
        let mut bench = Self::new(config, policy);
        bench.ack_our_request();
        let options = hex(options);
        let mut request = vec![1, 1, 0, u8::try_from(options.len() + 4).unwrap()];
        request.extend(options);
        bench.send(Protocol::LCP, &show(&request));
        bench
    }

    /// An answerer in the callback phase, its first Request just sent, all earlier lines dropped.
    pub(crate) fn in_callback(offer: Offer) -> Self {
        Self::in_callback_with(pap_answerer(), Policy::offers(offer))
    }

    pub(crate) fn in_callback_with(config: Config, policy: Policy) -> Self {
        let mut bench = Self::opened(config, policy, "0d 03 06");
        bench.lines.clear();
        bench.send(Protocol::PAP, PAP_ALICE);
        bench
    }

    /// Acknowledges the last Configure-Request of LCP that the link sent.
    pub(crate) fn ack_our_request(&mut self) {
        let request = self.last("LCP 01");
        self.send(Protocol::LCP, &format!("02 {}", request.strip_prefix("LCP 01 ").unwrap()));
    }

    pub(crate) fn send(&mut self, protocol: Protocol, packet: &str) -> &mut Self {
        let framing = Framing { accm: Accm::NONE, acfc: false, pfc: false };
        self.send_framed(framing, protocol, packet)
    }

    pub(crate) fn send_framed(
        &mut self,
        framing: Framing,
        protocol: Protocol,
        packet: &str,
    ) -> &mut Self {
        let octets = hex(packet);
        let mut line = Vec::new();
        framing.for_packet(protocol, &octets).encode(protocol, &octets, &mut line);
        self.raw(&line)
    }

    pub(crate) fn raw(&mut self, line: &[u8]) -> &mut Self {
        self.link.receive(self.now, line);
        self.drain();
        self
    }

    pub(crate) fn cbcp(&mut self, packet: &str) -> &mut Self {
        self.send(Protocol::CBCP, packet)
    }

    /// Lets time pass, tick by tick as the link wants them.
    pub(crate) fn wait(&mut self, time: Duration) -> &mut Self {
        let until = self.now + time;
        while let Some(deadline) = self.link.deadline().filter(|deadline| deadline.at <= until) {
            self.now = self.now.max(deadline.at);
            self.link.tick(self.now);
            self.drain();
        }
        self.now = until;
        self
    }

    pub(crate) fn seconds(&mut self, seconds: u64) -> &mut Self {
        self.wait(Duration::from_secs(seconds))
    }

    /// What came out since the last look.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    /// What came out since the last look, of one protocol.
    pub(crate) fn sent(&mut self, protocol: &str) -> Vec<String> {
        let begin = format!("{protocol} ");
        self.lines()
            .iter()
            .filter_map(|line| line.strip_prefix(&begin).map(str::to_owned))
            .collect()
    }

    pub(crate) fn last(&self, begin: &str) -> String {
        self.lines.iter().rev().find(|line| line.starts_with(begin)).expect(begin).clone()
    }

    /// Whether something that begins so has come out since the last look.
    pub(crate) fn has(&self, begin: &str) -> bool {
        self.lines.iter().any(|line| line.starts_with(begin))
    }

    pub(crate) fn drain(&mut self) {
        while let Some(output) = self.link.poll() {
            let line = match output {
                Output::Send(octets) => {
                    self.packets(&octets);
                    continue;
                }
                Output::Verify { ticket, claim, callback } => {
                    self.verify = Some(ticket);
                    if self.policy.judges {
                        let answer = match self.policy.refusal {
                            Some(refusal) => Answer::Refused(refusal),
                            None => Answer::Password(Secret::from("s3cret")),
                        };
                        self.link.judge(self.now, ticket, &answer, self.policy.duty);
                    }
                    format!("verify {} callback {callback:?}", claim.name)
                }
                Output::AskSecret { method, .. } => format!("secret {method:?}"),
                Output::AskCallback { ticket, user, .. } => {
                    let offer = self.policy.offer.clone();
                    self.link.offer(self.now, ticket, offer);
                    format!("offer to {user}")
                }
                Output::ApproveCallback { ticket, agreed, .. } => {
                    self.approval = Some(ticket);
                    if let Some(approval) = self.policy.approval {
                        self.link.approve(self.now, ticket, approval);
                    }
                    format!("approve {}", agreed.number.unwrap_or_else(|| "stored".into()))
                }
                Output::CallbackAgreed(agreed) => format!("agreed in {} s", agreed.delay.as_secs()),
                Output::CallbackWithdrawn(_) => "withdrawn".into(),
                Output::Phase(phase) => format!("phase {phase:?}"),
                Output::Down(end) => format!("down: {end:?}"),
                Output::Packet(packet) => format!("packet {}", show(&packet)),
                Output::Identified(text) => format!("identified {}", text.escape_ascii()),
                output @ (Output::Ipv4Up(_)
                | Output::Ipv4Down
                | Output::Ipv6Up(_)
                | Output::Ipv6Down
                | Output::TimeRemaining(_)) => format!("{output:?}"),
            };
            self.lines.push(line);
        }
    }

    fn packets(&mut self, octets: &[u8]) {
        let mut input = octets;
        while let Some(frame) = self.deframer.next(&mut input) {
            self.lines.push(format!("{} {}", frame.protocol, show(frame.information)));
        }
    }
}

pub(crate) fn own_or_none() -> Offer {
    Offer::Own(Stay::Allowed)
}

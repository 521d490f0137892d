//! Any sequence of packets, raw octets, waits and answers into a whole link, in both roles.
//!
//! Whatever comes: no panic, output in proportion to input, nothing after the end, and no promise of a
//! callback that was not approved.
#![cfg_attr(fuzzing, no_main)]

use std::net::Ipv4Addr;
use std::time::Duration;

use dialback_ppp::auth::{Answer, Credentials, Duty, Method};
use dialback_ppp::cbcp::{Offer, Stay};
use dialback_ppp::framing::Framing;
use dialback_ppp::link::{Approval, Config, End, Link, Output};
use dialback_ppp::ncp::{Ipv4Wishes, Ipv6Wishes, PeerAddress};
use dialback_ppp::personality::Personality;
use dialback_ppp::protocol::Protocol;
use dialback_ppp::time::Instant;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|octets: &[u8]| run(octets));

const PROTOCOLS: [Protocol; 8] = [
    Protocol::LCP,
    Protocol::PAP,
    Protocol::CHAP,
    Protocol::CBCP,
    Protocol::IPCP,
    Protocol::IPV6CP,
    Protocol::CCP,
    Protocol::IPV4,
];

/// The first octet chooses the role. Then come operations: an octet that says what, one of length or
/// time, and the octets of a packet.
pub fn run(octets: &[u8]) {
    let Some((role, mut rest)) = octets.split_first() else { return };
    let mut rig = Rig::new(*role);
    rig.drain();
    while let [what, size, after @ ..] = rest {
        let (packet, after) = after.split_at(usize::from(*size).min(after.len()));
        match what >> 4 {
            0..=7 => rig.packet(PROTOCOLS[usize::from(what & 7)], packet),
            8 => rig.link.receive(rig.now, packet),
            9 => rig.echo_acks(),
            10 => rig.link.close(rig.now, "enough"),
            11 if *size == 0 => rig.link.carrier_lost(rig.now),
            _ => {}
        }
        rig.drain();
        rig.wait(Duration::from_millis(u64::from(what & 15) * 300));
        // A wait or a command takes no octets.
        rest = if matches!(what >> 4, 0..=8) { after } else { rest.get(2..).unwrap_or_default() };
    }
    rig.wait(Duration::from_secs(1_000));
    assert!(rig.link.is_over() || rig.link.lcp().is_open() || rig.sent > 0);
}

struct Rig {
    link: Link,
    now: Instant,
    approved: bool,
    over: bool,
    sent: usize,
    /// Our last Configure-Request, to be acknowledged: without that a fuzzer hardly gets LCP open.
    request: Vec<u8>,
}

impl Rig {
    fn new(role: u8) -> Self {
        let ipv4 = Ipv4Wishes {
            local: Some(Ipv4Addr::new(10, 0, 0, 1)),
            peer: PeerAddress::Assigned(Ipv4Addr::new(10, 0, 0, 2)),
            dns: [None; 2],
            nbns: [None; 2],
            asks_servers: false,
        };
        let base = match Personality::ALL.get(usize::from(role)) {
            Some(personality) => personality.caller(Some("5551234".into())),
            None => {
                let mut config = Config::answerer("us");
                config.lcp.demand = vec![Method::Pap];
                config
            }
        };
        let config = Config { ipv4: Some(ipv4), ipv6: Some(Ipv6Wishes::default()), ..base };
        let link = Link::new(config, [5; 32], Instant::ZERO);
        Self {
            link,
            now: Instant::ZERO,
            approved: false,
            over: false,
            sent: 0,
            request: Vec::new(),
        }
    }

    fn packet(&mut self, protocol: Protocol, packet: &[u8]) {
        let mut line = Vec::new();
        Framing::DEFAULT.encode(protocol, packet, &mut line);
        self.link.receive(self.now, &line);
    }

    fn echo_acks(&mut self) {
        let mut ack = self.request.clone();
        if let Some(code) = ack.first_mut() {
            *code = 2;
            self.packet(Protocol::LCP, &ack);
        }
    }

    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        let mut ticks = 0;
        while let Some(deadline) = self.link.deadline().filter(|deadline| deadline.at <= until) {
            ticks += 1;
            assert!(ticks < 2_000, "{} spins", deadline.why);
            self.now = self.now.max(deadline.at);
            self.link.tick(self.now);
            self.drain();
        }
        self.now = until;
    }

    fn drain(&mut self) {
        let mut outputs = 0;
        while let Some(output) = self.link.poll() {
            outputs += 1;
            assert!(outputs < 500, "no end of outputs");
            assert!(!self.over, "something after the end: {output:?}");
            match output {
                Output::Send(octets) => {
                    self.sent += octets.len();
                    assert!(octets.len() < 20_000, "{} octets at once", octets.len());
                    self.remember_request(&octets);
                }
                Output::Verify { ticket, .. } => {
                    self.link.judge(
                        self.now,
                        ticket,
                        &Answer::Accepted { success: None },
                        Duty::None,
                    );
                }
                Output::AskSecret { ticket, .. } => {
                    let credentials = Credentials { name: "alice".into(), secret: "s3cret".into() };
                    self.link.prove(self.now, ticket, Some(&credentials));
                }
                Output::AskCallback { ticket, .. } => {
                    self.link.offer(
                        self.now,
                        ticket,
                        Some(Offer::AdministratorOrOwn(Stay::Allowed)),
                    );
                }
                Output::ApproveCallback { ticket, .. } => {
                    self.approved = true;
                    self.link.approve(self.now, ticket, Approval::Granted);
                }
                Output::CallbackAgreed(_) => assert!(self.approved, "promised without approval"),
                Output::Down(end) => {
                    self.over = true;
                    assert!(
                        self.approved || !matches!(end, End::Callback(_)),
                        "called back without approval"
                    );
                }
                _ => {}
            }
        }
    }

    fn remember_request(&mut self, octets: &[u8]) {
        let mut deframer = dialback_ppp::framing::Deframer::new(2_000);
        deframer.set_accm(dialback_ppp::framing::Accm::NONE);
        let mut input = octets;
        while let Some(frame) = deframer.next(&mut input) {
            if frame.protocol == Protocol::LCP && frame.information.first() == Some(&1) {
                self.request = frame.information.to_vec();
            }
        }
    }
}

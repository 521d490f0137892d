//! One PPP call on standard input and output, for trying real peers against the crate.
//!
//! ```text
//! pppd pty 'stdio own-or-none' noauth nodetach user alice callback 5551234
//! pppd pty 'stdio call' auth require-mschap-v2 nodetach 10.64.0.1:10.64.0.2
//! ```
//!
//! The one argument says what callers may choose (`nothing`, `administrator`, `own`, `own-or-none`,
//! `administrator-or-own`), or `session` to serve the return leg, or `call` to be the caller. The only
//! user is alice, with password alicepw. What happens is told on standard error.

#![expect(
    clippy::print_stderr,
    clippy::wildcard_enum_match_arm,
    clippy::disallowed_methods,
    reason = "the rim of an example: it reads the clock, waits for the line, and tells what happens"
)]

use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant as Clock};

use dialback_ppp::auth::{Answer, Credentials, Duty, Refusal};
use dialback_ppp::cbcp::{Offer, Stay};
use dialback_ppp::link::{Approval, Config, Link, Output};
use dialback_ppp::ncp::{Ipv4Wishes, Ipv6Wishes, PeerAddress};
use dialback_ppp::time::Instant;

fn main() -> io::Result<()> {
    let wish = std::env::args().nth(1).unwrap_or_else(|| "own-or-none".into());
    let offer = match wish.as_str() {
        "nothing" => Offer::NoCallback,
        "administrator" => Offer::Administrator(Stay::Refused),
        "own" => Offer::Own(Stay::Refused),
        "administrator-or-own" => Offer::AdministratorOrOwn(Stay::Allowed),
        _ => Offer::Own(Stay::Allowed),
    };
    let config = match wish.as_str() {
        "call" => caller(),
        "session" => answerer().on_the_return_leg(),
        _ => answerer(),
    };

    let start = Clock::now();
    let now = || Instant::ZERO + start.elapsed();
    let line = read_in_background();
    let mut link = Link::new(config, seed()?, now());
    loop {
        while let Some(output) = link.poll() {
            act(&mut link, now(), &offer, output)?;
        }
        if link.is_over() {
            return Ok(());
        }
        let wait = link.deadline().map_or(Duration::from_secs(60), |deadline| deadline.at - now());
        match line.recv_timeout(wait) {
            Ok(octets) => link.receive(now(), &octets),
            Err(RecvTimeoutError::Timeout) => link.tick(now()),
            Err(RecvTimeoutError::Disconnected) => link.carrier_lost(now()),
        }
    }
}

fn answerer() -> Config {
    let ipv4 = Ipv4Wishes {
        local: Some(Ipv4Addr::new(10, 64, 0, 1)),
        peer: PeerAddress::Assigned(Ipv4Addr::new(10, 64, 0, 2)),
        dns: [Some(Ipv4Addr::new(10, 64, 0, 53)), None],
        nbns: [None; 2],
        asks_servers: false,
    };
    Config { ipv4: Some(ipv4), ipv6: Some(Ipv6Wishes::default()), ..Config::answerer("dialback") }
}

fn caller() -> Config {
    let ipv4 = Ipv4Wishes {
        local: None,
        peer: PeerAddress::Any,
        dns: [None; 2],
        nbns: [None; 2],
        asks_servers: true,
    };
    let number = Some("5551234".into());
    Config { ipv4: Some(ipv4), ipv6: Some(Ipv6Wishes::default()), ..Config::caller(number) }
}

fn act(link: &mut Link, now: Instant, offer: &Offer, output: Output) -> io::Result<()> {
    match output {
        Output::Send(octets) => {
            let mut line = io::stdout().lock();
            line.write_all(&octets)?;
            return line.flush();
        }
        Output::Verify { ticket, ref claim, .. } => {
            let answer = if claim.name.as_bytes() == b"alice" {
                Answer::Password("alicepw".into())
            } else {
                Answer::Refused(Refusal::WrongPassword)
            };
            link.judge(now, ticket, &answer, Duty::None);
        }
        Output::AskSecret { ticket, .. } => {
            let credentials = Credentials { name: "alice".into(), secret: "alicepw".into() };
            link.prove(now, ticket, Some(&credentials));
        }
        Output::AskCallback { ticket, .. } => link.offer(now, ticket, Some(offer.clone())),
        Output::ApproveCallback { ticket, .. } => link.approve(now, ticket, Approval::Granted),
        Output::Packet(ref packet) => answer_ping(link, packet),
        _ => {}
    }
    eprintln!("{now} {output:?}");
    Ok(())
}

/// Answers ICMP echo requests, so that a client has somebody to ping.
fn answer_ping(link: &mut Link, packet: &[u8]) {
    let mut reply = packet.to_vec();
    let [0x45, _, _, _, _, _, _, _, _, 1, _, _, a, b, c, d, e, f, g, h, kind, _, high, low, ..] =
        reply.as_mut_slice()
    else {
        return;
    };
    if *kind != 8 {
        return;
    }
    // Swapping the addresses keeps the header's checksum; the kind is 8 less.
    *kind = 0;
    for (one, other) in [(a, e), (b, f), (c, g), (d, h)] {
        std::mem::swap(one, other);
    }
    let sum = u32::from(u16::from_be_bytes([*high, *low])) + 0x0800;
    [*high, *low] = u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap_or(0).to_be_bytes();
    if let Err(error) = link.send_packet(&reply) {
        eprintln!("no reply: {error}");
    }
}

/// 32 octets from the kernel.
fn seed() -> io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut seed)?;
    Ok(seed)
}

fn read_in_background() -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut octets = [0; 4096];
        while let Ok(length @ 1..) = io::stdin().read(&mut octets) {
            let Some(piece) = octets.get(..length) else { return };
            if sender.send(piece.to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

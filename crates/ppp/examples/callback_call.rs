//! A whole callback call between two links in memory, told as it happens.
//!
//! `cargo run -p dialback-ppp --example callback_call`
//!
//! The answerer wants names proved, and lets `alice` choose a number; the caller is one of the programs
//! of the field, named on the command line: `pppd`, `ipppd`, `freebsd`, `windows`.

#![expect(
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "an example tells what happens, and acts on what concerns it"
)]

use dialback_ppp::auth::{Answer, Credentials, Duty, Refusal};
use dialback_ppp::cbcp::{Offer, Stay};
use dialback_ppp::link::{Approval, Config, Link, Output};
use dialback_ppp::personality::Personality;
use dialback_ppp::time::Instant;

fn main() {
    let personality = match std::env::args().nth(1).as_deref() {
        Some("pppd") => Personality::Pppd,
        Some("ipppd") => Personality::Ipppd,
        Some("freebsd") => Personality::FreeBsd,
        Some("windows") => Personality::Windows,
        Some(_) | None => Personality::Standard,
    };
    let mut now = Instant::ZERO;
    // Each link takes 32 random octets; a real program asks the kernel for them.
    let mut answerer = Link::new(Config::answerer("dialback"), [1; 32], now);
    let mut caller = Link::new(personality.caller(Some("(555) 123-4567".into())), [2; 32], now);

    loop {
        // Drain both until neither has anything to say: what one sends, the other receives.
        let mut quiet = true;
        while let Some(output) = answerer.poll() {
            quiet = false;
            match output {
                Output::Send(octets) => caller.receive(now, &octets),
                output => own_the_answerer(&mut answerer, now, &output),
            }
        }
        while let Some(output) = caller.poll() {
            quiet = false;
            match output {
                Output::Send(octets) => answerer.receive(now, &octets),
                output => own_the_caller(&mut caller, now, &output),
            }
        }
        // Then let time pass, to whatever either of them waits for.
        if quiet {
            let deadlines = [answerer.deadline(), caller.deadline()];
            let Some(next) = deadlines.into_iter().flatten().min() else { break };
            now = next.at;
            answerer.tick(now);
            caller.tick(now);
        }
    }
}

/// What a server does when its link asks.
fn own_the_answerer(link: &mut Link, now: Instant, output: &Output) {
    println!("{now} answerer {output:?}");
    match output {
        Output::Verify { ticket, claim, .. } => {
            let answer = if claim.name.as_bytes() == b"alice" {
                Answer::Password("s3cret".into())
            } else {
                Answer::Refused(Refusal::WrongPassword)
            };
            link.judge(now, *ticket, &answer, Duty::None);
        }
        Output::AskCallback { ticket, .. } => {
            link.offer(now, *ticket, Some(Offer::AdministratorOrOwn(Stay::Allowed)));
        }
        // Here a server looks at its rules, and writes its promise down before it says yes.
        Output::ApproveCallback { ticket, .. } => link.approve(now, *ticket, Approval::Granted),
        _ => {}
    }
}

/// What a caller does when its link asks.
fn own_the_caller(link: &mut Link, now: Instant, output: &Output) {
    println!("{now} caller   {output:?}");
    if let Output::AskSecret { ticket, .. } = output {
        let credentials = Credentials { name: "alice".into(), secret: "s3cret".into() };
        link.prove(now, *ticket, Some(&credentials));
    }
}

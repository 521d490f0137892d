//! Both sides of each method, against each other and against what a line does to them.

use std::time::Duration;

use super::*;
use crate::random::Random;
use crate::secret::{Name, Secret};
use crate::time::Instant;

const METHODS: [Method; 4] = [Method::Pap, Method::MsChapV1, Method::ChapMd5, Method::MsChapV2];

fn random(label: &'static str) -> Random {
    Random::new([3; 32], label)
}

fn authenticator(method: Method) -> Authenticator {
    let name = Name::from("dialback");
    Authenticator::new(method, name, Limits::default(), random("challenge"), Instant::ZERO)
}

fn claimant(method: Method) -> Claimant {
    Claimant::new(method, Limits::default(), random("peer challenge"), Instant::ZERO)
}

/// Lets both talk; the peer knows `typed`, the judge `stored`. Returns what each has to tell at the end.
fn converse(
    method: Method,
    name: &str,
    typed: &str,
    stored: impl Fn() -> Answer,
    duty: Duty,
) -> Vec<String> {
    let (mut server, mut client) = (authenticator(method), claimant(method));
    let mut told = Vec::new();
    loop {
        let mut quiet = true;
        while let Some(fact) = server.poll() {
            quiet = false;
            match fact {
                AuthenticatorFact::Send(packet) => client.receive(&packet),
                AuthenticatorFact::Verify(claim) => {
                    assert_eq!(claim.name, Name::from(name));
                    assert_eq!(claim.proof.method(), method);
                    server.answer(&stored(), duty, false);
                }
                AuthenticatorFact::Passed(name) => told.push(format!("passed {name}")),
                AuthenticatorFact::Failed(failure) => told.push(format!("{failure:?}")),
            }
        }
        while let Some(fact) = client.poll() {
            quiet = false;
            match fact {
                ClaimantFact::Send(packet) => server.receive(&packet),
                ClaimantFact::AskSecret(_) => {
                    let credentials = Credentials { name: name.into(), secret: typed.into() };
                    client.secret(Instant::ZERO, Some(&credentials));
                }
                ClaimantFact::Refused(text) => told.push(String::from_utf8(text).unwrap()),
                ClaimantFact::Passed => told.push("believed".into()),
                fact @ (ClaimantFact::Impostor | ClaimantFact::TimedOut) => {
                    told.push(format!("{fact:?}"));
                }
            }
        }
        if quiet {
            return told;
        }
    }
}

fn password(text: &'static str) -> impl Fn() -> Answer {
    move || Answer::Password(Secret::from(text))
}

#[test]
fn the_right_password_passes_by_every_method() {
    for method in METHODS {
        for name in ["alice", "BRANCH\\alice"] {
            let told = converse(method, name, "s3cret", password("s3cret"), Duty::None);
            assert_eq!(told, [format!("passed {name}"), "believed".into()], "{method:?}");
        }
    }
}

#[test]
fn the_nt_hash_is_enough_except_for_md5() {
    let hash = || Answer::NtHash(ms_chap::NtHash::of(&"s3cret".into()));
    for method in METHODS {
        let told = converse(method, "alice", "s3cret", hash, Duty::None);
        assert_eq!(told[0] == "passed alice", method != Method::ChapMd5, "{method:?}");
    }
}

#[test]
fn the_wrong_password_does_not() {
    for (method, told_to_the_peer) in [
        (Method::Pap, "name or password is wrong"),
        (Method::ChapMd5, "name or password is wrong"),
        (Method::MsChapV1, "E=691 R=1 C="),
        (Method::MsChapV2, "E=691 R=1 C="),
    ] {
        let told = converse(method, "alice", "guess", password("s3cret"), Duty::None);
        assert!(told.iter().any(|text| text.starts_with(told_to_the_peer)), "{method:?} {told:?}");
        assert!(!told.iter().any(|text| text.starts_with("passed")), "{method:?} {told:?}");
    }
}

#[test]
fn who_must_be_called_back_but_did_not_agree_is_told_so() {
    for (method, text) in [
        (Method::Pap, "callback is required: switch it on in the client"),
        (Method::ChapMd5, "callback is required: switch it on in the client"),
        (Method::MsChapV1, "E=649 R=0 C=0000000000000000 V=2"),
        (
            Method::MsChapV2,
            "E=649 R=0 C=00000000000000000000000000000000 V=3 M=callback is required: switch it on in the \
             client",
        ),
    ] {
        let told = converse(method, "alice", "s3cret", password("s3cret"), Duty::MustBeCalledBack);
        let failure = format!("{:?}", Failure::CallbackNotAgreed("alice".into()));
        assert_eq!(told, [failure, text.into()], "{method:?}");
    }
}

#[test]
fn a_judge_elsewhere_must_supply_the_success_text_of_ms_chap_2() {
    let accepted = |success: Option<&'static str>| {
        move || Answer::Accepted { success: success.map(str::to_owned) }
    };
    for method in METHODS {
        let told = converse(method, "alice", "s3cret", accepted(None), Duty::None);
        assert_eq!(told[0] == "passed alice", method != Method::MsChapV2, "{method:?}");
    }
    // A server that does not know the password cannot make the text up.
    let made_up = Some("S=0000000000000000000000000000000000000000");
    let told = converse(Method::MsChapV2, "alice", "s3cret", accepted(made_up), Duty::None);
    assert_eq!(told, ["passed alice", "Impostor"]);
}

fn sent(server: &mut Authenticator) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    while let Some(fact) = server.poll() {
        if let AuthenticatorFact::Send(packet) = fact {
            packets.push(packet);
        }
    }
    packets
}

const PAP_REQUEST: &[u8] = b"\x01\x01\x00\x11\x05alice\x06s3cret";

#[test]
fn a_repeated_pap_request_is_judged_once_and_acked_again() {
    let mut server = authenticator(Method::Pap);
    server.receive(PAP_REQUEST);
    assert!(matches!(server.poll(), Some(AuthenticatorFact::Verify(_))));
    server.receive(PAP_REQUEST);
    assert!(server.poll().is_none());
    server.answer(&password("s3cret")(), Duty::None, false);
    assert_eq!(sent(&mut server), [[2, 1, 0, 5, 0]]);
    server.receive(PAP_REQUEST);
    assert_eq!(sent(&mut server), [[2, 1, 0, 5, 0]]);
    // An answer that comes twice changes nothing.
    server.answer(&Answer::Refused(Refusal::Disabled), Duty::None, false);
    assert!(server.poll().is_none());
}

#[test]
fn three_wrong_pap_passwords_are_enough() {
    let mut server = authenticator(Method::Pap);
    for id in 1..=3 {
        let mut request = PAP_REQUEST.to_vec();
        request[1] = id;
        server.receive(&request);
        assert!(matches!(server.poll(), Some(AuthenticatorFact::Verify(_))), "try {id}");
        server.answer(&Answer::Refused(Refusal::WrongPassword), Duty::None, false);
        assert!(matches!(server.poll(), Some(AuthenticatorFact::Send(_))));
        let failed = matches!(server.poll(), Some(AuthenticatorFact::Failed(_)));
        assert_eq!(failed, id == 3);
    }
}

#[test]
fn a_challenge_is_repeated_until_the_time_is_over() {
    let mut server = authenticator(Method::ChapMd5);
    let first = sent(&mut server);
    for second in (3..30).step_by(3) {
        assert_eq!(server.deadline().unwrap().at, Instant::from_secs(second));
        server.tick(Instant::from_secs(second));
        assert_eq!(sent(&mut server), first, "at {second}");
    }
    server.tick(Instant::from_secs(30));
    assert!(matches!(server.poll(), Some(AuthenticatorFact::Failed(Failure::TimedOut))));
    assert_eq!(server.deadline(), None);
}

/// An MS-CHAP 2 peer that answers the challenge in the Failure packet under the next identifier.
#[test]
fn a_failure_of_ms_chap_carries_the_challenge_for_the_next_try() {
    let mut server = authenticator(Method::MsChapV2);
    let challenge = sent(&mut server).remove(0);
    let respond = |id: u8, challenge: &[u8], secret: &str| {
        let mut peer = claimant(Method::MsChapV2);
        peer.receive(&wire::write_value(1, id, challenge, &"dialback".into()));
        let credentials = Credentials { name: "alice".into(), secret: secret.into() };
        assert!(matches!(peer.poll(), Some(ClaimantFact::AskSecret(_))));
        peer.secret(Instant::ZERO, Some(&credentials));
        let Some(ClaimantFact::Send(packet)) = peer.poll() else { panic!("no response") };
        packet
    };
    let id = challenge[1];
    let wrong = respond(id, &challenge[5..21], "guess");
    server.receive(&wrong);
    server.answer(&password("s3cret")(), Duty::None, false);
    let failure = sent(&mut server).remove(0);
    let text = String::from_utf8(failure[4..].to_vec()).unwrap();
    let digits: String = text.split("C=").nth(1).unwrap().chars().take(32).collect();
    let next = crate::hex::octets(&digits);

    // The old response again: the Failure was lost.
    server.receive(&wrong);
    assert_eq!(sent(&mut server), [failure]);
    server.receive(&respond(id.wrapping_add(1), &next, "s3cret"));
    server.answer(&password("s3cret")(), Duty::None, false);
    let success = sent(&mut server).remove(0);
    assert_eq!((success[0], success[1]), (3, id.wrapping_add(1)));
}

#[test]
fn responses_of_other_identifiers_and_lengths_are_dropped() {
    for method in [Method::ChapMd5, Method::MsChapV1, Method::MsChapV2] {
        let mut server = authenticator(method);
        let id = sent(&mut server).remove(0)[1];
        for (id, length) in [(id.wrapping_add(1), 16), (id, 15), (id, 0), (id, 50), (id, 48)] {
            server.receive(&wire::write_value(2, id, &vec![0; length], &"alice".into()));
            assert!(server.poll().is_none(), "{method:?} {length}");
        }
    }
    // 49 octets whose flag says "LAN Manager only".
    let mut server = authenticator(Method::MsChapV1);
    let id = sent(&mut server).remove(0)[1];
    server.receive(&wire::write_value(2, id, &[0; 49], &"alice".into()));
    assert!(server.poll().is_none());
}

#[test]
fn a_claimant_repeats_itself_and_gives_up_in_time() {
    let mut client = claimant(Method::Pap);
    assert!(matches!(client.poll(), Some(ClaimantFact::AskSecret(_))));
    let credentials = Credentials { name: "alice".into(), secret: "s3cret".into() };
    client.secret(Instant::ZERO, Some(&credentials));
    for second in (0..30).step_by(3) {
        client.tick(Instant::from_secs(second));
        assert_eq!(client.poll(), Some(ClaimantFact::Send(PAP_REQUEST.to_vec())), "at {second}");
    }
    client.tick(Instant::ZERO + Duration::from_secs(30));
    assert_eq!(client.poll(), Some(ClaimantFact::TimedOut));
    assert_eq!(client.deadline(), None);
}

#[test]
fn a_claimant_without_a_secret_says_so() {
    let mut client = claimant(Method::Pap);
    client.poll();
    client.secret(Instant::ZERO, None);
    assert_eq!(client.poll(), Some(ClaimantFact::Refused(b"no secret for this peer".to_vec())));
}

#[test]
fn a_peer_may_challenge_again_later() {
    let mut client = claimant(Method::ChapMd5);
    let credentials = Credentials { name: "alice".into(), secret: "s3cret".into() };
    for (id, passed) in [(1, true), (9, false)] {
        client.receive(&wire::write_value(1, id, &[id; 16], &"dialback".into()));
        assert_eq!(client.poll(), Some(ClaimantFact::AskSecret("dialback".into())));
        client.secret(Instant::ZERO, Some(&credentials));
        assert!(matches!(client.poll(), Some(ClaimantFact::Send(_))));
        client.receive(&[3, id, 0, 4]);
        assert_eq!(client.poll().is_some(), passed);
    }
    assert_eq!(client.deadline(), None);
}

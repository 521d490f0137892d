//! LCP by its worked packets, and by timelines.

use super::callback::{Answer, Ask, Otherwise, Proposal, Solicit, Stance};
use super::*;
use crate::auth::Method;
use crate::framing::Accm;
use crate::hex::octets as hex;
use crate::negotiation::{Judgement, Options, Outlook, Patience};

fn options(wishes: Wishes) -> LcpOptions {
    let mut options = LcpOptions::new(wishes, Random::new([7; 32], "magic"));
    options.restart();
    options
}

fn answerer() -> Wishes {
    let callback = Stance::Answer(Answer::CBCP_ONLY);
    Wishes { demand: vec![Method::MsChapV2, Method::Pap], callback, ..Wishes::default() }
}

fn caller() -> Wishes {
    let ask = Ask { proposals: vec![Proposal::Cbcp], otherwise: Otherwise::GoOn };
    Wishes {
        accm: Some(Accm::NONE),
        submit: vec![Method::MsChapV2, Method::ChapMd5, Method::Pap],
        callback: Stance::Ask(ask),
        ..Wishes::default()
    }
}

/// Judges a whole Configure-Request and gives the answer's code and options back.
fn judge(options: &mut LcpOptions, request: &str) -> (u8, Vec<u8>) {
    let octets = hex(request);
    let request = Packet::read(&octets).unwrap();
    match options.judge(&packet::items(request.body).unwrap(), Patience::Left) {
        Judgement::Ack => (2, request.body.to_vec()),
        Judgement::Nak(list) => (3, list),
        Judgement::Reject(list) => (4, list),
        Judgement::Looped => (0, vec![]),
    }
}

const WINDOWS: &str =
    "01 00 00 32 02 06 00 00 00 00 05 06 6f c9 29 a3 07 02 08 02 0d 03 06 11 04 06 4e
    13 17 01 a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af b0 b1 b2 b3";

#[test]
fn a_callers_request_has_its_options_in_pppd_s_order() {
    let mut options = options(caller());
    let list = options.request();
    let magic = options.magic().to_be_bytes();
    let mut wanted = hex("02 06 00 00 00 00 0d 03 06 05 06");
    wanted.extend(magic);
    wanted.extend(hex("07 02 08 02"));
    assert_eq!(list, wanted);
}

#[test]
fn requests_are_acked_naked_or_rejected_as_they_deserve() {
    for (name, request, code, list) in [
        ("nothing", "01 01 00 04", 2, ""),
        (
            "a plain caller",
            "01 01 00 0e 02 06 00 00 00 00 07 02 08 02",
            2,
            "02 06 00 00 00 00 07 02 08 02",
        ),
        ("a small MRU", "01 01 00 08 01 04 00 40", 3, "01 04 00 80"),
        ("a magic number of zero is naked", "01 01 00 0a 05 06 00 00 00 00", 3, "*"),
        ("an MRU of three octets", "01 01 00 09 01 05 00 05 dc", 4, "01 05 00 05 dc"),
        ("link quality", "01 01 00 0c 04 08 c0 25 00 00 00 00", 4, "04 08 c0 25 00 00 00 00"),
        ("PAP of us, whom nobody allowed to answer", "01 01 00 08 03 04 c0 23", 4, "03 04 c0 23"),
        ("an option nobody knows", "01 01 00 07 63 03 01", 4, "63 03 01"),
        ("Windows: multilink is rejected, the endpoint is not", WINDOWS, 4, "11 04 06 4e"),
        ("CBCP", "01 01 00 07 0d 03 06", 2, "0d 03 06"),
        ("a number in LCP", "01 02 00 0e 0d 0a 03 35 35 35 31 32 33 34", 3, "0d 03 06"),
    ] {
        let mut options = options(answerer());
        let (got, rest) = judge(&mut options, request);
        assert_eq!(got, code, "{name}");
        if list != "*" {
            assert_eq!(rest, hex(list), "{name}");
        }
    }
}

#[test]
fn what_is_acked_is_granted_and_what_is_not_is_not() {
    let mut options = options(answerer());
    let (code, _) =
        judge(&mut options, "01 01 00 17 02 06 00 0a 00 00 0d 03 06 05 06 1a 2b 3c 4d 07 02 08 02");
    assert_eq!(code, 2);
    let granted = options.granted().clone();
    assert_eq!(
        granted,
        Granted {
            accm: Accm::FLOW_CONTROL,
            magic: Some(0x1a2b_3c4d),
            pfc: true,
            acfc: true,
            callback: Some(Proposal::Cbcp),
            ..Granted::default()
        }
    );
    judge(&mut options, WINDOWS);
    assert_eq!(options.granted(), &granted);
}

#[test]
fn the_way_of_authentication_moves_down_as_the_peer_naks() {
    let mut options = options(answerer());
    assert_eq!(options.demanded(), Some(Method::MsChapV2));
    let nak = |options: &mut LcpOptions, list: &str| {
        let list = hex(list);
        options.nak(&packet::items(&list).unwrap())
    };
    assert_eq!(nak(&mut options, "03 05 c2 23 05"), Outlook::AskAgain);
    assert_eq!(options.demanded(), Some(Method::Pap));
    assert_eq!(nak(&mut options, "03 04 c2 27"), Outlook::Hopeless);
    assert_eq!(options.missing(), Some(Essential::Authentication));
}

#[test]
fn a_peer_that_rejects_authentication_is_hopeless() {
    let mut options = options(answerer());
    let list = hex("03 05 c2 23 81");
    assert_eq!(options.reject(&packet::items(&list).unwrap()), Outlook::Hopeless);
}

#[test]
fn a_demand_we_cannot_meet_is_naked_with_one_we_can() {
    let mut options = options(caller());
    assert_eq!(judge(&mut options, "01 01 00 08 03 04 c2 27"), (3, hex("03 05 c2 23 81")));
    assert_eq!(judge(&mut options, "01 01 00 08 03 04 c0 23"), (2, hex("03 04 c0 23")));
    assert_eq!(options.granted().authentication, Some(Method::Pap));
}

#[test]
fn callback_is_hinted_at_twice_to_a_peer_that_does_not_ask() {
    let answer = Answer { solicit: Solicit::ByNak, ..Answer::CBCP_ONLY };
    let mut options = options(Wishes { callback: Stance::Answer(answer), ..answerer() });
    for code in [3, 3, 2, 2] {
        assert_eq!(judge(&mut options, "01 01 00 06 07 02").0, code);
    }
    // Who asks for something else is not hinted at besides.
    options.restart();
    assert_eq!(judge(&mut options, "01 01 00 07 0d 03 00"), (3, hex("0d 03 06")));
}

#[test]
fn nobody_is_called_back_who_need_not_prove_a_name() {
    let mut options = options(Wishes { demand: vec![], ..answerer() });
    assert_eq!(judge(&mut options, "01 01 00 07 0d 03 06"), (4, hex("0d 03 06")));
}

#[test]
fn a_caller_follows_a_nak_to_a_proposal_that_it_has() {
    for (otherwise, naks, wanted) in [
        (Otherwise::GoOn, &["0d 03 06"][..], (Outlook::AskAgain, Some(Proposal::Cbcp))),
        (
            Otherwise::GoOn,
            &["0d 03 06", "0d 03 00"],
            (Outlook::AskAgain, Some(Proposal::Administrator)),
        ),
        (Otherwise::GoOn, &["0d 03 02"], (Outlook::AskAgain, None)),
        (Otherwise::GiveUp, &["0d 03 02"], (Outlook::Hopeless, None)),
    ] {
        let ask = Ask { proposals: vec![Proposal::Administrator, Proposal::Cbcp], otherwise };
        let mut options = options(Wishes { callback: Stance::Ask(ask), ..Wishes::default() });
        let mut outlook = Outlook::AskAgain;
        for nak in naks {
            let list = hex(nak);
            outlook = options.nak(&packet::items(&list).unwrap());
        }
        assert_eq!((outlook, options.callback().cloned()), wanted, "{naks:?}");
    }
}

fn drain(lcp: &mut Lcp) -> Vec<Fact> {
    std::iter::from_fn(|| lcp.poll()).collect()
}

/// An answerer's LCP, opened at second 0 against a peer that wants nothing.
fn opened(keepalive: Option<Keepalive>) -> Lcp {
    let mut lcp = Lcp::new(answerer(), Limits::default(), keepalive, Random::new([7; 32], "magic"));
    lcp.open(Instant::ZERO);
    let Some(Fact::Send(mut request)) = lcp.poll() else { panic!("no request") };
    request[0] = 2;
    lcp.receive(Instant::ZERO, &request);
    lcp.receive(Instant::ZERO, &hex("01 01 00 04"));
    assert_eq!(drain(&mut lcp).last(), Some(&Fact::Up));
    lcp
}

#[test]
fn a_line_that_echoes_is_found_out() {
    let mut lcp = Lcp::new(answerer(), Limits::default(), None, Random::new([7; 32], "magic"));
    lcp.open(Instant::ZERO);
    for _ in 0..100 {
        match lcp.poll() {
            Some(Fact::Send(packet)) => lcp.receive(Instant::ZERO, &packet),
            Some(Fact::Finished(ending)) => return assert_eq!(ending, Ending::Looped),
            other => panic!("{other:?}"),
        }
    }
    panic!("no end");
}

#[test]
fn echo_requests_find_a_dead_peer() {
    let keepalive = Keepalive { interval: Duration::from_secs(10), tolerated: 2 };
    let mut lcp = opened(Some(keepalive));
    let mut answered = opened(Some(keepalive));
    for (second, sends) in [(9, false), (10, true), (20, true)] {
        for lcp in [&mut lcp, &mut answered] {
            lcp.tick(Instant::from_secs(second));
            assert_eq!(!drain(lcp).is_empty(), sends, "at {second}");
        }
    }
    answered.receive(Instant::from_secs(21), &hex("0a 01 00 08 00 00 00 00"));
    lcp.tick(Instant::from_secs(30));
    assert_eq!(drain(&mut lcp), [Fact::Silent]);
    answered.tick(Instant::from_secs(30));
    assert!(matches!(drain(&mut answered)[..], [Fact::Send(_)]));
}

#[test]
fn an_echo_request_is_answered_with_our_magic_number() {
    let mut lcp = opened(None);
    lcp.receive(Instant::ZERO, &hex("09 07 00 0a 11 22 33 44 aa bb"));
    let mut wanted = hex("0a 07 00 0a");
    wanted.extend(lcp.options().magic().to_be_bytes());
    wanted.extend([0xaa, 0xbb]);
    assert_eq!(drain(&mut lcp), [Fact::Send(wanted)]);
    // Our own number: the line is looped, and our echo must not look like life.
    let mut own = hex("09 08 00 08");
    own.extend(lcp.options().magic().to_be_bytes());
    lcp.receive(Instant::ZERO, &own);
    assert_eq!(drain(&mut lcp), []);
}

#[test]
fn a_protocol_reject_fits_the_peer_s_mru() {
    let mut lcp = opened(None);
    lcp.reject_protocol(Protocol::CBCP, &hex("01 01 00 0b 01 02 02 05 00 01 00"));
    let facts = drain(&mut lcp);
    let [Fact::Send(packet)] = &facts[..] else { panic!("{facts:?}") };
    assert_eq!(packet[0], 8);
    assert_eq!(packet[2..], hex("00 11 c0 29 01 01 00 0b 01 02 02 05 00 01 00"));
    lcp.reject_protocol(Protocol::CCP, &[0; 4000]);
    let facts = drain(&mut lcp);
    let [Fact::Send(packet)] = &facts[..] else { panic!("{facts:?}") };
    assert_eq!(packet.len(), 1500);
}

#[test]
fn what_the_peer_says_about_itself_is_passed_on_and_not_answered() {
    for (packet, wanted) in [
        ("0c 02 00 0b 00 00 00 00 4d 53 ff", vec![Fact::Identified(b"MS\xff".to_vec())]),
        ("0d 02 00 0c 00 00 00 00 00 00 00 3c", vec![Fact::TimeRemaining(Duration::from_secs(60))]),
        ("0d 02 00 08 00 00 00 00", vec![]),
        ("0b 02 00 08 00 00 00 00", vec![]),
        (
            "08 03 00 11 c0 29 01 01 00 0b 01 02 02 05 00 01 00",
            vec![Fact::ProtocolRejected(Protocol::CBCP)],
        ),
        ("08 03 00 05 c0", vec![]),
    ] {
        let mut lcp = opened(None);
        lcp.receive(Instant::ZERO, &hex(packet));
        assert_eq!(drain(&mut lcp), wanted, "{packet}");
    }
}

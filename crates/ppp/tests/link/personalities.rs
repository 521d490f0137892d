//! Every caller against every policy, over a good line: who is called back where, who stays, who gives up.

use std::net::Ipv4Addr;

use dialback_ppp::auth::{Duty, Method};
use dialback_ppp::cbcp::{Choice, NumberList, Offer, Stay};
use dialback_ppp::lcp::callback::{Answer, Ask, Otherwise, Proposal, Stance};
use dialback_ppp::link::{Config, End, Link, Opening, Phase};
use dialback_ppp::ncp::{Ipv4Wishes, Ipv6Wishes, PeerAddress};
use dialback_ppp::personality::Personality;
use dialback_ppp::time::Instant;

use super::pair::{Faults, Pair};

pub(crate) fn answerer() -> Config {
    let ipv4 = Ipv4Wishes {
        local: Some(Ipv4Addr::new(10, 0, 0, 1)),
        peer: PeerAddress::Assigned(Ipv4Addr::new(10, 0, 0, 2)),
        dns: [Some(Ipv4Addr::new(10, 0, 0, 53)), None],
        nbns: [None; 2],
        asks_servers: false,
    };
    Config { ipv4: Some(ipv4), ipv6: Some(Ipv6Wishes::default()), ..Config::answerer("dialback") }
}

pub(crate) fn with_networks(config: Config) -> Config {
    let ipv4 = Ipv4Wishes {
        local: None,
        peer: PeerAddress::Any,
        dns: [None; 2],
        nbns: [None; 2],
        asks_servers: true,
    };
    Config { ipv4: Some(ipv4), ipv6: Some(Ipv6Wishes::default()), ..config }
}

fn list(stay: Stay) -> Offer {
    Offer::List(NumberList::new(vec!["5550000".into(), "5551234".into()]).unwrap(), stay)
}

pub(crate) fn offers() -> Vec<Offer> {
    let mut offers = vec![Offer::NoCallback];
    for stay in [Stay::Refused, Stay::Allowed] {
        offers.extend([
            Offer::Administrator(stay),
            Offer::Own(stay),
            Offer::AdministratorOrOwn(stay),
            list(stay),
        ]);
    }
    offers
}

/// How a call ends: called back at the stored number (`s`), at the caller's (`n`), at one of the list
/// (`l`), staying connected (`-`), no agreement (`x`), or the caller leaves by itself (`q`).
fn outcome(personality: Personality, number: Option<&str>, offer: &Offer) -> char {
    let caller = with_networks(personality.caller(number.map(Into::into)));
    let mut pair = Pair::new(answerer(), caller, Faults::default(), 1);
    pair.offer = Some(offer.clone());
    pair.run_until(Instant::from_secs(400), |pair| {
        pair.answerer.end.is_some() || (pair.answerer.up == 2 && pair.caller.up == 2)
    });
    match &pair.answerer.end {
        None if pair.answerer.up == 2 => '-',
        Some(End::Callback(agreed)) => {
            assert_eq!(pair.answerer.agreed, 1);
            match &agreed.choice {
                Choice::Administrator => 's',
                Choice::Number(_) => 'n',
                Choice::Listed(_) => 'l',
                Choice::None => panic!("called back at nothing"),
            }
        }
        Some(End::CallbackFailed(_) | End::CarrierLost) => 'x',
        Some(End::PeerTerminated(_)) => 'q',
        end => panic!("{personality:?} {offer:?}: {end:?}"),
    }
}

/// Columns: nothing; then administrator, own, either, list, first without staying, then with.
#[test]
fn every_caller_with_a_number_meets_every_policy() {
    for (personality, wanted) in [
        (Personality::Standard, "- snnl snnl"),
        (Personality::Pppd, "- snnx snn-"),
        (Personality::OldPppd, "- snnx snn-"),
        (Personality::Ipppd, "q snnx snnq"),
        (Personality::FreeBsd, "x qnql xnnx"),
        (Personality::Windows, "- snnl snnl"),
        (Personality::WindowsEscape, "- snnl ----"),
        (Personality::Windows95, "x snnl xnnx"),
    ] {
        let got: Vec<char> =
            offers().iter().map(|offer| outcome(personality, Some("5551234"), offer)).collect();
        let wanted: Vec<char> = wanted.chars().filter(|letter| *letter != ' ').collect();
        assert_eq!(got, wanted, "{personality:?}");
    }
}

#[test]
fn every_caller_without_a_number_meets_every_policy() {
    for (personality, wanted) in [
        (Personality::Standard, "- sqsl s-sl"),
        (Personality::Pppd, "- sqsx s-s-"),
        (Personality::Windows, "- sqsl s-sl"),
        (Personality::Windows95, "- sqsl s-sl"),
    ] {
        let got: Vec<char> =
            offers().iter().map(|offer| outcome(personality, None, offer)).collect();
        let wanted: Vec<char> = wanted.chars().filter(|letter| *letter != ' ').collect();
        assert_eq!(got, wanted, "{personality:?}");
    }
}

#[test]
fn every_method_of_authentication_carries_a_whole_call() {
    for method in [Method::Pap, Method::ChapMd5, Method::MsChapV1, Method::MsChapV2] {
        let mut server = answerer();
        server.lcp.demand = vec![method];
        let mut client = Personality::Standard.caller(Some("5551234".into()));
        client.lcp.submit = vec![method];
        let mut pair = Pair::new(server, client, Faults::default(), 2);
        pair.offer = Some(Offer::Own(Stay::Refused));
        pair.run();
        assert!(
            matches!(pair.answerer.end, Some(End::Callback(_))),
            "{method:?} {:?}",
            pair.answerer.end
        );
        assert!(matches!(pair.caller.end, Some(End::AwaitCallback(..))), "{method:?}");
    }
}

#[test]
fn who_must_be_called_back_but_does_not_ask_is_refused_with_649() {
    let client = with_networks(Config::caller(None));
    let mut pair = Pair::new(answerer(), client, Faults::default(), 3);
    pair.duty = Duty::MustBeCalledBack;
    pair.run();
    let Some(End::NotAuthenticated(text)) = &pair.caller.end else {
        panic!("{:?}", pair.caller.end)
    };
    assert!(text.starts_with(b"E=649 R=0 "), "{}", text.escape_ascii());
    assert_eq!(pair.answerer.up, 0);
}

#[test]
fn the_return_leg_is_an_ordinary_session_and_carries_packets() {
    let server = answerer().on_the_return_leg();
    let client = with_networks(Config::caller(Some("5551234".into())).on_the_return_leg());
    let mut pair = Pair::new(server, client, Faults::default(), 4);
    pair.run_until(Instant::from_secs(60), |pair| pair.answerer.up == 2 && pair.caller.up == 2);
    assert!(!pair.answerer.phases.contains(&Phase::Callback));
    assert!(pair.now < Instant::from_secs(2), "{}", pair.now);

    let packets: Vec<Vec<u8>> =
        (0..20_u8).map(|n| [&[0x45, n, 0x7e, 0x7d, 0x11], &[n; 300][..]].concat()).collect();
    for packet in &packets {
        pair.answerer.link.send_packet(packet).unwrap();
    }
    let most = pair.caller.link.send_packet(&[0x60; 1501]);
    assert_eq!(most, Err(dialback_ppp::link::Unsendable::TooLong(1500)));
    pair.run_until(pair.now + std::time::Duration::from_secs(1), |_| false);
    assert_eq!(pair.caller.packets, packets);
}

#[test]
fn callback_agreed_by_lcp_alone_ends_the_call_at_once() {
    let answer = Answer { administrator: true, numbers: true, ..Answer::CBCP_ONLY };
    for (proposal, offer, number) in [
        (Proposal::Administrator, Offer::Administrator(Stay::Refused), None),
        (Proposal::Number(b"555-1234".to_vec()), Offer::Own(Stay::Refused), Some("5551234")),
    ] {
        let mut server = answerer();
        server.lcp.callback = Stance::Answer(answer);
        let mut client = with_networks(Config::caller(None));
        client.lcp.callback =
            Stance::Ask(Ask { proposals: vec![proposal], otherwise: Otherwise::GoOn });
        let mut pair = Pair::new(server, client, Faults::default(), 6);
        pair.offer = Some(offer);
        pair.run();
        let Some(End::Callback(agreed)) = &pair.answerer.end else {
            panic!("{:?}", pair.answerer.end)
        };
        assert_eq!(agreed.number.as_deref(), number);
        assert_eq!(pair.caller.end, Some(End::AwaitCallback(None, 0)));
        assert!(pair.now < Instant::from_secs(6), "{}", pair.now);
    }
}

#[test]
fn names_can_be_proved_in_both_directions() {
    for (to_server, to_client) in [
        (Method::MsChapV2, Method::ChapMd5),
        (Method::Pap, Method::Pap),
        (Method::ChapMd5, Method::Pap),
    ] {
        let mut server = answerer();
        server.lcp.demand = vec![to_server];
        server.lcp.submit = vec![to_client];
        let mut client = with_networks(Config::caller(None));
        client.lcp.demand = vec![to_client];
        let mut pair = Pair::new(server, client, Faults::default(), 7);
        pair.run_until(Instant::from_secs(60), |pair| pair.answerer.up == 2 && pair.caller.up == 2);
        assert_eq!(pair.caller.up, 2, "{to_server:?} {to_client:?}");
    }
}

#[test]
fn one_side_may_wait_for_the_other_to_begin() {
    let server = Config { opening: Opening::Listen, ..answerer() };
    let mut pair = Pair::new(server, with_networks(Config::caller(None)), Faults::default(), 8);
    pair.run_until(Instant::from_secs(60), |pair| pair.answerer.up == 2 && pair.caller.up == 2);
    assert_eq!(pair.caller.up, 2);

    let mut alone =
        Link::new(Config { opening: Opening::Listen, ..answerer() }, [1; 32], Instant::ZERO);
    assert_eq!(alone.deadline(), None);
    alone.close(Instant::from_secs(5), "nobody came");
    assert!(alone.is_over());
}

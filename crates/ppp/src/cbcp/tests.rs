//! Both roles by their worked packets, as timelines, and against each other.

use std::time::Duration;

use super::offer::tests::every_offer;
use super::*;
use crate::hex::octets as hex;
use crate::time::Instant;

fn at(seconds: u64) -> Instant {
    Instant::from_secs(seconds)
}

fn show(packet: &[u8]) -> String {
    packet.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(" ")
}

fn drain(answerer: &mut Answerer) -> Vec<String> {
    let told = |fact| match fact {
        AnswererFact::Send(packet) => show(&packet),
        AnswererFact::Approve(agreed) => format!("approve {:?}", agreed.choice),
        AnswererFact::Agreed(agreed) => format!("agreed in {} s", agreed.delay.as_secs()),
        fact @ (AnswererFact::Stay | AnswererFact::Failed(_) | AnswererFact::Overdue) => {
            format!("{fact:?}")
        }
    };
    std::iter::from_fn(|| answerer.poll()).map(told).collect()
}

fn answerer(offer: Offer) -> Answerer {
    let mut answerer = Answerer::new(offer, Terms::default(), at(0));
    drain(&mut answerer);
    answerer
}

fn own_or_none() -> Offer {
    Offer::Own(Stay::Allowed)
}

/// What the answerer does about one Response to its first Request.
fn check(offer: &Offer, response: &str, wanted: &[&str]) {
    let mut answerer = answerer(offer.clone());
    answerer.receive(at(1), &hex(response));
    let mut told = drain(&mut answerer);
    answerer.approve(at(1));
    told.extend(drain(&mut answerer));
    assert_eq!(told, wanted, "{offer:?} {response}");
}

const REQUEST_2: &str = "01 02 00 0b 01 02 02 05 00 01 00";

#[test]
fn each_response_gets_what_it_deserves() {
    let approve = "approve Number(\"5551234\")";
    let ack = "03 01 00 10 02 0c 0c 01 35 35 35 31 32 33 34 00";
    let administrator = Offer::Administrator(Stay::Refused);
    // A good number, and numbers whose end is missing or not the end.
    check(
        &own_or_none(),
        "02 01 00 10 02 0c 0c 01 35 35 35 31 32 33 34 00",
        &[approve, ack, "agreed in 12 s"],
    );
    check(
        &own_or_none(),
        "02 01 00 0f 02 0b 0c 01 35 35 35 31 32 33 34",
        &[approve, "03 01 00 0f 02 0b 0c 01 35 35 35 31 32 33 34", "agreed in 12 s"],
    );
    // None, plain and as pppd before 2.4.2 sends it.
    check(&own_or_none(), "02 01 00 06 01 02", &["03 01 00 06 01 02", "Stay"]);
    check(&own_or_none(), "02 01 00 07 01 03 00", &["03 01 00 06 01 02", "Stay"]);
    // The administrator's, with a delay, and with a number that does not belong there.
    check(
        &administrator,
        "02 01 00 07 03 03 05",
        &["approve Administrator", "03 01 00 07 03 03 05", "agreed in 5 s"],
    );
    check(
        &administrator,
        "02 01 00 10 03 0c 05 01 35 35 35 31 32 33 34 00",
        &["approve Administrator", "03 01 00 07 03 03 05", "agreed in 5 s"],
    );
    // Not offered, unknown, malformed, empty: the Request again.
    for response in [
        "02 01 00 07 03 03 05",
        "02 01 00 07 05 03 05",
        "02 01 00 07 00 03 05",
        "02 01 00 07 ff 03 05",
        "02 01 00 04",
        "02 01 00 08 01 02 01 02",
        "02 01 00 06 02 00",
        "02 01 00 06 02 01",
        "02 01 00 06 02 09",
        "02 01 00 09 02 05 05 01 00",
        "02 01 00 0a 02 06 05 02 35 00",
    ] {
        check(&own_or_none(), response, &[REQUEST_2]);
    }
    // Other identifiers, codes and lengths: nothing.
    for response in [
        "02 02 00 06 01 02",
        "02 00 00 06 01 02",
        "01 01 00 06 01 02",
        "03 01 00 06 01 02",
        "04 01 00 06 01 02",
        "02 01 00 03 01 02",
        "02 01 00 07 01 02",
        "02 01 00",
        "",
    ] {
        check(&own_or_none(), response, &[]);
    }
    // Numbers that cannot be dialled end it at once.
    check(&own_or_none(), "02 01 00 0a 02 06 05 01 3b 00", &["Failed(Number(Unusable(59)))"]);
    let mut long = hex("02 01 01 03 02 ff 05 01");
    long.extend([b'5'; 250]);
    long.push(0);
    check(&own_or_none(), &show(&long), &["Failed(Number(TooLong(250)))"]);
}

#[test]
fn requests_are_repeated_at_the_line_s_pace_and_then_slowly() {
    for (rate, pace) in
        [(Some(1200), 7), (Some(2400), 5), (Some(9600), 3), (Some(33600), 2), (None, 3)]
    {
        let mut answerer = Answerer::new(own_or_none(), Terms { rate, ..Terms::default() }, at(0));
        let mut now = 0;
        for id in 1..=8_u8 {
            let request = format!("01 {id:02x} 00 0b 01 02 02 05 00 01 00");
            assert_eq!(drain(&mut answerer), [request], "{rate:?} at {now}");
            let wait = if id <= 5 { pace } else { 10 };
            assert_eq!(answerer.deadline().unwrap().at, at(now + wait), "{rate:?} after {id}");
            answerer.tick(at(now + wait - 1));
            assert!(drain(&mut answerer).is_empty());
            now += wait;
            answerer.tick(at(now));
        }
    }
}

#[test]
fn the_whole_takes_no_longer_than_a_person_or_a_machine_may() {
    for (offer, limit) in [(own_or_none(), 180), (Offer::Administrator(Stay::Refused), 40)] {
        let mut answerer = answerer(offer);
        answerer.tick(at(limit - 1));
        drain(&mut answerer);
        answerer.tick(at(limit));
        assert_eq!(drain(&mut answerer), ["Failed(TimedOut)"]);
        assert_eq!(answerer.deadline(), None);
    }
}

#[test]
fn any_identifier_that_went_out_counts_also_after_it_wrapped() {
    let terms = Terms { typing: Duration::from_secs(1_000_000), ..Terms::default() };
    let mut answerer = Answerer::new(own_or_none(), terms, at(0));
    let mut second = 0;
    let mut last = String::new();
    for _ in 0..300 {
        last = drain(&mut answerer).pop().unwrap();
        second += 10;
        answerer.tick(at(second));
    }
    assert!(last.starts_with("01 2c "), "{last}");
    for id in ["00", "01", "2c", "ff"] {
        let response = format!("02 {id} 00 06 01 02");
        let mut told = drain(&mut answerer);
        answerer.receive(at(second), &hex(&response));
        told.extend(drain(&mut answerer));
        assert!(told.contains(&format!("03 {id} 00 06 01 02")), "{told:?}");
    }
}

#[test]
fn five_unusable_and_three_empty_responses_are_enough() {
    for (response, most, failure) in [
        ("02 01 00 07 03 03 05", 5, "Failed(Unusable)"),
        ("02 01 00 09 02 05 05 01 00", 3, "Failed(NoNumber)"),
    ] {
        let mut answerer = answerer(own_or_none());
        for id in 2..=most {
            answerer.receive(at(1), &hex(response));
            assert_eq!(drain(&mut answerer), [format!("01 {id:02x} 00 0b 01 02 02 05 00 01 00")]);
        }
        answerer.receive(at(1), &hex(response));
        assert_eq!(drain(&mut answerer), [failure]);
        answerer.receive(at(1), &hex("02 01 00 06 01 02"));
        assert!(drain(&mut answerer).is_empty());
    }
}

#[test]
fn the_ack_is_repeated_unasked_and_asked_and_never_changes() {
    let mut answerer = answerer(own_or_none());
    answerer.receive(at(0), &hex("02 01 00 10 02 0c 0c 01 35 35 35 31 32 33 34 00"));
    answerer.approve(at(0));
    drain(&mut answerer);
    let ack = "03 01 00 10 02 0c 0c 01 35 35 35 31 32 33 34 00";
    // The same again; then another number; then none; then rubbish.
    for (response, wanted) in [
        ("02 01 00 10 02 0c 0c 01 35 35 35 31 32 33 34 00", vec![ack]),
        ("02 01 00 10 02 0c 0c 01 35 35 35 39 39 39 39 00", vec![ack]),
        ("02 01 00 06 01 02", vec![ack]),
        ("02 01 00 06 09 09", vec![]),
    ] {
        answerer.receive(at(1), &hex(response));
        assert_eq!(drain(&mut answerer), wanted, "{response}");
    }
    for (second, wanted) in
        [(2, vec![]), (3, vec![ack]), (6, vec![ack]), (8, vec![]), (9, vec!["Overdue"])]
    {
        answerer.tick(at(second));
        assert_eq!(drain(&mut answerer), wanted, "at {second}");
    }
    assert_eq!(answerer.deadline(), None);
    assert_eq!(answerer.agreed().unwrap().number.as_deref(), Some("5551234"));
}

#[test]
fn while_the_owner_thinks_nothing_is_promised() {
    let mut answerer = answerer(own_or_none());
    answerer.receive(at(0), &hex("02 01 00 10 02 0c 0c 01 35 35 35 31 32 33 34 00"));
    assert_eq!(drain(&mut answerer), ["approve Number(\"5551234\")"]);
    assert_eq!(answerer.agreed(), None);
    answerer.receive(at(1), &hex("02 01 00 10 02 0c 0c 01 35 35 35 31 32 33 34 00"));
    answerer.tick(at(20));
    assert!(drain(&mut answerer).is_empty());
    answerer.refuse();
    assert_eq!(drain(&mut answerer), ["Failed(Refused)"]);
    answerer.approve(at(21));
    assert!(drain(&mut answerer).is_empty());
}

#[test]
fn delays_stay_within_bounds() {
    let range = Terms::default().delay;
    for (asked, wanted) in [(0, 2), (2, 2), (5, 5), (12, 12), (60, 60), (255, 60)] {
        assert_eq!(range.clamp(asked).as_secs(), wanted);
    }
}

#[test]
fn a_peer_without_cbcp_stays_if_it_may() {
    for (offer, wanted) in every_offer().into_iter().map(|(offer, _)| {
        (offer.clone(), if offer.lets_stay() { "Stay" } else { "Failed(NotSpoken)" })
    }) {
        let mut answerer = answerer(offer);
        answerer.not_spoken();
        assert_eq!(drain(&mut answerer), [wanted]);
    }
}

fn caller(number: Option<&str>, manners: Manners) -> Caller {
    let wish = Wish { number: number.map(Number::from), delay: 5, rate: None, manners };
    Caller::new(wish, at(0))
}

fn drain_caller(caller: &mut Caller) -> Vec<String> {
    std::iter::from_fn(|| caller.poll())
        .map(|fact| match fact {
            CallerFact::Send(packet) => show(&packet),
            fact @ (CallerFact::Agreed(..)
            | CallerFact::Stay
            | CallerFact::Leave
            | CallerFact::Failed(_)) => {
                format!("{fact:?}")
            }
        })
        .collect()
}

/// What pppd 2.4.9 does with Requests of these options: measured with its own cbcp.c.
#[test]
fn pppd_s_manners_reproduce_pppd_s_table() {
    let manners =
        Manners { reading: Reading::LosesStep, repeats: Repeats::Never, ..Manners::STANDARD };
    let (none, number, administrator) = ("01 02", "02 05 00 01 00", "03 03 00");
    let list = "04 0c 00 01 35 35 35 31 32 33 34 00";
    let with_number = "03 0c 00 01 35 35 35 31 32 33 34 00";
    for (options, wanted) in [
        (vec![none, number], Some(2)),
        (vec![administrator, number], Some(2)),
        (vec![none, administrator, number], Some(2)),
        (vec![number], Some(2)),
        (vec![administrator], Some(3)),
        (vec![administrator, none], Some(3)),
        (vec![none], Some(1)),
        (vec![number, none], None),
        (vec![number, administrator, none], None),
        (vec![number, administrator], Some(2)),
        (vec![none, number, administrator], Some(2)),
        (vec![none, list], Some(1)),
        (vec![list], None),
        (vec![list, number], None),
        (vec![number, list], None),
        (vec![none, number, list], None),
        (vec![none, list, number], None),
        (vec![with_number, number], None),
        (vec!["02 04 00 01"], Some(2)),
        (vec!["09 02", number], Some(2)),
        (vec!["09 03 00", number], Some(2)),
        (vec![], None),
    ] {
        let mut caller = caller(Some("5551234"), manners);
        caller.receive(at(0), &wire::write(wire::REQUEST, 1, &hex(&options.join(" "))));
        let sent = drain_caller(&mut caller);
        let chosen = sent.first().map(|packet| hex(packet)[4]);
        assert_eq!(chosen, wanted, "{options:?}");
    }
}

#[test]
fn a_caller_picks_in_microsoft_s_order_and_ends_by_it() {
    for (offer, _) in every_offer() {
        let mut with = caller(Some("5551234"), Manners::STANDARD);
        let mut without = caller(None, Manners::STANDARD);
        let request = wire::write(wire::REQUEST, 1, &offer.options());
        let first = |caller: &mut Caller| {
            caller.receive(at(0), &request);
            drain_caller(caller).remove(0)
        };
        let number = "02 01 00 10 02 0c 05 01 35 35 35 31 32 33 34 00";
        let listed = "02 01 00 10 04 0c 05 01 35 35 35 31 32 33 34 00";
        let (none, administrator) = ("02 01 00 06 01 02", "02 01 00 07 03 03 05");
        let (wanted_with, wanted_without) = match &offer {
            Offer::NoCallback => (none, none),
            Offer::Administrator(_) => (administrator, administrator),
            Offer::Own(Stay::Allowed) => (number, none),
            Offer::Own(Stay::Refused) => (number, "Failed(NothingToChoose)"),
            Offer::AdministratorOrOwn(_) => (number, administrator),
            Offer::List(..) => (listed, listed),
        };
        assert_eq!(first(&mut with), wanted_with, "{offer:?}");
        assert_eq!(first(&mut without), wanted_without, "{offer:?}");
    }
}

#[test]
fn a_caller_repeats_its_response_and_gives_up() {
    let mut caller = caller(Some("5551234"), Manners::STANDARD);
    caller.receive(at(0), &hex("01 01 00 0b 01 02 02 05 00 01 00"));
    let response = "02 01 00 10 02 0c 05 01 35 35 35 31 32 33 34 00";
    for second in (0..30).step_by(3) {
        caller.tick(at(second));
        assert_eq!(drain_caller(&mut caller), [response], "at {second}");
    }
    caller.tick(at(30));
    assert_eq!(drain_caller(&mut caller), ["Failed(NoAck)"]);
}

#[test]
fn a_caller_follows_new_requests_and_only_its_own_ack() {
    let mut caller = caller(Some("5551234"), Manners::STANDARD);
    for (packet, wanted) in [
        ("03 01 00 06 01 02", vec![]),
        (
            "01 01 00 0b 01 02 02 05 00 01 00",
            vec!["02 01 00 10 02 0c 05 01 35 35 35 31 32 33 34 00"],
        ),
        (
            "01 02 00 0b 01 02 02 05 00 01 00",
            vec!["02 02 00 10 02 0c 05 01 35 35 35 31 32 33 34 00"],
        ),
        ("01 03 00 06 01 02", vec![]),
        ("03 02 00 06 01 02", vec![]),
        ("03 02 00 07 03 03 05", vec![]),
        ("02 02 00 06 01 02", vec![]),
        ("03 01 00 10 02 0c 05 01 35 35 35 31 32 33 34 00", vec!["Agreed(Number(\"5551234\"), 5)"]),
        ("03 01 00 10 02 0c 05 01 35 35 35 31 32 33 34 00", vec![]),
    ] {
        caller.receive(at(1), &hex(packet));
        assert_eq!(drain_caller(&mut caller), wanted, "{packet}");
    }
    assert_eq!(caller.deadline(), None);
}

#[test]
fn a_caller_waits_half_a_minute_for_the_request() {
    let mut caller = caller(None, Manners::STANDARD);
    assert_eq!(caller.deadline().unwrap().at, at(30));
    caller.tick(at(30));
    assert_eq!(drain_caller(&mut caller), ["Failed(NoRequest)"]);
}

#[test]
fn a_user_at_a_box_answers_the_request_that_opened_it() {
    let mut caller =
        caller(Some("5551234"), Manners { thinks: Duration::from_secs(60), ..Manners::STANDARD });
    caller.receive(at(0), &hex("01 01 00 0b 01 02 02 05 00 01 00"));
    caller.receive(at(30), &hex("01 07 00 0b 01 02 02 05 00 01 00"));
    assert!(drain_caller(&mut caller).is_empty());
    caller.tick(at(60));
    assert_eq!(drain_caller(&mut caller), ["02 01 00 10 02 0c 05 01 35 35 35 31 32 33 34 00"]);
}

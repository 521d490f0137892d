//! Negotiations as timelines: what is put in at which second, and what comes out.

use super::*;

/// A protocol with one option, number 1, that we ask for until it is rejected, and that we accept from
/// the peer with the value 5 only.
#[derive(Debug, Default)]
struct Toy {
    dropped: bool,
    needed: bool,
}

impl Options for Toy {
    fn restart(&mut self) {
        self.dropped = false;
    }

    fn request(&mut self) -> Vec<u8> {
        if self.dropped { vec![] } else { vec![1, 3, 7] }
    }

    fn judge(&mut self, items: &[Item<'_>], patience: Patience) -> Judgement {
        let wrong: Vec<u8> = items
            .iter()
            .filter(|item| item.value != [5])
            .flat_map(|item| item.octets.to_vec())
            .collect();
        match (wrong.is_empty(), patience) {
            (true, _) => Judgement::Ack,
            (false, Patience::Left) => Judgement::Nak(vec![1, 3, 5]),
            (false, Patience::Over) => Judgement::Reject(wrong),
        }
    }

    fn nak(&mut self, _: &[Item<'_>]) -> Outlook {
        Outlook::AskAgain
    }

    fn reject(&mut self, _: &[Item<'_>]) -> Outlook {
        self.dropped = true;
        if self.needed { Outlook::Hopeless } else { Outlook::AskAgain }
    }
}

fn at(seconds: u64) -> Instant {
    Instant::from_secs(seconds)
}

fn drain(negotiation: &mut Negotiation<Toy>) -> String {
    let facts: Vec<String> = std::iter::from_fn(|| negotiation.poll())
        .map(|fact| match fact {
            Fact::Send(packet) => packet.iter().map(|octet| format!("{octet:02x}")).collect(),
            told @ (Fact::Up | Fact::Down | Fact::Finished(_)) => format!("{told:?}"),
        })
        .collect();
    facts.join(" ")
}

fn receive(negotiation: &mut Negotiation<Toy>, now: Instant, octets: &[u8]) -> String {
    negotiation.receive(now, Packet::read(octets).unwrap());
    drain(negotiation)
}

fn opened() -> Negotiation<Toy> {
    let mut toy = Negotiation::new(Toy::default(), Limits::default());
    toy.open(at(0));
    assert_eq!(drain(&mut toy), "01010007010307");
    assert_eq!(receive(&mut toy, at(0), &[1, 9, 0, 7, 1, 3, 5]), "02090007010305");
    assert_eq!(receive(&mut toy, at(0), &[2, 1, 0, 7, 1, 3, 7]), "Up");
    assert_eq!(toy.deadline(), None);
    toy
}

#[test]
fn ten_requests_three_seconds_apart_and_then_no_answer() {
    let mut toy = Negotiation::new(Toy::default(), Limits::default());
    toy.open(at(0));
    for second in (0..30).step_by(3) {
        toy.tick(at(second));
        assert_eq!(drain(&mut toy), "01010007010307", "at {second}");
        toy.tick(at(second + 2));
        assert_eq!(drain(&mut toy), "", "at {second} + 2");
    }
    toy.tick(at(30));
    assert_eq!(drain(&mut toy), "Finished(NoAnswer)");
    assert_eq!(toy.deadline(), None);
}

#[test]
fn only_the_exact_ack_of_our_request_counts() {
    let mut toy = Negotiation::new(Toy::default(), Limits::default());
    toy.open(at(0));
    drain(&mut toy);
    for wrong in
        [&[2, 2, 0, 7, 1, 3, 7][..], &[2, 1, 0, 7, 1, 3, 8], &[2, 1, 0, 4], &[4, 1, 0, 7, 1, 3, 8]]
    {
        assert_eq!(receive(&mut toy, at(1), wrong), "", "{wrong:?}");
        assert_eq!(toy.state(), State::ReqSent);
    }
    receive(&mut toy, at(1), &[2, 1, 0, 7, 1, 3, 7]);
    assert_eq!(toy.state(), State::AckRcvd);
}

#[test]
fn a_rejected_option_is_not_asked_again_until_the_next_negotiation() {
    let mut toy = Negotiation::new(Toy::default(), Limits::default());
    toy.open(at(0));
    drain(&mut toy);
    assert_eq!(receive(&mut toy, at(0), &[4, 1, 0, 7, 1, 3, 7]), "01020004");
    receive(&mut toy, at(0), &[1, 1, 0, 4]);
    assert_eq!(receive(&mut toy, at(0), &[2, 2, 0, 4]), "Up");
    assert_eq!(receive(&mut toy, at(1), &[1, 2, 0, 4]), "Down 01030007010307 02020004");
}

#[test]
fn an_essential_option_refused_ends_it() {
    let mut toy = Negotiation::new(Toy { needed: true, ..Toy::default() }, Limits::default());
    toy.open(at(0));
    drain(&mut toy);
    assert!(receive(&mut toy, at(0), &[4, 1, 0, 7, 1, 3, 7]).starts_with("0502"));
    assert_eq!(receive(&mut toy, at(0), &[6, 2, 0, 4]), "Finished(EssentialRefused)");
}

#[test]
fn five_naks_and_then_rejects() {
    let mut toy = Negotiation::new(Toy::default(), Limits::default());
    toy.open(at(0));
    drain(&mut toy);
    for id in 1..=5 {
        assert_eq!(
            receive(&mut toy, at(0), &[1, id, 0, 7, 1, 3, 6]),
            format!("03{id:02x}0007010305")
        );
    }
    assert_eq!(receive(&mut toy, at(0), &[1, 6, 0, 7, 1, 3, 6]), "04060007010306");
}

#[test]
fn a_request_repeated_because_its_nak_was_lost_is_no_new_failure() {
    let mut toy = Negotiation::new(Toy::default(), Limits::default());
    toy.open(at(0));
    drain(&mut toy);
    for _ in 0..20 {
        assert_eq!(receive(&mut toy, at(0), &[1, 7, 0, 7, 1, 3, 6]), "03070007010305");
    }
}

#[test]
fn endless_naks_requests_and_restarts_come_to_an_end() {
    let endless = |packet: fn(&Negotiation<Toy>) -> Vec<u8>| {
        let mut toy = Negotiation::new(Toy::default(), Limits::default());
        toy.open(at(0));
        drain(&mut toy);
        (0..200).find(|_| {
            let packet = packet(&toy);
            receive(&mut toy, at(0), &packet);
            toy.state() == State::Closing
        })
    };
    assert_eq!(endless(|toy| vec![3, toy.request.id, 0, 7, 1, 3, 9]), Some(20));
    assert_eq!(endless(|_| vec![1, 3, 0, 4]), Some(100));

    let mut toy = opened();
    let mut restarts = 0;
    while toy.state() != State::Closing {
        receive(&mut toy, at(1), &[1, 3, 0, 4]);
        let id = toy.request.id;
        receive(&mut toy, at(1), &[2, id, 0, 7, 1, 3, 7]);
        restarts += 1;
        assert!(restarts < 100);
    }
    assert_eq!(restarts, 11);
}

#[test]
fn closing_asks_twice_and_then_goes() {
    let mut toy = opened();
    toy.close(at(5), "bye");
    assert_eq!(drain(&mut toy), "Down 05020007627965");
    toy.tick(at(8));
    assert_eq!(drain(&mut toy), "05030007627965");
    toy.tick(at(11));
    assert_eq!(drain(&mut toy), "Finished(Closed)");

    let mut toy = opened();
    toy.close(at(5), "bye");
    drain(&mut toy);
    assert_eq!(receive(&mut toy, at(6), &[6, 2, 0, 4]), "Finished(Closed)");
}

#[test]
fn a_peer_that_terminates_is_given_one_restart_time() {
    let mut toy = opened();
    assert_eq!(receive(&mut toy, at(5), &[5, 7, 0, 6, 0x68, 0x69]), "Down 06070004");
    toy.tick(at(7));
    assert_eq!(drain(&mut toy), "");
    assert_eq!(receive(&mut toy, at(7), &[5, 7, 0, 6, 0x68, 0x69]), "06070004");
    toy.tick(at(8));
    assert_eq!(drain(&mut toy), "Finished(Terminated([104, 105]))");
}

#[test]
fn rejects_of_codes_matter_only_for_the_first_seven() {
    let mut toy = opened();
    assert_eq!(receive(&mut toy, at(1), &[7, 1, 0, 8, 12, 1, 0, 4]), "");
    assert!(toy.is_open());
    assert_eq!(receive(&mut toy, at(1), &[7, 1, 0, 8, 1, 1, 0, 4]), "Down 05020004");
    toy.tick(at(4));
    toy.tick(at(7));
    assert!(drain(&mut toy).ends_with("Finished(NotSpoken)"));
}

#[test]
fn unknown_codes_are_given_back() {
    let mut toy = opened();
    assert_eq!(receive(&mut toy, at(1), &[99, 8, 0, 5, 0xaa]), "0702000963080005aa");
    assert!(toy.is_open());
}

#[test]
fn a_listener_says_nothing_until_it_is_asked() {
    let mut toy = Negotiation::new(Toy::default(), Limits::default());
    toy.listen();
    assert_eq!(drain(&mut toy), "");
    assert_eq!(toy.deadline(), None);
    assert_eq!(receive(&mut toy, at(1), &[1, 4, 0, 4]), "01010007010307 02040004");
}

#[test]
fn an_option_list_that_does_not_add_up_is_not_answered() {
    let mut toy = opened();
    assert_eq!(receive(&mut toy, at(1), &[1, 4, 0, 6, 1, 0]), "");
    assert_eq!(receive(&mut toy, at(1), &[1, 4, 0, 6, 1, 9]), "");
}

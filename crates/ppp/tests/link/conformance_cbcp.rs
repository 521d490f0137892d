//! The conformance list of the CBCP answerer, one test an item: starting, repeating, and Responses.

use std::time::Duration;

use dialback_ppp::auth::Refusal;
use dialback_ppp::cbcp::{NumberList, Offer, Stay};
use dialback_ppp::framing::{Accm, Framing};
use dialback_ppp::lcp::callback::{Ask, Otherwise, Proposal, Stance};
use dialback_ppp::link::{Approval, Config, Output};
use dialback_ppp::protocol::Protocol;

use super::bench::{Bench, PAP_ALICE, Policy, own_or_none, pap_answerer};

const RESPONSE: &str = "02 01 00 10 02 0c 0c 01 35 35 35 31 32 33 34 00";
const ACK: &str = "03 01 00 10 02 0c 0c 01 35 35 35 31 32 33 34 00";
const REQUEST_1: &str = "01 01 00 0b 01 02 02 05 00 01 00";
const REQUEST_2: &str = "01 02 00 0b 01 02 02 05 00 01 00";

/// What the link says to one CBCP packet in the callback phase.
fn check(offer: Offer, packet: &str, wanted: &[&str]) {
    let mut bench = Bench::in_callback(offer);
    bench.lines();
    assert_eq!(bench.cbcp(packet).lines(), wanted, "{packet}");
}

#[test]
fn c14_the_first_request_goes_out_at_once_with_identifier_1_and_the_policy_s_options() {
    let list = || NumberList::new(vec!["5551234".into(), "5555678".into()]).unwrap();
    for (offer, wanted) in [
        (own_or_none(), REQUEST_1),
        (Offer::NoCallback, "01 01 00 06 01 02"),
        (Offer::Administrator(Stay::Refused), "01 01 00 07 03 03 00"),
        (Offer::AdministratorOrOwn(Stay::Allowed), "01 01 00 0e 01 02 03 03 00 02 05 00 01 00"),
        (
            Offer::List(list(), Stay::Refused),
            "01 01 00 19 04 15 00 01 35 35 35 31 32 33 34 00 01 35 35 35 35 36 37 38 00",
        ),
    ] {
        assert_eq!(Bench::in_callback(offer).sent("CBCP"), [wanted]);
    }
}

#[test]
fn c15_no_cbcp_before_the_name_is_proved_whichever_order_messages_arrive_in() {
    let mut policy = Policy::offers(own_or_none());
    policy.judges = false;
    let mut bench = Bench::opened(pap_answerer(), policy, "0d 03 06");
    bench.cbcp(RESPONSE).send(Protocol::PAP, PAP_ALICE).cbcp(RESPONSE).seconds(20);
    assert!(!bench.has("CBCP") && !bench.has("LCP 08"));
    let ticket = bench.verify.unwrap();
    let answer = dialback_ppp::auth::Answer::Password("s3cret".into());
    bench.link.judge(bench.now, ticket, &answer, dialback_ppp::auth::Duty::None);
    bench.drain();
    assert_eq!(bench.sent("CBCP"), [REQUEST_1]);
}

#[test]
fn c16_no_request_is_sent_to_whom_authentication_refuses() {
    let mut policy = Policy::offers(own_or_none());
    policy.refusal = Some(Refusal::Disabled);
    let mut bench = Bench::in_callback_with(pap_answerer(), policy);
    bench.seconds(60);
    assert!(!bench.has("CBCP") && !bench.has("offer"));
}

#[test]
fn c17_a_first_request_that_comes_before_the_caller_is_ready_is_made_up_for_by_the_second() {
    // The caller's side: a Request before it has proved our name is dropped, not rejected.
    let mut config = Config::caller(Some("5551234".into()));
    config.lcp.callback =
        Stance::Ask(Ask { proposals: vec![Proposal::Cbcp], otherwise: Otherwise::GoOn });
    config.lcp.demand = vec![dialback_ppp::auth::Method::Pap];
    config.lcp.accm = Some(Accm::NONE);
    let mut bench = Bench::opened(config, Policy::offers(own_or_none()), "");
    bench.lines();
    assert!(bench.cbcp(REQUEST_1).lines().is_empty());
    bench.send(Protocol::PAP, PAP_ALICE);
    bench.cbcp(REQUEST_2);
    assert_eq!(bench.sent("CBCP"), ["02 02 00 10 02 0c 0c 01 35 35 35 31 32 33 34 00"]);
}

#[test]
fn c18_requests_are_repeated_at_the_rate_s_pace_with_new_identifiers_and_the_same_options() {
    for (rate, pace) in
        [(Some(1200), 7), (Some(2400), 5), (Some(9600), 3), (Some(33600), 2), (None, 3)]
    {
        let mut config = pap_answerer();
        config.callback.terms.rate = rate;
        let mut bench = Bench::in_callback_with(config, Policy::offers(own_or_none()));
        bench.lines();
        for id in 2..=5 {
            let wanted = format!("01 {id:02x} 00 0b 01 02 02 05 00 01 00");
            assert!(bench.seconds(pace - 1).sent("CBCP").is_empty());
            assert_eq!(bench.seconds(1).sent("CBCP"), [wanted], "{rate:?}");
        }
    }
}

#[test]
fn c19_when_the_time_is_over_the_call_is_ended_without_a_callback_and_with_a_reason() {
    let mut bench = Bench::in_callback(own_or_none());
    bench.seconds(179);
    assert!(!bench.has("LCP 05"));
    bench.seconds(10);
    let text = "Callback negotiation timed out".bytes().map(|octet| format!(" {octet:02x}"));
    assert!(bench.last("LCP 05").ends_with(&text.collect::<String>()));
    assert!(bench.has("down: CallbackFailed(TimedOut)"));
}

#[test]
fn c20_a_user_who_takes_a_minute_to_type_is_heard() {
    let mut bench = Bench::in_callback(own_or_none());
    bench.seconds(60).lines();
    assert_eq!(bench.cbcp(RESPONSE).sent("CBCP"), [ACK]);
}

#[test]
fn c21_identifiers_wrap_and_still_match() {
    let mut config = pap_answerer();
    config.callback.terms.typing = Duration::from_secs(100_000);
    let mut bench = Bench::in_callback_with(config, Policy::offers(own_or_none()));
    bench.seconds(2_600);
    assert!(bench.has("CBCP 01 ff") && bench.has("CBCP 01 00"));
    bench.lines();
    bench.cbcp("02 ff 00 06 01 02");
    assert!(bench.has("CBCP 03 ff 00 06 01 02"));
}

#[test]
fn c22_at_most_one_long_option_and_that_last() {
    let list = NumberList::new(vec!["5551234".into()]).unwrap();
    for stay in [Stay::Allowed, Stay::Refused] {
        for offer in [
            Offer::NoCallback,
            Offer::Administrator(stay),
            Offer::Own(stay),
            Offer::AdministratorOrOwn(stay),
            Offer::List(list.clone(), stay),
        ] {
            let request = super::bench::hex(&Bench::in_callback(offer.clone()).sent("CBCP")[0]);
            let mut options = &request[4..];
            let mut lengths = Vec::new();
            while let Some(length) = options.get(1) {
                lengths.push(*length);
                options = &options[usize::from(*length)..];
            }
            let long = lengths.iter().position(|length| *length > 3);
            assert!(long.is_none_or(|at| at + 1 == lengths.len()), "{offer:?}");
        }
    }
}

#[test]
fn c23_a_user_without_the_right_is_offered_none_and_nothing_else() {
    let mut bench = Bench::in_callback(Offer::NoCallback);
    assert_eq!(bench.sent("CBCP"), ["01 01 00 06 01 02"]);
}

#[test]
fn c24_a_response_is_acked_octet_for_octet() {
    check(own_or_none(), RESPONSE, &["approve 5551234", &format!("CBCP {ACK}"), "agreed in 12 s"]);
}

#[test]
fn c25_an_earlier_identifier_that_went_out_is_accepted_and_acked_under_it() {
    let mut bench = Bench::in_callback(own_or_none());
    bench.seconds(10).lines();
    bench.cbcp("02 02 00 06 01 02");
    assert_eq!(bench.sent("CBCP"), ["03 02 00 06 01 02"]);
}

#[test]
fn c26_an_identifier_that_never_went_out_is_ignored() {
    check(own_or_none(), "02 02 00 06 01 02", &[]);
    check(own_or_none(), "02 00 00 06 01 02", &[]);
}

fn five_times(response: &str) {
    let mut bench = Bench::in_callback(own_or_none());
    bench.lines();
    for id in 2..=5 {
        let wanted = format!("01 {id:02x} 00 0b 01 02 02 05 00 01 00");
        assert_eq!(bench.cbcp(response).sent("CBCP"), [wanted]);
    }
    bench.cbcp(response);
    assert!(bench.has("LCP 05"));
    bench.seconds(6);
    assert!(bench.has("down: CallbackFailed(Unusable)"));
}

#[test]
fn c27_a_type_that_was_not_offered_gets_the_request_again_and_the_fifth_the_end() {
    five_times("02 01 00 07 03 03 05");
}

#[test]
fn c28_types_that_do_not_exist_likewise() {
    for kind in ["05", "00", "ff"] {
        five_times(&format!("02 01 00 07 {kind} 03 05"));
    }
}

#[test]
fn c29_an_empty_number_is_not_acked_and_the_third_ends_the_call() {
    let mut bench = Bench::in_callback(own_or_none());
    bench.lines();
    let empty = "02 01 00 09 02 05 05 01 00";
    for id in 2..=3 {
        let wanted = format!("01 {id:02x} 00 0b 01 02 02 05 00 01 00");
        assert_eq!(bench.cbcp(empty).sent("CBCP"), [wanted]);
    }
    bench.cbcp(empty).seconds(6);
    assert!(bench.has("down: CallbackFailed(NoNumber)"));
}

#[test]
fn c30_a_number_without_nul_is_accepted_and_echoed_as_it_came() {
    check(
        own_or_none(),
        "02 01 00 0f 02 0b 0c 01 35 35 35 31 32 33 34",
        &["approve 5551234", "CBCP 03 01 00 0f 02 0b 0c 01 35 35 35 31 32 33 34", "agreed in 12 s"],
    );
}

#[test]
fn c31_a_number_ends_at_its_nul_whatever_follows() {
    let mut bench = Bench::in_callback(own_or_none());
    bench.cbcp("02 01 00 11 02 0d 0c 01 35 35 35 31 32 33 34 00 39");
    assert!(bench.has("approve 5551234") && bench.has("CBCP 03 01 00 11"));
}

#[test]
fn c32_an_unknown_address_type_is_not_acked() {
    check(own_or_none(), "02 01 00 0a 02 06 05 02 35 00", &[&format!("CBCP {REQUEST_2}")]);
}

#[test]
fn c33_a_number_of_250_digits_is_read_safely_and_refused() {
    let mut bench = Bench::in_callback(own_or_none());
    bench.cbcp(&format!("02 01 01 03 02 ff 05 01 {} 00", "35 ".repeat(250))).seconds(6);
    assert!(!bench.has("CBCP 03") && !bench.has("approve"));
    assert!(bench.has("down: CallbackFailed(Number(TooLong(250)))"));
}

#[test]
fn c34_nothing_of_a_number_with_a_command_in_it_gets_anywhere() {
    for octet in ["0d", "3b", "41", "80", "ff", "1b", "0a", "26"] {
        let mut bench = Bench::in_callback(own_or_none());
        bench.cbcp(&format!("02 01 00 0c 02 08 0c 01 35 {octet} 35 00")).seconds(6);
        assert!(!bench.has("approve") && !bench.has("agreed"), "{octet}");
        assert!(bench.has("down: CallbackFailed(Number(Unusable("), "{octet}");
    }
}

#[test]
fn c35_a_number_that_policy_refuses_ends_the_call_at_once_without_another_request() {
    let mut policy = Policy::offers(own_or_none());
    policy.approval = Some(Approval::Refused);
    let mut bench = Bench::in_callback_with(pap_answerer(), policy);
    bench.lines();
    bench.cbcp(RESPONSE);
    assert!(bench.has("LCP 05") && !bench.has("CBCP"));
    bench.seconds(6);
    assert!(bench.has("down: CallbackFailed(Refused)"));
}

#[test]
fn c36_punctuation_is_dropped_for_dialling_and_kept_in_the_ack() {
    let option = "02 13 0c 01 28 35 35 35 29 20 31 32 33 2d 34 35 36 37 00";
    let mut bench = Bench::in_callback(own_or_none());
    bench.cbcp(&format!("02 01 00 17 {option}"));
    assert!(bench.has("approve 5551234567"));
    assert!(bench.has(&format!("CBCP 03 01 00 17 {option}")));
}

#[test]
fn c37_old_pppd_s_none_is_accepted_and_acked_as_it_should_be() {
    check(own_or_none(), "02 01 00 07 01 03 00", &["CBCP 03 01 00 06 01 02", "phase Network"]);
}

#[test]
fn c38_c39_c40_two_options_none_at_all_or_wrong_lengths_get_the_request_again() {
    for response in [
        "02 01 00 08 01 02 01 02",
        "02 01 00 04",
        "02 01 00 06 02 00",
        "02 01 00 06 02 01",
        "02 01 00 06 02 ff",
        "02 01 00 05 02",
    ] {
        check(own_or_none(), response, &[&format!("CBCP {REQUEST_2}")]);
    }
}

#[test]
fn c41_a_packet_longer_than_it_came_is_dropped_and_octets_behind_its_length_are_padding() {
    for packet in ["02 01 00 03", "02 01 00 00", "02 01 00 07 01 02", "02 01 00", "02"] {
        check(own_or_none(), packet, &[]);
    }
    check(
        own_or_none(),
        "02 01 00 06 01 02 00 00 00",
        &["CBCP 03 01 00 06 01 02", "phase Network"],
    );
}

#[test]
fn c42_a_number_with_type_3_is_ignored_and_not_acked_back() {
    check(
        Offer::Administrator(Stay::Refused),
        "02 01 00 10 03 0c 05 01 39 30 30 31 32 33 34 00",
        &["approve stored", "CBCP 03 01 00 07 03 03 05", "agreed in 5 s"],
    );
}

#[test]
fn c43_of_a_list_only_what_is_in_it_can_be_chosen() {
    let list = || NumberList::new(vec!["5551234".into(), "5555678".into()]).unwrap();
    let offer = || Offer::List(list(), Stay::Refused);
    let mut bench = Bench::in_callback(offer());
    bench.cbcp("02 01 00 10 04 0c 05 01 35 35 35 39 39 39 39 00");
    assert!(!bench.has("approve") && bench.has("CBCP 01 02"));
    bench.cbcp("02 01 00 10 04 0c 05 01 35 35 35 35 36 37 38 00");
    assert!(bench.has("approve 5555678") && bench.has("agreed in 5 s"));
}

#[test]
fn c44_the_delay_is_clamped_to_its_bounds() {
    for (delay, wanted) in [("00", 2), ("05", 5), ("0c", 12), ("ff", 60)] {
        let mut bench = Bench::in_callback(Offer::Administrator(Stay::Refused));
        bench.cbcp(&format!("02 01 00 07 03 03 {delay}"));
        assert!(bench.has(&format!("agreed in {wanted} s")), "{delay}");
    }
}

#[test]
fn c45_requests_acks_and_unknown_codes_are_dropped_without_a_code_reject() {
    for code in ["00", "01", "03", "04", "07", "ff"] {
        check(own_or_none(), &format!("{code} 01 00 06 01 02"), &[]);
    }
}

#[test]
fn c46_a_response_before_any_request_is_dropped() {
    let mut bench = Bench::opened(pap_answerer(), Policy::offers(own_or_none()), "0d 03 06");
    bench.lines();
    assert!(bench.cbcp(RESPONSE).lines().is_empty());
}

#[test]
fn c47_every_kind_of_framing_is_accepted() {
    for acfc in [true, false] {
        for accm in [Accm::NONE, Accm::FLOW_CONTROL, Accm::ALL] {
            let mut bench = Bench::in_callback(own_or_none());
            bench.lines();
            bench.send_framed(Framing { accm, acfc, pfc: acfc }, Protocol::CBCP, RESPONSE);
            assert_eq!(bench.sent("CBCP"), [ACK], "{acfc} {accm:?}");
        }
    }
}

#[test]
fn c48_a_damaged_response_is_dropped_and_made_up_for_by_the_next_request() {
    let mut bench = Bench::in_callback(own_or_none());
    bench.lines();
    let mut line = Vec::new();
    Framing::DEFAULT.encode(Protocol::CBCP, &super::bench::hex(RESPONSE), &mut line);
    let at = line.len() - 6;
    line[at] ^= 1;
    assert!(bench.raw(&line).lines().is_empty());
    assert_eq!(bench.link.counts().bad_fcs, 1);
    assert_eq!(bench.seconds(3).sent("CBCP"), [REQUEST_2]);
    bench.cbcp("02 02 00 06 01 02");
    assert!(bench.has("phase Network"));
}

#[test]
fn an_owner_that_never_decides_does_not_hold_the_line_for_ever() {
    let mut policy = Policy::offers(own_or_none());
    policy.approval = None;
    let mut bench = Bench::in_callback_with(pap_answerer(), policy);
    bench.cbcp(RESPONSE).seconds(200);
    assert!(bench.has("down: CallbackFailed(TimedOut)"));
}

#[test]
fn an_approval_for_a_caller_that_has_gone_promises_nothing() {
    let mut policy = Policy::offers(own_or_none());
    policy.approval = None;
    let mut bench = Bench::in_callback_with(pap_answerer(), policy);
    bench.cbcp(RESPONSE);
    let ticket = bench.approval.unwrap();
    bench.send(Protocol::LCP, "05 02 00 04");
    bench.link.approve(bench.now, ticket, Approval::Granted);
    bench.seconds(3);
    assert!(!bench.has("agreed") && bench.has("down: PeerTerminated([])"));
}

#[test]
fn a_late_answer_to_an_old_question_does_nothing() {
    let mut policy = Policy::offers(own_or_none());
    policy.judges = false;
    let mut bench = Bench::opened(pap_answerer(), policy, "0d 03 06");
    bench.send(Protocol::PAP, PAP_ALICE);
    let old = bench.verify.unwrap();
    bench.send(Protocol::LCP, "01 02 00 07 0d 03 06");
    bench.ack_our_request();
    bench.send(Protocol::PAP, "01 01 00 0f 03 65 76 65 06 73 33 63 72 65 74");
    let answer = dialback_ppp::auth::Answer::Accepted { success: None };
    bench.link.judge(bench.now, old, &answer, dialback_ppp::auth::Duty::None);
    assert!(!matches!(bench.link.poll(), Some(Output::Phase(_))));
    assert!(!bench.has("PAP 02"));
}

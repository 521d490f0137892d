//! The conformance list of the CBCP answerer, one test an item: LCP's option 13, the way through
//! "none", from Ack to hang-up, and the second leg.
//!
//! Items 66, 71, 72 and 73 (busy lines, tickets, other callers, queues) are about dialling, which a link
//! knows nothing of; they are tested where calls are made.

use std::net::Ipv4Addr;

use dialback_ppp::auth::Duty;
use dialback_ppp::cbcp::{NumberList, Offer, Stay};
use dialback_ppp::lcp::callback::{Answer, Solicit, Stance};
use dialback_ppp::link::{Config, Unterminated};
use dialback_ppp::ncp::{Ipv4Wishes, PeerAddress};
use dialback_ppp::protocol::Protocol;

use super::bench::{Bench, PAP_ALICE, Policy, own_or_none, pap_answerer};

fn answering(answer: Answer) -> Config {
    let mut config = pap_answerer();
    config.lcp.callback = Stance::Answer(answer);
    config
}

/// The link's answer to a Configure-Request with these options.
fn lcp_answer(config: Config, request: &str) -> Vec<String> {
    let mut bench = Bench::new(config, Policy::offers(own_or_none()));
    bench.lines();
    bench.send(Protocol::LCP, request).sent("LCP")
}

fn with_ipv4(mut config: Config) -> Config {
    config.ipv4 = Some(Ipv4Wishes {
        local: Some(Ipv4Addr::new(10, 0, 0, 1)),
        peer: PeerAddress::Assigned(Ipv4Addr::new(10, 0, 0, 2)),
        dns: [None; 2],
        nbns: [None; 2],
        asks_servers: false,
    });
    config
}

const RESPONSE: &str = "02 01 00 10 02 0c 0c 01 35 35 35 31 32 33 34 00";
const ACK: &str = "03 01 00 10 02 0c 0c 01 35 35 35 31 32 33 34 00";
const NONE: &str = "02 01 00 06 01 02";

#[test]
fn c01_operation_6_is_acked_with_all_options_in_order_and_unchanged() {
    let request = "01 01 00 17 02 06 00 00 00 00 0d 03 06 05 06 1a 2b 3c 4d 07 02 08 02";
    assert_eq!(lcp_answer(pap_answerer(), request), [request.replacen("01", "02", 1)]);
}

#[test]
fn c02_a_message_with_operation_6_is_echoed_and_ignored() {
    assert_eq!(
        lcp_answer(pap_answerer(), "01 01 00 09 0d 05 06 aa bb"),
        ["02 01 00 09 0d 05 06 aa bb"]
    );
}

#[test]
fn c03_an_option_without_operation_is_rejected() {
    assert_eq!(lcp_answer(pap_answerer(), "01 01 00 06 0d 02"), ["04 01 00 06 0d 02"]);
}

#[test]
fn c04_operation_0_is_naked_with_6_while_rfc_1570_is_off() {
    assert_eq!(lcp_answer(pap_answerer(), "01 01 00 07 0d 03 00"), ["03 01 00 07 0d 03 06"]);
}

#[test]
fn c05_a_number_in_lcp_is_naked_and_used_nowhere() {
    let request = "01 02 00 0e 0d 0a 03 35 35 35 31 32 33 34";
    assert_eq!(lcp_answer(pap_answerer(), request), ["03 02 00 07 0d 03 06"]);
}

#[test]
fn c06_unassigned_operations_are_naked_and_rejected_on_the_sixth_try() {
    for operation in ["05", "c8"] {
        let mut bench = Bench::new(pap_answerer(), Policy::offers(own_or_none()));
        bench.lines();
        for id in 1..=6 {
            let request = format!("01 {id:02x} 00 07 0d 03 {operation}");
            let wanted = if id < 6 {
                format!("03 {id:02x} 00 07 0d 03 06")
            } else {
                format!("04 {id:02x} 00 07 0d 03 {operation}")
            };
            assert_eq!(bench.send(Protocol::LCP, &request).sent("LCP"), [wanted]);
        }
    }
}

#[test]
fn c07_option_13_is_rejected_where_callback_is_off_and_the_session_goes_on() {
    let config = with_ipv4(pap_answerer().on_the_return_leg());
    assert_eq!(lcp_answer(config.clone(), "01 01 00 07 0d 03 06"), ["04 01 00 07 0d 03 06"]);
    let mut bench = Bench::opened(config, Policy::offers(own_or_none()), "");
    bench.send(Protocol::PAP, PAP_ALICE);
    assert!(bench.has("phase Network"));
}

#[test]
fn c08_option_13_is_rejected_on_the_return_leg_never_acked_or_naked() {
    for operation in 0..=7 {
        let request = format!("01 01 00 07 0d 03 {operation:02x}");
        let config = pap_answerer().on_the_return_leg();
        assert_eq!(lcp_answer(config, &request), [format!("04 01 00 07 0d 03 {operation:02x}")]);
    }
}

#[test]
fn c09_windows_is_rejected_its_multilink_only_and_then_acked() {
    let mut bench = Bench::new(pap_answerer(), Policy::offers(own_or_none()));
    bench.lines();
    let endpoint = "13 17 01 a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af b0 b1 b2 b3";
    let common = "02 06 00 00 00 00 05 06 6f c9 29 a3 07 02 08 02 0d 03 06";
    bench.send(Protocol::LCP, &format!("01 00 00 32 {common} 11 04 06 4e {endpoint}"));
    assert_eq!(bench.sent("LCP"), ["04 00 00 08 11 04 06 4e"]);
    bench.send(Protocol::LCP, &format!("01 01 00 2e {common} {endpoint}"));
    assert_eq!(bench.sent("LCP"), [format!("02 01 00 2e {common} {endpoint}")]);
}

#[test]
fn c10_a_hint_twice_at_most_and_then_the_user_is_refused_after_authentication() {
    let config = answering(Answer { solicit: Solicit::ByNak, ..Answer::CBCP_ONLY });
    let policy = Policy { duty: Duty::MustBeCalledBack, ..Policy::offers(own_or_none()) };
    let mut bench = Bench::new(config, policy);
    bench.ack_our_request();
    bench.lines();
    for wanted in ["03 01 00 07 0d 03 06", "03 01 00 07 0d 03 06", "02 01 00 04"] {
        assert_eq!(bench.send(Protocol::LCP, "01 01 00 04").sent("LCP"), [wanted]);
    }
    bench.send(Protocol::PAP, PAP_ALICE);
    assert!(bench.has("PAP 03 01"), "PAP Nak");
    assert!(bench.has("LCP 05"));
    bench.seconds(10);
    assert!(bench.has("down: PeerNotAuthenticated(CallbackNotAgreed(\"alice\"))"));
}

#[test]
fn c11_without_option_13_the_networks_start_and_no_cbcp_packet_is_ever_sent() {
    let mut bench = Bench::opened(with_ipv4(pap_answerer()), Policy::offers(own_or_none()), "");
    bench.send(Protocol::PAP, PAP_ALICE);
    assert!(bench.has("IPCP 01"));
    bench.seconds(60);
    assert!(!bench.has("CBCP"));
}

#[test]
fn c12_with_operation_0_the_server_ends_the_call_and_calls_after_its_own_delay() {
    let config = answering(Answer { administrator: true, ..Answer::CBCP_ONLY });
    let policy = Policy::offers(Offer::Administrator(Stay::Refused));
    let mut bench = Bench::opened(config, policy, "0d 03 00");
    bench.send(Protocol::PAP, PAP_ALICE);
    assert!(bench.has("agreed in 12 s"));
    let request = bench.last("LCP 05");
    bench.send(Protocol::LCP, &format!("06 {} 00 04", &request.split(' ').nth(2).unwrap()));
    assert!(
        bench.has("down: Callback(Agreed { choice: Administrator, number: None, delay: 12s })")
    );
}

#[test]
fn c13_a_rejected_solicitation_is_not_repeated_and_the_session_goes_on() {
    let config = with_ipv4(answering(Answer { solicit: Solicit::ByRequest, ..Answer::CBCP_ONLY }));
    let mut bench = Bench::new(config, Policy::offers(own_or_none()));
    let request = bench.last("LCP 01");
    assert!(request.contains("0d 03 06"), "{request}");
    bench.lines();
    bench.send(Protocol::LCP, "04 01 00 07 0d 03 06");
    assert!(!bench.last("LCP 01").contains("0d 03 06"));
    bench.ack_our_request();
    bench.send(Protocol::LCP, "01 01 00 04").send(Protocol::PAP, PAP_ALICE);
    assert!(bench.has("phase Network"));
}

#[test]
fn c13_an_accepted_solicitation_leads_to_cbcp_though_the_peer_did_not_ask() {
    let config = answering(Answer { solicit: Solicit::ByRequest, ..Answer::CBCP_ONLY });
    let mut bench = Bench::opened(config, Policy::offers(own_or_none()), "");
    bench.send(Protocol::PAP, PAP_ALICE);
    assert!(bench.has("verify alice callback Some(Cbcp)"));
    assert!(bench.has("CBCP 01 01 00 0b 01 02 02 05 00 01 00"));
}

#[test]
fn c49_a_none_is_acked_and_the_networks_follow_on_the_same_link() {
    let mut bench =
        Bench::in_callback_with(with_ipv4(pap_answerer()), Policy::offers(own_or_none()));
    bench.lines();
    let lines = bench.cbcp(NONE).lines();
    assert_eq!(lines[0], "CBCP 03 01 00 06 01 02");
    assert_eq!(lines[1], "phase Network");
    assert!(lines[2].starts_with("IPCP 01"));
}

#[test]
fn c50_ipcp_before_the_response_or_the_ack_is_dropped_without_a_word_and_comes_up_later() {
    let mut bench =
        Bench::in_callback_with(with_ipv4(pap_answerer()), Policy::offers(own_or_none()));
    bench.lines();
    let request = "01 01 00 0a 03 06 0a 00 00 02";
    assert!(bench.send(Protocol::IPCP, request).lines().is_empty());
    bench.cbcp(NONE);
    let ours = bench.last("IPCP 01");
    bench.send(Protocol::IPCP, &format!("02 {}", ours.strip_prefix("IPCP 01 ").unwrap()));
    bench.send(Protocol::IPCP, request);
    assert!(bench.has("Ipv4Up"));
}

#[test]
fn c51_a_none_repeated_after_the_networks_are_open_is_acked_again_and_disturbs_nothing() {
    let mut bench =
        Bench::in_callback_with(with_ipv4(pap_answerer()), Policy::offers(own_or_none()));
    bench.cbcp(NONE).lines();
    assert_eq!(bench.cbcp(NONE).lines(), ["CBCP 03 01 00 06 01 02"]);
}

#[test]
fn c52_a_caller_that_leaves_after_none_ends_cleanly_and_is_not_called_back() {
    let mut bench = Bench::in_callback(own_or_none());
    bench.cbcp(NONE).send(Protocol::LCP, "05 02 00 04").seconds(3);
    assert!(bench.has("down: PeerTerminated([])"));
    assert!(!bench.has("agreed"));
}

#[test]
fn c53_a_lost_ack_is_sent_again_for_the_repeated_response_and_promises_nothing_twice() {
    let mut bench = Bench::in_callback(own_or_none());
    bench.cbcp(RESPONSE).lines();
    for _ in 0..2 {
        assert_eq!(bench.cbcp(RESPONSE).lines(), [format!("CBCP {ACK}")]);
    }
}

#[test]
fn c54_a_lost_ack_is_sent_again_unasked_for_callers_without_a_timer() {
    let mut bench = Bench::in_callback(own_or_none());
    bench.cbcp(RESPONSE).lines();
    assert_eq!(bench.seconds(3).sent("CBCP"), [ACK]);
    bench.send(Protocol::LCP, "05 02 00 04").seconds(3);
    assert!(bench.has("down: Callback"));
}

#[test]
fn c55_another_response_after_the_ack_changes_nothing() {
    let mut bench = Bench::in_callback(own_or_none());
    bench.cbcp(RESPONSE).lines();
    let other = "02 01 00 0c 02 08 0c 01 39 39 39 00";
    assert_eq!(bench.cbcp(other).lines(), [format!("CBCP {ACK}")]);
    bench.send(Protocol::LCP, "05 02 00 04").seconds(3);
    assert!(bench.last("down").contains("5551234"));
}

#[test]
fn c56_the_line_is_kept_for_three_seconds_after_the_terminate_ack_or_until_carrier_is_lost() {
    let mut bench = Bench::in_callback(own_or_none());
    bench.cbcp(RESPONSE).lines();
    let request = "05 02 00 18 43 61 6c 6c 20 6d 65 20 62 61 63 6b 2c 20 70 6c 65 61 73 65";
    assert_eq!(bench.send(Protocol::LCP, request).lines(), ["phase Terminate", "LCP 06 02 00 04"]);
    bench.wait(std::time::Duration::from_millis(2_999));
    assert!(!bench.has("down"));
    bench.wait(std::time::Duration::from_millis(1));
    assert!(bench.has("down: Callback"));

    let mut bench = Bench::in_callback(own_or_none());
    bench.cbcp(RESPONSE).send(Protocol::LCP, request);
    bench.link.carrier_lost(bench.now);
    bench.drain();
    assert!(bench.has("down: Callback"));
}

#[test]
fn c57_a_repeated_terminate_request_is_acked_again_and_there_is_one_end() {
    let mut bench = Bench::in_callback(own_or_none());
    bench.cbcp(RESPONSE).send(Protocol::LCP, "05 02 00 04").lines();
    assert_eq!(bench.send(Protocol::LCP, "05 02 00 04").lines(), ["LCP 06 02 00 04"]);
    let ends = bench.seconds(20).lines().iter().filter(|line| line.starts_with("down")).count();
    assert_eq!(ends, 1);
}

#[test]
fn c58_a_caller_that_stays_on_the_line_is_terminated_after_nine_seconds_and_then_by_policy() {
    for (offer, response, calls) in [
        (own_or_none(), RESPONSE, false),
        (Offer::Administrator(Stay::Refused), "02 01 00 07 03 03 05", true),
    ] {
        let mut bench = Bench::in_callback(offer);
        bench.cbcp(response).seconds(8);
        assert!(!bench.has("LCP 05"));
        bench.seconds(1);
        assert!(bench.has("LCP 05"));
        bench.seconds(6);
        assert_eq!(bench.has("down: Callback("), calls);
        assert_eq!(bench.has("down: CallbackUnconfirmed("), !calls);
    }
}

#[test]
fn c59_a_line_lost_after_the_ack_is_called_back_by_policy() {
    for unterminated in [Unterminated::CallBack, Unterminated::Drop] {
        let mut config = pap_answerer();
        config.callback.chosen_unterminated = unterminated;
        let mut bench = Bench::in_callback_with(config, Policy::offers(own_or_none()));
        bench.cbcp(RESPONSE);
        bench.link.carrier_lost(bench.now);
        bench.drain();
        assert_eq!(bench.has("down: Callback("), unterminated == Unterminated::CallBack);
        assert_eq!(bench.has("down: CallbackUnconfirmed("), unterminated == Unterminated::Drop);
    }
}

#[test]
fn c60_a_line_lost_before_the_response_is_not_called_back() {
    let mut bench = Bench::in_callback(Offer::Administrator(Stay::Refused));
    bench.link.carrier_lost(bench.now);
    bench.drain();
    assert!(bench.has("down: CarrierLost"));
}

#[test]
fn c61_a_terminate_request_before_the_response_is_acked_and_not_called_back() {
    let mut bench = Bench::in_callback(Offer::Administrator(Stay::Refused));
    bench.send(Protocol::LCP, "05 02 00 06 68 69").seconds(3);
    assert!(bench.has("LCP 06 02 00 04"));
    assert!(bench.has("down: PeerTerminated([104, 105])"));
}

#[test]
fn c62_a_configure_request_in_the_middle_begins_everything_anew() {
    let mut bench = Bench::in_callback(own_or_none());
    bench.cbcp(RESPONSE).seconds(3).lines();
    bench.send(Protocol::LCP, "01 05 00 07 0d 03 06");
    assert!(bench.has("withdrawn"));
    bench.ack_our_request();
    // The old Response means nothing before the name is proved again.
    assert!(bench.cbcp(RESPONSE).sent("CBCP").is_empty());
    bench.send(Protocol::PAP, PAP_ALICE);
    assert_eq!(bench.sent("CBCP"), ["01 01 00 0b 01 02 02 05 00 01 00"]);
}

#[test]
fn c63_a_protocol_reject_of_cbcp_ends_a_mandatory_callback_and_opens_the_networks_of_another() {
    let reject = "08 03 00 11 c0 29 01 01 00 0b 01 02 02 05 00 01 00";
    for (stay, wanted) in [(Stay::Allowed, "phase Network"), (Stay::Refused, "LCP 05")] {
        let mut bench = Bench::in_callback(Offer::Own(stay));
        bench.lines();
        bench.send(Protocol::LCP, reject);
        assert!(bench.has(wanted), "{stay:?}");
        assert!(bench.seconds(60).sent("CBCP").is_empty());
    }
}

#[test]
fn c64_lcp_s_other_packets_do_not_touch_cbcp() {
    let mut bench = Bench::in_callback(own_or_none());
    bench.lines();
    bench.send(Protocol::LCP, "09 07 00 08 11 22 33 44");
    assert!(bench.last("LCP").starts_with("LCP 0a 07 00 08"));
    bench.send(Protocol::LCP, "0c 01 00 0c 00 00 00 00 1f 00 c3 7e");
    bench.send(Protocol::LCP, "0d 02 00 0c 00 00 00 00 00 00 00 3c");
    assert!(bench.has("identified \\x1f\\x00\\xc3~"));
    assert!(bench.has("TimeRemaining(60s)"));
    assert_eq!(bench.cbcp(RESPONSE).sent("CBCP"), [ACK]);
}

#[test]
fn c65_the_agreed_delay_is_handed_over_when_the_line_may_go_down() {
    let mut bench = Bench::in_callback(own_or_none());
    bench.cbcp(RESPONSE).send(Protocol::LCP, "05 02 00 04").seconds(3);
    assert!(bench.last("down").ends_with("number: Some(\"5551234\"), delay: 12s })"));
    assert!(bench.link.is_over() && bench.link.deadline().is_none());
}

#[test]
fn c67_on_the_return_leg_lcp_begins_at_once_and_ends_after_ten_requests_without_an_answer() {
    let mut bench = Bench::new(pap_answerer().on_the_return_leg(), Policy::offers(own_or_none()));
    bench.seconds(29);
    assert!(!bench.has("down"));
    assert_eq!(bench.sent("LCP").len(), 10);
    bench.seconds(1);
    assert!(bench.has("down: NoAnswer"));
}

#[test]
fn c68_on_the_return_leg_the_name_is_proved_again_and_a_wrong_password_ends_the_call() {
    let mut policy = Policy::offers(own_or_none());
    policy.refusal = Some(dialback_ppp::auth::Refusal::WrongPassword);
    let mut config = pap_answerer().on_the_return_leg();
    config.authentication.tries = 1;
    let mut bench = Bench::opened(config, policy, "");
    bench.send(Protocol::PAP, PAP_ALICE).seconds(6);
    assert!(bench.has("down: PeerNotAuthenticated(Refused(\"alice\", WrongPassword))"));
}

#[test]
fn c69_another_user_on_the_return_leg_is_for_the_owner_to_refuse_and_ends_the_call() {
    let mut policy = Policy::offers(own_or_none());
    policy.refusal = Some(dialback_ppp::auth::Refusal::NotAllowed);
    let mut bench = Bench::opened(pap_answerer().on_the_return_leg(), policy, "");
    bench.send(Protocol::PAP, PAP_ALICE).seconds(6);
    assert!(bench.has("verify alice"));
    assert!(bench.has("down: PeerNotAuthenticated(Refused(\"alice\", NotAllowed))"));
}

#[test]
fn c70_option_13_from_the_peer_on_the_return_leg_is_rejected_and_the_networks_follow() {
    let config = with_ipv4(pap_answerer().on_the_return_leg());
    let mut bench = Bench::new(config, Policy::offers(own_or_none()));
    bench.ack_our_request();
    bench.lines();
    assert_eq!(
        bench.send(Protocol::LCP, "01 01 00 07 0d 03 06").sent("LCP"),
        ["04 01 00 07 0d 03 06"]
    );
    bench.send(Protocol::LCP, "01 02 00 04").send(Protocol::PAP, PAP_ALICE);
    assert!(bench.has("phase Network"));
}

#[test]
fn rfc_1570_a_number_in_lcp_is_approved_after_authentication_or_not_at_all() {
    let config = || answering(Answer { numbers: true, ..Answer::CBCP_ONLY });
    let number = "0d 0a 03 35 35 35 31 32 33 34";
    let list = NumberList::new(vec!["5551234".into()]).unwrap();
    for (offer, wanted) in [
        (Offer::Own(Stay::Refused), "approve 5551234"),
        (Offer::List(list, Stay::Refused), "approve 5551234"),
        (Offer::Administrator(Stay::Refused), "agreed in 12 s"),
        (Offer::NoCallback, "phase Network"),
    ] {
        let mut bench = Bench::opened(config(), Policy::offers(offer.clone()), number);
        bench.send(Protocol::PAP, PAP_ALICE);
        assert!(bench.has(wanted), "{offer:?} {:?}", bench.lines());
    }
}

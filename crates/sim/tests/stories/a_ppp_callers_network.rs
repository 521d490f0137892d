//! Callers whose computers speak PPP and who get a network: addresses, pings, limits, and lines for PPP alone.

use std::time::Duration;

use dialback_sim::people::scripts::{be_called_back, dial, expect, pause};
use dialback_sim::people::{PppCall, PppEnd, Step};
use dialback_sim::world::{Act, Setup, World};
use ppp::lcp::callback::Proposal;
use ppp::personality::Personality;

use crate::setup::*;

const ENTRIES: &str = "/AutoPPP/ - a_ppp dialback-ppp\n* - - /bin/login @\n";
const POOL: &str = "local = \"10.9.0.1\"\npool = [\"10.9.0.2\", \"10.9.0.16-10.9.0.31\"]\n";
const USERS: &str = r#"
[[user]]
name     = "alice"
callback = { offer = ["none", "caller"] }

[[user]]
name     = "bob"
callback = { numbers = ["5550198"], offer = "fixed", required = true }
"#;

const ALICES: (&str, &str) = ("alice", "s3cret");
const BOBS: (&str, &str) = ("bob", "b0bs");
const CAROLS: (&str, &str) = ("carol", "c4rols");

fn text(keys: &str) -> String {
    config(&format!("line = \"same\"\n[ppp]\nsecrets = \"chap-secrets\"\n{keys}{USERS}"))
}

fn net_world(keys: &str) -> World {
    world(Setup { config: text(keys), login_config: ENTRIES.to_owned(), ..setup() })
}

/// Without a personality it is a program that knows no callback, or option 13 alone.
fn ppp(who: (&str, &str), ends: PppEnd) -> PppCall {
    let (name, password) = (who.0.to_owned(), who.1.to_owned());
    PppCall { personality: None, number: None, option13: None, name, password, ends }
}

/// Dials, speaks PPP, and sees the line go.
fn one_call(number: &str, call: PppCall) -> Vec<Step> {
    let mut steps = dial(number);
    steps.push(Step::NoAbort("NO CARRIER".to_owned()));
    steps.push(Step::Ppp(Box::new(call)));
    steps.push(expect("NO CARRIER", 60));
    steps
}

/// Dials, is called back, and has a network on the second call.
fn two_calls(first: PppCall, pings: u16) -> Vec<Step> {
    let mut steps = dial(OFFICE);
    steps.push(Step::NoAbort("NO CARRIER".to_owned()));
    let second = PppCall { option13: None, ends: PppEnd::Served(pings), ..first.clone() };
    steps.push(Step::Ppp(Box::new(first)));
    steps.extend(be_called_back("ATA"));
    steps.push(Step::Ppp(Box::new(second)));
    steps.push(expect("NO CARRIER", 60));
    steps
}

#[test]
fn a_ppp_caller_gets_an_address_and_pings_us() {
    let mut world = net_world(POOL);
    tell(&mut world, "alice", one_call(OFFICE, ppp(CAROLS, PppEnd::Served(5))));
    is_done(&world, "alice");
    journal_has(
        &world,
        &[
            "proved name=carol",
            "network-up interface=dialback0 local=10.9.0.1 peer=10.9.0.2 user=carol mtu=1500",
            "network-down packets_in=5 packets_out=5 octets_in=420 octets_out=420",
            "ended cause=user-request",
        ],
    );
}

#[test]
fn who_must_be_called_back_has_a_network_on_the_return_leg_and_not_before() {
    let mut world = net_world(POOL);
    let personality = Some(Personality::Windows);
    let first = PppCall { personality, ..ppp(BOBS, PppEnd::CalledBack) };
    tell(&mut world, "bob", two_calls(first, 3));
    is_done(&world, "bob");
    journal_has(
        &world,
        &[
            "promised user=bob",
            "ended cause=callback leg=request",
            "kept",
            "network-up peer=10.9.0.2 user=bob call=2",
            "network-down packets_in=3 packets_out=3",
            "ended cause=user-request leg=return",
        ],
    );
    assert_eq!(count(&world, "network-up"), 1, "{}", world.tail());
}

#[test]
fn who_chooses_no_callback_stays_and_has_a_network_at_once() {
    let mut world = net_world(POOL);
    let personality = Some(Personality::WindowsEscape);
    let call = PppCall { personality, ..ppp(ALICES, PppEnd::Served(2)) };
    tell(&mut world, "alice", one_call(OFFICE, call));
    is_done(&world, "alice");
    journal_has(&world, &["network-up user=alice call=1", "ended cause=user-request"]);
    assert_eq!(count(&world, "promised"), 0, "{}", world.tail());
}

#[test]
fn the_second_of_two_callers_finds_the_pool_exhausted() {
    let mut world = net_world("local = \"10.9.0.1\"\npool = \"10.9.0.2\"\nidle_limit = \"5m\"\n");
    world.begin("alice", one_call(OFFICE, ppp(CAROLS, PppEnd::CutOff)));
    until(&mut world, "network-up");
    tell(&mut world, "bob", one_call(SECOND, ppp(ALICES, PppEnd::SentAway)));
    is_done(&world, "bob");
    is_done(&world, "alice");
    journal_has(
        &world,
        &[
            "network-up user=carol",
            "network-refused rule=pool.exhausted user=alice",
            "ended cause=service-unavailable",
            "network-down why=nothing",
        ],
    );
    // It was given back.
    tell(&mut world, "bob", one_call(SECOND, ppp(ALICES, PppEnd::Served(1))));
    is_done(&world, "bob");
    journal_has(&world, &["network-down", "network-up user=alice peer=10.9.0.2"]);
}

#[test]
fn everybody_finds_the_address_again_that_he_had() {
    let mut world = net_world(POOL);
    for who in [CAROLS, ALICES, CAROLS, ALICES] {
        tell(&mut world, "alice", one_call(OFFICE, ppp(who, PppEnd::Served(1))));
        is_done(&world, "alice");
    }
    assert_eq!(count(&world, "network-up user=carol peer=10.9.0.2"), 2, "{}", world.tail());
    assert_eq!(count(&world, "network-up user=alice peer=10.9.0.16"), 2, "{}", world.tail());
}

#[test]
fn a_link_without_packets_is_ended() {
    let mut world = net_world(&format!("{POOL}idle_limit = \"10m\"\n"));
    tell(&mut world, "alice", one_call(OFFICE, ppp(CAROLS, PppEnd::CutOff)));
    is_done(&world, "alice");
    journal_has(&world, &["network-up", "network-down", "ended cause=idle-timeout"]);
    let lasted = when(&world, "network-down") - when(&world, "network-up");
    assert!((599_500..600_500).contains(&lasted), "{lasted} ms\n{}", world.tail());
}

#[test]
fn a_session_is_ended_when_its_time_is_over() {
    let mut world = net_world(&format!("{POOL}session_limit = \"90s\"\n"));
    // He never has enough answers.
    tell(&mut world, "alice", one_call(OFFICE, ppp(CAROLS, PppEnd::CutOff)));
    is_done(&world, "alice");
    journal_has(&world, &["network-up", "network-down", "ended cause=session-timeout"]);
}

#[test]
fn on_a_line_for_ppp_alone_there_is_no_prompt() {
    let own = text(POOL).replacen("name = \"second\"", "name = \"second\"\nservice = \"ppp\"", 1);
    let mut world = world(Setup { config: own, login_config: ENTRIES.to_owned(), ..setup() });
    tell(&mut world, "alice", one_call(SECOND, ppp(CAROLS, PppEnd::Served(2))));
    is_done(&world, "alice");
    assert!(!world.screen("alice").contains("login:"), "{}", world.screen("alice"));
    assert_eq!(count(&world, "named"), 0, "{}", world.tail());
    journal_has(&world, &["connected", "dispatched action=ppp", "network-up user=carol"]);
    // The other line has its prompt.
    tell(&mut world, "alice", vec![Step::Send("ATDT5550100\r".to_owned()), expect("ogin: ", 60)]);
    is_done(&world, "alice");
}

#[test]
fn somebody_without_ppp_on_such_a_line_is_hung_up_on() {
    let own = text(POOL).replacen("name = \"second\"", "name = \"second\"\nservice = \"ppp\"", 1);
    let mut world = world(Setup { config: own, login_config: ENTRIES.to_owned(), ..setup() });
    let mut steps = dial(SECOND);
    steps.push(Step::NoAbort("NO CARRIER".to_owned()));
    steps.extend([Step::Send("alice\r".to_owned()), pause(1_000), expect("NO CARRIER", 60)]);
    tell(&mut world, "alice", steps);
    is_done(&world, "alice");
    journal_has(&world, &["dispatched action=ppp", "link-ended", "ended cause=idle-timeout"]);
}

#[test]
fn option_13_alone_is_taken_where_it_is_configured() {
    let mut world = net_world(&format!("{POOL}rfc1570 = [\"user\", \"number\"]\n"));
    let stored =
        PppCall { option13: Some(Proposal::Administrator), ..ppp(BOBS, PppEnd::CalledBack) };
    tell(&mut world, "bob", two_calls(stored, 1));
    is_done(&world, "bob");
    journal_has(
        &world,
        &["promised numbers=[\"5550198\"] user=bob", "kept", "network-up user=bob"],
    );
    let given = PppCall {
        option13: Some(Proposal::Number(b"5550199".to_vec())),
        ..ppp(ALICES, PppEnd::CalledBack)
    };
    tell(&mut world, "alice", two_calls(given, 1));
    is_done(&world, "alice");
    journal_has(&world, &["promised numbers=[\"5550199\"] user=alice", "network-up user=alice"]);
}

#[test]
fn a_number_in_option_13_must_be_approved_like_any_other() {
    let mut world = net_world(&format!("{POOL}rfc1570 = \"number\"\n"));
    let number = Proposal::Number(b"5550666".to_vec());
    // Option 13 has no word for "no": her program believes that it will be called.
    let call = PppCall { option13: Some(number), ..ppp(ALICES, PppEnd::CalledBack) };
    tell(&mut world, "alice", one_call(OFFICE, call));
    is_done(&world, "alice");
    journal_has(&world, &["refused number=5550666 user=alice", "link-ended"]);
    assert_eq!(count(&world, "promised"), 0, "{}", world.tail());
}

#[test]
fn option_13_alone_is_not_taken_where_it_is_not() {
    let mut world = net_world(POOL);
    let call = PppCall { option13: Some(Proposal::Administrator), ..ppp(BOBS, PppEnd::SentAway) };
    tell(&mut world, "bob", one_call(OFFICE, call));
    is_done(&world, "bob");
    assert_eq!(count(&world, "promised"), 0, "{}", world.tail());
    assert_eq!(count(&world, "network-up"), 0, "{}", world.tail());
}

#[test]
fn a_power_failure_takes_networks_with_it_and_addresses_are_free_again() {
    let mut world = net_world("local = \"10.9.0.1\"\npool = \"10.9.0.2\"\n");
    world.begin("alice", one_call(OFFICE, ppp(CAROLS, PppEnd::CutOff)));
    until(&mut world, "network-up");
    let now = world.ms();
    world.at(now + 1_000, Act::PowerFails(Duration::from_secs(20)));
    world.run_until(now + 120_000);
    tell(&mut world, "bob", one_call(SECOND, ppp(ALICES, PppEnd::Served(1))));
    is_done(&world, "bob");
    journal_has(&world, &["network-up user=carol", "server-started", "network-up user=alice"]);
}

#[test]
fn without_interfaces_callers_are_sent_away_until_there_are_some() {
    let mut world = net_world(POOL);
    let now = world.ms();
    world.at(now, Act::NoInterfaces(true));
    tell(&mut world, "alice", one_call(OFFICE, ppp(CAROLS, PppEnd::CutOff)));
    is_done(&world, "alice");
    journal_has(&world, &["network-refused rule=interface", "ended cause=nas-error"]);
    assert_eq!(count(&world, "network-up"), 0, "{}", world.tail());
    let now = world.ms();
    world.at(now, Act::NoInterfaces(false));
    tell(&mut world, "alice", one_call(OFFICE, ppp(CAROLS, PppEnd::Served(1))));
    is_done(&world, "alice");
}

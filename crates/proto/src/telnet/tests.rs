//! Both RFC 2217 machines: against bytes of real programs, against each other, against time and noise.
//!
//! The rows named after programs were recorded on Debian 12 from ser2net 4.3 and sredird 2.2.1 on a pseudo
//! terminal, and from pySerial 3.5 (its client, and its `PortManager` on a loop port).

use proptest::prelude::*;

use super::client::{ClientConfig, Output as FromClient};
use super::comport::{Control, Flow, PortSettings, Purge, Setting, StopBits, line_state};
use super::server::Output as FromServer;
use super::*;
use crate::signals::Signals;
use crate::time::Instant;

const NOW: Instant = Instant::ZERO;
const CALL: Signals = Signals { dcd: true, dsr: true, cts: true, ri: false };

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).expect("a byte")).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Notes data; what comes in several pieces is one run.
fn note_data(run: &[u8], facts: &mut Vec<String>) {
    let run = run.escape_ascii().to_string();
    match facts.last_mut().filter(|fact| fact.starts_with("Data ")) {
        Some(before) => before.push_str(&run),
        None => facts.push(format!("Data {run}")),
    }
}

/// Drains a client: its bytes for the wire, and the rest in words.
fn drain_client(client: &mut ComPortClient, wire: &mut Vec<u8>, facts: &mut Vec<String>) {
    while let Some(output) = client.poll() {
        match output {
            FromClient::Wire(said) => wire.extend(said),
            FromClient::Data(run) => note_data(&run, facts),
            FromClient::Signals(signals) => facts.push(signals.to_string()),
            FromClient::Signature(text) => facts.push(format!("I am {}", text.escape_ascii())),
            fact @ (FromClient::Ready { .. }
            | FromClient::NoComPort { .. }
            | FromClient::Set(_)
            | FromClient::Differs { .. }
            | FromClient::Control(_)
            | FromClient::NoSignals
            | FromClient::LineState(_)
            | FromClient::MaySend(_)) => facts.push(format!("{fact:?}")),
        }
    }
}

fn drain_server(server: &mut ComPortServer, wire: &mut Vec<u8>, facts: &mut Vec<String>) {
    while let Some(output) = server.poll() {
        match output {
            FromServer::Wire(said) => wire.extend(said),
            FromServer::Data(run) => note_data(&run, facts),
            fact @ (FromServer::ComPort(_)
            | FromServer::Baud(_)
            | FromServer::DataBits(_)
            | FromServer::Parity(_)
            | FromServer::StopBits(_)
            | FromServer::Flow(_)
            | FromServer::Dtr(_)
            | FromServer::Rts(_)
            | FromServer::Break(_)
            | FromServer::Purge(_)
            | FromServer::Signature(_)
            | FromServer::MaySend(_)) => facts.push(format!("{fact:?}")),
        }
    }
}

/// What our client says to every server, beyond its answers to what the server says.
const OPENING: &str = "fffb2c fffb00 fffd00 fffb03 fffd03";
const SETTINGS: &str = "fffa2c010001c200fff0 fffa2c0208fff0 fffa2c0301fff0 fffa2c0401fff0 \
                        fffa2c0503fff0 fffa2c0a00fff0 fffa2c0bfefff0";

/// Plays a recorded server to our client, in pieces of every length up to ten.
#[track_caller]
fn check_recorded_server(recorded: &[&str], said: &str, wanted: &[&str]) {
    for piece in 1..=10 {
        let (mut wire, mut facts) = (Vec::new(), Vec::new());
        let mut client = ComPortClient::new(ClientConfig::default(), NOW);
        for heard in recorded {
            for heard in bytes(heard).chunks(piece) {
                client.receive(NOW, heard);
                drain_client(&mut client, &mut wire, &mut facts);
            }
        }
        assert_eq!(facts, wanted, "pieces of {piece}");
        assert_eq!(hex(&wire), hex(&bytes(said)), "pieces of {piece}");
    }
}

const ALL_SET: [&str; 4] =
    ["Set(Baud(115200))", "Set(DataBits(8))", "Set(Parity(None))", "Set(StopBits(One))"];

#[test]
fn ser2net_is_understood() {
    check_recorded_server(
        &[
            "fffb03 fffd03 fffb01 fffe01 fffd00 fffb00 fffd2c",
            "fffa2c6b00fff0 fffd03",
            "fffa2c6a00fff0 fffa2c6b00fff0 fffa2c650001c200fff0 fffa2c6608fff0 fffa2c6701fff0 \
             fffa2c6801fff0 fffa2c6903fff0",
            "fffa2c645349472d54455354fff0",
            // The end of a break, answered with its begin.
            "fffa2c6905fff0",
            "410d000d0affffffff42",
        ],
        &format!("{OPENING} fffd01 {SETTINGS}"),
        &[
            "dcd dsr cts ri",
            "LineState(0)",
            ALL_SET[0],
            ALL_SET[1],
            ALL_SET[2],
            ALL_SET[3],
            "Ready { unanswered: 0 }",
            "Control(FlowHardware)",
            "I am SIG-TEST",
            "Control(BreakOn)",
            "Data A\\r\\x00\\r\\n\\xff\\xffB",
        ],
    );
}

#[test]
fn sredird_is_understood_with_its_long_speed_and_its_wrong_control_answers() {
    check_recorded_server(
        &[
            "fffb00 fffd00 fffb01 fffb03 fffd03 fffd2c",
            "fffa2c6bbbfff0 fffa2c6b0bfff0 fffa2c6b00fff0",
            "fffa2c650001c20000000000fff0 fffa2c6608fff0 fffa2c6701fff0 fffa2c6801fff0 \
             fffa2c6903fff0 fffa2c6e00fff0 fffa2c6ffffffff0",
            // DTR off, answered with the flow control.
            "fffa2c6903fff0",
            // 12345 bit/s, answered with 9600.
            "fffa2c650000258000000000fff0",
        ],
        &format!("{OPENING} fffd01 {SETTINGS}"),
        &[
            "DCD DSR CTS ri",
            "dcd dsr cts ri",
            ALL_SET[0],
            ALL_SET[1],
            ALL_SET[2],
            ALL_SET[3],
            "Ready { unanswered: 0 }",
            "Control(FlowHardware)",
            "Control(FlowHardware)",
            "Differs { asked: Baud(115200), got: Baud(9600) }",
        ],
    );
}

#[test]
fn a_server_made_with_pyserial_is_understood() {
    check_recorded_server(
        &[
            "fffb01 fffb03 fffd00 fffb2c",
            "fffd2c fffa2c6bbbfff0 fffb00 fffd03",
            "fffa2c650001c200fff0 fffa2c6608fff0 fffa2c6701fff0 fffa2c6801fff0 fffa2c6903fff0",
            "fffa2c6909fff0 fffa2c6b92fff0",
        ],
        // It says WILL 44 itself, and we agree to that, too.
        &format!("{OPENING} fffd01 fffd2c {SETTINGS}"),
        &[
            "DCD DSR CTS ri",
            ALL_SET[0],
            ALL_SET[1],
            ALL_SET[2],
            ALL_SET[3],
            "Ready { unanswered: 0 }",
            "Control(FlowHardware)",
            "Control(DtrOff)",
            "DCD dsr CTS ri",
        ],
    );
}

#[test]
fn the_client_of_pyserial_is_served() {
    let recorded = [
        "fffd01 fffb03 fffd03 fffd2c fffb2c",
        "fffb00 fffd00",
        "fffa2c0100009600fff0 fffa2c0208fff0 fffa2c0301fff0 fffa2c0401fff0",
        "fffa2c0501fff0 fffa2c0508fff0 fffa2c050bfff0 fffa2c0c01fff0 fffa2c0c02fff0",
        "fdfeffff0d00",
        "fffa2c0509fff0 fffa2c050cfff0 fffa2c0505fff0 fffa2c0506fff0 fffa2c010001c200fff0",
    ];
    let port = PortSettings { baud: 9600, ..PortSettings::default() };
    for piece in 1..=10 {
        let mut server = ComPortServer::new("alma line 1", port, CALL);
        let (mut wire, mut facts) = (Vec::new(), Vec::new());
        for heard in recorded {
            for heard in bytes(heard).chunks(piece) {
                server.receive(heard);
                drain_server(&mut server, &mut wire, &mut facts);
            }
        }
        let data: String = facts.iter().filter_map(|fact| fact.strip_prefix("Data ")).collect();
        assert_eq!(data, "\\xfd\\xfe\\xff\\r\\x00");
        facts.retain(|fact| !fact.starts_with("Data"));
        assert_eq!(
            facts,
            [
                "ComPort(true)",
                "Baud(38400)",
                "Flow(None)",
                "Purge(Received)",
                "Purge(Unsent)",
                "Dtr(false)",
                "Rts(false)",
                "Break(true)",
                "Break(false)",
                "Baud(115200)",
            ]
        );
        let wanted = "fffb01 fffb03 fffd03 fffb00 fffd00 fffd2c \
             fffb2c fffa2c6bb0fff0 \
             fffa2c6500009600fff0 fffa2c6608fff0 fffa2c6701fff0 fffa2c6801fff0 \
             fffa2c6901fff0 fffa2c6908fff0 fffa2c690bfff0 fffa2c7001fff0 fffa2c7002fff0 \
             fffa2c6909fff0 fffa2c690cfff0 fffa2c6905fff0 fffa2c6906fff0 fffa2c650001c200fff0";
        // The order of WILL 44 and of the first notification depends on which half is agreed on first.
        let mut got: Vec<String> = split(&wire);
        let mut wanted: Vec<String> = split(&bytes(wanted));
        assert_eq!(got.len(), wanted.len());
        got[6..8].sort();
        wanted[6..8].sort();
        assert_eq!(got, wanted);
    }
}

/// The messages of a wire without data, each in hex.
fn split(wire: &[u8]) -> Vec<String> {
    let mut rest = wire;
    let mut messages = Vec::new();
    while !rest.is_empty() {
        let length = match rest[1] {
            codec::SB => rest.windows(2).position(|pair| pair == [255, 240]).expect("SE") + 2,
            _ => 3,
        };
        messages.push(hex(&rest[..length]));
        rest = &rest[length..];
    }
    messages
}

/// Our client and our server on one wire that delivers in pieces.
struct Pair {
    client: ComPortClient,
    server: ComPortServer,
    piece: usize,
    to_server: Vec<u8>,
    to_client: Vec<u8>,
    client_facts: Vec<String>,
    server_facts: Vec<String>,
}

impl Pair {
    fn new(config: ClientConfig, signals: Signals, piece: usize) -> Self {
        let port = PortSettings { baud: 9600, flow: Flow::None, ..PortSettings::default() };
        let mut pair = Self {
            client: ComPortClient::new(config, NOW),
            server: ComPortServer::new("dialback", port, signals),
            piece,
            to_server: Vec::new(),
            to_client: Vec::new(),
            client_facts: Vec::new(),
            server_facts: Vec::new(),
        };
        pair.settle();
        pair
    }

    fn settle(&mut self) {
        for turn in 0.. {
            assert!(turn < 100, "they talk for ever");
            drain_client(&mut self.client, &mut self.to_server, &mut self.client_facts);
            drain_server(&mut self.server, &mut self.to_client, &mut self.server_facts);
            if self.to_server.is_empty() && self.to_client.is_empty() {
                return;
            }
            for piece in std::mem::take(&mut self.to_server).chunks(self.piece) {
                self.server.receive(piece);
            }
            for piece in std::mem::take(&mut self.to_client).chunks(self.piece) {
                self.client.receive(NOW, piece);
            }
        }
    }

    /// What both learned since the last time.
    fn facts(&mut self) -> (Vec<String>, Vec<String>) {
        self.settle();
        (std::mem::take(&mut self.client_facts), std::mem::take(&mut self.server_facts))
    }
}

#[test]
fn client_and_server_agree_however_the_wire_is_cut() {
    for piece in (1..40).chain([usize::MAX]) {
        let mut pair = Pair::new(ClientConfig::default(), CALL, piece);
        let (client, server) = pair.facts();
        let wanted = [
            "DCD DSR CTS ri",
            ALL_SET[0],
            ALL_SET[1],
            ALL_SET[2],
            ALL_SET[3],
            "Ready { unanswered: 0 }",
            "Control(FlowHardware)",
        ];
        assert_eq!(client, wanted, "pieces of {piece}");
        assert_eq!(server, ["ComPort(true)", "Baud(115200)", "Flow(Hardware)"]);

        pair.client.control(Control::DtrOff);
        pair.client.control(Control::BreakOn);
        pair.client.control(Control::AskRts);
        pair.client.control(Control::FlowDcd);
        pair.client.control(Control::AskInbound);
        pair.client.purge(Purge::Both);
        pair.client.ask_signature();
        pair.client.set(Setting::Baud(0xffff_ff00));
        pair.client.set(Setting::StopBits(StopBits::Two));
        let (client, server) = pair.facts();
        let wanted = [
            "Control(DtrOff)",
            "Control(BreakOn)",
            "Control(RtsOn)",
            "Control(FlowHardware)",
            "Control(InboundHardware)",
            "I am dialback",
            "Set(Baud(4294967040))",
            "Set(StopBits(Two))",
        ];
        assert_eq!(client, wanted);
        let wanted =
            ["Dtr(false)", "Break(true)", "Purge(Both)", "Baud(4294967040)", "StopBits(Two)"];
        assert_eq!(server, wanted);
        assert_eq!(pair.server.port().stop_bits, StopBits::Two);

        let all: Vec<u8> = (0..=255).chain([13, 0, 13, 10, 255, 255]).collect();
        pair.client.write(&all);
        pair.server.write(&all);
        let (client, server) = pair.facts();
        for facts in [client, server] {
            let data: String = facts.iter().filter_map(|fact| fact.strip_prefix("Data ")).collect();
            assert_eq!(data, all.escape_ascii().to_string());
        }
    }
}

#[test]
fn signals_are_told_when_they_change_and_through_the_mask() {
    let mut pair = Pair::new(ClientConfig::default(), Signals::default(), 3);
    pair.facts();
    let ring = Signals { ri: true, ..Signals::default() };
    for (now, wanted) in [
        (Signals::default(), &[][..]),
        (ring, &["dcd dsr cts RI"]),
        (Signals::default(), &["dcd dsr cts ri"]),
        (CALL, &["DCD DSR CTS ri"]),
        (CALL, &[]),
        (Signals { dcd: false, ..CALL }, &["dcd DSR CTS ri"]),
    ] {
        pair.server.signals(now);
        assert_eq!(pair.facts().0, wanted, "{now}");
    }
    pair.server.line_state(line_state::BREAK);
    pair.server.may_send(false);
    pair.server.may_send(true);
    assert_eq!(pair.facts().0, ["MaySend(false)", "MaySend(true)"]);

    let listening = ClientConfig { line_mask: line_state::BREAK, ..ClientConfig::default() };
    let mut pair = Pair::new(listening, CALL, 3);
    pair.facts();
    pair.server.line_state(line_state::BREAK | line_state::OVERRUN);
    assert_eq!(pair.facts().0, ["LineState(16)"]);
    // Carrier only.
    pair.server.receive(&bytes("fffa2c0b80fff0"));
    pair.facts();
    pair.server.signals(Signals { cts: false, ..CALL });
    assert_eq!(pair.server.poll(), None);
    pair.server.signals(Signals { dcd: false, ..CALL });
    assert_eq!(pair.facts().0, ["dcd dsr cts ri"]);
}

#[test]
fn a_ring_between_two_notifications_is_not_missed() {
    let mut client = ComPortClient::new(ClientConfig::default(), NOW);
    let (mut wire, mut facts) = (Vec::new(), Vec::new());
    client.receive(NOW, &bytes("fffd2c fffa2c6b30fff0"));
    drain_client(&mut client, &mut wire, &mut facts);
    facts.clear();
    client.receive(NOW, &bytes("fffa2c6b34fff0"));
    drain_client(&mut client, &mut wire, &mut facts);
    assert_eq!(facts, ["dcd DSR CTS RI", "dcd DSR CTS ri"]);
}

#[test]
fn commands_given_early_are_sent_once_the_option_is_agreed_on() {
    let mut client = ComPortClient::new(ClientConfig::default(), NOW);
    let (mut wire, mut facts) = (Vec::new(), Vec::new());
    client.control(Control::DtrOn);
    client.set(Setting::Baud(57_600));
    drain_client(&mut client, &mut wire, &mut facts);
    assert_eq!(hex(&wire), hex(&bytes(OPENING)));
    client.receive(NOW, &bytes("fffd2c"));
    drain_client(&mut client, &mut wire, &mut facts);
    let sent = hex(&wire);
    assert!(sent.contains("fffa2c010000e100fff0"), "{sent}");
    assert!(sent.ends_with("fffa2c0508fff0"), "{sent}");
}

/// Lets all deadlines up to `until` (in milliseconds) come; gives the facts with their times.
fn wait(client: &mut ComPortClient, until: u64, wire: &mut Vec<u8>) -> Vec<String> {
    let mut story = Vec::new();
    while let Some(deadline) = client.deadline().filter(|d| d.at <= Instant::from_millis(until)) {
        client.tick(deadline.at);
        let mut facts = Vec::new();
        drain_client(client, wire, &mut facts);
        story.extend(facts.into_iter().map(|fact| format!("{}: {fact}", deadline.at.as_millis())));
    }
    story
}

#[test]
fn a_peer_without_the_option_is_reported() {
    let mut wire = Vec::new();
    // A raw TCP port says nothing, or something that is not telnet.
    let mut client = ComPortClient::new(ClientConfig::default(), NOW);
    client.receive(NOW, b"OK\r\n");
    drain_client(&mut client, &mut wire, &mut Vec::new());
    assert_eq!(wait(&mut client, 2_999, &mut wire), [""; 0]);
    let story = wait(&mut client, 9_000, &mut wire);
    assert_eq!(story, ["3000: NoComPort { telnet: false }"]);

    // A telnet server refuses; what is commanded then goes nowhere, data goes on.
    let mut facts = Vec::new();
    let mut client = ComPortClient::new(ClientConfig::default(), NOW);
    client.receive(NOW, &bytes("fffe2c fffb03 fffd18"));
    wire.clear();
    drain_client(&mut client, &mut wire, &mut facts);
    assert_eq!(facts, ["NoComPort { telnet: true }"]);
    wire.clear();
    client.control(Control::DtrOff);
    client.write(b"AT\r\xff");
    drain_client(&mut client, &mut wire, &mut facts);
    assert_eq!(wire, b"AT\r\0\xff\xff");
    assert_eq!(client.deadline(), None);

    // A server that agrees after all.
    client.receive(NOW, &bytes("fffb2c"));
    wire.clear();
    drain_client(&mut client, &mut wire, &mut facts);
    assert!(hex(&wire).contains(&hex(&bytes(SETTINGS))), "{}", hex(&wire));
}

#[test]
fn a_modem_that_echoes_our_words_is_not_taken_for_a_server() {
    let mut client = ComPortClient::new(ClientConfig::default(), NOW);
    let mut facts = Vec::new();
    for _ in 0..10 {
        let mut wire = Vec::new();
        drain_client(&mut client, &mut wire, &mut facts);
        client.receive(NOW, &wire);
    }
    assert_eq!(facts, ["NoComPort { telnet: false }"]);
    assert_eq!(client.deadline(), None);
}

#[test]
fn a_server_that_answers_nothing_is_not_waited_for_and_signals_are_not_made_up() {
    let mut client = ComPortClient::new(ClientConfig::default(), NOW);
    client.receive(NOW, &bytes("fffd2c fffa2c6608fff0"));
    let mut wire = Vec::new();
    let mut facts = Vec::new();
    drain_client(&mut client, &mut wire, &mut facts);
    wire.clear();
    let story = wait(&mut client, 60_000, &mut wire);
    assert_eq!(story, ["3000: Ready { unanswered: 3 }", "3000: NoSignals"]);
    assert_eq!(hex(&wire), hex(&bytes("fffa2c0bfefff0 fffa2c0bfefff0")));
    // Better late than never.
    client.receive(Instant::from_millis(70_000), &bytes("fffa2c6b80fff0"));
    facts.clear();
    drain_client(&mut client, &mut wire, &mut facts);
    assert_eq!(facts, ["DCD dsr cts ri"]);
}

#[test]
fn a_server_that_never_notifies_is_asked_again_where_configured() {
    let refresh = Some(std::time::Duration::from_secs(2));
    let config = ClientConfig { refresh, ..ClientConfig::default() };
    let mut client = ComPortClient::new(config, NOW);
    client.receive(NOW, &bytes("fffd2c fffa2c6b00fff0"));
    let mut wire = Vec::new();
    drain_client(&mut client, &mut wire, &mut Vec::new());
    client
        .receive(NOW, &bytes("fffa2c650001c200fff0 fffa2c6608fff0 fffa2c6701fff0 fffa2c6801fff0"));
    drain_client(&mut client, &mut wire, &mut Vec::new());
    assert_eq!(wait(&mut client, 1_999, &mut wire), [""; 0]);
    wire.clear();
    wait(&mut client, 6_000, &mut wire);
    assert_eq!(wire, bytes("fffa2c0bfefff0").repeat(3));
}

#[test]
fn a_person_with_a_plain_telnet_gets_a_port_without_controls() {
    let mut server = ComPortServer::new("dialback", PortSettings::default(), CALL);
    let (mut wire, mut facts) = (Vec::new(), Vec::new());
    server.receive(&bytes("fffd01 fffd03 fffb03 fffe00 fffc00 fffc2c fffb18"));
    server.receive(b"AT\r\0ATD1\r\n\xff\xf3");
    server.signals(Signals::default());
    server.line_state(line_state::BREAK);
    server.write(b"OK\r\n\r");
    drain_server(&mut server, &mut wire, &mut facts);
    assert_eq!(facts, ["Data AT\\rATD1\\r\\n", "Break(true)", "Break(false)"]);
    let sent = hex(&wire);
    assert!(sent.ends_with(&hex(b"\xff\xfe\x18OK\r\n\r\0")), "{sent}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_borne_and_answered_within_bounds(
        wire in prop::collection::vec(
            prop_oneof![any::<u8>(), Just(255), Just(250), Just(240), Just(44), 0xf0u8..=0xff],
            0..400,
        ),
        piece in 1usize..30,
    ) {
        let mut client = ComPortClient::new(ClientConfig::default(), NOW);
        let mut server = ComPortServer::new("dialback", PortSettings::default(), CALL);
        let (mut said, mut facts) = (Vec::new(), Vec::new());
        for (turn, piece) in wire.chunks(piece).enumerate() {
            let now = Instant::from_millis(turn as u64 * 300);
            client.receive(now, piece);
            client.tick(now);
            server.receive(piece);
            drain_client(&mut client, &mut said, &mut facts);
            drain_server(&mut server, &mut said, &mut facts);
        }
        prop_assert!(said.len() <= 1_000 + 200 * wire.len());
    }

    #[test]
    fn data_passes_both_ways_unchanged(
        data in prop::collection::vec(
            prop_oneof![any::<u8>(), prop::sample::select(&b"\r\n\0\xff"[..])], 0..300),
        piece in 1usize..30,
    ) {
        let mut pair = Pair::new(ClientConfig::default(), CALL, piece);
        pair.facts();
        for run in data.chunks(piece) {
            pair.client.write(run);
            pair.server.write(run);
        }
        let (client, server) = pair.facts();
        for facts in [client, server] {
            let passed: String =
                facts.iter().filter_map(|fact| fact.strip_prefix("Data ")).collect();
            prop_assert_eq!(passed, data.escape_ascii().to_string());
        }
    }
}

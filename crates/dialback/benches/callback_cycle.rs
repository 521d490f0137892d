//! The software's own time in a callback cycle: `cargo bench -p dialback --bench callback_cycle`.
//!
//! A caller asks for a callback on a town's fast telephones, by `dialback serve` and, where it is installed, by real
//! mgetty and callback, in the same town and run. Each phase is measured between a fact of the network and the next of
//! the server's: what exchange, modems, caller and the configured delay take is not counted. It fails when dialback
//! takes longer than [`LIMIT`].
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a measurement: a panic is its way to fail, printing its purpose"
)]

#[path = "../../../tests/interop/rig/mod.rs"]
mod rig;

use std::time::{Duration, Instant};

use rig::folder::Folder;
use rig::mgetty::{self, Mgetty};
use rig::programs;
use rig::server::{Server, configure};
use rig::terminal::Terminal;
use rig::town::Town;
use serde_json::Value;

/// How many times faster than telephones.
const SCALE: u32 = 50;

/// What counts is the median of so many cycles.
const CYCLES: usize = 5;

/// The most that dialback may take of its own in one cycle.
const LIMIT: Duration = Duration::from_millis(300);

/// `delay` of the rig's configuration.
const DELAY_OF_OURS: Duration = Duration::from_millis(200);

/// callback of mgetty 1.2.1 waits at least so long, whatever `delay` says.
const DELAY_OF_MGETTY: Duration = Duration::from_secs(4);

/// What the software does by itself, in the order of a cycle.
const PHASES: [&str; 6] = [
    "RING to ATA",
    "CONNECT to login prompt",
    "name to number prompt",
    "number to on-hook",
    "on-hook to ATD, beside the configured delay",
    "CONNECT to second login prompt",
];

/// Each phase of one cycle.
type Cycle = [Duration; PHASES.len()];

fn main() {
    if !programs::there("callback_cycle", &[]) {
        return;
    }
    let ours = median(&measure_dialback());
    let theirs = programs::there("callback_cycle of mgetty", mgetty::PROGRAMS)
        .then(|| median(&measure_mgetty()));
    println!("\nThe software's own time in a callback cycle, in ms; median of {CYCLES} cycles.\n");
    println!("{:<45} {:>10} {:>20}", "phase", "dialback", "mgetty + callback");
    let shown = |time: Option<Duration>| {
        time.map_or_else(|| "-".to_owned(), |time| format!("{:.1}", time.as_secs_f64() * 1e3))
    };
    for (at, phase) in PHASES.iter().enumerate() {
        let theirs = theirs.map(|theirs| theirs[at]);
        println!("{phase:<45} {:>10} {:>20}", shown(Some(ours[at])), shown(theirs));
    }
    let sum: Duration = ours.iter().sum();
    let sum_of_theirs = theirs.map(|theirs| theirs.iter().sum());
    println!("{:<45} {:>10} {:>20}", "sum", shown(Some(sum)), shown(sum_of_theirs));
    assert!(sum < LIMIT, "dialback takes {sum:?} of its own, more than {LIMIT:?}");
}

/// `dialback serve` with a modem whose control lines it has, over RFC 2217.
fn measure_dialback() -> Vec<Cycle> {
    let folder = Folder::new();
    let mut town = town(&folder, "rfc2217");
    configure(
        &folder,
        &[("office", town.port("office"), "")],
        "line = \"same\"\nper_user = 1\ncaller_numbers = { allow = [\"555*\"] }",
        "cback - - /usr/sbin/callback -S\n* - - /bin/false\n",
    );
    let mut server = Server::ready(&folder, 1);
    let cycles = (0..CYCLES).map(|_| {
        let cycle = cycle(&folder, &mut town, DELAY_OF_OURS);
        // The return leg ends with the caller's modem.
        while server.until("ended")["leg"] != "return" {}
        server.until("line-ready");
        cycle
    });
    cycles.collect()
}

/// mgetty and callback, on a pty: it hangs up by closing it.
fn measure_mgetty() -> Vec<Cycle> {
    let folder = Folder::new();
    let mut town = town(&folder, "pty");
    let mgetty = Mgetty::start(
        &folder,
        &town.terminal("office"),
        [
            ("mgetty.config", "debug 4\nspeed 38400\nissue-file /etc/issue\n"),
            ("login.config", "cback - - /usr/sbin/callback -S\n* - - /bin/false\n"),
            ("callback.config", "delay 0\ndelay-randomize 1\n"),
        ],
    );
    let mut waits = 0;
    let cycles = (0..CYCLES).map(|_| {
        waits += 1;
        mgetty.until_logged_times("waiting...", waits);
        let cycle = cycle(&folder, &mut town, DELAY_OF_MGETTY);
        // Between the legs it was started anew.
        waits += 1;
        cycle
    });
    cycles.collect()
}

fn town(folder: &Folder, port: &str) -> Town {
    Town::with(folder, SCALE, &[("office", "5550100", port), ("alice", "5550199", "pty")])
}

/// One callback, up to the second login prompt. The caller answers at once.
fn cycle(folder: &Folder, town: &mut Town, delay: Duration) -> Cycle {
    let before = town.facts().len();
    let mut terminal = Terminal::on(&folder.path("alice"));
    terminal.say("ATE0&C0\r");
    terminal.until("OK");
    terminal.say("ATDT5550100\r");
    let first_prompt = answer(&mut terminal, "ogin: ", "cback\r");
    let number_prompt = answer(&mut terminal, "callback: ", "5550199\r");
    terminal.until("NO CARRIER");
    answer(&mut terminal, "RING", "ATA\r");
    let second_prompt = answer(&mut terminal, "ogin: ", "");
    drop(terminal);
    town.until("office", "released");

    let facts = town.facts();
    let mut facts = facts[before..].iter();
    let mut next = |event: &str, key: &str, begins: &str| {
        let found = facts.find(|(_, fact)| {
            let value = fact.get(key).and_then(Value::as_str);
            fact["event"] == event
                && fact["station"] == "office"
                && value.is_none_or(|value| value.starts_with(begins))
        });
        found.unwrap_or_else(|| panic!("the network never saw {event} {begins}")).0
    };
    let ring = next("result", "code", "RING");
    let ata = next("command", "line", "A");
    let connected = next("result", "code", "CONNECT");
    let on_hook = next("on-hook", "", "");
    let dial = next("command", "line", "D");
    let again = next("result", "code", "CONNECT");
    [
        ata.saturating_duration_since(ring),
        first_prompt.0.saturating_duration_since(connected),
        number_prompt.0.saturating_duration_since(first_prompt.1),
        on_hook.saturating_duration_since(number_prompt.1),
        dial.saturating_duration_since(on_hook).saturating_sub(delay),
        second_prompt.0.saturating_duration_since(again),
    ]
}

/// Waits for a text and answers it at once: when it came, and when the answer was out.
fn answer(terminal: &mut Terminal, text: &str, answer: &str) -> (Instant, Instant) {
    terminal.until(text);
    let seen = Instant::now();
    terminal.say(answer);
    (seen, Instant::now())
}

/// The median of each phase.
fn median(cycles: &[Cycle]) -> Cycle {
    std::array::from_fn(|phase| {
        let mut times: Vec<Duration> = cycles.iter().map(|cycle| cycle[phase]).collect();
        times.sort();
        times[times.len() / 2]
    })
}

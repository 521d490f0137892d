//! The attacks on servers that call back, each played twice: with its defence switched off it succeeds, with the defence
//! on it fails. A story whose attack does not succeed without the defence would prove nothing.
//!
//! Where a key of the configuration is the defence, it is switched off by that. Where none is, because nobody would want
//! it off, the story says what stands in the server's place: mgetty's way of dialling (A8), an operator's script (A7), a
//! program that looks for no lock (A14), a file that only the right one can have written (A13).
//!
//! The numbers are those of docs/threat-model.md; `all_twenty` counts them. A17, and a half of A19, are on the built
//! program: `tests/rim/attacks.rs`.

mod a01_line_hold;
mod a02_glare;
mod a03_predictable_wait;
mod a04_diverted_number;
mod a05_wrong_party;
mod a06_toll_fraud;
mod a07_reverse_wangiri;
mod a08_injection;
mod a09_guessing_names;
mod a10_spoofed_caller_id;
mod a11_hang_up_not_seen;
mod a12_modem_set_anew;
mod a13_open_configuration;
mod a14_two_on_one_modem;
mod a15_loops;
mod a16_replay;
mod a18_busy_lines;
mod a19_number_disclosure;
mod a20_forged_result_codes;
mod all_twenty;

use dialback_sim::people::Step;
use dialback_sim::people::scripts::{dial, expect, send};
use dialback_sim::world::{Setup, World};

use crate::setup::*;

/// A caller who asks for a callback under this name, stays at his modem, and reads whatever prompt comes after the
/// next CONNECT.
pub(crate) fn waits_for_a_second_prompt(server: &str, name: &str) -> Vec<Step> {
    let mut steps = dial(server);
    steps.push(Step::NoAbort("NO CARRIER".to_owned()));
    steps.extend([
        expect("ogin: ", 60),
        send(&format!("{name}\r")),
        expect("NO CARRIER", 90),
        expect("CONNECT", 900),
        expect("ogin: ", 60),
    ]);
    steps
}

/// A user for `[[user]]`, with this password; `more` follows.
pub(crate) fn user(name: &str, password: &str, more: &str) -> String {
    let secret = ppp::secret::Secret::from(password);
    let hash = calls::policy::password::cheap_hash(&secret, b"sixteen octets..").unwrap();
    format!("\n[[user]]\nname = \"{name}\"\nsecret = \"{hash}\"\n{more}\n")
}

/// The world after somebody has tried something, at rest and with no invariant violated.
pub(crate) fn tried(setup: Setup, station: &str, steps: Vec<Step>) -> World {
    let mut world = world(setup);
    tell(&mut world, station, steps);
    world
}

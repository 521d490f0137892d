//! The built-in PPP against Debian's pppd, each at the server's end of a return call, with pppd as the caller:
//! `cargo bench -p dialback --bench ppp_in_guest`.
//!
//! Both run in the guest of tests/guest, whose kernel has PPP, on its one emulated processor, with the same exchange, the
//! same modems and the same caller. Seconds are bound by the line, which is 160 kB/s; the processor's time is what tells
//! the two apart. It is the whole guest's: the caller's pppd, the exchange and the echo have their shares in both.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a measurement: a panic is its way to fail, printing its purpose"
)]
#![allow(dead_code, reason = "the tests of the guest use more of it")]

#[path = "../../../tests/guest/crossing.rs"]
mod crossing;
#[path = "../../../tests/guest/inside.rs"]
mod inside;
#[path = "../../../tests/guest/machine.rs"]
mod machine;
#[path = "../../../tests/guest/pppd.rs"]
mod pppd;
#[path = "../../../tests/interop/rig/mod.rs"]
mod rig;
#[path = "../../../tests/guest/stage.rs"]
mod stage;

use inside::Carrier;

/// There and back.
const KIB: u32 = 256;

fn main() {
    let play = |carrier, more: &str| {
        let ppp = format!("{}{more}", stage::PPP);
        inside::return_call("ppp_in_guest", &ppp, stage::LOGIN, carrier, KIB)
    };
    let Some(theirs) = play(Carrier::Pppd, "backend = \"pppd\"\n") else { return };
    let Some(ours) = play(Carrier::Ours, "") else { return };
    println!();
    for (name, taken) in [("pppd", theirs), ("built-in", ours)] {
        let rate = f64::from(KIB) / taken.seconds;
        println!("{name:<9} {rate:>7.0} KiB/s each way, {:>6.2} s of the processor", taken.busy);
    }
    println!(
        "built-in against pppd: {:.2} times the time, {:.2} times the processor's",
        ours.seconds / theirs.seconds,
        ours.busy / theirs.busy
    );
}

//! A whole PPP link, TUN to TUN: `cargo bench -p dialback --bench ppp_link`.
//!
//! `dialback dial --ppp` and `dialback serve` in a network namespace each, with two virtual modems of `dialback exchange`
//! between them on the fastest telephones that there are. Datagrams go one way, a few at once, and are counted where they come
//! out; then an echo at a time goes both ways. What is measured is all three programs, the kernel's
//! pseudo-terminals and TUN devices, on the cores of this machine; PPP's framing by itself is `crates/ppp`'s bench.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement: a panic is its way to fail, printing its purpose"
)]

#[path = "../../../tests/interop/ppp/client.rs"]
mod client;
#[path = "../../../tests/interop/ppp/namespace.rs"]
mod namespace;
#[path = "../../../tests/interop/ppp/office.rs"]
mod office;
#[path = "../../../tests/interop/rig/mod.rs"]
mod rig;

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use client::Client;
use namespace::{ping, within};
use office::{PROGRAMS, office_of};
use rig::folder::Folder;
use rig::programs;

/// How many times faster than telephones: 33,600 bit/s become 33.6 Mbit/s.
const SCALE: u32 = 1000;

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
const ALICE: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);

/// So long is counted.
const TIME: Duration = Duration::from_secs(3);

/// Echoes that are timed.
const ECHOES: u32 = 200;

/// Packets that are on the way at once: no more than an interface's queue holds, so that none is dropped, and a sender
/// that cannot be heard burns no core that is to be measured.
const ON_THE_WAY: usize = 8;

/// IPv4's and UDP's headers.
const HEADERS: usize = 28;

fn main() {
    if !programs::there("ppp_link", PROGRAMS) {
        return;
    }
    let folder = Folder::new();
    let user = r#"callback = { numbers = ["5550199"], offer = ["none", "fixed"] }"#;
    let (town, server) = office_of(&folder, SCALE, user, "");
    let mut client = Client::start(&folder, &town, &[]);
    client.until_up();
    println!("\nA whole link TUN to TUN, one way, for {} s each.\n", TIME.as_secs());
    println!("{:<22} {:>8} {:>12} {:>10}", "direction", "octets", "packets/s", "MB/s");
    for length in [64, 576, 1500] {
        for (direction, from, to) in [
            ("client to server", (client.pid(), ALICE), (server.pid(), SERVER)),
            ("server to client", (server.pid(), SERVER), (client.pid(), ALICE)),
        ] {
            let rate = one_way(from, to, length);
            let octets = rate * f64::from(u32::try_from(length).unwrap()) / 1e6;
            println!("{direction:<22} {length:>8} {rate:>12.0} {octets:>10.2}");
            assert!(rate > 0.0, "nothing came");
        }
    }
    let time = within(client.pid(), || {
        let start = Instant::now();
        for _ in 0..ECHOES {
            ping(SERVER.into(), 0, 84).unwrap();
        }
        start.elapsed() / ECHOES
    });
    println!("\nan echo of 84 octets: {:.2} ms", time.as_secs_f64() * 1e3);
    client.signal("TERM");
    client.until_ended(0, "session");
    server.kill();
}

/// Packets of this length that come out a second, when [`ON_THE_WAY`] of them are always on the way.
fn one_way(from: (u32, Ipv4Addr), to: (u32, Ipv4Addr), length: usize) -> f64 {
    let receiver = within(to.0, move || UdpSocket::bind((to.1, 0)).unwrap());
    receiver.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let place = receiver.local_addr().unwrap();
    let sender = within(from.0, move || UdpSocket::bind((from.1, 0)).unwrap());
    let (came, leave) = channel();
    let sending = std::thread::spawn(move || {
        let packet = vec![0x42; length - HEADERS];
        while let Ok(()) = leave.recv() {
            sender.send_to(&packet, place).unwrap();
        }
    });
    for _ in 0..ON_THE_WAY {
        came.send(()).unwrap();
    }
    let mut room = [0; 2048];
    let start = Instant::now();
    let mut count = 0u32;
    while start.elapsed() < TIME {
        let octets = receiver.recv(&mut room).expect("a packet that was lost is a fault");
        assert_eq!(octets, length - HEADERS);
        count += 1;
        came.send(()).unwrap();
    }
    let rate = f64::from(count) / start.elapsed().as_secs_f64();
    drop(came);
    sending.join().unwrap();
    rate
}

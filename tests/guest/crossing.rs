//! Whether packets cross a link: a ping, and a file of chance there and back.

use std::time::Duration;

use crate::machine::Guest;
use crate::rig::process::{Ear, Process};

/// What sends back whatever it gets. `socat`'s `-t`: how long the way back may go on when nothing more comes.
const ECHO: &str = "socat -t 80 TCP-LISTEN:7007,fork,reuseaddr EXEC:cat";

/// Sends back what comes to the addresses of a process on this machine, as long as this lives.
pub(crate) fn echo_outside(whose: &Process) -> Process {
    let mut command = whose.in_its_network("sh");
    Process::start("echo", command.args(["-c", &format!("exec {ECHO}")]), Ear::Stderr)
}

/// The same in the guest.
pub(crate) fn echo_inside(guest: &mut Guest) {
    guest.go("echo", ECHO);
}

/// A transfer takes 7 s on an idle machine, and was seen to take 20 s on one with seven jobs a processor.
const LONGEST: Duration = Duration::from_secs(90);

/// Pings from the guest; `network` is `ip netns exec NAME`, or nothing.
pub(crate) fn ping(guest: &mut Guest, network: &str, address: &str) {
    guest.go("ping", &format!("{network} ping -c 3 -i 0.2 -W 5 {address}"));
    let result = guest.until("ping", "packets transmitted");
    println!("ping {address} from the guest: {result}");
    assert!(result.contains(" 0% packet loss"), "{result}");
}

/// Pings from the network of a process on this machine.
pub(crate) fn ping_from_outside(whose: &Process, address: &str) {
    let output = whose
        .in_its_network("ping")
        .args(["-c", "3", "-i", "0.2", "-W", "5", address])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let result = said.lines().find(|line| line.contains("packets transmitted")).unwrap_or(&said);
    println!("ping {address} from outside: {result}");
    assert!(result.contains(" 0% packet loss"), "{said}");
}

/// What a transfer took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    /// By the guest's clock.
    pub(crate) seconds: f64,
    /// Of these the guest's one processor was at work: the caller's, the echo's and the kernel's shares as well.
    pub(crate) busy: f64,
}

/// So many KiB of chance go to the echo at `address` and come back, both at the same time, and are what they were.
pub(crate) fn transfer(guest: &mut Guest, network: &str, address: &str, kib: u32) -> Taken {
    let commands = format!(
        "head -c {kib}K /dev/urandom >/tmp/sent
        began=$(cat /proc/uptime)
        {network} socat -t 80 - TCP:{address}:7007,retry=20,interval=0.2 </tmp/sent >/tmp/back
        echo from $began to $(cat /proc/uptime)
        for which in sent back; do echo $which $(sha256sum </tmp/$which); done
        cmp /tmp/sent /tmp/back"
    );
    guest.go("transfer", &commands);
    let time = guest.until_within(LONGEST, "transfer", "from ");
    let sent = guest.until("transfer", "sent ");
    let back = guest.until("transfer", "back ");
    let figures: Vec<f64> = time.split(' ').filter_map(|word| word.parse().ok()).collect();
    let [began, idle, ended, idle_then] = figures[..] else { panic!("{time}") };
    let seconds = ended - began;
    let taken = Taken { seconds, busy: seconds - (idle_then - idle) };
    println!("{kib} KiB to {address} and back: {taken:.2?}; sha256 {sent}, {back}");
    assert_eq!(guest.exits("transfer"), 0, "what came back is something else");
    assert_eq!(sent.strip_prefix("sent "), back.strip_prefix("back "));
    taken
}

//! Network namespaces of processes: a machine of its own for each end of a call, as far as IP goes.

#![allow(dead_code, reason = "the tests and the benchmark use different parts")]

use std::fs::File;
use std::net::{IpAddr, SocketAddr, SocketAddrV6, UdpSocket};
use std::process::Command;
use std::time::Duration;

use nix::sched::{CloneFlags, setns};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, ipproto, recv, sendto,
    socket_with,
};

use crate::rig::process::dialback;

/// No packet takes as long on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Our program in a network namespace of its own.
pub(crate) fn alone() -> Command {
    let ours = dialback().get_program().to_owned();
    let mut command = Command::new("/usr/bin/unshare");
    command.args(["--net", "--"]).arg(ours);
    command
}

/// Does something in the namespace of a process. What is opened there stays of it.
pub(crate) fn within<T: Send + 'static>(pid: u32, act: impl FnOnce() -> T + Send + 'static) -> T {
    let place = File::open(format!("/proc/{pid}/ns/net")).unwrap();
    let thread = std::thread::spawn(move || {
        setns(place, CloneFlags::CLONE_NEWNET).unwrap();
        act()
    });
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Asks `to` for an echo of so many octets, with the headers; whether the same ones came back. An interface's number
/// scopes an address of its own link.
pub(crate) fn ping(to: IpAddr, scope: u32, octets: usize) -> Result<(), String> {
    std::fs::write("/proc/sys/net/ipv4/ping_group_range", "0 0").unwrap();
    let (family, protocol, headers, kind) = match to {
        IpAddr::V4(_) => (AddressFamily::INET, ipproto::ICMP, 28, 8),
        IpAddr::V6(_) => (AddressFamily::INET6, ipproto::ICMPV6, 48, 128),
    };
    let to = match to {
        IpAddr::V4(to) => SocketAddr::from((to, 0)),
        IpAddr::V6(to) => SocketAddr::V6(SocketAddrV6::new(to, 0, 0, scope)),
    };
    let socket =
        socket_with(family, SocketType::DGRAM, SocketFlags::CLOEXEC, Some(protocol)).unwrap();
    let timeout = rustix::net::sockopt::Timeout::Recv;
    rustix::net::sockopt::set_socket_timeout(&socket, timeout, Some(PATIENCE)).unwrap();
    // Type, code, checksum and identifier, which are the kernel's, and a number.
    let mut packet = vec![kind, 0, 0, 0, 0, 0, 0, 7];
    packet.extend((0..octets - headers).map(|at| u8::try_from(at % 251).unwrap()));
    sendto(&socket, &packet, SendFlags::empty(), &to).map_err(|e| e.to_string())?;
    let mut answer = vec![0; 65_536];
    let (_, count) = recv(&socket, &mut answer, RecvFlags::empty()).map_err(|e| e.to_string())?;
    // The header's last octets and all that follows are the same again.
    let same = answer[6..count] == packet[6..] && [0, 129].contains(&answer[0]);
    if same { Ok(()) } else { Err(format!("another answer: {:02x?}", &answer[..count.min(60)])) }
}

/// The number of an interface, in the namespace that we are in.
pub(crate) fn index(name: &str) -> u32 {
    nix::net::if_::if_nametoindex(name).unwrap()
}

/// Sends a datagram, to be heard or not.
pub(crate) fn say(from: IpAddr, to: SocketAddr, text: &[u8]) -> std::io::Result<usize> {
    UdpSocket::bind((from, 0))?.send_to(text, to)
}

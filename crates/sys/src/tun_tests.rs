//! TUN devices and proxy ARP, each test in a network namespace of its own thread: nothing of the machine's network
//! is touched, and nothing is left.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::async_fd::AsyncTun;
use crate::proxy_arp;

const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);
/// No answer of the kernel's takes as long.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs `test` in a new network namespace, where that can be done; elsewhere it says why not, and with `CI=true`
/// fails.
fn check(test: impl FnOnce() + Send + 'static) {
    let missing = if !rustix::process::geteuid().is_root() {
        Some("root's rights")
    } else if !Path::new(DEVICE).exists() {
        Some("/dev/net/tun")
    } else {
        None
    };
    if let Some(missing) = missing {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "needs {missing}");
        println!("skipped: needs {missing}");
        return;
    }
    // Only this thread leaves the machine's namespace.
    let thread = std::thread::spawn(|| {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
        test();
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

fn device() -> Tun {
    let tun = Tun::open("dialback%d").unwrap();
    tun.set_mtu(1500).unwrap();
    tun.set_ipv4(LOCAL, PEER).unwrap();
    tun.set_up(true).unwrap();
    tun
}

/// The next packet that the kernel sends through the device.
fn packet(tun: &Tun) -> Vec<u8> {
    let deadline = std::time::Instant::now() + PATIENCE;
    let mut room = [0; 2048];
    loop {
        match rustix::io::read(tun, &mut room) {
            Ok(count) => return room[..count].to_vec(),
            Err(rustix::io::Errno::AGAIN) => {
                assert!(std::time::Instant::now() < deadline, "no packet");
                let mut poll = [rustix::event::PollFd::new(tun, rustix::event::PollFlags::IN)];
                let patience = rustix::event::Timespec { tv_sec: 1, tv_nsec: 0 };
                rustix::event::poll(&mut poll, Some(&patience)).unwrap();
            }
            Err(e) => panic!("{e}"),
        }
    }
}

/// A UDP packet from the other end, without a checksum, which IPv4 allows.
fn datagram(from: Ipv4Addr, to: Ipv4Addr, port: u16, text: &[u8]) -> Vec<u8> {
    let length = u16::try_from(28 + text.len()).unwrap();
    let mut packet = vec![0x45, 0];
    packet.extend(length.to_be_bytes());
    packet.extend([0, 1, 0, 0, 64, 17, 0, 0]);
    packet.extend(from.octets());
    packet.extend(to.octets());
    let sum: u32 =
        packet.chunks(2).map(|two| u32::from(u16::from_be_bytes([two[0], two[1]]))).sum();
    let folded = u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
    packet[10..12].copy_from_slice(&(!folded).to_be_bytes());
    packet.extend(4000u16.to_be_bytes());
    packet.extend(port.to_be_bytes());
    packet.extend((length - 20).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(text);
    packet
}

#[test]
fn packets_for_the_other_end_are_read_and_packets_from_it_are_received() {
    check(|| {
        let tun = device();
        assert_eq!(tun.name(), "dialback0");
        let socket = UdpSocket::bind((LOCAL, 0)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.send_to(b"call me", (PEER, 4000)).unwrap();
        let sent = packet(&tun);
        assert_eq!(sent[0], 0x45, "a packet has no header of the device's");
        assert_eq!((&sent[12..16], &sent[16..20]), (&LOCAL.octets()[..], &PEER.octets()[..]));
        assert!(sent.ends_with(b"call me"));
        let port = socket.local_addr().unwrap().port();
        rustix::io::write(&tun, &datagram(PEER, LOCAL, port, b"I do")).unwrap();
        let mut room = [0; 64];
        let (count, from) = socket.recv_from(&mut room).unwrap();
        assert_eq!((&room[..count], from), (&b"I do"[..], SocketAddr::from((PEER, 4000))));
    });
}

#[test]
fn a_packet_longer_than_the_mtu_comes_in_fragments() {
    check(|| {
        let tun = device();
        tun.set_mtu(576).unwrap();
        let socket = UdpSocket::bind((LOCAL, 0)).unwrap();
        socket.send_to(&[b'x'; 1000], (PEER, 4000)).unwrap();
        let lengths = [packet(&tun).len(), packet(&tun).len()];
        assert!(lengths.iter().all(|length| *length <= 576), "{lengths:?}");
        assert_eq!(lengths.iter().sum::<usize>(), 1000 + 8 + 2 * 20);
        assert!(tun.set_mtu(60).is_err(), "the kernel takes no less than 68");
    });
}

#[test]
fn no_more_packets_wait_than_may() {
    check(|| {
        let tun = device();
        tun.set_queue_length(3).unwrap();
        let socket = UdpSocket::bind((LOCAL, 0)).unwrap();
        for _ in 0..50 {
            // A full queue may be told to the sender (ENOBUFS).
            drop(socket.send_to(b"x", (PEER, 4000)));
        }
        let mut count = 0;
        let mut room = [0; 2048];
        while rustix::io::read(&tun, &mut room).is_ok() {
            count += 1;
        }
        assert!(
            (3..=8).contains(&count),
            "the device's 3 and as many of the discipline before it: {count}"
        );
    });
}

#[test]
fn ipv6_speaks_from_the_negotiated_identifier_and_from_no_other() {
    check(|| {
        let tun = device();
        tun.set_ipv6(0x0211_22ff_fe33_4455, 2).unwrap();
        let own: Ipv6Addr = "fe80::211:22ff:fe33:4455".parse().unwrap();
        assert_eq!(link_local(0x0211_22ff_fe33_4455), own);
        let found: Vec<Ipv6Addr> = nix::ifaddrs::getifaddrs()
            .unwrap()
            .filter(|interface| interface.interface_name == tun.name())
            .filter_map(|interface| Some(interface.address?.as_sockaddr_in6()?.ip()))
            .collect();
        assert_eq!(found, [own]);
        let socket = UdpSocket::bind((own, 0));
        assert!(socket.is_err(), "without its scope a link-local address is no address");
        let socket = UdpSocket::bind(scoped(own, 0, &tun)).unwrap();
        // The kernel makes the route to the peer a moment after the interface is up, on a thread of its own.
        let patience = std::time::Instant::now() + Duration::from_secs(10);
        while let Err(e) = socket.send_to(b"six", scoped(link_local(2), 4000, &tun)) {
            assert_eq!(e.kind(), ErrorKind::NetworkUnreachable);
            assert!(std::time::Instant::now() < patience, "{e}");
            std::thread::yield_now();
        }
        let sent = loop {
            let sent = packet(&tun);
            // The kernel reports its groups and looks for routers meanwhile.
            if sent[6] == 17 {
                break sent;
            }
            assert!(sent[6] == 0 || sent[6] == 58, "{sent:?}");
        };
        assert_eq!((&sent[8..24], &sent[24..40]), (&own.octets()[..], &link_local(2).octets()[..]));
    });
}

fn scoped(address: Ipv6Addr, port: u16, tun: &Tun) -> SocketAddrV6 {
    SocketAddrV6::new(address, port, 0, tun.index())
}

#[test]
fn routes_lead_through_the_device_until_they_are_removed() {
    check(|| {
        let tun = device();
        let socket = UdpSocket::bind((LOCAL, 0)).unwrap();
        let net = Route { to: Ipv4Addr::new(192, 0, 2, 0).into(), prefix: 24, metric: None };
        for route in [net, Route::DEFAULT_IPV4] {
            let far = (Ipv4Addr::new(192, 0, 2, 7), 9);
            let none = socket.send_to(b"x", far).unwrap_err();
            assert_eq!(none.kind(), ErrorKind::NetworkUnreachable);
            tun.add_route(&route).unwrap();
            socket.send_to(b"x", far).unwrap();
            assert_eq!(packet(&tun)[16..20], far.0.octets());
            let twice = tun.add_route(&route).unwrap_err().to_string();
            assert!(
                twice.starts_with(&format!("dialback0: adding the route to {route}: File exists")),
                "{twice}"
            );
            tun.add_route(&Route { metric: Some(50), ..route }).unwrap();
            tun.remove_route(&Route { metric: Some(50), ..route }).unwrap();
            tun.remove_route(&route).unwrap();
        }
        tun.remove_ipv4(LOCAL, PEER).unwrap();
        assert!(UdpSocket::bind((LOCAL, 0)).is_err());
    });
}

#[test]
fn a_device_goes_with_its_descriptor_and_can_be_passed_on() {
    check(|| {
        let first = device();
        let second = Tun::open("dialback%d").unwrap();
        assert_eq!(second.name(), "dialback1");
        let passed = first.as_fd().try_clone_to_owned().unwrap();
        drop(first);
        let adopted = Tun::adopt(passed).unwrap();
        assert_eq!(adopted.name(), "dialback0");
        let socket = UdpSocket::bind((LOCAL, 0)).unwrap();
        socket.send_to(b"still there", (PEER, 9)).unwrap();
        assert!(packet(&adopted).ends_with(b"still there"));
        drop(adopted);
        assert!(socket.send_to(b"gone", (PEER, 9)).is_err());
        let file = std::fs::File::open("/dev/null").unwrap();
        assert!(Tun::adopt(file.into()).is_err());
    });
}

#[test]
fn names_that_cannot_be_are_refused_in_words() {
    check(|| {
        let long = Tun::open("a-name-of-sixteen").unwrap_err().to_string();
        assert_eq!(long, "a-name-of-sixteen: naming it: a name has 1 to 15 octets");
        let _first = Tun::open("dialback7").unwrap();
        let taken = Tun::open("dialback7").unwrap_err().to_string();
        assert_eq!(taken, "dialback7: making it: the name is taken");
    });
}

#[test]
fn the_runtime_waits_for_packets() {
    check(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let tun = AsyncTun::new(device()).unwrap();
            let socket = UdpSocket::bind((LOCAL, 0)).unwrap();
            let mut room = [0; 2048];
            let later = async {
                tokio::task::yield_now().await;
                socket.send_to(b"now", (PEER, 9)).unwrap();
            };
            let (count, ()) = tokio::join!(tun.read_some(&mut room), later);
            assert!(room[..count.unwrap()].ends_with(b"now"));
            tun.get().set_up(false).unwrap();
            let down = tun.write_some(&datagram(PEER, LOCAL, 9, b"x")).await.unwrap_err();
            assert_eq!(down.kind(), ErrorKind::BrokenPipe);
        });
    });
}

#[test]
fn the_first_packet_is_written_before_the_runtime_has_looked_at_the_device() {
    check(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let tun = AsyncTun::new(device()).unwrap();
            let socket = UdpSocket::bind((LOCAL, 0)).unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            let port = socket.local_addr().unwrap().port();
            tun.write_packet(&datagram(PEER, LOCAL, port, b"first")).unwrap();
            let mut room = [0; 64];
            assert_eq!(socket.recv(&mut room).unwrap(), 5);
            tun.get().set_up(false).unwrap();
            let down = tun.write_packet(&datagram(PEER, LOCAL, port, b"x")).unwrap_err();
            assert_eq!(down.kind(), ErrorKind::BrokenPipe);
        });
    });
}

#[test]
fn a_neighbour_that_asks_for_a_caller_is_answered() {
    check(|| {
        // An Ethernet whose cable ends at our descriptor.
        let (mut cable, index) = ethernet("eth7");
        let own = Ipv4Addr::new(192, 0, 2, 1);
        let header = address_header(libc::AF_INET, 24, 0, libc::RT_SCOPE_UNIVERSE, index);
        let request = Request::new(libc::RTM_NEWADDR, Existing::Refused, &header)
            .with(libc::IFA_LOCAL, &own.octets())
            .with(libc::IFA_ADDRESS, &own.octets());
        request.carry_out().unwrap();
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
        let caller = Ipv4Addr::new(192, 0, 2, 99);
        let tun = Tun::open("dialback%d").unwrap();
        tun.set_ipv4(own, caller).unwrap();
        tun.set_up(true).unwrap();

        assert_eq!(proxy_arp::interface_beside(caller).unwrap().as_deref(), Some("eth7"));
        assert_eq!(proxy_arp::interface_beside(Ipv4Addr::new(198, 51, 100, 1)).unwrap(), None);
        proxy_arp::add("eth7", caller).unwrap();
        proxy_arp::add("eth7", caller).unwrap();
        let asked = [192, 0, 2, 50];
        let mut frame = vec![0xff; 6];
        frame.extend([2, 0, 0, 0, 0, 50, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 50]);
        frame.extend(asked);
        frame.extend([0; 6]);
        frame.extend(caller.octets());
        cable.write_all(&frame).unwrap();
        let answer = loop {
            let mut room = [0; 2048];
            let count = cable.read(&mut room).unwrap();
            // The kernel asks and announces on its own account too.
            if room[12..14] == [8, 6] && room[20..22] == [0, 2] {
                break room[..count].to_vec();
            }
        };
        assert_eq!((&answer[28..32], &answer[38..42]), (&caller.octets()[..], &asked[..]));
        proxy_arp::remove("eth7", caller).unwrap();
        assert!(proxy_arp::remove("eth7", caller).is_err());
        let nowhere = proxy_arp::add("eth8", caller).unwrap_err().to_string();
        assert!(nowhere.starts_with("eth8: answering ARP for 192.0.2.99: "), "{nowhere}");
    });
}

/// A TAP device, up; its file blocks.
fn ethernet(name: &str) -> (std::fs::File, u32) {
    let file = std::fs::File::options().read(true).write(true).open(DEVICE).unwrap();
    let flags = c_short::try_from(libc::IFF_TAP | libc::IFF_NO_PI).unwrap();
    let mut request = InterfaceRequest::new(name, flags).unwrap();
    ioctl::make_tun(&file, &mut request).unwrap();
    let index = nix::net::if_::if_nametoindex(name).unwrap();
    let mut header = vec![0; 4];
    header.extend_from_slice(&index.to_ne_bytes());
    header.extend_from_slice(&1u32.to_ne_bytes());
    header.extend_from_slice(&1u32.to_ne_bytes());
    Request::new(libc::RTM_NEWLINK, Existing::Expected, &header).carry_out().unwrap();
    (file, index)
}

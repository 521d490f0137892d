//! The words for the network of a call: the interface that the world shall make for it, the packets that
//! pass, and the scripts that are told of it.
//!
//! [`NetworkOutput::Set`] says how the interface shall be, not what is to be changed: whoever carries it
//! out compares with what there is. That makes IPv4 first and IPv6 a second later the same word twice.
//!
//! It knows no TUN device, no netlink and no process.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What the network of a call did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkInput {
    /// The interface is as the last [`NetworkOutput::Set`] wanted it. One answer to each that was not
    /// followed by [`NetworkOutput::Remove`].
    Ready {
        /// Its name: `dialback0`.
        interface: String,
    },
    /// It could not be made so. For people: `TUNSETIFF: operation not permitted`. There is none now.
    Failed(String),
    /// A packet for the caller: IPv4 or IPv6, without any header before it.
    Packet(Vec<u8>),
    /// Somebody has taken it away (`ip link delete`). For people. There is none now.
    Gone(String),
    /// A script could not be started, or ended otherwise than with 0. May come after the call is over.
    ScriptFailed {
        /// Its path.
        script: PathBuf,
        /// For people: `exit status 1`.
        reason: String,
    },
}

/// What shall become of the network of a call. Carried out in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkOutput {
    /// The call has an interface, and it is like this. Answered by [`NetworkInput::Ready`] or
    /// [`NetworkInput::Failed`].
    Set(Box<Interface>),
    /// A packet from the caller, for the interface. It may be dropped, as any packet may.
    Packet(Vec<u8>),
    /// The call has no interface any more.
    Remove,
    /// Run this. Nobody waits for it, but scripts of one call never run at once: the next is started when
    /// the one before it has ended.
    Script(Box<Script>),
}

/// How the interface of a call shall be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interface {
    /// Its name, or a pattern with one `%d`, which becomes the first number that is free.
    pub name: String,
    /// The longest packet that may be sent to the caller, in octets.
    pub mtu: u16,
    /// IPv4's ends, while it is up.
    pub ipv4: Option<Ends<Ipv4Addr>>,
    /// IPv6's ends, link-local addresses, while it is up.
    pub ipv6: Option<Ends<Ipv6Addr>>,
    /// Whether the server shall answer ARP for the caller's address on the network that it belongs to.
    pub proxy_arp: bool,
}

/// The two addresses of a point-to-point link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ends<A> {
    /// Ours.
    pub local: A,
    /// The caller's.
    pub peer: A,
}

/// What pppd is to carry for a caller whose name our engine has proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handover {
    /// IPv4's ends; `None`: no IPv4.
    pub ends: Option<Ends<Ipv4Addr>>,
}

/// A program that is told of a network: pppd's ip-up and its kin. Its path is the configuration's, never
/// anything that came from a caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Absolute path.
    pub program: PathBuf,
    /// Arguments, `argv[0]` included.
    pub argv: Vec<String>,
    /// The whole environment.
    pub env: Vec<(String, String)>,
}

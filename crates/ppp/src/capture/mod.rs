//! What went over the line, as files that other programs read.
//!
//! [`Capture`] writes the frames of both directions as pcap, link type 204 (PPP with direction), for
//! tshark and Wireshark; [`frames`] reads such a file again. [`Recording`] writes the line's octets as they were,
//! escapes and damage included, in the format of pppd's `record` option, for pppdump and also for tshark.
//!
//! All of them only make or read octets; whoever has a file keeps them.

mod pcap;
mod recording;

pub use pcap::{Capture, Captured, Frames, Passwords, Unreadable, frames};
pub use recording::Recording;

/// Which way octets went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From us to the peer.
    Sent,
    /// From the peer to us.
    Received,
}

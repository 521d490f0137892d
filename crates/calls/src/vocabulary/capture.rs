//! Captures: files of what passes on PPP calls.

use std::path::PathBuf;

/// What the file of a PPP call's frames shall become. Nobody waits for it: a capture that cannot be written is
/// none, and the call goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaptureOutput {
    /// Begin it anew, for its owner's eyes only; what stands under its name is of another call.
    Begin {
        /// `c12.pcap`, in the directory of all captures.
        file: PathBuf,
        /// With this one there are at most so many captures in the directory: the oldest go.
        keep: u32,
    },
    /// Append to it.
    Append {
        /// The same.
        file: PathBuf,
        /// Whole pcap records, or the file's header.
        octets: Vec<u8>,
    },
}

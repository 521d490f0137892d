//! An anchor: one line that says where the journal ended at a moment, written where the journal's writer cannot take
//! it back.
//!
//! ```text
//! dialback-anchor 1 seq=4711 hash=9f86d0...0a08 at=2026-11-22T22:00:00.000Z
//! ```
//!
//! The words before it on the line do not matter, so that a file of the system's log can be read as it is.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use calls::config::Audit;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What every anchor begins with, and the version of what follows.
const MARK: &str = "dialback-anchor 1 ";

/// Where the system's log listens.
const SYSLOG: &str = "/dev/log";

/// Facility `authpriv` (10), severity `notice` (5), as RFC 3164 §4.1.1 computes it.
const PRIORITY: u8 = 10 * 8 + 5;

/// How long a stuck log may hold us up.
const SYSLOG_PATIENCE: Duration = Duration::from_secs(2);

/// Where the journal ended at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Anchor {
    /// The last entry.
    pub(crate) seq: u64,
    /// Its hash.
    #[serde(with = "hex")]
    pub(crate) hash: [u8; 32],
    /// When that was (ms since 1970).
    pub(crate) unix_ms: i64,
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MARK}seq={} hash={} at=", self.seq, hex::written(&self.hash))?;
        match Timestamp::from_millisecond(self.unix_ms) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) => f.write_str("unknown"),
        }
    }
}

impl Anchor {
    /// The anchor in a line, if there is one. A line with the mark and something else behind it is an error: somebody
    /// has been at it.
    pub(crate) fn find(line: &str) -> Option<Result<Self, String>> {
        let (_, rest) = line.split_once(MARK)?;
        Some(
            Self::parse(rest.trim())
                .ok_or_else(|| "is not an anchor as dialback writes it".to_owned()),
        )
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let seq = words.next()?.strip_prefix("seq=")?.parse().ok()?;
        let hash = hex::read(words.next()?.strip_prefix("hash=")?)?;
        let at = words.next()?.strip_prefix("at=")?;
        let unix_ms = at.parse::<Timestamp>().ok()?.as_millisecond();
        Some(Self { seq, hash, unix_ms })
    }
}

/// What became of an anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Told {
    /// It stands in every place that the configuration names.
    Everywhere,
    /// It is missing in at least one of them.
    Failed,
}

/// Writes an anchor wherever the configuration says. What does not work is told in our own log: the journal goes on.
pub(crate) fn write(to: &Audit, anchor: &Anchor) -> Told {
    let mut told = Told::Everywhere;
    if let Some(path) = &to.anchor_file
        && let Err(e) = append(path, anchor)
    {
        told = Told::Failed;
        tracing::error!(
            "{}: the anchor of entry {} is not written: {e}",
            path.display(),
            anchor.seq
        );
    }
    if to.anchor_syslog
        && let Err(e) = tell_syslog(anchor)
    {
        told = Told::Failed;
        tracing::error!("{SYSLOG}: the anchor of entry {} is not told: {e}", anchor.seq);
    }
    told
}

fn append(path: &Path, anchor: &Anchor) -> io::Result<()> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut file = File::options()
        .append(true)
        .create(true)
        .mode(0o640)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    file.write_all(format!("{anchor}\n").as_bytes())?;
    file.sync_data()
}

fn tell_syslog(anchor: &Anchor) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(SYSLOG_PATIENCE))?;
    socket.connect(SYSLOG)?;
    let text = format!("<{PRIORITY}>dialback[{}]: {anchor}", std::process::id());
    socket.send(text.as_bytes()).map(drop)
}

/// Hashes as people and programs write them.
pub(crate) mod hex {
    use std::fmt::Write as _;

    use serde::{Deserialize, Deserializer, Serializer};

    /// 64 digits, small letters.
    pub(crate) fn written(hash: &[u8; 32]) -> String {
        hash.iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String can't fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// The hash, if it is one.
    pub(crate) fn read(text: &str) -> Option<[u8; 32]> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(hash)
    }

    pub(crate) fn serialize<S: Serializer>(hash: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&written(hash))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(from)?;
        read(&text).ok_or_else(|| serde::de::Error::custom("not 64 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_read_back_from_any_line_that_has_it() {
        let anchor = Anchor { seq: 4711, hash: [0xa5; 32], unix_ms: 1_764_000_000_123 };
        let text = anchor.to_string();
        assert!(text.ends_with(" at=2025-11-24T16:00:00.123Z"), "{text}");
        let logged = format!("Nov 24 16:00:00 orion dialback[12]: {text}\n");
        assert_eq!(Anchor::find(&logged), Some(Ok(anchor.clone())));
        let json = serde_json::to_string(&anchor).unwrap();
        assert_eq!(serde_json::from_str::<Anchor>(&json).unwrap(), anchor);
    }

    #[test]
    fn a_line_that_was_an_anchor_is_told_and_others_are_passed_over() {
        assert_eq!(Anchor::find("Nov 24 16:00:00 orion sshd[12]: hello"), None);
        let text = Anchor { seq: 1, hash: [1; 32], unix_ms: 0 }.to_string();
        for (from, to) in [("seq=1", "seq=x"), ("hash=0", "hash="), ("at=1970", "at=soon")] {
            let broken = text.replacen(from, to, 1);
            assert!(matches!(Anchor::find(&broken), Some(Err(_))), "{broken}");
        }
    }
}

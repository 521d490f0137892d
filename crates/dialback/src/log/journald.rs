//! Events as entries of systemd's journal, with fields: the native protocol
//! (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>), one datagram an event.
//!
//! It is spoken here because tracing-journald speaks for `tracing`'s events, and ours are the journal's entries.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use calls::vocabulary::Entry;
use sha2::{Digest, Sha256};

use super::{Fields, LinesOfCalls, fields, syslog_severity};

/// Where journald listens.
pub(super) const SOCKET: &str = "/run/systemd/journal/socket";

/// The way to journald.
#[derive(Debug)]
pub(super) struct Journald {
    socket: UnixDatagram,
}

impl Journald {
    /// Connects.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(path)?;
        Ok(Self { socket })
    }

    /// One event. Blocks while journald is busy.
    pub(super) fn write(&self, lines: &mut LinesOfCalls, entry: &Entry) -> io::Result<()> {
        self.socket.send(&datagram(entry, &fields(lines, entry))).map(drop)
    }
}

fn datagram(entry: &Entry, fields: &Fields) -> Vec<u8> {
    let mut to = Vec::with_capacity(512);
    field(&mut to, "MESSAGE", &message(fields));
    field(&mut to, "MESSAGE_ID", &message_id(&fields.event));
    field(&mut to, "PRIORITY", &syslog_severity(fields.severity).to_string());
    field(&mut to, "SYSLOG_IDENTIFIER", "dialback");
    field(&mut to, "DIALBACK_EVENT", &fields.event);
    field(&mut to, "DIALBACK_SEQ", &entry.seq.0.to_string());
    for (name, value) in &fields.names {
        field(&mut to, &format!("DIALBACK_{}", name.to_ascii_uppercase()), value);
    }
    to
}

/// The words, with the line and the call before them: readers of plain text see no fields.
fn message(fields: &Fields) -> String {
    let name = |wanted: &str| {
        fields.names.iter().find(|(name, _)| *name == wanted).map(|(_, text)| text.as_str())
    };
    match (name("line"), name("call").or_else(|| name("promise"))) {
        (Some(line), Some(id)) => format!("{line} {id}: {}", fields.text),
        (Some(one), None) | (None, Some(one)) => format!("{one}: {}", fields.text),
        (None, None) => fields.text.clone(),
    }
}

fn field(to: &mut Vec<u8>, name: &str, value: &str) {
    to.extend_from_slice(name.as_bytes());
    if value.contains('\n') {
        to.push(b'\n');
        to.extend_from_slice(&u64::try_from(value.len()).unwrap_or(0).to_le_bytes());
    } else {
        to.push(b'=');
    }
    to.extend_from_slice(value.as_bytes());
    to.push(b'\n');
}

/// 128 bits for each kind of event, the same in every version: the beginning of a hash of its name.
fn message_id(event: &str) -> String {
    let hash = Sha256::digest(format!("dialback event {event}"));
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use calls::vocabulary::{CallId, Event, Seq, Wall};

    use super::*;

    #[test]
    fn an_event_is_one_datagram_with_its_fields() {
        let path = std::env::temp_dir().join(format!("dialback-journald-{}", std::process::id()));
        drop(std::fs::remove_file(&path));
        let server = UnixDatagram::bind(&path).unwrap();
        let journald = Journald::open(&path).unwrap();
        let (line, call) = ("main".to_owned(), CallId(12));
        let rang = Event::Rang { line, call, caller_id: None, called: None };
        let entry = Entry { seq: Seq(7), at: Wall::default(), event: rang };
        journald.write(&mut LinesOfCalls::default(), &entry).unwrap();
        let mut datagram = [0; 4096];
        let length = server.recv(&mut datagram).unwrap();
        std::fs::remove_file(path).unwrap();
        let expected = format!(
            "MESSAGE=main c12: rings (caller unknown)\nMESSAGE_ID={}\nPRIORITY=6\nSYSLOG_IDENTIFIER=dialback\n\
             DIALBACK_EVENT=rang\nDIALBACK_SEQ=7\nDIALBACK_LINE=main\nDIALBACK_CALL=c12\n",
            message_id("rang")
        );
        assert_eq!(String::from_utf8_lossy(&datagram[..length]), expected);
        assert_eq!(message_id("rang").len(), 32);
    }

    #[test]
    fn a_text_of_several_lines_can_not_become_a_field() {
        let mut to = Vec::new();
        field(&mut to, "MESSAGE", "a\nPRIORITY=0");
        assert_eq!(to, b"MESSAGE\n\x0c\0\0\0\0\0\0\0a\nPRIORITY=0\n");
    }
}

//! Events as RFC 5424 messages: how they are written, and the follower that sends them to one host.
//!
//! ```text
//! <86>1 2026-11-22T23:09:21.196+01:00 orion dialback - rang [meta sequenceId="12"]
//!     [dialback@32473 line="office" call="c1"] rings (caller 5550199)
//! ```
//!
//! The number 32473 is the one that RFC 5612 keeps for examples: the project has none of its own.
//!
//! A batch of messages and the place behind it are one thought: the place moves only when all of the batch was
//! handed to the kernel. TCP does not tell what has arrived when a connection breaks, so what was written last may
//! be lost or doubled then; `sequenceId` shows both.

mod wire;

use std::sync::Arc;

use calls::config::relay::{Relay, Syslog, Transport};
use calls::vocabulary::Entry;
use jiff::tz::Offset;

use super::follow::Receiver;
use super::ledger::{Ledger, Place};
use super::observatory::Observatory;
use crate::exit::{Code, Failure};
use crate::log::{Fields, LinesOfCalls, fields, shown, syslog_severity};
use wire::Wire;

/// The longest message. RFC 5425 §4.3.1 asks receivers to take 8192 octets; those of UDP should take 2048.
const LONGEST: usize = 8192;
/// The longest message by UDP (RFC 5426 §3.2).
const LONGEST_DATAGRAM: usize = 2048;
/// The longest value in octets, before it is escaped. Six of them, all escaped, and the longest header leave room for
/// words in a datagram; only the name that a caller gives can be so long.
const LONGEST_VALUE: usize = 128;
/// RFC 5424 §7.3.1: sequenceId wraps to 1 behind this.
const LAST_SEQUENCE_ID: u64 = 2_147_483_647;

/// One event as one message, without framing.
pub(super) fn message(
    facility: u8,
    host: &str,
    entry: &Entry,
    fields: &Fields,
    longest: usize,
) -> Vec<u8> {
    let priority = facility * 8 + syslog_severity(fields.severity);
    let sequence = (entry.seq.0.saturating_sub(1) % LAST_SEQUENCE_ID) + 1;
    let mut text = format!(
        "<{priority}>1 {} {} dialback - {} [meta sequenceId=\"{sequence}\"][dialback@32473",
        timestamp(entry),
        header(host, 255),
        header(&fields.event, 32),
    );
    for (name, value) in &fields.names {
        let value = value.get(..value.floor_char_boundary(LONGEST_VALUE)).unwrap_or_default();
        text.push_str(&format!(" {name}=\"{}\"", escaped(value)));
    }
    text.push_str("] ");
    // Only the words are cut: half an element is a malformed message.
    let room = fields.text.floor_char_boundary(longest.saturating_sub(text.len()));
    text.push_str(fields.text.get(..room).unwrap_or_default());
    text.into_bytes()
}

/// RFC 3339 with milliseconds, in the local time that the entry has.
fn timestamp(entry: &Entry) -> String {
    let utc = jiff::Timestamp::from_millisecond(entry.at.unix_ms).ok();
    let offset = Offset::from_seconds(entry.at.offset_s).ok();
    match utc.zip(offset) {
        Some((utc, offset)) => {
            let shown = format!("{:.3}", utc.display_with_offset(offset));
            shown
        }
        // A clock beyond the year 9999: RFC 5424 has a word for no time.
        None => "-".to_owned(),
    }
}

/// A field of the header: printable ASCII without blanks (§6).
fn header(text: &str, longest: usize) -> String {
    let text: String = text.chars().filter(char::is_ascii_graphic).take(longest).collect();
    if text.is_empty() { "-".to_owned() } else { text }
}

/// A value of structured data (§6.3.3).
fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for letter in value.chars() {
        if matches!(letter, '"' | '\\' | ']') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// The follower that sends to one host.
#[derive(Debug)]
pub(crate) struct Sender {
    host: Syslog,
    own_name: String,
    name: String,
    ledger: Ledger,
    observatory: Arc<Observatory>,
    lines: LinesOfCalls,
    wire: Option<Wire>,
    batch: Vec<Vec<u8>>,
}

impl Sender {
    /// Goes on where it left off.
    pub(crate) fn open(
        host: &Syslog,
        relay: &Relay,
        observatory: &Arc<Observatory>,
    ) -> Result<Self, Failure> {
        let ledger = Ledger::open(&relay.state_dir)
            .map_err(|fault| Failure::new(Code::InputOutput, fault.to_string()))?;
        if host.transport == Transport::Tls {
            // A file that can't be read is told at the start, and not in the night.
            super::tls::client(host.ca_file.as_deref())
                .map_err(|e| Failure::new(Code::Configuration, e))?;
        }
        Ok(Self {
            host: host.clone(),
            own_name: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            name: format!("syslog:{}", host.name),
            ledger,
            observatory: Arc::clone(observatory),
            lines: LinesOfCalls::default(),
            wire: None,
            batch: Vec::new(),
        })
    }

    fn send(&mut self) -> Result<(), String> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let at = format!("{}:{}", self.host.host, self.host.port);
        let mut wire = match self.wire.take().filter_map_alive() {
            Some(wire) => wire,
            None => Wire::connect(&self.host).map_err(|e| format!("{at}: {e}"))?,
        };
        // A wire that fails is dropped, and so is the batch: it comes again from the journal.
        let batch = std::mem::take(&mut self.batch);
        wire.send(&batch).map_err(|e| format!("{at}: {e}"))?;
        for _ in &batch {
            self.observatory.delivered(&self.name, "sent");
        }
        self.wire = Some(wire);
        Ok(())
    }
}

/// A wire whose other end is still there.
trait Alive {
    fn filter_map_alive(self) -> Option<Wire>;
}

impl Alive for Option<Wire> {
    fn filter_map_alive(self) -> Option<Wire> {
        let mut wire = self?;
        wire.is_open().then_some(wire)
    }
}

impl Receiver for Sender {
    fn name(&self) -> &str {
        &self.name
    }

    fn place(&mut self) -> Result<Option<Place>, String> {
        self.batch.clear();
        let place = self.ledger.place(&self.name).map_err(|e| e.to_string())?;
        if let Some(place) = &place {
            self.observatory.at(&self.name, place.seq);
        }
        Ok(place)
    }

    fn take(&mut self, entry: &Entry, _: &str) -> Result<(), String> {
        let entry = match shown(entry, self.host.numbers) {
            Ok(entry) => entry,
            Err(unmasked) => {
                tracing::error!("{}: {unmasked}", self.name);
                return Ok(());
            }
        };
        let entry = &*entry;
        let fields = fields(&mut self.lines, entry);
        if self.host.filter.takes(&fields.event, &entry.event) {
            let longest = match self.host.transport {
                Transport::Udp => LONGEST_DATAGRAM,
                Transport::Tcp | Transport::Tls => LONGEST,
            };
            self.batch.push(message(self.host.facility, &self.own_name, entry, &fields, longest));
        }
        Ok(())
    }

    fn commit(&mut self, place: &Place) -> Result<(), String> {
        self.send().inspect_err(|_| self.observatory.delivered(&self.name, "failed"))?;
        let kept = self.ledger.advance(&self.name, place, None, &[], super::now_ms());
        kept.map_err(|e| e.to_string())?;
        self.observatory.at(&self.name, place.seq);
        Ok(())
    }

    fn connected(&mut self, _: bool) {}
}

#[cfg(test)]
mod tests;

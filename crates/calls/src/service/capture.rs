//! What a PPP call's frames become for the file that is kept of it: pcap, within its limit.
//!
//! It does not know the file: records come out, and somebody appends them.

use std::path::PathBuf;
use std::time::Duration;

use ppp::capture::{self, Direction};
use ppp::time::Instant;

use crate::config::capture::Capture as Settings;
use crate::vocabulary::{CallId, CaptureOutput, Now};

/// The capture of one link.
#[derive(Debug)]
pub(super) struct Capture {
    frames: capture::Capture,
    file: PathBuf,
    /// What is to be written next; the file is begun by it.
    begin: Option<CaptureOutput>,
    records: Vec<u8>,
    /// How many octets the file may still take.
    room: usize,
}

impl Capture {
    pub(super) fn begin(settings: &Settings, call: CallId, now: Now) -> Self {
        let wall = Duration::from_millis(u64::try_from(now.wall.unix_ms).unwrap_or(0));
        let epoch = wall.saturating_sub(Duration::from_micros(now.at.as_micros()));
        let (frames, header) = capture::Capture::new(epoch);
        let file = settings.directory.join(format!("{call}.pcap"));
        Self {
            frames: frames
                .with_passwords(settings.passwords)
                .with_octets_of_packets(settings.packets),
            begin: Some(CaptureOutput::Begin { file: file.clone(), keep: settings.keep }),
            file,
            room: settings.limit.saturating_sub(header.len()),
            records: header,
        }
    }

    /// Octets have passed on the line.
    pub(super) fn passed(&mut self, now: Instant, direction: Direction, octets: &[u8]) {
        if self.room == 0 {
            return;
        }
        let records = self.frames.octets(now, direction, octets);
        match self.room.checked_sub(records.len()) {
            Some(room) => {
                self.room = room;
                self.records.extend(records);
            }
            // A file ends with a whole record, and with the first that has no room.
            None => self.room = 0,
        }
    }

    /// What is to be written now.
    pub(super) fn poll(&mut self) -> Option<CaptureOutput> {
        if let Some(begin) = self.begin.take() {
            return Some(begin);
        }
        if self.records.is_empty() {
            return None;
        }
        let octets = std::mem::take(&mut self.records);
        Some(CaptureOutput::Append { file: self.file.clone(), octets })
    }
}

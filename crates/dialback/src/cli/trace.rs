//! `dialback calls --trace`: what PPP negotiated on a call, packet by packet, from the call's capture.
//!
//! It reads the file and needs no running server; the words are `ppp::words`. A capture that is being written is
//! read as far as it goes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use calls::config::capture::Capture;
use calls::vocabulary::{CallId, Wall};
use ppp::capture::{Captured, Direction, frames};
use ppp::words;
use serde::Serialize;

use super::Whereabouts;
use crate::capture::list;
use crate::clock::written;
use crate::config;
use crate::exit::{Code, Failure};
use crate::out::{self, Ink, Palette};

/// One packet, for programs.
#[derive(Debug, Serialize)]
struct Packet {
    /// Since 1970, in microseconds.
    unix_us: u64,
    direction: &'static str,
    protocol: String,
    protocol_number: String,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u8>,
    parts: Vec<String>,
    /// How long the packet was.
    octets: usize,
    /// The packet, as far as it was captured.
    hex: String,
}

/// Shows the capture of `call`, or the newest one.
pub(super) fn run(server: &Whereabouts, call: Option<&str>, json: bool) -> Result<(), Failure> {
    let path = match call {
        Some(file) if file.contains('/') || file.ends_with(".pcap") => PathBuf::from(file),
        Some(call) => of_call(&captures(server)?, call)?,
        None => newest(&captures(server)?.directory)?,
    };
    let file = std::fs::read(&path).map_err(|e| {
        let missing = e.kind() == std::io::ErrorKind::NotFound;
        let hint =
            if missing { ": not a PPP call, or its capture is gone (capture_keep)" } else { "" };
        Failure::new(Code::InputOutput, format!("{}: {e}{hint}", path.display()))
    })?;
    let packets = frames(&file)
        .map_err(|e| Failure::new(Code::InputOutput, format!("{}: {e}", path.display())))?;
    if json {
        for packet in packets {
            let text = serde_json::to_string(&for_programs(&packet))
                .map_err(|e| Failure::new(Code::System, format!("writing JSON: {e}")))?;
            if !out::line(text) {
                break;
            }
        }
        return Ok(());
    }
    out::line(path.display());
    let mut began = None;
    for packet in packets {
        let began = *began.get_or_insert_with(|| {
            out::line(written(wall(packet.at)));
            packet.at
        });
        if !out::line(line(Palette::stdout(), began, &packet)) {
            break;
        }
    }
    Ok(())
}

fn captures(server: &Whereabouts) -> Result<Capture, Failure> {
    let path = server.config_path();
    let Some(config) = config::read(path).config else {
        return Err(Failure::new(
            Code::Configuration,
            format!("{}: faulty, or not readable: see dialback check", path.display()),
        ));
    };
    config.ppp.and_then(|ppp| ppp.capture).ok_or_else(|| {
        Failure::new(
            Code::Configuration,
            format!(
                "{}: nothing is captured: write capture_dir = \"/var/lib/dialback/captures\" into [ppp]",
                path.display()
            ),
        )
    })
}

fn of_call(capture: &Capture, call: &str) -> Result<PathBuf, Failure> {
    let number = call.strip_prefix('c').unwrap_or(call).parse().map_err(|_| {
        Failure::new(Code::Usage, format!("\"{call}\" is no call: write 12, c12, or a pcap file"))
    })?;
    Ok(capture.directory.join(format!("{}.pcap", CallId(number))))
}

fn newest(directory: &Path) -> Result<PathBuf, Failure> {
    let failure =
        |why: String| Failure::new(Code::InputOutput, format!("{}: {why}", directory.display()));
    let captures = list(directory).map_err(|e| failure(e.to_string()))?;
    match captures.into_iter().next_back() {
        Some((_, path)) => Ok(path),
        None => Err(failure("there is no capture yet".to_owned())),
    }
}

/// `   0.124  <-  LCP Configure-Request 1: callback by CBCP`; `<-` is from the caller.
fn line(palette: Palette, began: Duration, packet: &Captured<'_>) -> String {
    let words = words::of(packet.protocol, packet.information);
    let after = packet.at.saturating_sub(began);
    let (arrow, ink) = match packet.direction {
        Direction::Received => ("<-", Ink::Cyan),
        Direction::Sent => ("->", Ink::Green),
    };
    let (seconds, ms) = (after.as_secs(), after.subsec_millis());
    format!("{seconds:>4}.{ms:03}  {}  {words}", palette.paint(ink, arrow))
}

/// The time in UTC: a capture does not know what time it was locally.
fn wall(at: Duration) -> Wall {
    Wall { unix_ms: i64::try_from(at.as_millis()).unwrap_or(i64::MAX), offset_s: 0 }
}

fn for_programs(packet: &Captured<'_>) -> Packet {
    let words = words::of(packet.protocol, packet.information);
    Packet {
        unix_us: u64::try_from(packet.at.as_micros()).unwrap_or(u64::MAX),
        direction: match packet.direction {
            Direction::Received => "received",
            Direction::Sent => "sent",
        },
        protocol: words.protocol,
        protocol_number: format!("{:04x}", packet.protocol.0),
        kind: words.kind,
        id: words.id,
        parts: words.parts,
        octets: packet.whole,
        hex: packet.information.iter().map(|octet| format!("{octet:02x}")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use ppp::capture::Capture;
    use ppp::framing::Framing;
    use ppp::protocol::Protocol;
    use ppp::time::Instant;

    use super::*;

    #[test]
    fn a_packet_is_one_line_for_people_and_one_object_for_programs() {
        let (mut capture, mut file) = Capture::new(Duration::from_secs(1_000));
        for (ms, direction) in [(0, Direction::Received), (1_250, Direction::Sent)] {
            let mut frame = Vec::new();
            Framing::DEFAULT.encode(Protocol::CBCP, &[1, 1, 0, 6, 1, 2], &mut frame);
            file.extend(capture.octets(Instant::from_micros(ms * 1_000), direction, &frame));
        }
        let packets: Vec<Captured<'_>> = frames(&file).unwrap().collect();
        let lines: Vec<String> =
            packets.iter().map(|packet| line(Palette::none(), packets[0].at, packet)).collect();
        assert_eq!(
            lines,
            [
                "   0.000  <-  CBCP Request 1: no callback",
                "   1.250  ->  CBCP Request 1: no callback"
            ]
        );
        assert_eq!(
            serde_json::to_string(&for_programs(&packets[1])).unwrap(),
            r#"{"unix_us":1001250000,"direction":"sent","protocol":"CBCP","protocol_number":"c029","kind":"Request","id":1,"parts":["no callback"],"octets":6,"hex":"010100060102"}"#
        );
    }
}

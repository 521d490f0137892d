//! `--capture FILE`: what passes by PPP, on both calls, as pcap for `dialback calls --trace`, tshark and Wireshark.
//!
//! As on the server, passwords are out of it and of packets only the headers are kept. A call goes on without it
//! when the disk is full.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use ::ppp::capture::{Capture, Direction};
use ::ppp::time::Instant;

/// An IP header and that of what it carries.
const PACKETS: usize = 68;

/// A capture that is being written.
#[derive(Debug)]
pub(super) struct Tape {
    frames: Capture,
    file: File,
}

impl Tape {
    /// Begins the file anew, readable by its owner only.
    pub(super) fn begin(path: &Path, now: Instant) -> Result<Self, String> {
        let fault = |e: io::Error| format!("{}: {e}", path.display());
        match fs::symlink_metadata(path) {
            // We are root mostly: /dev/null or /dev/stdout would be gone for everybody.
            Ok(seen) if !seen.is_file() => {
                return Err(format!("{}: no regular file: name a file", path.display()));
            }
            Ok(_) => fs::remove_file(path).map_err(fault)?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(fault(e)),
        }
        let mut file =
            File::options().write(true).create_new(true).mode(0o600).open(path).map_err(fault)?;
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let epoch = wall.saturating_sub(Duration::from_micros(now.as_micros()));
        let (frames, header) = Capture::new(epoch);
        file.write_all(&header).map_err(fault)?;
        Ok(Self { frames: frames.with_octets_of_packets(PACKETS), file })
    }

    /// Octets have passed on the line.
    pub(super) fn passed(
        &mut self,
        now: Instant,
        direction: Direction,
        octets: &[u8],
    ) -> Result<(), String> {
        let records = self.frames.octets(now, direction, octets);
        self.file.write_all(&records).map_err(|e| format!("the capture: {e}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_begun_anew_and_what_is_no_file_is_left_alone() {
        let folder = std::env::temp_dir().join(format!("dialback-tape-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let (file, link) = (folder.join("file"), folder.join("link"));
        fs::write(&file, "old").unwrap();
        drop(Tape::begin(&file, Instant::from_micros(0)).unwrap());
        assert_ne!(fs::read(&file).unwrap(), b"old");
        // As /dev/stdout is one: root may take it away, and nobody has it any more.
        std::os::unix::fs::symlink("file", &link).unwrap();
        let told = Tape::begin(&link, Instant::from_micros(0)).unwrap_err();
        assert!(told.contains("link: no regular file") && told.contains("name a file"), "{told}");
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("file"));
        fs::remove_dir_all(folder).unwrap();
    }
}

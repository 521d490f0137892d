//! The files of captures, in memory.

use std::collections::BTreeMap;
use std::path::PathBuf;

use calls::vocabulary::{CallId, CaptureOutput};

/// The directory of captures.
#[derive(Debug, Default)]
pub(super) struct Captures(BTreeMap<PathBuf, Vec<u8>>);

impl Captures {
    pub(super) fn write(&mut self, output: CaptureOutput) {
        match output {
            CaptureOutput::Begin { file, keep: _ } => {
                self.0.insert(file, Vec::new());
            }
            CaptureOutput::Append { file, octets } => {
                self.0.entry(file).or_default().extend(octets);
            }
        }
    }

    pub(super) fn of(&self, call: CallId) -> Option<&[u8]> {
        let name = format!("{call}.pcap");
        let mut files = self.0.iter();
        files.find(|(path, _)| path.ends_with(&name)).map(|(_, file)| file.as_slice())
    }
}

//! `dialback import`: what other programs have been told of a call, as a peer file of ours; and line by line what
//! was left out, and why.
//!
//! It reads the text that it is given. It deliberately does not know where files are.

pub(crate) mod pppd;
#[cfg(test)]
mod tests;
mod wvdial;

use std::fmt::Write as _;

/// The largest file that is read: nobody's is larger, and a device must not fill the memory.
pub(crate) const MAX_FILE: u64 = 256 * 1024;

/// What became of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Imported {
    /// The peer file's text.
    pub(crate) peer: String,
    /// What to know about it, in the order of the lines.
    pub(crate) remarks: Vec<Remark>,
}

/// A line that was not simply taken over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Remark {
    /// From 1; 0 for what concerns the whole file.
    pub(crate) line: usize,
    /// What stands there.
    pub(crate) what: String,
    /// What became of it, and why.
    pub(crate) why: String,
}

/// Reads a file of pppd's or wvdial's. `section`: which `[Dialer ...]` of a wvdial.conf.
pub(crate) fn read(text: &str, section: Option<&str>) -> Result<Imported, String> {
    if wvdial::is_one(text) { wvdial::read(text, section) } else { pppd::read(text) }
}

/// A peer file in the making.
#[derive(Debug, Default)]
struct Sheet {
    text: String,
    remarks: Vec<Remark>,
}

impl Sheet {
    fn remark(&mut self, line: usize, what: &str, why: impl Into<String>) {
        self.remarks.push(Remark { line, what: what.to_owned(), why: why.into() });
    }

    fn section(&mut self, name: &str) {
        let _ = write!(self.text, "\n[{name}]\n");
    }

    fn text(&mut self, key: &str, value: &str) {
        let _ = writeln!(self.text, "{key} = {}", toml::Value::from(value));
    }

    fn plain(&mut self, key: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.text, "{key} = {value}");
    }

    fn list(&mut self, key: &str, values: &[String]) {
        let _ = writeln!(self.text, "{key} = {}", toml::Value::from(values.to_vec()));
    }

    fn done(mut self) -> Imported {
        self.remarks.sort_by_key(|remark| remark.line);
        Imported { peer: self.text, remarks: self.remarks }
    }
}

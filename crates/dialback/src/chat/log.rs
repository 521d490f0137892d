//! Where chat's words go: syslog (facility LOCAL2), standard error, and the file for reports.
//!
//! What cannot be written is dropped: a script must not fail because nobody listens.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use jiff::Zoned;
use proto::chat::Severity;

use super::command_line::{Plan, ReportFile};

/// Where syslog listens.
const SYSLOG: &str = "/dev/log";

/// Facility LOCAL2 with the severity, RFC 3164 §4.1.1.
fn priority(severity: Severity) -> u8 {
    const LOCAL2: u8 = 18 << 3;
    match severity {
        Severity::Error => LOCAL2 | 3,
        Severity::Info => LOCAL2 | 6,
    }
}

/// The date in front of a line of syslog, and (with a 0 before a one-digit day) of a report.
fn date(at: &Zoned, form: &str) -> String {
    at.strftime(form).to_string()
}

/// What one run says, and to whom.
#[derive(Debug)]
pub(super) struct Log {
    syslog: Option<Syslog>,
    to_stderr: bool,
    verbose: bool,
    report: Report,
}

#[derive(Debug)]
enum Report {
    /// No `-r`.
    ToStderr,
    /// `-r`, and the file could not be opened: the reports go to standard error, which is closed at the end.
    Instead(Vec<u8>),
    ToFile(File, Vec<u8>),
}

impl Log {
    pub(super) fn open(plan: &Plan, report_files: &[ReportFile]) -> Self {
        let mut report = Report::ToStderr;
        for ReportFile { name, noted } in report_files {
            let path = Path::new(OsStr::from_bytes(name));
            report = match OpenOptions::new().append(true).create(true).open(path) {
                Ok(mut file) => {
                    if *noted {
                        write(&mut file, &[b"Opening \"", name, b"\"...\n"]);
                    }
                    Report::ToFile(file, name.clone())
                }
                Err(_) => Report::Instead(name.clone()),
            };
        }
        let syslog = plan.to_syslog.then(|| Syslog::open(Path::new(SYSLOG))).flatten();
        Self { syslog, to_stderr: plan.to_stderr, verbose: plan.options.verbose, report }
    }

    /// A line of the log. Without `-v` syslog gets what is an error and no more.
    pub(super) fn line(&mut self, severity: Severity, line: &[u8]) {
        if let Some(syslog) = &mut self.syslog
            && (self.verbose || severity == Severity::Error)
        {
            syslog.say(severity, line, &Zoned::now());
        }
        if self.to_stderr {
            write(&mut io::stderr(), &[line, b"\n"]);
        }
    }

    /// A report, whose string was found at `found`.
    pub(super) fn report(&mut self, found: &Zoned, text: &[u8]) {
        let when = date(found, "%b %d %H:%M:%S ");
        let parts: [&[u8]; 4] = [b"chat:  ", when.as_bytes(), text, b"\n"];
        match &mut self.report {
            Report::ToStderr | Report::Instead(_) => write(&mut io::stderr(), &parts),
            Report::ToFile(file, _) => write(file, &parts),
        }
    }

    /// The end of the reports. chat closes what they went to: its last words may go to syslog alone.
    pub(super) fn close_reports(&mut self) {
        let parts = |name: &[u8]| [b"Closing \"", name, b"\".\n"].concat();
        match &mut self.report {
            Report::ToStderr => {}
            Report::Instead(name) => {
                if self.verbose {
                    write(&mut io::stderr(), &[&parts(name)]);
                }
                self.to_stderr = false;
            }
            Report::ToFile(file, name) => {
                if self.verbose {
                    write(file, &[&parts(name)]);
                }
            }
        }
        self.report = Report::ToStderr;
    }
}

/// To standard error, as it is.
pub(super) fn say(text: &[u8]) {
    write(&mut io::stderr(), &[text]);
}

/// How chat is called.
pub(super) fn usage(name: &[u8]) {
    let parts: [&[u8]; 3] = [
        b"Usage: ",
        name,
        b" [-e] [-E] [-v] [-V] [-t timeout] [-r report-file]\n     \
          [-T phone-number] [-U phone-number2] {-f chat-file | chat-script}\n",
    ];
    write(&mut io::stderr(), &parts);
}

/// One write for all parts, so that lines of several programs do not mix.
fn write(to: &mut impl Write, parts: &[&[u8]]) {
    // Nobody is left to tell.
    let _ = to.write_all(&parts.concat());
}

/// A connection to the system's log.
#[derive(Debug)]
struct Syslog {
    socket: UnixDatagram,
    path: std::path::PathBuf,
}

impl Syslog {
    fn open(path: &Path) -> Option<Self> {
        let socket = UnixDatagram::unbound().ok()?;
        socket.connect(path).ok()?;
        Some(Self { socket, path: path.to_owned() })
    }

    /// RFC 3164 as the C library writes it: priority, date, name with process id, text.
    fn say(&mut self, severity: Severity, line: &[u8], now: &Zoned) {
        let head = format!(
            "<{}>{} chat[{}]: ",
            priority(severity),
            date(now, "%b %e %H:%M:%S"),
            std::process::id()
        );
        let message = [head.as_bytes(), line].concat();
        if self.socket.send(&message).is_err()
            && let Some(again) = Self::open(&self.path)
        {
            // The log was restarted.
            *self = again;
            let _ = self.socket.send(&message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_syslog_is_what_the_c_library_writes_and_a_restarted_log_is_found() {
        let path = std::env::temp_dir().join(format!("dialback-chat-log-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let first = UnixDatagram::bind(&path).unwrap();
        let mut syslog = Syslog::open(&path).unwrap();
        // Made without the system's time zones, which a small machine may lack.
        let now = jiff::civil::date(2026, 11, 2).at(8, 9, 10, 0);
        let now = now.to_zoned(jiff::tz::TimeZone::UTC).unwrap();
        let id = std::process::id();
        let mut buffer = [0; 200];
        syslog.say(Severity::Info, b"send (AT^M)", &now);
        let got = first.recv(&mut buffer).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&buffer[..got]),
            format!("<150>Nov  2 08:09:10 chat[{id}]: send (AT^M)")
        );
        drop(first);
        std::fs::remove_file(&path).unwrap();
        let second = UnixDatagram::bind(&path).unwrap();
        syslog.say(Severity::Error, b"SIGTERM", &now);
        let got = second.recv(&mut buffer).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&buffer[..got]),
            format!("<147>Nov  2 08:09:10 chat[{id}]: SIGTERM")
        );
        std::fs::remove_file(&path).unwrap();
    }
}

//! The table of cases: how it is written and read.
//!
//! ```text
//! [a_sentence_name]                 starts a case; a line that starts with # is for people
//! differs: why                      the real chat is not run: it crashes here, or worse
//! run: -v '' 'A B' \T               the command line: blanks separate, '...' keeps together, no other escapes
//! script:                           or a file: its lines, each after "  |"
//!   |ABORT BUSY
//! file: name contents               a file in the working directory; contents escaped
//! env: NAME value                   escaped
//! tty: cooked | none                how the line is before; raw, if not said
//! ctty:                             the line is the controlling terminal
//! takes: 900..2500                  milliseconds
//!   > A\r                           the far end waits for this      < OK       and sends this
//!   ~ 300                           waits, in ms                    % 200 ...  sends a byte each so many ms
//!   ! TERM                          sends a signal                  # hang up  closes the line
//!   ? modes                         looks at the terminal's modes
//! exit: 0                           what must be seen; escaped
//! sent: A\r
//! stderr: x
//! wrote: name contents              a file afterwards
//! ```
//!
//! Anywhere `{x*1025}` is 1025 times x, and `{\xHH}` is that byte. Dates are written DATE, the program PROGRAM.

use std::fmt::Write as _;
use std::ops::Range;

/// What the far end does.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Await(Vec<u8>),
    Send(Vec<u8>),
    Pause(u64),
    Drip(u64, Vec<u8>),
    Signal(String),
    HangUp,
    Look,
}

/// What must be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) exit: String,
    pub(crate) sent: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) wrote: Vec<(String, Vec<u8>)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    pub(crate) number: usize,
    pub(crate) name: String,
    pub(crate) differs: Option<String>,
    pub(crate) words: Vec<Vec<u8>>,
    pub(crate) script: Option<Vec<u8>>,
    pub(crate) files: Vec<(String, Vec<u8>)>,
    pub(crate) env: Vec<(String, Vec<u8>)>,
    pub(crate) tty: String,
    pub(crate) controlling: bool,
    pub(crate) takes: Option<Range<u64>>,
    pub(crate) peer: Vec<Act>,
    pub(crate) wanted: Record,
}

impl Record {
    pub(crate) fn differences(&self, got: &Self) -> Vec<(&'static str, String, String)> {
        let shown = |text: &[u8]| text.escape_ascii().to_string();
        let files = |r: &Self| {
            format!("{:?}", r.wrote.iter().map(|(n, t)| (n, shown(t))).collect::<Vec<_>>())
        };
        [
            ("exit", self.exit.clone(), got.exit.clone()),
            ("sent", shown(&self.sent), shown(&got.sent)),
            ("stderr", shown(&self.stderr), shown(&got.stderr)),
            ("files", files(self), files(got)),
        ]
        .into_iter()
        .filter(|(_, want, got)| want != got)
        .collect()
    }
}

/// Expands `{x*N}` and `{\xHH}`.
fn expand(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        out.extend(&rest.as_bytes()[..at]);
        rest = &rest[at..];
        let inner = rest.find('}').map(|end| &rest[1..end]);
        let bytes = inner.and_then(|inner| {
            if let Some(hex) = inner.strip_prefix("\\x") {
                return Some(vec![u8::from_str_radix(hex, 16).ok()?]);
            }
            let (what, times) = inner.rsplit_once('*')?;
            Some(what.as_bytes().repeat(times.parse().ok()?))
        });
        if let (Some(bytes), Some(inner)) = (bytes, inner) {
            out.extend(bytes);
            rest = &rest[inner.len() + 2..];
        } else {
            out.push(b'{');
            rest = &rest[1..];
        }
    }
    out.extend(rest.as_bytes());
    out
}

/// The inverse of `escape_ascii`, after expansion.
fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let text = expand(text);
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'r') => b'\r',
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'x') => {
                    let hex = [bytes.next().unwrap(), bytes.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap()
                }
                Some(other) => other,
                None => panic!("a backslash ends {:?}", String::from_utf8_lossy(&out)),
            },
            other => other,
        });
    }
    out
}

fn words(text: &str) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'').expect("a closed quote"),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(expand(word));
        rest = after.trim_start();
    }
    words
}

fn act(line: &str) -> Act {
    let (mark, text) = line.split_at(1);
    let text = text.strip_prefix(' ').unwrap_or(text);
    match mark {
        ">" => Act::Await(unescape(text)),
        "<" => Act::Send(unescape(text)),
        "~" => Act::Pause(text.parse().expect("milliseconds")),
        "%" => {
            let (gap, text) = text.split_once(' ').expect("a gap and a text");
            Act::Drip(gap.parse().expect("milliseconds"), unescape(text))
        }
        "!" => Act::Signal(text.to_owned()),
        "#" => Act::HangUp,
        "?" => Act::Look,
        _ => panic!("what is {line:?}?"),
    }
}

fn named(text: &str) -> (String, Vec<u8>) {
    let (name, value) = text.split_once(' ').unwrap_or((text, ""));
    (name.to_owned(), unescape(value))
}

/// Reads the table.
pub(crate) fn parse(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if let Some(name) = line.strip_prefix('[') {
            let name = name.trim_end_matches(']').to_owned();
            assert!(cases.iter().all(|case| case.name != name), "{name} twice");
            cases.push(Case { number: cases.len(), name, tty: "raw".into(), ..Case::default() });
            continue;
        }
        let case = cases.last_mut().expect("a case");
        if let Some(text) = line.strip_prefix("  |") {
            let script = case.script.get_or_insert_default();
            script.extend(expand(text));
            script.push(b'\n');
        } else if let Some(line) = line.strip_prefix("  ") {
            case.peer.push(act(line));
        } else {
            let (key, value) = line.split_once(':').unwrap_or_else(|| panic!("what is {line:?}?"));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match key {
                "differs" => case.differs = Some(value.to_owned()),
                "run" => case.words = words(value),
                "script" => case.script = Some(Vec::new()),
                "file" => case.files.push(named(value)),
                "env" => case.env.push(named(value)),
                "tty" => value.clone_into(&mut case.tty),
                "ctty" => case.controlling = true,
                "takes" => {
                    let (from, to) = value.split_once("..").expect("from..to");
                    case.takes = Some(from.parse().unwrap()..to.parse().unwrap());
                }
                "exit" => value.clone_into(&mut case.wanted.exit),
                "sent" => case.wanted.sent = unescape(value),
                "stderr" => case.wanted.stderr = unescape(value),
                "wrote" => case.wanted.wrote.push(named(value)),
                _ => panic!("what is {line:?}?"),
            }
        }
    }
    cases
}

/// Writes `bytes` escaped, long runs of one letter in short.
fn shorten(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut rest = bytes;
    while let Some(&first) = rest.first() {
        let run = rest.iter().take_while(|b| **b == first).count();
        if run > 20 && first.is_ascii_alphanumeric() {
            let _ = write!(out, "{{{}*{run}}}", char::from(first));
            rest = &rest[run..];
        } else {
            let _ = write!(out, "{}", [first].escape_ascii());
            rest = &rest[1..];
        }
    }
    out
}

/// The table `text` with what is wanted taken from `cases`.
pub(crate) fn show(text: &str, cases: &[Case]) -> String {
    const SEEN: [&str; 4] = ["exit:", "sent:", "stderr:", "wrote:"];
    let mut out = String::new();
    let mut open: Option<&Record> = None;
    let finish = |out: &mut String, record: Option<&Record>| {
        let Some(record) = record else { return };
        while out.ends_with("\n\n") {
            out.pop();
        }
        let _ = writeln!(out, "exit: {}", record.exit);
        let _ = writeln!(out, "sent: {}", shorten(&record.sent));
        let _ = writeln!(out, "stderr: {}", shorten(&record.stderr));
        for (name, text) in &record.wrote {
            let _ = writeln!(out, "wrote: {name} {}", shorten(text));
        }
        out.push('\n');
    };
    let mut cases = cases.iter();
    for line in text.lines() {
        let heads = line.starts_with('[') || line.starts_with("# --");
        if heads {
            finish(&mut out, open.take());
            open = if line.starts_with('[') { cases.next().map(|case| &case.wanted) } else { None };
        }
        if !SEEN.iter().any(|key| line.starts_with(key))
            && (heads || open.is_none() || !line.is_empty())
        {
            out.push_str(line);
            out.push('\n');
        }
    }
    finish(&mut out, open);
    out
}

//! What the server says while it runs: one line for each event of the journal, and diagnostics beside them.
//!
//! As text, for people:
//!
//! ```text
//! 2026-11-22 19:06:18.123  main  c12  rings (caller 5550199)
//! ```
//!
//! or as JSON, one object a line: the journal's entries exactly as they are kept (they have `"event"`), and
//! diagnostics (they have `"level"`). Both go to stderr. Or events go to systemd's journal, with fields.

mod fields;
mod journald;
mod mask;
mod sentence;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

use calls::vocabulary::{Entry, Event};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use crate::clock;
use crate::out::{self, Palette};
pub(crate) use fields::{Fields, fields, syslog_severity};
use journald::Journald;
pub(crate) use mask::{masked, shown};
use sentence::Sentence;
pub(crate) use sentence::{Tone, cause_words, method_words, sentence};

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Lines for people.
    #[default]
    Text,
    /// JSON lines for programs.
    Json,
    /// Events to systemd's journal, with fields; diagnostics as text.
    Journal,
}

impl Format {
    /// Its name on a command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Journal => "journal",
        }
    }
}

/// Diagnostics have the same time as events.
struct LocalTime;

impl FormatTime for LocalTime {
    fn format_time(&self, to: &mut Writer<'_>) -> std::fmt::Result {
        to.write_str(&clock::written(clock::wall()))
    }
}

/// Sets up diagnostics. `level` is a `tracing` filter: `info`, `debug`, `dialback=trace`.
pub(crate) fn start(format: Format, level: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(level)
        .map_err(|e| format!("--log-level {level}: {e}; write for instance: debug"))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_timer(LocalTime)
        .with_ansi(Palette::stderr().coloured());
    let done = match format {
        // journald has the time itself.
        Format::Journal => builder.with_target(false).without_time().try_init(),
        Format::Text => builder.with_target(false).try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
    done.map_err(|e| e.to_string())
}

/// Lines that may wait for a slow reader of stderr before they are left out.
const WAITING: usize = 10_000;

/// What the log's thread is to write.
#[derive(Debug)]
enum Waiting {
    Entry(Arc<Entry>),
    /// So many events are missing here.
    LeftOut(u64),
}

/// Writes events of the journal to stderr, on a thread of its own: a reader that has stopped reading
/// (a pager, a full pipe) must not stop the telephones. The journal itself leaves nothing out; where this log does, it says so
/// as soon as there is room again.
#[derive(Debug)]
pub(crate) struct EventLog {
    entries: SyncSender<Waiting>,
    left_out: u64,
    /// Closed when the thread has ended.
    ended: Receiver<()>,
}

/// How long a slow reader of stderr may keep the program from ending.
const LAST_LINES: Duration = Duration::from_secs(1);

impl EventLog {
    /// In this format; colour if stderr is a terminal. `numbers`: people may read telephone numbers whole there; the lines
    /// for programs are the journal's own entries in any case.
    pub(crate) fn start(format: Format, numbers: bool) -> io::Result<Self> {
        let palette = Palette::stderr();
        let journald = match format {
            Format::Text | Format::Json => None,
            Format::Journal => Some(Journald::open(Path::new(journald::SOCKET))?),
        };
        let mut lines = LinesOfCalls::default();
        Self::telling(WAITING, move |waiting| match waiting {
            Waiting::LeftOut(count) => say_left_out(count),
            Waiting::Entry(entry) => {
                match (shown(&entry, numbers || format == Format::Json), &journald) {
                    (Err(unmasked), _) => tracing::error!("{unmasked}"),
                    (Ok(entry), Some(journald)) => tell(journald, &mut lines, &entry),
                    (Ok(entry), None) => write(format, palette, &mut lines, &entry),
                }
            }
        })
    }

    /// The thread, with so many lines that may wait for it.
    fn telling(most: usize, mut tell: impl FnMut(Waiting) + Send + 'static) -> io::Result<Self> {
        let (entries, waiting) = sync_channel(most);
        let (ending, ended) = channel();
        std::thread::Builder::new().name("log".to_owned()).spawn(move || {
            let _ending: Sender<()> = ending;
            waiting.into_iter().for_each(&mut tell);
        })?;
        Ok(Self { entries, left_out: 0, ended })
    }

    /// One line. Never blocks.
    pub(crate) fn write(&mut self, entry: &Arc<Entry>) {
        if self.left_out > 0 && self.entries.try_send(Waiting::LeftOut(self.left_out)).is_ok() {
            self.left_out = 0;
        }
        // Behind those that are missing none may stand as if it came next.
        let room = self.left_out == 0;
        if !(room && self.entries.try_send(Waiting::Entry(Arc::clone(entry))).is_ok()) {
            self.left_out += 1;
        }
    }

    /// Waits until everything is written, but not for a reader that has stopped reading.
    pub(crate) fn finish(self) {
        drop(self.entries);
        let stuck = self.ended.recv_timeout(LAST_LINES) == Err(RecvTimeoutError::Timeout);
        if !stuck && self.left_out > 0 {
            say_left_out(self.left_out);
        }
    }
}

fn say_left_out(count: u64) {
    tracing::warn!("{count} events were left out of this log here; the journal has them");
}

fn write(format: Format, palette: Palette, lines: &mut LinesOfCalls, entry: &Entry) {
    match format {
        Format::Text | Format::Journal => out::error(text_line(palette, lines, entry)),
        Format::Json => match serde_json::to_string(entry) {
            Ok(json) => out::error(json),
            Err(e) => tracing::error!("an event has no JSON: {e}"),
        },
    }
}

/// An event that journald does not take is a line of text: a unit's stderr is the journal too.
fn tell(journald: &Journald, lines: &mut LinesOfCalls, entry: &Entry) {
    if journald.write(lines, entry).is_err() {
        write(Format::Text, Palette::stderr(), lines, entry);
    }
}

/// Which line each call is on: most events of a call do not repeat it, and people want to see it.
#[derive(Debug, Default)]
pub(crate) struct LinesOfCalls {
    of: BTreeMap<String, String>,
}

impl LinesOfCalls {
    fn of(&mut self, said: &Sentence<'_>, event: &Event) -> String {
        let id = said.id.as_deref().unwrap_or_default();
        let line =
            said.line.or_else(|| self.of.get(id).map(String::as_str)).unwrap_or("-").to_owned();
        if let Event::Ended(_) = event {
            self.of.remove(id);
        } else if let Event::Alert { .. } = event {
            // It may come when the call is over, and nobody would take it out again.
        } else if said.line.is_some() && !id.is_empty() {
            self.of.insert(id.to_owned(), line.clone());
        }
        line
    }

    /// The call of the event that comes next is on this line, as somebody else knows.
    pub(crate) fn learn(&mut self, event: &Event, line: &str) {
        if let Some(id) = sentence(event).id {
            self.of.insert(id, line.to_owned());
        }
    }
}

/// One event as a sentence, in the colour of how it feels.
pub(crate) fn said(palette: Palette, event: &Event) -> String {
    let said = sentence(event);
    palette.paint(ink(said.tone), &said.text)
}

const fn ink(tone: Tone) -> out::Ink {
    match tone {
        Tone::Plain => out::Ink::Plain,
        Tone::Good => out::Ink::Green,
        Tone::Notice => out::Ink::Yellow,
        Tone::Bad => out::Ink::Red,
    }
}

/// An event as people are told it, in its parts.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// When, with the day.
    pub(crate) time: String,
    /// On which line; `-` if on none.
    pub(crate) line: String,
    /// The call, or else the promise; `-` if there is neither.
    pub(crate) id: String,
    /// What happened.
    pub(crate) text: String,
    /// How it feels.
    pub(crate) tone: Tone,
}

/// One event in its parts.
pub(crate) fn told(lines: &mut LinesOfCalls, entry: &Entry) -> Told {
    let said = sentence(&entry.event);
    let line = lines.of(&said, &entry.event);
    let id = said.id.unwrap_or_else(|| "-".to_owned());
    // Whatever an entry holds, and whoever wrote it: it is one line, and no orders to a terminal.
    let text = match said.text.contains(char::is_control) {
        true => said.text.replace(char::is_control, "?"),
        false => said.text,
    };
    Told { time: clock::written(entry.at), line, id, text, tone: said.tone }
}

/// One event as a line for people: time, line, call, sentence.
pub(crate) fn text_line(palette: Palette, lines: &mut LinesOfCalls, entry: &Entry) -> String {
    let told = told(lines, entry);
    let time = palette.paint(out::Ink::Dim, &told.time);
    let line = palette.paint(out::Ink::Cyan, &format!("{:<8}", told.line));
    let text = palette.paint(ink(told.tone), &told.text);
    format!("{time}  {line}  {:<5}  {text}", told.id)
}

#[cfg(test)]
mod tests {
    use calls::vocabulary::{CallId, Seq, SessionId, Wall};

    use super::*;

    #[test]
    fn an_entry_is_one_line_and_no_order_to_a_terminal() {
        let event = Event::Operated {
            who: "web".to_owned(),
            command: "hang-up x\n\x1b[2Jroot ordered: reload".to_owned(),
        };
        let entry = Entry { seq: Seq(1), at: Wall { unix_ms: 0, offset_s: 0 }, event };
        let line = text_line(Palette::none(), &mut LinesOfCalls::default(), &entry);
        assert!(line.ends_with("hang-up x??[2Jroot ordered: reload"), "{line:?}");
    }

    #[test]
    fn an_alert_about_a_call_that_is_over_leaves_nothing_behind() {
        let mut lines = LinesOfCalls::default();
        let alert = Event::Alert {
            alert: calls::alert::Alert::Loop,
            line: Some("main".to_owned()),
            call: Some(CallId(12)),
            user: None,
            reason: String::new(),
        };
        let entry = Entry { seq: Seq(1), at: Wall { unix_ms: 0, offset_s: 0 }, event: alert };
        let line = text_line(Palette::none(), &mut lines, &entry);
        assert!(line.contains("  main  "), "{line}");
        assert!(lines.of.is_empty(), "one for each call, for ever: {lines:?}");
    }

    #[test]
    fn what_a_slow_reader_has_missed_is_told_where_it_is_missing() {
        let (told, tells) = channel();
        let (read, reads) = channel::<()>();
        let mut log = EventLog::telling(2, move |waiting| {
            told.send(match waiting {
                Waiting::Entry(entry) => entry.seq.0.to_string(),
                Waiting::LeftOut(count) => format!("{count} missing"),
            })
            .unwrap();
            // A reader that has seen enough for now.
            reads.recv().unwrap_or(());
        })
        .unwrap();
        let mut write = |seq| {
            let at = Wall { unix_ms: 0, offset_s: 0 };
            log.write(&Arc::new(Entry { seq: Seq(seq), at, event: Event::ServerStopped }));
        };
        let next = || tells.recv_timeout(Duration::from_secs(20)).unwrap();
        write(1);
        assert_eq!(next(), "1");
        // Two may wait behind the one that is being read.
        (2..=6).for_each(&mut write);
        for seq in ["2", "3"] {
            read.send(()).unwrap();
            assert_eq!(next(), seq);
        }
        (7..=8).for_each(&mut write);
        for line in ["3 missing", "7"] {
            read.send(()).unwrap();
            assert_eq!(next(), line);
        }
        write(9);
        drop(read);
        assert_eq!((next(), next()), ("1 missing".to_owned(), "9".to_owned()));
        log.finish();
        assert!(tells.try_recv().is_err());
    }

    #[test]
    fn an_event_is_one_line_with_time_line_call_and_sentence() {
        let mut lines = LinesOfCalls::default();
        let mut check = |event, wanted: &str| {
            let at = Wall { unix_ms: 1_000_000_000_123, offset_s: 0 };
            let line = text_line(Palette::none(), &mut lines, &Entry { seq: Seq(7), at, event });
            assert_eq!(line, format!("2001-09-09 01:46:40.123  {wanted}"));
        };
        let call = CallId(12);
        let rang = Event::Rang {
            line: "main".to_owned(),
            call,
            caller_id: Some("5550199".to_owned()),
            called: None,
        };
        check(rang, "main      c12    rings (caller 5550199)");
        let named = Event::Named { call, session: SessionId(1), name: "mary".to_owned() };
        check(named, "main      c12    gives the name \"mary\"");
        check(Event::ServerStopped, "-         -      stopped, every line is on-hook");
    }
}

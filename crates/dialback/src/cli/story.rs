//! `dialback call`, `sessions` and `promises`: one caller's whole business, told from the journal.

use std::collections::BTreeSet;
use std::time::Duration;

use calls::record::{Record, Records, SessionRecord, by_session};
use calls::vocabulary::{CallId, Ended, Entry, Event, Leg, PromiseId, SessionId};
use clap::Args;

use super::Whereabouts;
use super::show::{Only, call_that_fits, dash, id_of, ms, promise_table, to_json};
use super::watch::{Watch, drawn, standing, told};
use crate::clock::{lasted, written, written_short};
use crate::control::Client;
use crate::exit::{Code, Failure};
use crate::log::{cause_words, said};
use crate::out::{self, Cell, Ink, Palette, fitted, wrapped};
use crate::store::{Subject, Which};

#[derive(Debug, Args)]
#[command(after_help = "\
The call that came in and the calls that went out are told together, with what was decided and by which rule.

Examples:
  dialback call c12            the whole story around this call
  dialback call s7             the same, by its session
  dialback call p3             the same, by its promise
  dialback call c12 --json | jq .returns")]
pub(super) struct Call {
    #[command(flatten)]
    server: Whereabouts,
    /// A call, session or promise, as the other commands show them: c12, s7, p3
    id: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dialback sessions            the last twenty, newest last: who called, and what came of it
  dialback sessions --user alice --since 7d
  dialback sessions --watch    the same, drawn again whenever a call begins, connects or ends
  dialback sessions --json")]
pub(super) struct Sessions {
    #[command(flatten)]
    server: Whereabouts,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    #[command(flatten)]
    only: Only,
    /// As JSON, one session a line
    #[arg(long)]
    json: bool,
    /// Show them again whenever a call begins, connects or ends, until interrupted; with --json, each session again as
    /// it goes on
    #[arg(long)]
    watch: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dialback promises            callbacks that are owed, and when they are due
  dialback promises --watch    the same, drawn again whenever something happens
  dialback promise cancel p3   and one that nobody wants any more")]
pub(super) struct Promises {
    #[command(flatten)]
    server: Whereabouts,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Show them again whenever something happens, until interrupted
    #[arg(long)]
    watch: bool,
}

impl Promises {
    pub(super) fn run(self) -> Result<(), Failure> {
        let json = self.json;
        standing(&self.server, self.watch, move |status| match (json, status.promises.is_empty()) {
            (true, _) => to_json(&status.promises),
            (false, true) => Ok("Nobody is owed a callback.".to_owned()),
            (false, false) => Ok(promise_table(Palette::stdout(), &status.promises)),
        })
    }
}

/// What changes a session's row.
const TURNS: [&str; 4] = ["rang", "dialled", "connected", "ended"];

impl Sessions {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (limit, which) = (self.limit, self.only.which()?);
        if self.json {
            let watch = Watch::events(self.watch, &["ended"]);
            let first = |client: &mut Client| {
                sessions(client, limit, &which)?.iter().map(to_json).collect()
            };
            return told(&self.server, watch, first, |client, entry| {
                let Event::Ended(Ended { call, .. }) = &entry.event else { return Ok(Vec::new()) };
                if call_that_fits(client, *call, &which)?.is_none() {
                    return Ok(Vec::new());
                }
                whole(&client.story(Subject::Call(*call))?).iter().map(to_json).collect()
            });
        }
        drawn(&self.server, Watch::events(self.watch, &TURNS), |client| {
            Ok(session_table(Palette::stdout(), &sessions(client, limit, &which)?))
        })
    }
}

/// The last sessions of which a call fits, oldest first, each with all of its calls.
fn sessions(client: &mut Client, limit: u32, which: &Which) -> Result<Vec<SessionRecord>, Failure> {
    let all = *which == Which::default();
    // Mostly a session has one call or two.
    let which = Which { whole_sessions: !all, ..which.clone() };
    let mut sessions = by_session(client.calls(limit.saturating_mul(4), which)?);
    // Calls that are not over have no record yet: the journal has their beginning.
    let running = client.status()?.calls;
    let running: BTreeSet<SessionId> = running.iter().filter_map(|call| call.session).collect();
    for id in running {
        let known = sessions.iter_mut().find(|session| session.session == id);
        if known.is_none() && !all {
            continue;
        }
        let Some(now) = whole(&client.story(Subject::Session(id))?).pop() else { continue };
        match known {
            Some(known) => *known = now,
            None => sessions.push(now),
        }
    }
    sessions.sort_by_key(|session| session.session);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    sessions.drain(..sessions.len().saturating_sub(limit));
    Ok(sessions)
}

impl Call {
    pub(super) fn run(self) -> Result<(), Failure> {
        let subject = match self.id.chars().next() {
            Some('s') => Subject::Session(SessionId(id_of(&self.id, 's')?)),
            Some('p') => Subject::Promise(PromiseId(id_of(&self.id, 'p')?)),
            Some(_) | None => Subject::Call(CallId(id_of(&self.id, 'c')?)),
        };
        let mut client = Client::connect(&self.server.socket()?)?;
        let entries = client.story(subject)?;
        if entries.is_empty() {
            let message =
                format!("{}: the journal knows nothing of it: see dialback calls", self.id);
            return Err(Failure::new(Code::Failed, message));
        }
        if self.json {
            let session = whole(&entries).pop();
            let (request, returns) =
                session.map_or((None, Vec::new()), |session| (session.request, session.returns));
            let story = serde_json::json!({
                "request": request, "returns": returns, "entries": entries,
            });
            out::line(to_json(&story)?);
        } else {
            out::line(story(Palette::stdout(), &entries).trim_end());
        }
        Ok(())
    }
}

/// Sessions of these entries, calls that are not over yet among them.
fn whole(entries: &[Entry]) -> Vec<SessionRecord> {
    let mut fold = Records::default();
    let mut records: Vec<Record> = entries.iter().filter_map(|entry| fold.apply(entry)).collect();
    records.extend(fold.open().cloned());
    by_session(records)
}

fn session_table(palette: Palette, sessions: &[SessionRecord]) -> String {
    let rows: Vec<Vec<Cell>> = sessions.iter().map(session_row).collect();
    let heading = [
        "SESSION", "BEGAN", "NAME", "FROM", "ON", "ENDED", "WAIT", "BACK ON", "NUMBER", "TRIES",
        "ONLINE", "END",
    ];
    let spare = ["ON", "BACK ON", "ENDED", "TRIES", "WAIT", "FROM"];
    fitted(palette, &heading, &spare, &rows)
}

fn session_row(session: &SessionRecord) -> Vec<Cell> {
    let request = session.request.as_ref();
    let last = session.returns.last();
    let first = request.or_else(|| session.returns.first());
    // From on-hook to the called modem's answer: what the caller sat through.
    let wait = request.and_then(|request| request.ended).zip(last.and_then(|last| last.connected));
    let wait = wait.and_then(|(from, to)| u64::try_from(to.unix_ms - from.unix_ms).ok());
    let end = last.or(request).and_then(|record| record.cause);
    let name = last.and_then(|last| last.name.as_deref());
    vec![
        Cell::from(session.session.to_string()),
        Cell::from(first.map_or_else(|| "-".to_owned(), |first| written_short(first.began))),
        Cell::from(dash(name.or_else(|| request.and_then(|request| request.name.as_deref())))),
        Cell::from(dash(request.and_then(|request| request.caller_id.as_deref()))),
        Cell::from(dash(request.map(|request| request.line.as_str()))),
        Cell::from(request.and_then(|request| request.cause).map_or("-", cause_words)),
        Cell::from(wait.map_or_else(|| "-".to_owned(), ms)),
        Cell::from(dash(last.map(|last| last.line.as_str()))),
        Cell::from(dash(last.and_then(|last| last.number.as_deref()))),
        Cell::from(session.returns.len().to_string()),
        Cell::from(last.or(request).map_or_else(|| "-".to_owned(), |leg| ms(leg.online_ms))),
        Cell::from(end.map_or("-", cause_words)),
    ]
}

/// The story of these entries: each leg under its heading, and what happened between them.
pub(crate) fn story(palette: Palette, entries: &[Entry]) -> String {
    let Some(first) = entries.first() else { return String::new() };
    let mut fold = Records::default();
    let mut records: Vec<Record> = entries.iter().filter_map(|entry| fold.apply(entry)).collect();
    records.extend(fold.open().cloned());
    let title = format!(
        "{}  {}",
        palette.paint(Ink::Dim, &written(first.at)),
        title(&records, promised_to(entries), is_owed(entries))
    );
    let mut text = wrapped(palette, &title, 2);
    text.push('\n');
    let mut under = None;
    for entry in entries {
        let call = call_of(&entry.event);
        if under != Some(call) {
            under = Some(call);
            let record = call.and_then(|call| records.iter().find(|record| record.call == call));
            text.push('\n');
            text.push_str(&palette.paint(Ink::Cyan, &wrapped(palette, &heading(call, record), 2)));
            text.push('\n');
        }
        let since = entry.at.unix_ms.saturating_sub(first.at.unix_ms);
        let since = lasted(Duration::from_millis(u64::try_from(since).unwrap_or(0)));
        let said = said(palette, &entry.event);
        let told = format!("  {}  {said}", palette.paint(Ink::Dim, &format!("{since:>9}")));
        text.push_str(&wrapped(palette, &told, 13));
        text.push('\n');
        if let Event::Ended(ended) = &entry.event {
            for line in ended.screen.iter().flat_map(|screen| screen.lines()) {
                text.push_str(&palette.paint(Ink::Dim, format!("{:11}| {line}", "").trim_end()));
                text.push('\n');
            }
        }
    }
    text
}

/// Whether a promise was made in these entries that nothing has ended: neither a call back nor giving up.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else makes or ends a promise")]
fn is_owed(entries: &[Entry]) -> bool {
    let mut owed = BTreeSet::new();
    for entry in entries {
        match &entry.event {
            Event::Promised(promised) => owed.insert(promised.promise),
            Event::Kept { promise, .. }
            | Event::Withdrawn { promise, .. }
            | Event::Expired { promise, .. } => owed.remove(promise),
            _ => false,
        };
    }
    !owed.is_empty()
}

/// The user to whom a callback was promised, if it was to one.
fn promised_to(entries: &[Entry]) -> Option<&str> {
    entries.iter().find_map(|entry| {
        let Event::Promised(promised) = &entry.event else { return None };
        (promised.rule != "operator").then_some(promised.user.as_str())
    })
}

/// Who, and what came of it.
fn title(records: &[Record], promised_to: Option<&str>, is_owed: bool) -> String {
    let name = records.iter().rev().find_map(|record| record.name.as_deref());
    let name = name.or(promised_to);
    let who = name.map_or_else(|| "a caller without a name".to_owned(), str::to_owned);
    let request = records.iter().find(|record| record.leg == Leg::Request);
    let returns: Vec<&Record> = records.iter().filter(|record| record.leg == Leg::Return).collect();
    let answered = returns.iter().find(|record| record.connected.is_some());
    match (request, answered, returns.is_empty()) {
        (_, Some(back), _) if back.cause.is_none() => {
            format!("{who} was called back at {}, and is there", dash(back.number.as_deref()))
        }
        (_, Some(back), _) => {
            let online = lasted(Duration::from_millis(back.online_ms));
            format!("{who} was called back at {}, online {online}", dash(back.number.as_deref()))
        }
        (_, None, false) if is_owed => {
            format!("{who} is to be called back, and was not reached yet")
        }
        (Some(request), None, true) if is_owed && request.cause.is_some() => {
            format!("{who} is to be called back")
        }
        (_, None, false) => format!("{who} was to be called back and was not reached"),
        (Some(request), None, true) => match request.cause {
            Some(cause) => format!("{who} called: {}", cause_words(cause)),
            None => format!("{who} is on line {}", request.line),
        },
        (None, None, true) => who,
    }
}

fn heading(call: Option<CallId>, record: Option<&Record>) -> String {
    let Some(call) = call else { return "between the calls".to_owned() };
    let Some(record) = record else { return call.to_string() };
    let number = record.caller_id.as_deref().or(record.number.as_deref());
    let (way, preposition) = match record.leg {
        Leg::Request => ("came in", "from"),
        Leg::Return => ("went out", "to"),
    };
    let mut text = format!("{call} {way} on {}", record.line);
    if let Some(number) = number {
        text.push_str(&format!(" {preposition} {number}"));
    }
    if !record.connect.is_empty() {
        text.push_str(&format!(", CONNECT {}", record.connect));
    }
    match record.cause {
        Some(cause) => text.push_str(&format!(": {}", cause_words(cause))),
        None => text.push_str(": it is not over"),
    }
    text
}

/// The call that an event is about, if it names one.
fn call_of(event: &Event) -> Option<CallId> {
    // By the name of the field, as the journal's index has it: new events need no place here.
    let value = serde_json::to_value(event).ok()?;
    value.get("call")?.as_u64().map(CallId)
}

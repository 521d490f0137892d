//! The demo's words for what modems, exchange and server do: short ones, for narrow columns.
//!
//! What is not told here on purpose: the caller's own modem (it is on her screen), and facts that only repeat
//! another one.

use std::time::Duration;

use calls::vocabulary::{Cause, Ended, Event, ExitStatus, Leg};
use sim::exchange::event::TownEvent;
use sim::exchange::fault::Fault;

use super::stage::{CALLER, SERVER};
use crate::clock::lasted;
use crate::log::{cause_words, method_words};
use crate::out::Ink;

/// What the middle column says of a fact.
pub(super) enum TownWords {
    /// Nothing.
    None,
    /// A line of its own.
    Line(Ink, String),
    /// The same, and an answer is to come.
    Command(Ink, String),
    /// The modems begin to train.
    Training(Ink, String),
    /// The caller's modem speaks, whose screen is not shown.
    Caller(Ink, String),
    /// The answer, to be told behind its command and nowhere else.
    Answer(Ink, String),
}

/// Of modems and exchange. `screen`: the caller's screen is shown. `again`: the server's modem has been set up
/// before.
pub(super) fn of_town(event: &TownEvent, screen: bool, again: bool) -> TownWords {
    use TownWords::{Answer, Caller, Command, Line, None, Training};
    let line = Line;
    match event {
        TownEvent::Command { station, .. } | TownEvent::Result { station, .. }
            if station.as_str() == CALLER && screen =>
        {
            None
        }
        TownEvent::Command { station, line } if station.as_str() == CALLER => {
            Caller(Ink::Cyan, format!("AT{line}"))
        }
        TownEvent::Result { station, code } if station.as_str() == CALLER => {
            Caller(Ink::Plain, code.clone())
        }
        TownEvent::Command { station, line } => {
            let calls = line.starts_with(['A', 'D']);
            if station.as_str() == SERVER && again && !calls {
                return None;
            }
            Command(Ink::Plain, format!("{station}: AT{line}"))
        }
        // The journal says it too.
        TownEvent::Result { code, .. } if code.starts_with("CONNECT") => None,
        TownEvent::Result { code, .. } if code == "OK" => Answer(Ink::Plain, code.clone()),
        TownEvent::Result { station, code } => line(Ink::Plain, format!("{station}: {code}")),
        TownEvent::OffHook { station } => line(Ink::Dim, format!("{station} lifts")),
        TownEvent::OnHook { station } => line(Ink::Dim, format!("{station} on-hook")),
        TownEvent::Dialled { station, digits } => {
            line(Ink::Dim, format!("{station} dials {digits}"))
        }
        TownEvent::Rings { station, count, .. } => {
            line(Ink::Yellow, format!("{station}'s bell ({count})"))
        }
        TownEvent::CallerId { number, .. } => line(Ink::Dim, format!("caller ID {number}")),
        // That it has been lifted was told.
        TownEvent::Answered { .. } => None,
        TownEvent::Trains { .. } => Training(Ink::Dim, "modems train ".to_owned()),
        TownEvent::Connected { rate, .. } => line(Ink::Green, format!("connected at {rate}")),
        TownEvent::Engaged { called, .. } => line(Ink::Yellow, format!("{called} is engaged")),
        TownEvent::Held { station, by } => line(Ink::Yellow, format!("{station} held by {by}")),
        TownEvent::Released { station, .. } => line(Ink::Green, format!("{station}'s line free")),
        TownEvent::FaultSet { station, fault: Fault::Busy, on: true } => {
            line(Ink::Yellow, format!("{station}'s line busy"))
        }
        TownEvent::FaultSet { .. }
        | TownEvent::NoDialTone { .. }
        | TownEvent::WrongNumber { .. }
        | TownEvent::RingsUnheard { .. }
        | TownEvent::Spoken { .. }
        | TownEvent::Glare { .. }
        | TownEvent::RungOut { .. }
        | TownEvent::Dropped { .. }
        | TownEvent::Retaken { .. }
        | TownEvent::Overheard { .. }
        | TownEvent::Overrun { .. } => line(Ink::Red, event.to_string()),
    }
}

/// Whether an event follows from what a modem said: then that is told first.
pub(super) const fn follows_the_modem(event: &Event) -> bool {
    matches!(
        event,
        Event::LineReady { .. }
            | Event::LineFaulted { .. }
            | Event::Rang { .. }
            | Event::Connected { .. }
            | Event::TryFailed { .. }
            | Event::Ended(_)
    )
}

/// Of the server's journal.
pub(super) fn of_event(event: &Event) -> Option<(Ink, String)> {
    Some(match event {
        Event::ServerStarted { version } => (Ink::Plain, format!("dialback {version} runs")),
        Event::LineReady { line } => (Ink::Green, format!("line {line} is ready")),
        Event::Rang { caller_id: Some(caller), .. } => {
            (Ink::Plain, format!("it rings; caller ID {caller}, a hint, no identity"))
        }
        Event::Connected { direction: Leg::Request, connect, .. } => {
            (Ink::Green, format!("answered: CONNECT {connect}"))
        }
        Event::Connected { direction: Leg::Return, connect, .. } => {
            (Ink::Green, format!("her modem answered: CONNECT {connect}"))
        }
        Event::Named { name, .. } => (Ink::Plain, format!("a name: \"{name}\"")),
        Event::Dispatched { entry, action, .. } => {
            (Ink::Plain, format!("{entry}: {}", action.rsplit('/').next().unwrap_or(action)))
        }
        Event::Proved { name, method, .. } => {
            (Ink::Green, format!("she proves by {} to be {name}", method_words(method)))
        }
        Event::NotProved { name, why, .. } => (Ink::Red, format!("\"{name}\": {why}")),
        Event::LinkEnded { why, .. } => (Ink::Plain, format!("PPP is over: {why}")),
        Event::NetworkUp { interface, peer, .. } => {
            (Ink::Green, format!("{interface} carries packets; she is {peer}"))
        }
        Event::NetworkDown { packets_in, packets_out, .. } => {
            (Ink::Plain, format!("no packets any more: {packets_in} came, {packets_out} went"))
        }
        Event::NetworkRefused { reason, .. } => (Ink::Red, format!("no network: {reason}")),
        Event::ScriptFailed { script, reason, .. } => (Ink::Red, format!("{script}: {reason}")),
        Event::Refused { rule, reason, .. } => {
            (Ink::Red, format!("REFUSED by rule {rule}: {reason}"))
        }
        Event::Promised(promised) => {
            let (rule, promise) = (&promised.rule, promised.promise);
            let numbers = promised.numbers.join(", then ");
            let text = format!(
                "APPROVED by rule {rule}\npromise {promise}: call {} at {numbers}\non disk before \
                 she is told",
                promised.user
            );
            (Ink::Green, text)
        }
        Event::Dialled { promise, number, attempt, .. } => {
            (Ink::Cyan, format!("dials {number} for {promise}, try {attempt}"))
        }
        // The call's end has said why, and the wait says what comes next.
        Event::TryFailed { next_ms: Some(_), .. } => return None,
        Event::Kept { promise, .. } => (Ink::Green, format!("promise {promise} is kept")),
        Event::Launched { program, pid, .. } => {
            (Ink::Cyan, format!("{program} runs on a pty, pid {pid}"))
        }
        Event::ProgramExited { status: ExitStatus::Code(code), .. } => {
            (Ink::Plain, format!("the program is done ({code})"))
        }
        Event::Ended(ended) => of_end(ended),
        Event::ServerStopping { .. }
        | Event::ServerStopped
        | Event::CodeSpent { .. }
        | Event::Recognised { .. } => return None,
        Event::Reloaded { .. }
        | Event::ReloadRefused { .. }
        | Event::LineBusiedOut { .. }
        | Event::LineRestored { .. }
        | Event::LineFaulted { .. }
        | Event::LineLent { .. }
        | Event::LineReturned { .. }
        | Event::CarrierStuck { .. }
        | Event::Rang { .. }
        | Event::TryFailed { .. }
        | Event::Screened { .. }
        | Event::Withdrawn { .. }
        | Event::Expired { .. }
        | Event::LaunchFailed { .. }
        | Event::ProgramExited { .. }
        | Event::Operated { .. }
        | Event::Stranger { .. }
        | Event::Released { .. }
        | Event::Qualified { .. }
        | Event::NotQualified { .. }
        | Event::MeasuringCall { .. }
        | Event::Measured { .. }
        | Event::Alert { .. } => {
            let said = crate::log::sentence(event);
            let line = said.line.map(|line| format!("{line} ")).unwrap_or_default();
            (Ink::Yellow, format!("{line}{}", said.text))
        }
    })
}

fn of_end(ended: &Ended) -> (Ink, String) {
    let as_meant = matches!(ended.cause, Cause::Callback | Cause::UserRequest);
    let ink = if as_meant { Ink::Green } else { Ink::Yellow };
    let online = match ended.online_ms {
        0 => String::new(),
        ms => format!(", {} online", lasted(Duration::from_millis(ms))),
    };
    (ink, format!("call {} over: {}{online}", ended.call, cause_words(ended.cause)))
}

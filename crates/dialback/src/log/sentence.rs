//! Each event as a sentence for people. Events carry no secrets, and callers' text in them is printable
//! ASCII already.

use std::time::Duration;

use calls::vocabulary::{Cause, Ended, Event, ExitStatus, Leg, Promised};

use crate::clock::{lasted, written_short};

/// How an event feels to an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Business as usual.
    Plain,
    /// Something succeeded.
    Good,
    /// Worth a look.
    Notice,
    /// Something failed.
    Bad,
}

/// An event in words.
#[derive(Debug)]
pub(crate) struct Sentence<'a> {
    /// The line that it happened on, if the event names one.
    pub(crate) line: Option<&'a str>,
    /// The call, or else the promise.
    pub(crate) id: Option<String>,
    /// What happened.
    pub(crate) text: String,
    /// How it feels.
    pub(crate) tone: Tone,
}

impl<'a> Sentence<'a> {
    fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { line: None, id: None, text: text.into(), tone }
    }

    fn on(self, line: &'a str) -> Self {
        Self { line: Some(line), ..self }
    }

    fn of(self, id: &impl ToString) -> Self {
        Self { id: Some(id.to_string()), ..self }
    }
}

/// Says what happened.
pub(crate) fn sentence(event: &Event) -> Sentence<'_> {
    match event {
        Event::ServerStarted { .. }
        | Event::ServerStopping { .. }
        | Event::ServerStopped
        | Event::Reloaded { .. }
        | Event::ReloadRefused { .. }
        | Event::Operated { .. } => of_server(event),
        Event::Alert { alert, line, call, user, reason } => {
            let who = user.as_deref().map(|user| format!(" ({user})")).unwrap_or_default();
            let said = Sentence::new(format!("ALERT {}{who}: {reason}", alert.name()), Tone::Bad);
            let said = Sentence { line: line.as_deref(), ..said };
            match call {
                Some(call) => said.of(call),
                None => said,
            }
        }
        Event::LineReady { .. }
        | Event::LineFaulted { .. }
        | Event::LineLent { .. }
        | Event::LineReturned { .. }
        | Event::LineBusiedOut { .. }
        | Event::LineRestored { .. }
        | Event::CarrierStuck { .. } => of_line(event),
        Event::Rang { .. }
        | Event::Screened { .. }
        | Event::Connected { .. }
        | Event::Named { .. }
        | Event::Dispatched { .. }
        | Event::CodeSpent { .. }
        | Event::Proved { .. }
        | Event::NotProved { .. }
        | Event::NetworkUp { .. }
        | Event::NetworkDown { .. }
        | Event::NetworkRefused { .. }
        | Event::ScriptFailed { .. }
        | Event::LinkEnded { .. }
        | Event::Launched { .. }
        | Event::LaunchFailed { .. }
        | Event::ProgramExited { .. }
        | Event::Ended(_) => of_call(event),
        Event::Refused { .. }
        | Event::Promised(_)
        | Event::Dialled { .. }
        | Event::TryFailed { .. }
        | Event::Kept { .. }
        | Event::Recognised { .. }
        | Event::Stranger { .. }
        | Event::Released { .. }
        | Event::Qualified { .. }
        | Event::NotQualified { .. }
        | Event::MeasuringCall { .. }
        | Event::Measured { .. }
        | Event::Withdrawn { .. }
        | Event::Expired { .. } => of_promise(event),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "`sentence` has sorted the events into four")]
fn of_server(event: &Event) -> Sentence<'_> {
    match event {
        Event::ServerStarted { version } => {
            Sentence::new(format!("dialback {version} runs"), Tone::Good)
        }
        Event::ServerStopping { grace_ms } => {
            let grace = lasted(Duration::from_millis(*grace_ms));
            Sentence::new(format!("stopping; running calls may go on for {grace}"), Tone::Notice)
        }
        Event::ServerStopped => Sentence::new("stopped, every line is on-hook", Tone::Plain),
        Event::Reloaded { lines } => {
            let plural = if *lines == 1 { "" } else { "s" };
            let text = format!("a new configuration is in force ({lines} line{plural})");
            Sentence::new(text, Tone::Good)
        }
        Event::ReloadRefused { faults, first } => {
            let text = format!(
                "the new configuration has {faults} fault{}, the old one stays in force: {first}",
                if *faults == 1 { "" } else { "s" }
            );
            Sentence::new(text, Tone::Bad)
        }
        Event::Operated { who, command } => {
            Sentence::new(format!("{who} ordered: {command}"), Tone::Notice)
        }
        _ => Sentence::new(String::new(), Tone::Plain),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "`sentence` has sorted the events into four")]
fn of_line(event: &Event) -> Sentence<'_> {
    match event {
        Event::LineReady { line } => {
            Sentence::new("is ready: the modem answers", Tone::Good).on(line)
        }
        Event::LineFaulted { line, reason, retry_ms } => {
            let again = lasted(Duration::from_millis(*retry_ms));
            Sentence::new(format!("is out of order: {reason}; tried again in {again}"), Tone::Bad)
                .on(line)
        }
        Event::LineLent { line, holder } => {
            Sentence::new(format!("is lent to {holder}"), Tone::Notice).on(line)
        }
        Event::LineReturned { line } => Sentence::new("is ours again", Tone::Plain).on(line),
        Event::LineBusiedOut { line } => {
            Sentence::new("is taken out of service", Tone::Notice).on(line)
        }
        Event::LineRestored { line } => {
            Sentence::new("is put back into service", Tone::Good).on(line)
        }
        Event::CarrierStuck { line } => Sentence::new(
            "reports a carrier with no call: set the modem to &C1&D2 (or its DCD is wired high)",
            Tone::Bad,
        )
        .on(line),
        _ => Sentence::new(String::new(), Tone::Plain),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "`sentence` has sorted the events into four")]
fn of_call(event: &Event) -> Sentence<'_> {
    match event {
        Event::Rang { line, call, caller_id, called } => {
            let caller = caller_id.as_deref().unwrap_or("unknown");
            let mut text = format!("rings (caller {caller}");
            if let Some(called) = called {
                text.push_str(", for ");
                text.push_str(called);
            }
            text.push(')');
            Sentence::new(text, Tone::Plain).on(line).of(call)
        }
        Event::Screened { line, call, rule } => {
            Sentence::new(format!("is not answered, by {rule}"), Tone::Notice).on(line).of(call)
        }
        Event::Connected { line, call, direction, connect, .. } => {
            let way = match direction {
                Leg::Request => "answered",
                Leg::Return => "the called modem answered",
            };
            Sentence::new(format!("{way}: CONNECT {connect}"), Tone::Good).on(line).of(call)
        }
        Event::Named { call, name, .. } => {
            Sentence::new(format!("gives the name \"{name}\""), Tone::Plain).of(call)
        }
        Event::Dispatched { call, entry, action, .. } => {
            Sentence::new(format!("{entry} takes it: {action}"), Tone::Plain).of(call)
        }
        Event::CodeSpent { call, name, .. } => {
            Sentence::new(format!("typed {name}'s one-time code, which is spent"), Tone::Plain)
                .of(call)
        }
        Event::Proved { call, name, method, .. } => {
            Sentence::new(format!("proves by {} to be {name}", method_words(method)), Tone::Good)
                .of(call)
        }
        Event::NotProved { call, name, method, why, .. } => {
            Sentence::new(format!("\"{name}\" by {}: {why}", method_words(method)), Tone::Bad)
                .of(call)
        }
        Event::LinkEnded { call, why, .. } => {
            Sentence::new(format!("PPP is over: {why}"), Tone::Plain).of(call)
        }
        Event::NetworkUp { .. }
        | Event::NetworkDown { .. }
        | Event::NetworkRefused { .. }
        | Event::ScriptFailed { .. } => network(event),
        Event::Launched { call, program, user, pid, .. } => {
            let user = user.as_deref().unwrap_or("root");
            Sentence::new(format!("{program} runs as {user}, pid {pid}"), Tone::Plain).of(call)
        }
        Event::LaunchFailed { call, program, reason, .. } => {
            Sentence::new(format!("{program} could not be started: {reason}"), Tone::Bad).of(call)
        }
        Event::ProgramExited { call, status } => {
            let text = match status {
                ExitStatus::Code(0) => "the program is done".to_owned(),
                ExitStatus::Code(code) => format!("the program exited with {code}"),
                ExitStatus::Signal(signal) => format!("the program was ended by signal {signal}"),
            };
            Sentence::new(text, Tone::Plain).of(call)
        }
        Event::Ended(ended) => of_end(ended),
        _ => Sentence::new(String::new(), Tone::Plain),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "`of_call` has sorted these out")]
fn network(event: &Event) -> Sentence<'_> {
    match event {
        Event::NetworkUp { call, user, interface, local, peer, mtu, .. } => {
            let text = format!("{interface} is up for {user}: {peer}, we are {local}, MTU {mtu}");
            Sentence::new(text, Tone::Good).of(call)
        }
        Event::NetworkDown { call, interface, packets_in, packets_out, why, .. } => {
            let text =
                format!("{interface} is down: {why} ({packets_in} packets in, {packets_out} out)");
            Sentence::new(text, Tone::Plain).of(call)
        }
        Event::NetworkRefused { call, user, rule, reason, .. } => {
            Sentence::new(format!("no network for {user}, by {rule}: {reason}"), Tone::Bad).of(call)
        }
        Event::ScriptFailed { call, script, reason } => {
            Sentence::new(format!("{script}: {reason}"), Tone::Bad).of(call)
        }
        _ => Sentence::new(String::new(), Tone::Plain),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "`sentence` has sorted the events into four")]
fn of_promise(event: &Event) -> Sentence<'_> {
    match event {
        Event::Refused { call, user, number, rule, reason, .. } => {
            let number = number.as_deref().map(|n| format!(" at {n}")).unwrap_or_default();
            let text = format!("no callback for {user}{number}, by {rule}: {reason}");
            Sentence::new(text, Tone::Notice).of(call)
        }
        Event::Promised(promised) => of_promised(promised),
        Event::Dialled { promise, call, line, number, attempt, .. } => {
            let text = format!("dials {number} for {promise}, try {attempt}");
            Sentence::new(text, Tone::Plain).on(line).of(call)
        }
        Event::TryFailed { promise, call, line, cause, next_ms } => {
            let next = next_ms.map_or_else(
                || "no more tries".to_owned(),
                |ms| format!("next try in {}", lasted(Duration::from_millis(ms))),
            );
            let text = format!("{promise}: {}; {next}", cause_words(*cause));
            let said = match call {
                Some(call) => Sentence::new(text, Tone::Notice).of(call),
                None => Sentence::new(text, Tone::Notice).of(promise),
            };
            Sentence { line: line.as_deref(), ..said }
        }
        Event::Kept { promise, call } => {
            Sentence::new(format!("the promise {promise} is kept"), Tone::Good).of(call)
        }
        Event::Recognised { call, user, name, number, .. } => {
            let text = format!("{name} is served at {number}, as {user} was promised");
            Sentence::new(text, Tone::Good).of(call)
        }
        Event::Stranger { call, user, number, why, .. } => {
            let text = format!("a stranger answered for {user} at {number}: {why}");
            Sentence::new(text, Tone::Bad).of(call)
        }
        Event::Qualified { line, hold_ms, who, findings } => {
            let text = match findings {
                Some(findings) => format!(
                    "measured with {} for {who}: the exchange holds it for {}",
                    findings.with,
                    findings.hold(*hold_ms)
                ),
                None => {
                    let held = lasted(Duration::from_millis(*hold_ms));
                    format!("{who} has measured that the exchange holds it for {held}")
                }
            };
            Sentence::new(text, Tone::Notice).on(line)
        }
        Event::NotQualified { line, with, reason, .. } => {
            let text = format!("could not be measured with {with}: {reason}");
            Sentence::new(text, Tone::Bad).on(line)
        }
        Event::MeasuringCall { line, from, number, purpose, .. } => {
            let text = format!("is measured: {from} dials {number} ({purpose})");
            Sentence::new(text, Tone::Plain).on(line)
        }
        Event::Measured { line, finding, .. } => {
            Sentence::new(format!("is measured: {finding}"), Tone::Plain).on(line)
        }
        Event::Released { number, who } => {
            Sentence::new(format!("{who} let {number} out of quarantine"), Tone::Notice)
        }
        Event::Withdrawn { promise, why } => {
            Sentence::new(format!("the promise is withdrawn: {why}"), Tone::Notice).of(promise)
        }
        Event::Expired { promise, why } => {
            Sentence::new(format!("the promise could not be kept: {why}"), Tone::Bad).of(promise)
        }
        _ => Sentence::new(String::new(), Tone::Plain),
    }
}

fn of_promised(promised: &Promised) -> Sentence<'_> {
    let text = format!(
        "promised {}: {} will be called back at {} from {}, by {}",
        promised.promise,
        promised.user,
        promised.numbers.join(", then "),
        written_short(promised.due),
        promised.rule
    );
    let said = Sentence::new(text, Tone::Good);
    match promised.call {
        Some(call) => said.of(&call),
        None => said.of(&promised.promise),
    }
}

fn of_end(ended: &Ended) -> Sentence<'_> {
    let total = lasted(Duration::from_millis(ended.total_ms));
    let online = lasted(Duration::from_millis(ended.online_ms));
    let text = format!(
        "ended: {} ({total}, online {online}, {} bytes in, {} out)",
        cause_words(ended.cause),
        ended.bytes_in,
        ended.bytes_out
    );
    Sentence::new(text, Tone::Plain).on(&ended.line).of(&ended.call)
}

/// A way to prove a name, for people: those of PPP by their usual names.
pub(crate) fn method_words(method: &str) -> &str {
    match method {
        "pap" => "PAP",
        "chap-md5" => "CHAP",
        "ms-chap" => "MS-CHAP",
        "ms-chap-v2" => "MS-CHAP 2",
        other => other,
    }
}

/// A cause for people.
pub(crate) fn cause_words(cause: Cause) -> &'static str {
    match cause {
        Cause::UserRequest => "the caller was done",
        Cause::LostCarrier => "carrier lost",
        Cause::LostService => "the service ended",
        Cause::IdleTimeout => "idle too long",
        Cause::SessionTimeout => "time over",
        Cause::AdminReset => "reset by an operator",
        Cause::AdminReboot => "the server stopped",
        Cause::PortError => "port or modem failed",
        Cause::NasError => "the server failed",
        Cause::ServiceUnavailable => "no such service",
        Cause::Callback => "hung up to call back",
        Cause::UserError => "no sense in what the caller sent",
        Cause::Busy => "busy",
        Cause::NoAnswer => "no answer",
        Cause::NoDialtone => "no dial tone",
        Cause::NoCarrier => "no modem answered",
        Cause::Barred => "the modem would not dial it now",
        Cause::TooSoon => "somebody was on the line before the number was dialled",
        Cause::Glare => "it rang as we were about to dial",
        Cause::Abandoned => "the caller stopped ringing",
        Cause::Screened => "not answered on purpose",
        Cause::Stuck => "the modem had to be reset by force",
    }
}

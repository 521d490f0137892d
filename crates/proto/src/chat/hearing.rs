//! The engine while it listens: finding, failing, showing and reporting.
//!
//! This file does not know what comes after a find; it hands back the next state.

use super::clean::{Purpose, clean};
use super::engine::{Engine, Report, SECOND, State, Then, Turn};
use super::listen::{HEARD, Heard, Listener};
use super::parts::Parts;
use super::step::{Done, Step};
use super::visible::{log_line, push_shown};
use crate::time::Instant;

/// The longest text of a report: ppp 2.5 has a buffer of 4096 for it with its date and NUL. (2.4.9 has 256,
/// and writes beyond them.)
pub const LONGEST_REPORT: usize = 4_079;

impl Engine {
    /// Waits for the next of `parts`; when there is none left the token has succeeded.
    pub(super) fn begin_expect(&mut self, now: Instant, mut parts: Parts) -> State {
        let Some(part) = parts.next() else { return State::Between };
        let wanted = clean(&part, Purpose::Expect, &self.options).text;
        if self.options.verbose {
            self.log(log_line("expect (", &wanted, ")"));
        }
        if wanted.len() > HEARD {
            self.log(b"expect string is too long".to_vec());
            return self.missed(now, parts, 1, None);
        }
        if wanted.is_empty() {
            if self.options.verbose {
                self.log(b"got it".to_vec());
            }
            return State::Between;
        }
        let listener = Box::new(Listener::new(wanted, &self.aborts, &self.reports));
        let alarm = self.timeout.map(|timeout| now + timeout);
        State::Expecting { listener, parts, alarm }
    }

    pub(super) fn listen(
        &mut self,
        now: Instant,
        mut listener: Box<Listener>,
        parts: Parts,
        alarm: Option<Instant>,
    ) -> Turn {
        match self.hear(now, &mut listener) {
            Heard::Nothing => Turn::Wait(State::Expecting { listener, parts, alarm }),
            Heard::Found => {
                self.log_rest(&mut listener);
                if self.options.verbose {
                    self.log(b" -- got it\n".to_vec());
                }
                Turn::On(State::Between)
            }
            Heard::Aborted(number) => {
                self.log_rest(&mut listener);
                if self.options.verbose {
                    self.log(b" -- failed".to_vec());
                }
                let reason = self.aborts.iter().find(|(n, _)| *n == number);
                let reason = reason.map(|(_, string)| string.to_vec());
                let code = u8::try_from(number.saturating_add(4)).unwrap_or(u8::MAX);
                Turn::On(self.missed(now, parts, code, reason))
            }
        }
    }

    /// Takes held bytes until something is found or none is left.
    fn hear(&mut self, now: Instant, listener: &mut Listener) -> Heard {
        let bare = !(self.options.verbose || self.options.copy || self.echo);
        loop {
            if bare && self.report.is_none() {
                let skimmed = listener.skim(self.held.as_slices().0);
                self.held.drain(..skimmed);
            }
            let Some(byte) = self.held.pop_front() else { return Heard::Nothing };
            self.show(byte & 0x7F);
            let line = listener.take(byte);
            self.log_if_verbose(line);
            if self.options.verbose {
                let line = listener.full_line();
                self.log_if_verbose(line);
            }
            if self.options.copy {
                self.copy(byte & 0x7F);
            }
            self.take_report(now, byte & 0x7F, listener.tail());
            let heard = listener.judge(&self.aborts);
            if heard != Heard::Nothing {
                return heard;
            }
            let line = listener.forget();
            self.log_if_verbose(line);
        }
    }

    /// A byte for the report under way, or the end of one, or the string that begins one.
    fn take_report(&mut self, now: Instant, byte: u8, tail: &[u8]) {
        match self.report.take() {
            None => {
                if let Some((number, _)) = self.reports.heard(tail) {
                    let text = self.reports.take(number).unwrap_or_default();
                    self.report = Some(Report { text, found: now });
                }
            }
            Some(report) if byte.is_ascii_control() => self.say_report(report),
            Some(mut report) => {
                if report.text.len() < LONGEST_REPORT {
                    report.text.push(byte);
                }
                self.report = Some(report);
            }
        }
    }

    pub(super) fn say_report(&mut self, report: Report) {
        self.steps.push_back(Step::Report { text: report.text, found: report.found });
    }

    /// The expect has failed with `code`: on to the sub-send if time ran out, else the end.
    pub(super) fn missed(
        &mut self,
        now: Instant,
        mut parts: Parts,
        code: u8,
        reason: Option<Vec<u8>>,
    ) -> State {
        match parts.next() {
            Some(reply) if code == 3 => self.begin_send(now, &reply, Then::Expect(parts)),
            Some(_) | None => {
                let mut message = b"Failed".to_vec();
                if let Some(reason) = reason {
                    message.extend(b" (");
                    message.extend(reason);
                    message.push(b')');
                }
                self.log(message.clone());
                self.terminate(now, Done { code, message })
            }
        }
    }

    /// Takes the rest of the report out of what is held; each byte earns it another second.
    pub(super) fn collect(&mut self, now: Instant, done: Done, mut alarm: Instant) -> Turn {
        while let Some(report) = &mut self.report
            && report.text.len() < LONGEST_REPORT
        {
            let Some(byte) = self.held.pop_front() else {
                return Turn::Wait(State::Collecting { done, alarm });
            };
            let byte = byte & 0x7F;
            if byte.is_ascii_control() {
                break;
            }
            report.text.push(byte);
            alarm = now + SECOND;
        }
        Turn::On(self.conclude(done))
    }

    /// A line of what was received.
    fn log_if_verbose(&mut self, line: Option<Vec<u8>>) {
        if let Some(line) = line
            && self.options.verbose
        {
            self.log(log_line("", &line, ""));
        }
    }

    fn log_rest(&mut self, listener: &mut Listener) {
        let rest = Some(listener.unlogged()).filter(|rest| !rest.is_empty());
        self.log_if_verbose(rest);
    }

    /// ECHO: a carriage return is not shown, and a line begun is ended when the run ends.
    fn show(&mut self, byte: u8) {
        if !self.echo {
            return;
        }
        match byte {
            b'\r' => {}
            b'\n' => {
                self.needs_newline = false;
                self.push_echo(|out| out.push(b'\n'));
            }
            other => {
                self.needs_newline = true;
                self.push_echo(|out| push_shown(out, other));
            }
        }
    }

    /// `-V`.
    fn copy(&mut self, byte: u8) {
        match byte {
            b'\r' => {}
            b'\n' => self.push_echo(|out| out.push(b'\n')),
            other => self.push_echo(|out| push_shown(out, other)),
        }
    }

    /// Appends to the echo at the end of the queue, so that a bulk read is shown in one write.
    pub(super) fn push_echo(&mut self, add: impl FnOnce(&mut Vec<u8>)) {
        if let Some(Step::Echo(text)) = self.steps.back_mut() {
            add(text);
        } else {
            let mut text = Vec::new();
            add(&mut text);
            self.steps.push_back(Step::Echo(text));
        }
    }
}

//! Carrying out a command line, command by command, until the end, a fault, or a command that takes time.

use std::fmt::Write as _;

use proto::time::Instant;

use super::command::{self, Command, PORT_SPEEDS, Question, Setting};
use super::registers::{CallerIdForm, DtrRule, Register};
use super::result::{ResultCode, information};
use super::{AfterClearing, Modem, Output, State};

/// What comes after one command.
enum Then {
    /// The next one.
    Next,
    /// Nothing more of this line; this is the answer.
    Say(ResultCode),
    /// The command goes on and will answer itself.
    Later,
}

impl Modem {
    /// Carries out a command line without its `AT`. An empty one is answered by OK.
    pub(super) fn execute(&mut self, now: Instant, line: &[u8]) {
        let mut rest = line;
        while !rest.is_empty() {
            let Ok((command, after)) = command::next(rest, self.profile.dialect) else {
                return self.say(ResultCode::Error);
            };
            match self.command(now, command, after) {
                Then::Next => rest = after,
                Then::Say(code) => return self.say(code),
                Then::Later => return,
            }
        }
        self.say(ResultCode::Ok);
    }

    fn command(&mut self, now: Instant, command: Command, rest: &[u8]) -> Then {
        let connected = matches!(self.state, State::OnlineCommand(_));
        match command {
            Command::Answer | Command::Dial(_) | Command::Redial | Command::DialStored(_)
                if connected =>
            {
                Then::Say(ResultCode::Error)
            }
            Command::Answer => {
                self.answer(now);
                Then::Later
            }
            Command::Dial(text) => {
                self.dial(now, &text, rest);
                Then::Later
            }
            Command::Redial => {
                let text = self.last_dialled.clone();
                self.dial(now, &text, rest);
                Then::Later
            }
            Command::DialStored(slot) => match self.numbers.get(usize::from(slot)).cloned() {
                Some(text) if !text.is_empty() => {
                    self.dial(now, &text, rest);
                    Then::Later
                }
                Some(_) | None => Then::Say(ResultCode::Error),
            },
            Command::HangUp => match self.state {
                // The answer comes when the line is let go; what follows on the command line is dropped.
                State::OnlineCommand(_) => {
                    self.clear(now, AfterClearing::Say(ResultCode::Ok));
                    Then::Later
                }
                State::Command { off_hook: true } => {
                    self.act(super::LineOutput::OnHook);
                    self.state = State::Command { off_hook: false };
                    self.heard = super::Tone::Silence;
                    Then::Next
                }
                State::Command { off_hook: false }
                | State::Dialling { .. }
                | State::Handshake { .. }
                | State::Online(_)
                | State::Clearing { .. } => Then::Next,
            },
            Command::OffHook => {
                if let State::Command { off_hook: off_hook @ false } = &mut self.state {
                    *off_hook = true;
                    self.act(super::LineOutput::OffHook);
                }
                Then::Next
            }
            Command::Reset => {
                self.clear(now, AfterClearing::Reset);
                Then::Later
            }
            Command::Online => self.back_online(now),
            Command::Identify(what) => {
                let text = self.identity(what);
                self.inform(&text);
                Then::Next
            }
            Command::ShowRegister(number) => match self.settings.registers.read(number) {
                Some(value) => {
                    self.inform(&format!("{value:03}"));
                    Then::Next
                }
                None => Then::Say(ResultCode::Error),
            },
            Command::ShowSettings => {
                let text = self.settings_text();
                self.inform(&text);
                Then::Next
            }
            Command::StoreNumber(slot, text) => {
                if let Some(number) = self.numbers.get_mut(usize::from(slot)) {
                    *number = text;
                }
                Then::Say(ResultCode::Ok)
            }
            Command::Store => {
                self.stored = self.settings.clone();
                self.stored.registers.set(Register::RingCount as u8, 0);
                Then::Next
            }
            Command::Ask(question) => {
                let text = self.reply(question);
                self.inform(&text);
                Then::Next
            }
            Command::Set(setting) => {
                if self.change_setting(&setting) {
                    Then::Next
                } else {
                    Then::Say(ResultCode::Error)
                }
            }
        }
    }

    /// Carries out a command that only changes a setting; false where there is no such
    /// register.
    pub(super) fn change_setting(&mut self, setting: &Setting) -> bool {
        let settings = &mut self.settings;
        match setting {
            Setting::Echo(on) => settings.echo = *on,
            Setting::Quiet(on) => settings.quiet = *on,
            Setting::Verbose(on) => settings.verbose = *on,
            Setting::Extended(level) => settings.extended = *level,
            Setting::Pulse(on) => settings.pulse = *on,
            Setting::SetRegister(number, value) => return settings.registers.set(*number, *value),
            Setting::SetBit(number, bit, on) => {
                let Some(value) = settings.registers.read(*number) else { return false };
                let mask = 1_u8.checked_shl(u32::from(*bit)).unwrap_or(0);
                let value = if *on { value | mask } else { value & !mask };
                if (*number, *bit) == (40, 2) {
                    settings.caller_id =
                        if *on { CallerIdForm::Formatted } else { CallerIdForm::Off };
                }
                return settings.registers.set(*number, value);
            }
            Setting::ConnectForm(form) => settings.connect = *form,
            Setting::Arq(form) => settings.arq = *form,
            Setting::Carrier(follows) => settings.dcd_follows = *follows,
            Setting::Dtr(rule) => settings.dtr = *rule,
            Setting::Dsr(follows) => settings.dsr_follows = *follows,
            Setting::Flow(how) => settings.flow = *how,
            Setting::CallerId(form) => settings.caller_id = *form,
            Setting::Class(class) => settings.fclass.clone_from(class),
            Setting::PortSpeed(speed) => settings.port_speed = *speed,
            Setting::Factory => self.settings = self.profile.factory.clone(),
            Setting::Accepted => {}
        }
        true
    }

    fn back_online(&mut self, now: Instant) -> Then {
        let state = std::mem::replace(&mut self.state, State::Command { off_hook: false });
        match state {
            State::OnlineCommand(mut connection) => {
                connection.escape = super::EscapeWatch::new(now);
                let rate = connection.rate;
                self.state = State::Online(connection);
                self.say(ResultCode::Connect(rate));
                self.deliver_held();
                Then::Later
            }
            State::Command { .. }
            | State::Dialling { .. }
            | State::Handshake { .. }
            | State::Online(_)
            | State::Clearing { .. } => {
                self.state = state;
                // V.250 §6.3.7: no connection to go back to.
                Then::Say(ResultCode::NoCarrier)
            }
        }
    }

    fn inform(&mut self, text: &str) {
        self.out.push_back(Output::Dte(information(text, &self.settings)));
    }

    fn identity(&self, what: u8) -> String {
        let profile = &self.profile;
        match what {
            0 => (profile.line_rate / 100).to_string(),
            1 => format!("{:03}", profile.revision.bytes().fold(0_u8, u8::wrapping_add)),
            2 => "OK".to_owned(),
            3 => profile.model.clone(),
            4 => self.settings_text(),
            6 => self.call_text(),
            7 => profile.revision.clone(),
            _ => format!("{} {}", profile.manufacturer, profile.model),
        }
    }

    fn call_text(&self) -> String {
        match &self.state {
            State::OnlineCommand(connection) => {
                let rate = connection.rate;
                let control = if rate.error_control { "LAP-M" } else { "none" };
                format!("line {} bit/s, error control {control}", rate.bits)
            }
            State::Command { .. }
            | State::Dialling { .. }
            | State::Handshake { .. }
            | State::Online(_)
            | State::Clearing { .. } => "no call".to_owned(),
        }
    }

    fn settings_text(&self) -> String {
        let settings = &self.settings;
        let bit = u8::from;
        let dtr = match settings.dtr {
            DtrRule::Ignored => 0,
            DtrRule::Command => 1,
            DtrRule::HangUp => 2,
            DtrRule::Reset => 3,
        };
        let mut text = format!(
            "E{} Q{} V{} X{} &C{} &D{} &K{} &S{}",
            bit(settings.echo),
            bit(settings.quiet),
            bit(settings.verbose),
            settings.extended,
            bit(settings.dcd_follows),
            dtr,
            settings.flow,
            bit(settings.dsr_follows),
        );
        for number in [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 25, 30, 38] {
            let value = settings.registers.read(number).unwrap_or(0);
            // Writing to a String can't fail.
            let _ = write!(text, " S{number:02}:{value:03}");
        }
        text
    }

    fn reply(&self, question: Question) -> String {
        match question {
            Question::Manufacturer => self.profile.manufacturer.clone(),
            Question::Model => self.profile.model.clone(),
            Question::Revision => self.profile.revision.clone(),
            Question::Capabilities => "+GCAP: +FCLASS,+MS,+ES,+DS".to_owned(),
            // T.35: B5 is the United States.
            Question::Country => "+GCI: B5".to_owned(),
            Question::Class => self.settings.fclass.clone(),
            Question::Classes => "0,1,2,2.0,8".to_owned(),
            Question::CallerId => match self.settings.caller_id {
                CallerIdForm::Off => "0",
                CallerIdForm::Formatted | CallerIdForm::Gsm => "1",
                CallerIdForm::Raw => "2",
            }
            .to_owned(),
            Question::CallerIds => "(0-2)".to_owned(),
            Question::PortSpeed => format!("+IPR: {}", self.settings.port_speed),
            Question::PortSpeeds => {
                let speeds: Vec<String> = PORT_SPEEDS.iter().map(u32::to_string).collect();
                format!("+IPR: (),({})", speeds.join(","))
            }
        }
    }
}

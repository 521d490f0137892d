//! The modem's registers on which the line's safety hangs: written behind every set-up, read back, and read
//! again before the next one and with every check of an idle modem.
//!
//! ```text
//!   set-up:  read (if written before) ─► init, wishes ─► write ─► read ─► ready
//!              └── another value: alert `modem-changed`          └── not what was written: the same alert
//! ```
//!
//! | register | value | why |
//! |---|---|---|
//! | S0 | 0 | who answers by himself answers whom nobody has screened |
//! | S2 | 255, or 43 where only `+++` hangs up | a modem that hears `+++` takes commands out of a program's output |
//! | S8 | a secret | only the modem knows it: its `OK` is no caller's, where DCD does not tell, or stays up |
//!
//! A caller who was let into the modem (remote configuration, `+++` by way of an echo), another program on the
//! port, or a power cut changes them; which of these it was cannot be told. A modem may refuse all of it, then
//! nothing is known and nothing alerted.
//!
//! It does not know when a call may be believed to be over; `on_hook` does.

use proto::at::commands::{Command, Commands};
use proto::at::hang_up::Proof;
use proto::at::profile::ESCAPE_OFF;

use super::Line;
use crate::alert::Alert;
use crate::desk::Desk;
use crate::vocabulary::Event;

/// S2 comes last, because V.250 has none: what stands before a refused command has been done (V.250 §5.3).
pub(super) const READ: &str = "ATS0?S8?S2?";
/// The question whose answer is the secret.
const ASK: &str = "ATS8?";
/// What a comma in a dial string waits with, in seconds, as V.250 §6.3.8 has it from the factory.
pub(super) const COMMA: &str = "ATS8=2";
/// Values of S8 that nobody would set, and every modem takes: 0 to 255 s (V.250 §6.3.8).
const SECRETS: std::ops::RangeInclusive<u8> = 16..=255;
/// `S2`: an escape character above 127 is none.
const NO_ESCAPE: u8 = 255;

/// What the modem says its registers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Registers {
    s0: Option<u8>,
    s8: Option<u8>,
    s2: Option<u8>,
}

/// Somebody may still be on a line whose modem was not seen to hang up, and would play it through its set-up.
#[derive(Debug)]
pub(super) struct Doubt {
    /// What the modem alone can answer; `None`: nothing is known that it could.
    pub(super) proof: Option<Proof>,
    /// DCD rose with the call: once it is down the call is over. Where it never rose, it being down says nothing.
    pub(super) dcd_told: bool,
}

/// What is known of the modem of a port that is open.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// As last read.
    registers: Option<Registers>,
    /// What S8 was set to in this set-up.
    written: Option<u8>,
    /// What S8 is, as read back: who knows it is the modem.
    secret: Option<u8>,
    /// DCD has risen with a call and fallen at its end: its fall is proof enough.
    pub(super) dcd_tells: bool,
    /// DTR was dropped and did not hang up, as far as could be seen: it may have no wire.
    pub(super) dtr_fails: bool,
}

impl Known {
    /// Behind the port there may be another modem. What is known of the wire stays.
    pub(super) fn forget_modem(&mut self) {
        *self = Self { dtr_fails: self.dtr_fails, ..Self::default() };
    }

    pub(super) const fn registers_are_known(&self) -> bool {
        self.registers.is_some()
    }
}

impl Registers {
    /// What the answer to [`READ`] means; a register that is not in it is unknown.
    fn of(said: &[&str]) -> Self {
        let mut values = said.iter().filter_map(|line| {
            let digits = (1..=3).contains(&line.len()) && line.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| line.parse().ok()).flatten()
        });
        Self { s0: values.next(), s8: values.next(), s2: values.next() }
    }

    /// What differs, where both are known: `S0 is 1 and was 0`.
    fn changed(self, before: Self) -> Vec<String> {
        let pairs =
            [("S0", self.s0, before.s0), ("S8", self.s8, before.s8), ("S2", self.s2, before.s2)];
        let differ = pairs.into_iter().filter_map(|(name, now, before)| {
            let (now, before) = (now?, before?);
            (now != before).then(|| match name {
                // Its value is worth something.
                "S8" => "S8 is another".to_owned(),
                _ => format!("{name} is {now} and was {before}"),
            })
        });
        differ.collect()
    }
}

impl Line {
    /// What the registers are asked for with before a set-up: nothing where nothing can be compared.
    pub(super) fn read_before(&self) -> Option<&'static str> {
        // &D3 loads the stored settings whenever DTR falls.
        let resets =
            self.config.modem.init.iter().any(|text| text.to_ascii_uppercase().contains("&D3"));
        (self.config.modem.read_back && self.known.registers.is_some() && !resets).then_some(READ)
    }

    /// Whether only `+++` hangs up here, so that the modem has to listen to it.
    pub(super) fn needs_escape(&self) -> bool {
        !self.config.modem.dtr_hangup
            || self.signals.is_none()
            || self.carrier_stuck
            || self.known.dtr_fails
    }

    /// The command that writes the registers behind a set-up; it may be refused.
    pub(super) fn write_registers(&mut self, desk: &mut Desk) -> Option<String> {
        let modem = &self.config.modem;
        if !modem.read_back {
            return None;
        }
        let escape = if self.needs_escape() { self.escape().character } else { NO_ESCAPE };
        // Whoever writes S8 in `init` wants his commas as long as that.
        let theirs = modem.init.iter().any(|text| text.to_ascii_uppercase().contains("S8="));
        self.known.secret = None;
        // Also where DCD tells: its wire can break, and then there is only this.
        self.known.written = (!theirs).then(|| {
            let most = u64::from(SECRETS.end() - SECRETS.start());
            SECRETS.start().saturating_add(u8::try_from(desk.chance.up_to(most)).unwrap_or(0))
        });
        let s8 = self.known.written.map_or_else(String::new, |secret| format!("S8={secret}"));
        Some(format!("ATS0=0{s8}S2={escape}"))
    }

    /// The modem is set up: what its registers were before, and are now.
    pub(super) fn read_back(&mut self, commands: &Commands, desk: &mut Desk) {
        if !self.config.modem.read_back {
            return;
        }
        let answers: Vec<_> = commands.said_to(READ).map(|said| Registers::of(&said)).collect();
        let Some(&last) = answers.last() else { return };
        let before = self.known.registers;
        if let ([first, _, ..], Some(before)) = (answers.as_slice(), before) {
            self.alert_changed(&first.changed(before), desk);
        }
        self.known.secret = self.known.written.filter(|secret| last.s8 == Some(*secret));
        let wanted = if self.needs_escape() { self.escape().character } else { NO_ESCAPE };
        let mut refused = Vec::new();
        // Told once, and not at every call.
        let news = |now: Option<u8>, before: Option<Option<u8>>| before != Some(now);
        if let Some(s0) = last.s0.filter(|s0| *s0 != 0)
            && news(last.s0, before.map(|before| before.s0))
        {
            refused.push(format!("S0 is {s0} although it was set to 0"));
        }
        if let Some(s2) = last.s2.filter(|s2| *s2 != wanted && (wanted <= 127 || *s2 <= 127))
            && news(last.s2, before.map(|before| before.s2))
        {
            refused.push(format!("S2 is {s2} although it was set to {wanted}"));
        }
        self.alert_changed(&refused, desk);
        self.known.registers = Some(last);
    }

    /// The answer to a check of an idle modem; whether somebody has changed it.
    pub(super) fn checked(&mut self, commands: &Commands, desk: &mut Desk) -> bool {
        let Some(before) = self.known.registers else { return false };
        let Some(said) = commands.said_to(READ).last() else { return false };
        let changed = Registers::of(&said).changed(before);
        let any = !changed.is_empty();
        self.alert_changed(&changed, desk);
        if any {
            // The set-up that follows has nothing to compare with.
            self.known.registers = None;
        }
        any
    }

    fn alert_changed(&self, what: &[String], desk: &mut Desk) {
        if what.is_empty() {
            return;
        }
        desk.journal(Event::Alert {
            alert: Alert::ModemChanged,
            line: Some(self.name().to_owned()),
            call: None,
            user: None,
            reason: format!(
                "the modem is not as it was set up: {}; it was switched off, another program was on its port, or \
                 somebody has got at it (switch its remote configuration off)",
                what.join(", ")
            ),
        });
    }

    /// How the modem's words are told from a caller's: as before the doubt, if there is one.
    pub(super) fn proof(&self) -> Option<Proof> {
        if let Some(doubt) = &self.doubt {
            return doubt.proof.clone();
        }
        let secret = self.known.secret?;
        let question = Command::new(ASK).ok()?;
        Some(Proof { question, answer: format!("{secret:03}") })
    }

    /// A dial string with a comma needs S8 for what it is: the secret is given up for this call.
    pub(super) fn give_up_secret(&mut self) -> bool {
        if let Some(registers) = &mut self.known.registers {
            registers.s8 = None;
        }
        self.known.secret.take().is_some()
    }

    /// Wishes of the profile that are not written with the registers.
    pub(super) fn wishes(&self) -> impl Iterator<Item = &str> {
        let dropped = self.config.modem.read_back || self.needs_escape();
        let wishes = self.config.modem.wishes.iter().map(String::as_str);
        wishes.filter(move |wish| !dropped || *wish != ESCAPE_OFF)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_read_out_of_whatever_a_modem_says() {
        let of = Registers::of;
        let all = |s0, s8, s2| Registers { s0, s8, s2 };
        assert_eq!(of(&["000", "137", "255", "OK"]), all(Some(0), Some(137), Some(255)));
        assert_eq!(of(&["ATS0?S8?S2?", "0", "7", "43", "OK"]), all(Some(0), Some(7), Some(43)));
        assert_eq!(of(&["000", "002", "ERROR"]), all(Some(0), Some(2), None));
        assert_eq!(of(&["OK"]), Registers::default());
        // No number of a register.
        assert_eq!(of(&["999", "1234"]), Registers::default());
    }

    #[test]
    fn what_is_not_known_has_not_changed_and_a_secret_is_not_told() {
        let before = Registers { s0: Some(0), s8: Some(99), s2: None };
        let now = Registers { s0: Some(1), s8: Some(98), s2: Some(43) };
        assert_eq!(now.changed(before), ["S0 is 1 and was 0", "S8 is another"]);
        assert_eq!(Registers::default().changed(now), Vec::<String>::new());
    }
}

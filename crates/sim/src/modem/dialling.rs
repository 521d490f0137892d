//! A dial string as the steps that carry it out (V.250 §6.3.1).
//!
//! It does not know the modem's state or the exchange; it says what comes next and how long it takes.

use std::collections::VecDeque;
use std::time::Duration;

use super::registers::{Register, Registers};

/// One thing to do on the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Send these digits, one after another.
    Digits {
        /// `0` to `9`, `*`, `#`, `A` to `D`.
        digits: String,
        /// By breaking the loop, as an old telephone does.
        pulse: bool,
    },
    /// `,`
    Pause,
    /// `W`: wait for dial tone.
    DialTone,
    /// `@`: wait for an answer and then five seconds of silence.
    Silence,
    /// `!`: open the loop for a moment.
    Flash,
}

/// A dial string, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// In order.
    pub(super) steps: VecDeque<Step>,
    /// `R`: call, and then behave as the answering modem.
    pub(super) reverse: bool,
    /// `;`: stay in the command state when done.
    pub(super) stay: bool,
}

impl Plan {
    /// The plan of a dial string. What is no part of a dial string is ignored, as V.250 §6.3.1 asks.
    #[must_use]
    pub(super) fn new(text: &[u8], pulse_at_first: bool) -> Self {
        let mut plan = Self::default();
        let mut pulsing = pulse_at_first;
        for byte in text {
            match byte.to_ascii_uppercase() {
                b'T' => pulsing = false,
                b'P' => pulsing = true,
                b'W' => plan.steps.push_back(Step::DialTone),
                b'@' => plan.steps.push_back(Step::Silence),
                b',' => plan.steps.push_back(Step::Pause),
                b'!' => plan.steps.push_back(Step::Flash),
                b'R' => plan.reverse = true,
                b';' => plan.stay = true,
                digit @ (b'0'..=b'9' | b'*' | b'#' | b'A'..=b'D') => {
                    let digit = char::from(digit);
                    match plan.steps.back_mut() {
                        Some(Step::Digits { digits, pulse }) if *pulse == pulsing => {
                            digits.push(digit);
                        }
                        _ => plan
                            .steps
                            .push_back(Step::Digits { digits: digit.to_string(), pulse: pulsing }),
                    }
                }
                _ => {}
            }
        }
        plan
    }
}

/// How long these digits take: S11 of tone and as much of silence each, or a tenth of a second for each pulse and
/// 0.8 s between digits.
#[must_use]
pub(super) fn digits_time(digits: &str, pulse: bool, registers: &Registers) -> Duration {
    let each = |digit: u8| match (pulse, digit) {
        (false, _) => 2 * u64::from(registers.get(Register::ToneTime)),
        (true, b'1'..=b'9') => 100 * u64::from(digit.saturating_sub(b'0')) + 800,
        // Ten pulses; * and # have none and are sent as nothing, but the time passes.
        (true, _) => 1_800,
    };
    Duration::from_millis(digits.bytes().map(each).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, wanted: &str) {
        let plan = Plan::new(text.as_bytes(), false);
        let mut shown = String::new();
        for step in &plan.steps {
            match step {
                Step::Digits { digits, pulse } => {
                    shown.push_str(if *pulse { "p" } else { "t" });
                    shown.push_str(digits);
                }
                Step::Pause => shown.push(','),
                Step::DialTone => shown.push('W'),
                Step::Silence => shown.push('@'),
                Step::Flash => shown.push('!'),
            }
        }
        if plan.reverse {
            shown.push('R');
        }
        if plan.stay {
            shown.push(';');
        }
        assert_eq!(shown, wanted, "{text}");
    }

    #[test]
    fn dial_strings_become_plans() {
        for (text, wanted) in [
            ("T5550199", "t5550199"),
            ("P12T34", "p12t34"),
            ("T9W555,01(99)-x", "t9Wt555,t0199"),
            ("5550100R", "t5550100R"),
            ("T0!@;", "t0!@;"),
            ("t*21#ab", "t*21#AB"),
            ("", ""),
        ] {
            check(text, wanted);
        }
    }

    #[test]
    fn pulses_take_as_long_as_their_digits() {
        let registers = Registers::factory();
        assert_eq!(digits_time("5550199", false, &registers), Duration::from_millis(1_330));
        assert_eq!(digits_time("10", true, &registers), Duration::from_millis(900 + 1_800));
    }
}

//! Which line next: the first of the wanted ones that is free now, else the first that becomes free.
//!
//! It does not know why a line is wanted, nor what a promise is.

use proto::time::Instant;

use crate::vocabulary::LineId;

/// Whether a line can be dialled on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freedom {
    /// Now.
    Free,
    /// It is idle, but its exchange may still hold the last caller until then: dialling earlier could
    /// reach him instead of the number dialled (mgetty 1.2.1's callback can be fooled so).
    Held(Instant),
    /// Something is going on there, or it is out of order for a time: it will say when it is idle.
    Busy,
}

/// What to do about a promise that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Dial on this line.
    Now(LineId),
    /// Look again then, or when a wanted line becomes idle.
    At(Instant),
    /// Look again when a wanted line becomes idle.
    WhenIdle,
    /// None of the wanted lines exists any more.
    Never,
}

/// Chooses among `wanted`, which are in order of preference.
pub(crate) fn choose(wanted: impl IntoIterator<Item = (LineId, Freedom)>) -> Choice {
    let mut choice = Choice::Never;
    for (line, freedom) in wanted {
        choice = match (freedom, choice) {
            (Freedom::Free, _) => return Choice::Now(line),
            (Freedom::Held(until), Choice::At(earliest)) => Choice::At(until.min(earliest)),
            (Freedom::Held(until), Choice::WhenIdle | Choice::Never | Choice::Now(_)) => {
                Choice::At(until)
            }
            (Freedom::Busy, Choice::Never) => Choice::WhenIdle,
            (Freedom::Busy, Choice::At(_) | Choice::WhenIdle | Choice::Now(_)) => choice,
        };
    }
    choice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_free_line_is_taken_else_the_first_to_become_free() {
        use Freedom::{Busy, Free, Held};
        let at = Instant::from_millis;
        for (wanted, choice) in [
            (&[][..], Choice::Never),
            (&[Busy], Choice::WhenIdle),
            (&[Busy, Free, Free], Choice::Now(LineId(1))),
            (&[Held(at(5)), Free], Choice::Now(LineId(1))),
            (&[Held(at(5)), Busy, Held(at(3))], Choice::At(at(3))),
            (&[Busy, Held(at(3)), Held(at(5))], Choice::At(at(3))),
            (&[Free, Free], Choice::Now(LineId(0))),
        ] {
            let lines = (0..).map(LineId).zip(wanted.iter().copied());
            assert_eq!(choose(lines), choice, "{wanted:?}");
        }
    }
}

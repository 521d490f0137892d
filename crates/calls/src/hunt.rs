//! Which line next: the first of the wanted ones that is free now, else the first that becomes free.
//!
//! It does not know why a line is wanted, nor what a promise is, nor what keeps a line from being free.

use crate::vocabulary::LineId;

/// What to do about a promise that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Dial on this line.
    Now(LineId),
    /// None is free: the first that becomes so will say it.
    WhenFree,
    /// None of the wanted lines exists any more.
    Never,
}

/// Chooses among `wanted`, which are in order of preference, each with whether it is free now.
pub(crate) fn choose(wanted: impl IntoIterator<Item = (LineId, bool)>) -> Choice {
    let mut choice = Choice::Never;
    for (line, free) in wanted {
        if free {
            return Choice::Now(line);
        }
        choice = Choice::WhenFree;
    }
    choice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_free_line_is_taken_else_the_first_to_become_free() {
        for (wanted, choice) in [
            (&[][..], Choice::Never),
            (&[false], Choice::WhenFree),
            (&[false, false], Choice::WhenFree),
            (&[false, true, true], Choice::Now(LineId(1))),
            (&[true, true], Choice::Now(LineId(0))),
        ] {
            let lines = (0..).map(LineId).zip(wanted.iter().copied());
            assert_eq!(choose(lines), choice, "{wanted:?}");
        }
    }
}

//! The way back to the command state: silence, `+++`, silence (registers S2 and S12).
//!
//! Without the silence a file that contains `+++` would end the transfer of itself. It does not know what the
//! modem does about it.

use proto::time::Instant;

use super::registers::{Register, Registers};

/// Watches what the DTE sends while online.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EscapeWatch {
    /// When the last byte came.
    last: Instant,
    /// How many escape characters have come after the silence.
    count: usize,
}

/// How many escape characters make an escape.
const LENGTH: usize = 3;

impl EscapeWatch {
    /// Begins to watch; the time before `now` does not count as silence.
    #[must_use]
    pub(super) const fn new(now: Instant) -> Self {
        Self { last: now, count: 0 }
    }

    /// Looks at what the DTE has just sent.
    pub(super) fn see(&mut self, now: Instant, bytes: &[u8], registers: &Registers) {
        let escape = registers.get(Register::Escape);
        let silent = now.since(self.last) >= registers.guard_time();
        let all = escape < 128 && bytes.iter().all(|&byte| byte == escape);
        let begun = if silent { 0 } else { self.count };
        let count = begun.saturating_add(bytes.len());
        self.count = match (all, silent || self.count > 0) {
            (true, true) if count <= LENGTH => count,
            (true | false, _) => 0,
        };
        self.last = now;
    }

    /// When the escape is complete if nothing more comes.
    #[must_use]
    pub(super) fn due(&self, registers: &Registers) -> Option<Instant> {
        (self.count == LENGTH).then(|| self.last + registers.guard_time())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sent: &[(u64, &str)], wanted: Option<u64>) {
        let registers = Registers::factory();
        let mut watch = EscapeWatch::new(Instant::ZERO);
        for &(at, text) in sent {
            watch.see(Instant::from_millis(at), text.as_bytes(), &registers);
        }
        assert_eq!(watch.due(&registers).map(Instant::as_millis), wanted, "{sent:?}");
    }

    #[test]
    fn only_three_pluses_between_silences_escape() {
        for (sent, wanted) in [
            (&[(1_000, "+++")][..], Some(2_000)),
            (&[(999, "+++")], None),
            (&[(500, "x"), (1_600, "+"), (1_700, "++")], Some(2_700)),
            (&[(1_000, "+"), (2_100, "++")], None),
            (&[(1_000, "+++"), (1_500, "\r")], None),
            (&[(1_000, "+++ATH\r")], None),
            (&[(1_000, "++++")], None),
            (&[(1_000, "++"), (2_500, "+++")], Some(3_500)),
        ] {
            check(sent, wanted);
        }
    }
}

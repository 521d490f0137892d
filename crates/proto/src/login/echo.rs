//! The echo of a typed line, so written that no modem can take it for a command.
//!
//! A caller types `ATDT0900555` and CR, and drops his carrier at the same instant: our modem is back in its
//! command state before the echo reaches it, and the echo would be dialled. Modems find the beginning of a
//! command in two ways, and both are prevented:
//!
//! | a modem that | gets | and |
//! |---|---|---|
//! | waits for `AT` or `A/` in whatever it hears | `A`, blank, BS, `T` | never sees the two together |
//! | collects a line, and looks at it at CR | a BS for each character before CR LF | finds the line empty |
//!
//! In the same way `+++` becomes no escape sequence. On the caller's screen nothing is different: BS moves
//! the cursor, and the character that it stands on then is overwritten or stays. It does not know what was
//! asked, nor whether the modem is in its command state: nobody can, in time.

const BACKSPACE: u8 = 0x08;

/// What was sent of a line, as far as the next character depends on it.
#[derive(Default)]
pub(super) struct Echo {
    last: u8,
    /// Nothing was shown since the line was disarmed.
    disarmed: bool,
}

impl Echo {
    /// Shows a character.
    pub(super) fn put(&mut self, byte: u8, wire: &mut Vec<u8>) {
        // Many modems look at seven bits only (V.250 §5.1.3).
        let pair = (self.last & 0x7f, byte & 0x7f);
        let parted = matches!(pair, (b'A' | b'a', b'T' | b't' | b'/') | (b'+', b'+'));
        if parted {
            wire.extend_from_slice(&[b' ', BACKSPACE]);
        }
        wire.push(byte);
        self.last = byte;
        self.disarmed = false;
    }

    /// Takes characters back, on the screen as well.
    pub(super) fn rub_out(&mut self, count: usize, wire: &mut Vec<u8>) {
        for _ in 0..count {
            wire.extend_from_slice(&[BACKSPACE, b' ', BACKSPACE]);
            self.last = BACKSPACE;
        }
    }

    /// Moves the cursor to the beginning of what is shown; it stays on the screen.
    pub(super) fn go_back(&mut self, count: usize, wire: &mut Vec<u8>) {
        wire.extend(std::iter::repeat_n(BACKSPACE, count));
        self.last = BACKSPACE;
    }

    /// Makes sure that a CR may follow this line, whoever hears it.
    pub(super) fn disarm(&mut self, shown: &[u8], wire: &mut Vec<u8>) {
        let begins = |pair: &[u8]| matches!(pair, [a, t] if matches!(a & 0x7f, b'A' | b'a') && matches!(t & 0x7f, b'T' | b't'));
        if !self.disarmed && shown.windows(2).any(begins) {
            self.go_back(shown.len(), wire);
        }
        self.last = 0;
        self.disarmed = true;
    }
}

/// Whether a name is a modem's command and no name: `AT` in capitals, `A/`, or `atd` with a digit. A user
/// may be called atkins.
pub(super) fn is_command(name: &[u8]) -> bool {
    name.starts_with(b"AT")
        || name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"A/"))
        || (name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"ATD"))
            && name.iter().any(u8::is_ascii_digit))
}

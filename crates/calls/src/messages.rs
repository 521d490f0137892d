//! Every text that the server itself says to a caller, in one table.
//!
//! The callers' scripts wait for words: a Windows dial-up script takes `RING` in any letter case for the
//! telephone, `ogin: ` and `> ` for prompts, and a Linux one aborts on a modem's `BUSY` or `VOICE`. So
//! nothing that is said after a number was taken may contain such a word; a test reads the whole table. Nor may
//! a text contain the letters `at`: said to a modem that has just lost its carrier they begin a command.
//! Prompts are configured and belong to `proto::login`.
//!
//! It does not know when a text is said.

/// What there is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// The callback is promised; it comes within so many seconds unless the number is engaged.
    Promised { within_s: u64 },
    /// What was typed is no telephone number; he may type another.
    NotANumber,
    /// The number may not be called.
    NumberRefused,
    /// Callbacks cannot be promised now: too many are open, no line, or the journal cannot be written.
    NoCallbackNow,
    /// A callback was asked for on a call that is one.
    AlreadyCalledBack,
    /// Whoever answers a return call has said something wrong; not what.
    NotRecognised,
    /// Nothing in login.config takes this name.
    UnknownName,
    /// The name was not proved; it is not told what was wrong.
    NotProved,
    /// The program could not be started.
    ServiceFailed,
    /// A PPP peer where none is served.
    NoPpp,
    /// PPP over seven bits.
    SevenBits,
}

impl Message {
    /// The text for the wire.
    pub(crate) fn text(self) -> String {
        let line = match self {
            Self::Promised { within_s } => {
                return format!(
                    "\r\nThank you. This call ends now; let your modem answer the next one.\r\n\
                     We call you back within {within_s} seconds.\r\n"
                );
            }
            Self::NotANumber => "This is no telephone number; use digits only.",
            Self::NumberRefused => "This number cannot be called back from here. Goodbye.",
            Self::NoCallbackNow => "We cannot call you back now; please try again soon.",
            Self::AlreadyCalledBack => "You have been called back already; please log in.",
            Self::NotRecognised => "This is not known here; please try once more.",
            Self::UnknownName => "There is no service of this name.",
            Self::NotProved => "This was not right; please try once more.",
            Self::ServiceFailed => "The service could not be started; please tell its owner.",
            Self::NoPpp => "PPP is not available on this line.",
            Self::SevenBits => "PPP needs 8 bits and no parity; please change your settings.",
        };
        format!("\r\n{line}\r\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that may be said once a number was taken, or while one is asked for.
    const AFTER_A_NUMBER: [Message; 11] = [
        Message::NotRecognised,
        Message::Promised { within_s: 40 },
        Message::NotANumber,
        Message::NumberRefused,
        Message::NoCallbackNow,
        Message::AlreadyCalledBack,
        Message::UnknownName,
        Message::NotProved,
        Message::ServiceFailed,
        Message::NoPpp,
        Message::SevenBits,
    ];

    #[test]
    fn no_message_contains_a_word_that_a_callers_script_waits_for() {
        for message in AFTER_A_NUMBER {
            let text = message.text();
            // A new message must be put into the table above.
            match message {
                Message::Promised { .. }
                | Message::NotANumber
                | Message::NumberRefused
                | Message::NoCallbackNow
                | Message::AlreadyCalledBack
                | Message::NotRecognised
                | Message::UnknownName
                | Message::NotProved
                | Message::ServiceFailed
                | Message::NoPpp
                | Message::SevenBits => {}
            }
            let folded = text.to_ascii_lowercase();
            // A modem that has lost its carrier and not yet dropped DCD is in its command state: wherever a text
            // has these two letters in it, the rest of the line would be a command (V.250 §5.2.1).
            for word in ["ring", "ogin: ", "> ", "assword: ", "callback: ", "at", "a/"] {
                assert!(!folded.contains(word), "{message:?} contains {word:?}");
            }
            for word in ["BUSY", "VOICE", "NO CARRIER", "NO ANSWER", "NO DIALTONE", "CONNECT", "OK"]
            {
                assert!(!text.contains(word), "{message:?} contains {word:?}");
            }
            assert!(text.is_ascii() && text.ends_with("\r\n"));
            assert!(text.len() < 200, "a text takes its time at 300 bit/s");
        }
    }
}

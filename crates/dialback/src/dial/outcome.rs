//! How a dial can end: one table of exit codes, words and sentences. The help text prints it, and so does the
//! manual page; a test compares that page with it.

use std::fmt::Write as _;

use proto::dialer::Cause;

use crate::exit::Failure;

/// Why there was no session, or how it broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The call itself.
    Call(Cause),
    /// Another program has the port.
    PortLocked,
    /// The port cannot be opened, or went away.
    PortLost,
    /// The script did not come to its end.
    Script,
    /// What was to run on the line failed.
    Program,
    /// PPP did not come about, or broke.
    Ppp(Ppp),
}

/// What goes wrong with PPP and with nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ppp {
    /// Nobody speaks it at the other end.
    NotSpoken,
    /// The two ends find no settings that suit both.
    NotAgreed,
    /// The server does not prove its name.
    Unproved,
    /// The server grants no callback.
    NotGranted,
    /// The interface, the routes or resolv.conf cannot be set up here.
    Network,
}

impl Ppp {
    /// All of them.
    #[cfg(test)]
    const ALL: [Self; 5] =
        [Self::NotSpoken, Self::NotAgreed, Self::Unproved, Self::NotGranted, Self::Network];
}

/// One row: what, the exit code, the word in JSON, the sentence, the cure.
pub(crate) type Row = (Outcome, u8, &'static str, &'static str, &'static str);

/// Every end but the good one. 0 is a session that took place; 64 and 78 are a wrong command line and a faulty
/// peer file, as everywhere in this program.
#[rustfmt::skip]
pub(crate) const TABLE: &[Row] = &[
    (Outcome::Call(Cause::ModemMute), 10, "modem-mute", "the modem does not answer", "is it switched on, and the port and its speed the right ones?"),
    (Outcome::Call(Cause::ModemRefuses), 11, "modem-refuses", "the modem refuses a command", "choose another profile with `modem`, or set `init`"),
    (Outcome::Call(Cause::ModemConnected), 12, "modem-connected", "the modem is on a call that nobody here made", "set S0=0 in it, or wait"),
    (Outcome::PortLocked, 13, "port-locked", "another program has the port", "wait for it or end it"),
    (Outcome::PortLost, 14, "port-lost", "the port cannot be used", "is the modem plugged in, the terminal server on?"),
    (Outcome::Call(Cause::NoDialtone), 20, "no-dial-tone", "no dial tone", "is the telephone cable plugged in, and nobody else on the line?"),
    (Outcome::Call(Cause::Busy), 21, "busy", "the number is engaged", "try again later"),
    (Outcome::Call(Cause::NoAnswer), 22, "no-answer", "nobody answers", "is it the right number?"),
    (Outcome::Call(Cause::NoCarrier), 23, "no-carrier", "no modem answers, or the two cannot agree", "is it the right number? A slower connection may do"),
    (Outcome::Call(Cause::Voice), 24, "voice", "a person answers", "check the number"),
    (Outcome::Call(Cause::DialRefused), 25, "dial-refused", "the modem does not dial this number now", "national rules make it wait after failed calls: try later"),
    (Outcome::Call(Cause::Glare), 26, "glare", "a call came in at the moment of dialling", "try again"),
    (Outcome::Call(Cause::NoPrompt), 30, "no-prompt", "the server does not ask what was expected", "compare its prompts with login_prompt, number_prompt, password_prompt; -v shows them"),
    (Outcome::Call(Cause::WrongName), 31, "wrong-name", "the server does not know this callback name", "is the name spelled as in its login.config?"),
    (Outcome::Call(Cause::NumberWanted), 32, "number-wanted", "the server asks for a number to call back", "give it with --callback-number or callback.number"),
    (Outcome::Call(Cause::NumberRefused), 33, "number-refused", "the server does not call this number", "ask its administrator which numbers are allowed"),
    (Outcome::Call(Cause::NotNow), 34, "not-now", "the server cannot call back now", "try again later"),
    (Outcome::Call(Cause::NotHungUp), 35, "not-hung-up", "the server has been told everything and does not hang up", "is callback.name a callback name there?"),
    (Outcome::Ppp(Ppp::NotGranted), 36, "callback-not-granted", "the server grants no callback", "ask its administrator what this user may choose, or go without --callback-required"),
    (Outcome::Call(Cause::NobodyCalls), 40, "nobody-calls", "nobody called back", "is the number the one of this line? A longer --wait may do"),
    (Outcome::Call(Cause::NotConnected), 41, "not-connected", "somebody called, and no connection came about", "try again"),
    (Outcome::Call(Cause::LoginRefused), 42, "login-refused", "the server does not take the login", "check login.name, and whether it may log in after a callback"),
    (Outcome::Call(Cause::CarrierLost), 43, "carrier-lost", "the call was lost", "try again"),
    (Outcome::Ppp(Ppp::NotSpoken), 44, "no-ppp", "the far end does not speak PPP", "does it want a login first? [login] or a script gives it"),
    (Outcome::Ppp(Ppp::NotAgreed), 45, "not-agreed", "the two ends agree on no network", "--json shows how far it came"),
    (Outcome::Ppp(Ppp::Unproved), 46, "server-unproved", "the server does not prove its name", "is it the right one? Compare remote_name and its secret"),
    (Outcome::Script, 50, "script", "the script did not come to its end", "-v shows the dialogue"),
    (Outcome::Program, 51, "program", "the program on the line failed", "see what it says"),
    (Outcome::Call(Cause::Interrupted), 52, "interrupted", "stopped", "nothing is left on the line"),
    (Outcome::Ppp(Ppp::Network), 53, "network", "the network interface cannot be set up", "it needs root's rights, and the kernel's module tun"),
];

impl Outcome {
    /// Its row. Every outcome has one: a test goes through them.
    pub(crate) fn row(self) -> Row {
        let found = TABLE.iter().find(|row| row.0 == self).copied();
        found.unwrap_or((self, 1, "failed", "it did not work", "see what was said before"))
    }

    /// The end of the program: what it was about, what exactly, and what to do.
    pub(crate) fn failure(self, about: &str, detail: &str) -> Failure {
        let (_, code, _, sentence, cure) = self.row();
        let mut text = format!("{about}: {sentence}");
        if !detail.is_empty() {
            // Writing to a text does not fail.
            let _ = write!(text, " ({detail})");
        }
        let _ = write!(text, ": {cure}");
        Failure::own(code, text)
    }
}

/// The table as the help text has it.
pub(crate) fn help_table() -> String {
    let mut text = String::from("Exit codes:\n   0  the session took place\n");
    for (_, code, _, sentence, _) in TABLE {
        let _ = writeln!(text, "  {code:>2}  {sentence}");
    }
    text.push_str("  64  the command line is wrong\n  78  the peer file is faulty");
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_end_has_a_row_of_its_own_with_a_code_and_a_sentence_of_its_own() {
        let own = [Outcome::PortLocked, Outcome::PortLost, Outcome::Script, Outcome::Program];
        let ppp = Ppp::ALL.map(Outcome::Ppp);
        let all: Vec<_> = own.into_iter().chain(ppp).chain(Cause::ALL.map(Outcome::Call)).collect();
        for outcome in &all {
            assert_eq!(TABLE.iter().filter(|row| row.0 == *outcome).count(), 1, "{outcome:?}");
        }
        assert_eq!(TABLE.len(), all.len());
        assert_eq!(TABLE.iter().map(|row| row.1).collect::<BTreeSet<_>>().len(), TABLE.len());
        assert_eq!(TABLE.iter().map(|row| row.3).collect::<BTreeSet<_>>().len(), TABLE.len());
        assert!(TABLE.iter().all(|row| (10..64).contains(&row.1)));
    }

    #[test]
    fn the_manual_page_has_the_table() {
        let page = include_str!("../../../../docs/man/dial.md");
        for (_, code, word, sentence, cure) in TABLE {
            let row = format!("| {code} | `{word}` | {sentence} | {cure} |");
            assert!(page.contains(&row), "docs/man/dial.md lacks this row:\n{row}");
        }
    }
}

//! What is sent otherwise than it was meant.

use crate::scp::fault::{Fault, Faults, Span};
use crate::scp::lex::System;
use crate::scp::sequences::interpret;
use crate::scp::syntax::{Act, Expression, Statement, Term, What, unquoted};

/// A `transmit`.
pub(super) struct Sent<'a> {
    pub(super) text: &'a Expression,
    pub(super) raw: bool,
}

impl Sent<'_> {
    pub(super) fn look(&self, source: &[u8], next: Option<&Statement>, faults: &mut Faults) {
        for term in &self.text.terms {
            match term.what {
                What::System(System::UserId) if !self.raw => {
                    not_raw(term.span, "$USERID", "user name", faults);
                }
                What::System(System::Password) if !self.raw => {
                    not_raw(term.span, "$PASSWORD", "password", faults);
                }
                What::Text if self.raw => raw_text(source, term.span, faults),
                What::Text
                | What::System(_)
                | What::Integer(_)
                | What::Boolean(_)
                | What::Name
                | What::Negate
                | What::Not
                | What::Binary(_)
                | What::Shortcut { .. }
                | What::GetIp => {}
            }
        }
        self.no_line_end(source, next, faults);
        if let Some(text) = self.text.literal(source) {
            modem_command(&interpret(text), self.text.span, faults);
        }
    }

    /// A text that nothing ends, before somebody waits for the answer to it.
    fn no_line_end(&self, source: &[u8], next: Option<&Statement>, faults: &mut Faults) {
        let waits = match next {
            None => true,
            Some(statement) => matches!(statement.act, Act::Waitfor { .. }),
        };
        let operand = |term: &&Term| !matches!(term.what, What::Binary(_));
        let Some(last) = self.text.terms.iter().rev().find(operand).filter(|_| waits) else {
            return;
        };
        let open = match last.what {
            What::System(System::UserId | System::Password) => true,
            What::Text => {
                let bytes = interpret(unquoted(last.span.of(source)));
                // One key alone is an answer to a menu; a control character at the end is meant so.
                bytes.len() > 1 && bytes.last().is_some_and(|last| !last.is_ascii_control())
            }
            What::System(System::Success | System::Failure)
            | What::Integer(_)
            | What::Boolean(_)
            | What::Name
            | What::Negate
            | What::Not
            | What::Binary(_)
            | What::Shortcut { .. }
            | What::GetIp => false,
        };
        if open {
            let message = "nothing ends this line, and most hosts wait for a CR";
            let cure = "write ^M at the end of the text, or after it: transmit \"^M\"";
            faults.push(Fault::warning(last.span, message, cure));
        }
    }
}

fn not_raw(span: Span, name: &str, what: &str, faults: &mut Faults) {
    let message = format!("a {what} with ^, < or \\ in it is not sent as it is");
    let cure = format!("write: transmit {name}, raw (and the ^M in a transmit of its own)");
    faults.push(Fault::warning(span, message, cure));
}

fn raw_text(source: &[u8], span: Span, faults: &mut Faults) {
    let text = unquoted(span.of(source));
    if interpret(text) != text {
        let message = "with raw the characters are sent as written, ^M as ^ and M";
        let cure = "send this text in a transmit of its own, without raw";
        faults.push(Fault::warning(span, message, cure));
    }
}

/// `ATA` is the one modem command that a login script sends, and it is a delicate one.
fn modem_command(bytes: &[u8], span: Span, faults: &mut Faults) {
    let text = bytes.trim_ascii_start().to_ascii_lowercase();
    if !text.starts_with(b"at") {
        return;
    }
    let command = text.trim_ascii_end();
    // V.250 §6.3.5 and §5.6.1: A takes no more commands, and a character while it is carried out ends it.
    if command.ends_with(b"a") && text.ends_with(b"\n") {
        let message = "the LF behind the CR breaks off the answering that ATA has begun";
        faults.push(Fault::warning(span, message, "end it with ^M alone"));
    }
    if command.starts_with(b"ata") && command.len() > b"ata".len() && !command.contains(&b'\r') {
        let message = "the modem answers at A and does not carry out what follows it";
        faults.push(Fault::warning(span, message, "write A last: AT&C1A"));
    }
}

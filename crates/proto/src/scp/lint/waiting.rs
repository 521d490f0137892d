//! What is waited for wrongly, or for ever.

use crate::scp::fault::{Fault, Faults, Span};
use crate::scp::lex::System;
use crate::scp::sequences::interpret;
use crate::scp::syntax::{Act, Case, Expression, Statement, Term, What};

/// What modems say, in capitals. V.250 table 1, and what the makers added.
const RESULT_CODES: [&[u8]; 9] = [
    b"busy",
    b"connect",
    b"error",
    b"no answer",
    b"no carrier",
    b"no dial tone",
    b"no dialtone",
    b"ok",
    b"voice",
];

/// A `waitfor`.
pub(super) struct Wait<'a> {
    pub(super) word: Span,
    pub(super) cases: &'a [Case],
    pub(super) until: Option<&'a Expression>,
}

impl Wait<'_> {
    pub(super) fn look(&self, source: &[u8], next: Option<&Statement>, faults: &mut Faults) {
        for case in self.cases {
            if let Some(text) = case.text.literal(source) {
                text_of(case, &interpret(text), faults);
            }
        }
        match self.until {
            None => {
                let message = "without until this waits for ever if the text never comes";
                let cure = "write until and a number of seconds, and look at $FAILURE afterwards";
                faults.push(Fault::warning(self.word, message, cure));
            }
            Some(until) => self.nobody_looks(until, next, faults),
        }
    }

    /// A wait that may fail, and a script that goes on as if it could not.
    fn nobody_looks(&self, until: &Expression, next: Option<&Statement>, faults: &mut Faults) {
        // Where each string leads elsewhere, going on means that none came.
        if self.cases.iter().all(|case| case.label.is_some()) {
            return;
        }
        let Some(next) = next else { return };
        let looks = super::expressions(&next.act).into_iter().any(reads_the_result);
        if !looks && !matches!(next.act, Act::Halt) {
            let message =
                "nothing looks whether the text came in time; the script goes on as if it had";
            let cure = "after it: if $FAILURE then ... endif; or give the text a then";
            faults.push(Fault::warning(until.span, message, cure));
        }
    }
}

fn reads_the_result(expression: &Expression) -> bool {
    let result = |term: &Term| matches!(term.what, What::System(System::Success | System::Failure));
    expression.terms.iter().any(result)
}

/// A string that is waited for.
fn text_of(case: &Case, bytes: &[u8], faults: &mut Faults) {
    let span = case.text.span;
    if bytes.is_empty() {
        let message = "an empty text is found at once";
        faults.push(Fault::warning(
            span,
            message,
            "write what the other side says, or take the wait out",
        ));
        return;
    }
    if case.matchcase {
        return;
    }
    let folded = bytes.to_ascii_lowercase();
    let word = folded.trim_ascii();
    if word == b"ring" && !bytes.first().is_some_and(u8::is_ascii_control) {
        let message = "without matchcase this is also found in preparing, during, entering, string";
        let cure = "wait for the whole line in capitals: waitfor \"<cr><lf>RING<cr>\", matchcase";
        faults.push(Fault::warning(span, message, cure));
    } else if word == b"ring" || RESULT_CODES.contains(&word) {
        let message =
            "modems say this in capitals; without matchcase any text of the server with it will do";
        faults.push(Fault::warning(span, message, "write , matchcase behind the text"));
    }
}

//! A script's file, and its faults with carets under them.
//!
//! A script is bytes: code page 850, Windows-1252 or UTF-8. What is not UTF-8 is shown as ISO 8859-1, and places in it
//! are counted anew, since a byte beyond ASCII is two in the text that is shown.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use calls::diagnostic::{Diagnostic, Look, Source};
use proto::scp::{Fault, MAX_SCRIPT, Severity, Span};

use crate::exit::{Code, Failure};
use crate::out::{self, Palette};

/// A script as it stands in its file.
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    shown: Arc<Source>,
    /// Whether `shown` has two bytes for each one beyond ASCII.
    widened: bool,
}

impl Text {
    /// Reads the file; not more of it than shows that it is too long. `-` is standard input.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let most = MAX_SCRIPT as u64 + 1;
        let mut bytes = Vec::new();
        let done = if path == Path::new("-") {
            io::stdin().lock().take(most).read_to_end(&mut bytes)
        } else {
            File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
        };
        done.map_err(|e| {
            let message = format!("{}: reading it: {e}", path.display());
            Failure::new(Code::ScriptUsage, message)
        })?;
        Ok(Self::new(&path.display().to_string(), bytes))
    }

    fn new(name: &str, bytes: Vec<u8>) -> Self {
        let (text, widened) = match std::str::from_utf8(&bytes) {
            Ok(text) => (text.to_owned(), false),
            Err(_) => (bytes.iter().copied().map(char::from).collect(), true),
        };
        Self { shown: Source::new(name, text), bytes, widened }
    }

    /// A fault as people see it.
    pub(super) fn diagnostic(&self, fault: &Fault) -> Diagnostic {
        let span = self.widen(fault.span.start)..self.widen(fault.span.end);
        let diagnostic = match fault.severity {
            Severity::Error => Diagnostic::error(&self.shown, span, &fault.message),
            Severity::Warning => Diagnostic::warning(&self.shown, span, &fault.message),
        };
        if fault.cure.is_empty() { diagnostic } else { diagnostic.hint(&fault.cure) }
    }

    /// Shows a fault on stderr.
    pub(super) fn show(&self, fault: &Fault) {
        let palette = Palette::stderr();
        let look = if palette.coloured() { Look::Colour } else { Look::Plain };
        out::error(self.diagnostic(fault).render(look));
    }

    /// A fault that came up while the script ran.
    pub(super) fn run_fault(&self, span: Span, message: &str, cure: &str) -> Fault {
        Fault {
            severity: Severity::Error,
            span,
            message: message.to_owned(),
            cure: cure.to_owned(),
        }
    }

    /// The line of a byte.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.shown.line(self.widen(offset))
    }

    /// The name that people know it by.
    pub(super) fn name(&self) -> &str {
        self.shown.name()
    }

    fn widen(&self, offset: usize) -> usize {
        let before = self.bytes.get(..offset.min(self.bytes.len())).unwrap_or_default();
        let wide =
            if self.widened { before.iter().filter(|byte| !byte.is_ascii()).count() } else { 0 };
        before.len() + wide
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_behind_a_byte_beyond_ascii_are_shown_where_they_are() {
        for (bytes, wanted) in [
            (&b"; gr\xfc\xdfe\nproc"[..], "x.scp:2:1: error"),
            ("; gr\u{fc}\u{df}e\nproc".as_bytes(), "x.scp:2:1: error"),
        ] {
            let text = Text::new("x.scp", bytes.to_vec());
            let at = bytes.len() - 4;
            let fault = text.run_fault(Span { start: at, end: at + 4 }, "error", "");
            assert_eq!(text.diagnostic(&fault).to_string(), wanted);
            assert_eq!(text.line(at), 2);
        }
    }
}

//! What is wrong with a text that a person wrote, and how to mend it.
//!
//! A [`Diagnostic`] points at a place in a [`Source`] and is shown in three ways: as one line
//! (`login.config:14:3: message: hint`, its `Display`), with the text and carets under it
//! ([`Diagnostic::render`]), and as JSON (`Serialize`). Whoever checks a text collects all of its faults,
//! never only the first: an administrator who mends a file should have to do it once.
//!
//! This file does not know what is checked, nor where a text came from.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};
use serde::ser::{Serialize, SerializeStruct, Serializer};

#[cfg(test)]
mod tests;

/// A text with the name that people know it by, usually the path of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    name: String,
    text: String,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl Source {
    /// `text` under `name`.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        let text = text.into();
        let after_newlines = text.match_indices('\n').map(|(newline, _)| newline + 1);
        let lines = std::iter::once(0).chain(after_newlines).collect();
        Arc::new(Self { name: name.into(), text, lines })
    }

    /// The name that people know it by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text itself.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte offset. An offset past the end is the end; one inside of a character is
    /// that character.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.boundary(offset);
        let line = self.line(offset);
        let start = self.lines.get(line - 1).copied().unwrap_or_default();
        let before = self.text.get(start..offset).unwrap_or_default();
        Position { line, column: before.chars().count() + 1 }
    }

    /// The line of a byte offset, from 1; found without looking at the text.
    #[must_use]
    pub fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|&start| start <= offset).max(1)
    }

    /// The nearest offset at or before `offset` that does not cut a character in two.
    fn boundary(&self, offset: usize) -> usize {
        self.text.floor_char_boundary(offset)
    }
}

/// A place in a text, as people count: both from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character on that line.
    pub column: usize,
}

/// Whether the server can run in spite of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It can't.
    Error,
    /// It can, but hardly as somebody meant it.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One fault, or one thing that is suspicious.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The text it is in.
    pub source: Arc<Source>,
    /// The bytes of that text which are wrong; `None` when it is the file as a whole.
    pub span: Option<Range<usize>>,
    /// What is wrong. Lower case, no full stop.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
    /// What else helps to understand it.
    pub notes: Vec<String>,
}

impl Diagnostic {
    /// An error at `span`.
    #[must_use]
    pub fn error(source: &Arc<Source>, span: Range<usize>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, source, Some(span), message.into())
    }

    /// A warning at `span`.
    #[must_use]
    pub fn warning(source: &Arc<Source>, span: Range<usize>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, source, Some(span), message.into())
    }

    /// An error of the file as a whole: it is missing, it belongs to the wrong user.
    #[must_use]
    pub fn of_file(source: &Arc<Source>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, source, None, message.into())
    }

    /// A warning about the file as a whole.
    #[must_use]
    pub fn warning_of_file(source: &Arc<Source>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, source, None, message.into())
    }

    fn new(
        severity: Severity,
        source: &Arc<Source>,
        span: Option<Range<usize>>,
        message: String,
    ) -> Self {
        Self { severity, source: Arc::clone(source), span, message, hint: None, notes: Vec::new() }
    }

    /// With the way to mend it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With something that helps to understand it.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Where it begins; `None` when it is the file as a whole.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.span.as_ref().map(|span| self.source.position(span.start))
    }

    /// For people: the message, the text with carets under the fault, the hint and the notes.
    #[must_use]
    pub fn render(&self, look: Look) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(&self.message);
        let mut group = match self.visible_span() {
            Some(span) => title.element(
                Snippet::source(self.source.text())
                    .path(self.source.name())
                    .annotation(AnnotationKind::Primary.span(span)),
            ),
            None => title.element(Origin::path(self.source.name())),
        };
        if let Some(hint) = &self.hint {
            group = group.element(Level::HELP.message(hint));
        }
        for note in &self.notes {
            group = group.element(Level::NOTE.message(note));
        }
        let renderer = match look {
            Look::Plain => Renderer::plain(),
            Look::Colour => Renderer::styled(),
        };
        renderer.decor_style(DecorStyle::Ascii).render(&[group])
    }

    /// The span, cut to whole characters of the text.
    fn visible_span(&self) -> Option<Range<usize>> {
        let span = self.span.as_ref()?;
        let start = self.source.boundary(span.start);
        Some(start..self.source.boundary(span.end).max(start))
    }
}

/// How a diagnostic shall look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Text alone, for files and pipes.
    Plain,
    /// With ANSI colours, for terminals.
    Colour,
}

/// One line: `login.config:14:3: message: hint`, with `warning: ` before the message of a warning.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.source.name())?;
        if let Some(Position { line, column }) = self.position() {
            write!(f, ":{line}:{column}")?;
        }
        match self.severity {
            Severity::Error => f.write_str(": ")?,
            Severity::Warning => f.write_str(": warning: ")?,
        }
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, ": {hint}"),
            None => Ok(()),
        }
    }
}

impl Serialize for Diagnostic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let start = self.position();
        let end = self.span.as_ref().map(|span| self.source.position(span.end));
        let mut object = serializer.serialize_struct("Diagnostic", 9)?;
        object.serialize_field("severity", self.severity.word())?;
        object.serialize_field("file", self.source.name())?;
        object.serialize_field("line", &start.map(|place| place.line))?;
        object.serialize_field("column", &start.map(|place| place.column))?;
        object.serialize_field("end_line", &end.map(|place| place.line))?;
        object.serialize_field("end_column", &end.map(|place| place.column))?;
        object.serialize_field("message", &self.message)?;
        object.serialize_field("hint", &self.hint)?;
        object.serialize_field("notes", &self.notes)?;
        object.end()
    }
}

/// In the order of reading: by file, then by place; faults of a whole file before those inside of it.
pub fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by(|one, other| {
        let key =
            |diagnostic: &Diagnostic| diagnostic.span.as_ref().map(|span| (span.start, span.end));
        one.source.name().cmp(other.source.name()).then_with(|| key(one).cmp(&key(other)))
    });
}

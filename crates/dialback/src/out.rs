//! Writing to the terminal: text that ends well when nobody reads it any more, tables, and colour.
//!
//! A reader that goes away (`dialback calls | head`) is not a fault: writing stops silently. Anything else is (a full disk): the
//! first failure is kept, and the program's end tells of it, whatever was being written (`exit::conclude`). Colour is for
//! terminals only, and never when `NO_COLOR` is set (<https://no-color.org>).

mod table;

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

pub(crate) use table::{fitted, table, wrapped};

/// Why something that was meant for stdout has not arrived there.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Why something that was said has not arrived, if that is so and was not its reader's own wish.
pub(crate) fn lost() -> Option<&'static io::Error> {
    LOST.get()
}

/// Keeps what went wrong in writing to stdout.
pub(crate) fn noted<T>(written: io::Result<T>) -> io::Result<T> {
    written.inspect_err(|e| {
        if e.kind() != io::ErrorKind::BrokenPipe {
            // The first one tells more than those that follow from it.
            drop(LOST.set(io::Error::new(e.kind(), e.to_string())));
        }
    })
}

/// Stdout, for whoever wants something to write to.
#[derive(Debug)]
pub(crate) struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        noted(io::stdout().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        noted(io::stdout().flush())
    }
}

/// One line on stdout. `false` when it does not arrive: there is no sense in going on.
pub(crate) fn line(text: impl fmt::Display) -> bool {
    let mut out = io::stdout().lock();
    noted(writeln!(out, "{text}").and_then(|()| out.flush())).is_ok()
}

/// Stdout for many lines: they are gathered until somebody should see them.
#[derive(Debug)]
pub(crate) struct Paper(io::BufWriter<io::StdoutLock<'static>>);

/// As much as a pipe takes at once.
const PAPER: usize = 64 * 1024;

impl Paper {
    /// An empty sheet.
    pub(crate) fn new() -> Self {
        Self(io::BufWriter::with_capacity(PAPER, io::stdout().lock()))
    }

    /// A line. `false` when it can't be written: there is no sense in going on.
    pub(crate) fn line(&mut self, text: &str) -> bool {
        let written = self.0.write_all(text.as_bytes()).and_then(|()| self.0.write_all(b"\n"));
        noted(written).is_ok()
    }

    /// Shows what was gathered. `false` when it does not arrive.
    pub(crate) fn show(&mut self) -> bool {
        noted(self.0.flush()).is_ok()
    }
}

/// One line on stderr. What can't be said there can't be said anywhere.
pub(crate) fn error(text: impl fmt::Display) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// Text on stderr as it stands, without a line end of its own.
pub(crate) fn error_text(text: &str) {
    drop(io::stderr().lock().write_all(text.as_bytes()));
}

/// How a word is to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ink {
    /// As the terminal has it.
    #[default]
    Plain,
    /// Less important.
    Dim,
    /// All is well.
    Green,
    /// Look here.
    Yellow,
    /// Something failed.
    Red,
    /// A name.
    Cyan,
}

/// Whether and how to colour, and how wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Palette {
    on: bool,
    /// Columns of the terminal. `None`: no terminal, and nothing that is read by a program is cut for its width.
    width: Option<usize>,
}

impl Palette {
    /// For what goes to stdout.
    pub(crate) fn stdout() -> Self {
        let terminal = io::stdout().is_terminal();
        let size = terminal.then(|| rustix::termios::tcgetwinsize(io::stdout()).ok()).flatten();
        // Some terminals (a serial console) don't know, and say 0.
        let width = size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0);
        Self { on: terminal && wanted(), width }
    }

    /// For what goes to stderr.
    pub(crate) fn stderr() -> Self {
        Self { on: io::stderr().is_terminal() && wanted(), width: None }
    }

    /// No colour at all.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self { on: false, width: None }
    }

    /// The same on a terminal with so many columns.
    #[cfg(test)]
    pub(crate) fn wide(self, columns: usize) -> Self {
        Self { width: Some(columns), ..self }
    }

    /// The same for what is indented by so many columns.
    pub(crate) fn indented(self, by: usize) -> Self {
        Self { width: self.width.map(|width| width.saturating_sub(by)), ..self }
    }

    /// Whether there is colour at all.
    pub(crate) fn coloured(self) -> bool {
        self.on
    }

    /// `text` in `ink`.
    pub(crate) fn paint(self, ink: Ink, text: &str) -> String {
        let code = match ink {
            Ink::Plain => return text.to_owned(),
            Ink::Dim => "2",
            Ink::Green => "32",
            Ink::Yellow => "33",
            Ink::Red => "31",
            Ink::Cyan => "36",
        };
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A cell of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    ink: Ink,
}

impl Cell {
    /// A cell in a colour.
    pub(crate) fn inked(ink: Ink, text: impl Into<String>) -> Self {
        Self { text: text.into(), ink }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), ink: Ink::Plain }
    }
}

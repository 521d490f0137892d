//! Three columns on a terminal that only ever grow downwards: whatever can print lines can show them.
//!
//! ```text
//!    41.2 │ orion!login: cback      │                          │ name given: "cback"
//!    time   the caller's screen       modems and exchange        the server
//! ```
//!
//! A row stays open until something comes that does not fit behind what is there: a key in the same column
//! goes on where the last one ended, so that typing can be watched, and a column further right can still be
//! filled. It does not know what the texts mean.

use std::io::{self, Write};

use crate::out::{Ink, Palette};

/// How much later something may come and still share a row, by the town's clock.
const SAME_TIME_MS: u64 = 300;
/// The time and its blank.
const TIME_WIDTH: usize = 6;

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Column {
    /// The caller's screen.
    Caller,
    /// Modems and exchange.
    Town,
    /// The server.
    Server,
}

/// Lines and arrows of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Glyphs {
    /// `│ ─`
    Unicode,
    /// `| -`
    Ascii,
}

impl Glyphs {
    /// What the terminal knows, as the locale has it (locale(7)).
    pub(crate) fn of_locale() -> Self {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .filter_map(std::env::var_os)
            .find(|value| !value.is_empty())
            .unwrap_or_default();
        let locale = locale.to_string_lossy().to_ascii_lowercase();
        let unicode = locale.contains("utf-8") || locale.contains("utf8");
        if unicode { Self::Unicode } else { Self::Ascii }
    }
}

/// The width of a sheet where there is no terminal to ask.
pub(crate) const PLAIN_WIDTH: usize = 100;
/// Wider rows are harder to read.
const WIDEST: usize = 132;

/// How wide a sheet on stdout is.
pub(crate) fn width() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
    let width = size.map(|size| usize::from(size.ws_col)).filter(|width| *width > 0);
    width.unwrap_or(PLAIN_WIDTH).min(WIDEST)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    /// The cursor is at the beginning of a line.
    None,
    /// It is in this column, behind so many characters of it.
    Open { since_ms: u64, column: Column, used: usize, goes_on: bool },
}

/// The sheet.
#[derive(Debug)]
pub(crate) struct Sheet<W> {
    out: W,
    palette: Palette,
    glyphs: Glyphs,
    width: usize,
    row: Row,
    /// The last time that was written.
    told_ms: Option<u64>,
}

impl<W: Write> Sheet<W> {
    /// A sheet of so many columns of characters, at least 80.
    pub(crate) fn new(out: W, width: usize, palette: Palette, glyphs: Glyphs) -> Self {
        Self { out, palette, glyphs, width: width.max(80), row: Row::None, told_ms: None }
    }

    /// How wide it is.
    pub(crate) const fn width(&self) -> usize {
        self.width
    }

    /// How many characters a column has.
    fn room(&self, column: Column) -> usize {
        // What the time and three bars with their blanks leave.
        let rest = self.width - TIME_WIDTH - 9;
        let town = (rest * 27 / 100).clamp(19, 26);
        let caller = (rest - town) / 2;
        match column {
            Column::Caller => caller,
            Column::Town => town,
            Column::Server => rest - caller - town,
        }
    }

    /// The names of the columns.
    pub(crate) fn heading(&mut self, names: [&str; 3]) -> io::Result<()> {
        self.told_ms = Some(0);
        for (column, name) in [Column::Caller, Column::Town, Column::Server].into_iter().zip(names)
        {
            self.write_cell(0, column, Ink::Cyan, name, false)?;
        }
        self.told_ms = None;
        self.end_row()
    }

    /// A line of its own, over all columns.
    pub(crate) fn line(&mut self, ink: Ink, text: &str) -> io::Result<()> {
        self.end_row()?;
        for line in wrapped(text, self.width) {
            writeln!(self.out, "{}", self.palette.paint(ink, &line))?;
        }
        self.out.flush()
    }

    /// A title with a rule behind it.
    pub(crate) fn title(&mut self, text: &str) -> io::Result<()> {
        let rule = match self.glyphs {
            Glyphs::Unicode => "─",
            Glyphs::Ascii => "-",
        };
        let rest = self.width.saturating_sub(text.chars().count() + 4);
        let text = format!("{rule}{rule} {text} {}", rule.repeat(rest));
        self.line(Ink::Cyan, &text)
    }

    /// A text in a column, in lines of its own.
    pub(crate) fn text(&mut self, ms: u64, column: Column, ink: Ink, text: &str) -> io::Result<()> {
        for line in wrapped(text, self.room(column)) {
            self.write_cell(ms, column, ink, &line, false)?;
        }
        self.done(column)
    }

    /// Nothing can come behind the last column: who reads lines need not wait for the next one.
    fn done(&mut self, column: Column) -> io::Result<()> {
        match column {
            Column::Server => self.end_row(),
            Column::Caller | Column::Town => self.out.flush(),
        }
    }

    /// As much of a text as fits into one row.
    pub(crate) fn glimpse(
        &mut self,
        ms: u64,
        column: Column,
        ink: Ink,
        text: &str,
    ) -> io::Result<()> {
        let room = self.room(column);
        let text = if text.chars().count() > room {
            let rest = match self.glyphs {
                Glyphs::Unicode => "…",
                Glyphs::Ascii => "...",
            };
            let cut: String = text.chars().take(room - rest.chars().count()).collect();
            format!("{}{rest}", cut.trim_end())
        } else {
            text.to_owned()
        };
        self.write_cell(ms, column, ink, &text, false)?;
        self.done(column)
    }

    /// More of what is told in a column already, in the same row if there is room.
    pub(crate) fn more(&mut self, ms: u64, column: Column, ink: Ink, text: &str) -> io::Result<()> {
        self.go_on(column);
        self.stream(ms, column, ink, text)
    }

    /// Text that goes on where the last of it in this column ended. A line feed ends the line.
    pub(crate) fn stream(
        &mut self,
        ms: u64,
        column: Column,
        ink: Ink,
        text: &str,
    ) -> io::Result<()> {
        for piece in text.split_inclusive('\n') {
            for word in piece.trim_end_matches('\n').split_inclusive(' ') {
                self.word(ms, column, ink, word)?;
            }
            if piece.ends_with('\n') {
                self.stop_stream(column);
            }
        }
        self.out.flush()
    }

    fn word(&mut self, ms: u64, column: Column, ink: Ink, word: &str) -> io::Result<()> {
        let room = self.room(column);
        for (index, part) in wrapped_word(word, room).into_iter().enumerate() {
            let visible = part.trim_end().chars().count();
            let length = part.chars().count();
            match &mut self.row {
                Row::Open { column: at, used, goes_on: true, .. }
                    if *at == column && index == 0 && *used + visible <= room =>
                {
                    // A blank at the edge is not written.
                    let part: String = part.chars().take(room - *used).collect();
                    *used = (*used + length).min(room);
                    write!(self.out, "{}", self.palette.paint(ink, &part))?;
                }
                Row::None | Row::Open { .. } => {
                    if visible > 0 {
                        let part: String = part.chars().take(room).collect();
                        self.write_cell(ms, column, ink, &part, true)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn go_on(&mut self, wanted: Column) {
        if let Row::Open { column, goes_on, .. } = &mut self.row
            && *column == wanted
        {
            *goes_on = true;
        }
    }

    fn stop_stream(&mut self, wanted: Column) {
        if let Row::Open { column, goes_on, .. } = &mut self.row
            && *column == wanted
        {
            *goes_on = false;
        }
    }

    /// Writes a text that fits, in this row if it can be, else in the next.
    fn write_cell(
        &mut self,
        ms: u64,
        column: Column,
        ink: Ink,
        text: &str,
        goes_on: bool,
    ) -> io::Result<()> {
        let since_ms = match self.row {
            Row::Open { since_ms, column: at, used, .. }
                if at < column && ms.saturating_sub(since_ms) < SAME_TIME_MS =>
            {
                self.pad(at, used, Some(column))?;
                since_ms
            }
            Row::Open { .. } | Row::None => {
                self.end_row()?;
                self.begin_row(ms, column)?;
                ms
            }
        };
        write!(self.out, "{}", self.palette.paint(ink, text))?;
        self.row = Row::Open { since_ms, column, used: text.chars().count(), goes_on };
        Ok(())
    }

    fn begin_row(&mut self, ms: u64, column: Column) -> io::Result<()> {
        let is_new = self.told_ms.is_none_or(|told| told / 100 != ms / 100);
        self.told_ms = Some(ms);
        let time = match is_new {
            true => format!("{:>4}.{}", ms / 1000, ms / 100 % 10),
            false => String::new(),
        };
        let time = self.palette.paint(Ink::Dim, &format!("{time:>TIME_WIDTH$}"));
        write!(self.out, "{time}{}", self.bar())?;
        if column > Column::Caller {
            self.pad(Column::Caller, 0, Some(column))?;
        }
        Ok(())
    }

    /// Blanks and bars from here to the beginning of a column, or to the last bar.
    fn pad(&mut self, from: Column, used: usize, to: Option<Column>) -> io::Result<()> {
        let (mut used, mut line) = (used, String::new());
        for column in [Column::Caller, Column::Town] {
            if column >= from && to.is_none_or(|to| column < to) {
                line.extend(std::iter::repeat_n(' ', self.room(column).saturating_sub(used)));
                line.push_str(&self.bar());
                used = 0;
            }
        }
        let end = if to.is_none() { line.trim_end() } else { &line };
        write!(self.out, "{end}")
    }

    fn bar(&self) -> String {
        let bar = match self.glyphs {
            Glyphs::Unicode => " │ ",
            Glyphs::Ascii => " | ",
        };
        self.palette.paint(Ink::Dim, bar)
    }

    /// The cursor goes to the beginning of a line.
    pub(crate) fn end_row(&mut self) -> io::Result<()> {
        if let Row::Open { column, used, .. } = self.row {
            self.pad(column, used, None)?;
            writeln!(self.out)?;
        }
        self.row = Row::None;
        self.out.flush()
    }
}

/// A text in lines of at most `room` characters, broken at blanks.
pub(crate) fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_inclusive(' ').flat_map(|word| wrapped_word(word, room)) {
            let visible = word.trim_end().chars().count();
            if line.chars().count() + visible > room {
                lines.push(line.trim_end().to_owned());
                line.clear();
            }
            line.push_str(&word);
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// A word in parts that fit.
fn wrapped_word(word: &str, room: usize) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let fits = word.trim_end().chars().count() <= room;
    let chunk = if fits { letters.len().max(1) } else { room.max(1) };
    letters.chunks(chunk).map(|part| part.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(tell: impl Fn(&mut Sheet<&mut Vec<u8>>) -> io::Result<()>) -> Vec<String> {
        let mut out = Vec::new();
        let mut sheet = Sheet::new(&mut out, 80, Palette::none(), Glyphs::Ascii);
        tell(&mut sheet).unwrap();
        sheet.end_row().unwrap();
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn what_comes_at_the_same_time_further_right_shares_the_row() {
        let rows = shown(|sheet| {
            sheet.stream(1_200, Column::Caller, Ink::Plain, "login: ")?;
            sheet.stream(1_400, Column::Caller, Ink::Plain, "cback")?;
            sheet.stream(1_400, Column::Caller, Ink::Plain, "\n")?;
            sheet.text(1_450, Column::Server, Ink::Plain, "a name")?;
            sheet.text(1_460, Column::Town, Ink::Plain, "left of it")?;
            sheet.text(2_000, Column::Server, Ink::Plain, "later")
        });
        let row = |time, caller, town, server| {
            format!("{time:>6} | {caller:<23} | {town:<19} | {server}").trim_end().to_owned()
        };
        let wanted = [
            row("1.2", "login: cback", "", "a name"),
            row("1.4", "", "left of it", ""),
            row("2.0", "", "", "later"),
        ];
        assert_eq!(rows, wanted);
    }

    #[test]
    fn nothing_is_wider_than_the_sheet() {
        let long = "Thank you. This call ends now; let your modem answer the next one. ".repeat(3)
            + &"x".repeat(200);
        let rows = shown(|sheet| {
            sheet.stream(0, Column::Caller, Ink::Plain, &long)?;
            sheet.text(0, Column::Town, Ink::Plain, &long)?;
            sheet.text(0, Column::Server, Ink::Plain, &long)?;
            sheet.title(&long)?;
            sheet.line(Ink::Plain, &long)
        });
        for row in rows {
            assert!(row.chars().count() <= 80, "{} {row}", row.chars().count());
        }
    }
}

//! Tables, and how they fit the terminal.
//!
//! ```text
//!   fits ──► as it is
//!   too wide ──► spare columns that say nothing go ──► spare columns go, the least wanted first, and it is said which
//!            ──► the last column goes on below itself ──► the widest of the others is shortened, with an ellipsis
//! ```
//!
//! Where no terminal reads (a pipe, a file), nothing is left out. It does not know what the columns mean.

use super::{Cell, Ink, Palette};

/// Between two columns.
const GAP: usize = 2;
/// The last column is not made narrower than this: words would be torn.
const LAST: usize = 20;
/// No other column is made narrower than this.
const LEAST: usize = 6;

/// Rows under a heading, each column as wide as its widest cell; see the module for what happens on a narrow terminal.
///
/// Control characters in cells become `?`: what callers sent must not drive the operator's terminal.
pub(crate) fn table(palette: Palette, heading: &[&str], rows: &[Vec<Cell>]) -> String {
    fitted(palette, heading, &[], rows)
}

/// The same with columns that can be spared on a narrow terminal, named by their headings, the least wanted first.
pub(crate) fn fitted(
    palette: Palette,
    heading: &[&str],
    spare: &[&str],
    rows: &[Vec<Cell>],
) -> String {
    let mut columns: Vec<Column<'_>> =
        heading.iter().enumerate().map(|(place, title)| Column::of(place, title, rows)).collect();
    let left_out = palette.width.map_or_else(Vec::new, |width| fit(&mut columns, spare, width));
    let heading: Vec<Cell> = heading.iter().map(|title| Cell::inked(Ink::Dim, *title)).collect();
    let mut text = String::new();
    for row in std::iter::once(&heading).chain(rows) {
        write_row(&mut text, palette, &columns, row);
    }
    if !left_out.is_empty() {
        let told =
            format!("(no room for {}: widen the terminal, or add | cat)", left_out.join(", "));
        let told = wrapped(palette, &told, 1);
        text.push_str(&palette.paint(Ink::Dim, &told));
        text.push('\n');
    }
    text
}

/// A column that is shown.
struct Column<'a> {
    place: usize,
    title: &'a str,
    width: usize,
    /// No row has anything there.
    is_empty: bool,
}

impl<'a> Column<'a> {
    fn of(place: usize, title: &'a str, rows: &[Vec<Cell>]) -> Self {
        let cells = || rows.iter().filter_map(|row| row.get(place)).map(|cell| &cell.text);
        let width = cells().map(|text| text.chars().count()).max().unwrap_or(0);
        let is_empty = cells().all(|text| text.is_empty() || text == "-");
        Self { place, title, width: width.max(title.chars().count()), is_empty }
    }
}

fn total(columns: &[Column<'_>]) -> usize {
    let gaps = columns.len().saturating_sub(1) * GAP;
    columns.iter().map(|column| column.width).sum::<usize>() + gaps
}

/// Makes them fit. The titles of those that are not shown although they say something.
fn fit<'a>(columns: &mut Vec<Column<'a>>, spare: &[&str], width: usize) -> Vec<&'a str> {
    let mut left_out = Vec::new();
    for only_empty in [true, false] {
        for title in spare {
            if total(columns) <= width {
                return left_out;
            }
            let found = columns
                .iter()
                .position(|column| column.title == *title && (column.is_empty || !only_empty));
            if let Some(column) = found.map(|place| columns.remove(place))
                && !column.is_empty
            {
                left_out.push(column.title);
            }
        }
    }
    let excess = total(columns).saturating_sub(width);
    let Some((last, others)) = columns.split_last_mut() else { return left_out };
    last.width = last.width.saturating_sub(excess).max(last.width.min(LAST));
    let rest = width.saturating_sub(last.width + others.len() * GAP);
    while others.iter().map(|column| column.width).sum::<usize>() > rest {
        // The number of columns and their widths are those of a terminal: small.
        let widest = others.iter_mut().max_by_key(|column| column.width);
        match widest {
            Some(column) if column.width > LEAST => column.width -= 1,
            Some(_) | None => break,
        }
    }
    left_out
}

fn write_row(text: &mut String, palette: Palette, columns: &[Column<'_>], row: &[Cell]) {
    let mut gap = 0;
    let mut at = 0;
    for (count, column) in columns.iter().enumerate() {
        let Some(cell) = row.get(column.place) else { break };
        text.extend(std::iter::repeat_n(' ', gap));
        let is_last = count + 1 == columns.len();
        let clean = cell.text.replace(char::is_control, "?");
        let shown = match (clean.chars().count() > column.width, is_last) {
            (false, _) => clean,
            (true, true) => folded(&clean, column.width, at),
            (true, false) => {
                let kept = clean.chars().take(column.width.saturating_sub(1));
                kept.chain(std::iter::once('…')).collect()
            }
        };
        text.push_str(&palette.paint(cell.ink, &shown));
        gap = GAP + column.width.saturating_sub(shown.chars().count());
        at += column.width + GAP;
    }
    text.push('\n');
}

/// A line that goes on below itself, indented by `hang`, where it is too long for the terminal.
pub(crate) fn wrapped(palette: Palette, line: &str, hang: usize) -> String {
    match palette.width {
        // A terminal so narrow has nothing to gain.
        Some(width) if width >= hang + LAST => broken(line, width, width - hang, hang),
        Some(_) | None => line.to_owned(),
    }
}

fn folded(text: &str, width: usize, hang: usize) -> String {
    broken(text, width, width, hang)
}

/// Lines of so many columns, the first and those after it, which are indented. Colours (`ESC [ ... m`) have no width.
fn broken(text: &str, first: usize, next: usize, hang: usize) -> String {
    let mut whole = String::new();
    let (mut room, mut blank) = (first, 0);
    for (count, word) in text.split(' ').enumerate() {
        let mut length = visible(word);
        if count > 0 {
            blank += 1;
        }
        let fits = blank + length <= room;
        // At the beginning of a line a break would gain nothing.
        if !fits && !whole.is_empty() && room < if whole.contains('\n') { next } else { first } {
            whole.push('\n');
            whole.extend(std::iter::repeat_n(' ', hang));
            (room, blank) = (next, 0);
        }
        whole.extend(std::iter::repeat_n(' ', blank));
        room = room.saturating_sub(blank);
        blank = 0;
        let mut rest = word;
        // A word longer than a line is torn: a path, a hash. One with colours in it is left to the terminal.
        while length > room && room > 0 && !rest.contains('\x1b') {
            let end = rest.char_indices().nth(room).map_or(rest.len(), |(at, _)| at);
            let (here, there) = rest.split_at(end);
            whole.push_str(here);
            whole.push('\n');
            whole.extend(std::iter::repeat_n(' ', hang));
            (rest, room) = (there, next);
            length = visible(rest);
        }
        whole.push_str(rest);
        room = room.saturating_sub(length);
    }
    whole
}

fn visible(text: &str) -> usize {
    let mut count = 0;
    let mut in_escape = false;
    for c in text.chars() {
        match (in_escape, c) {
            (false, '\x1b') => in_escape = true,
            (false, _) => count += 1,
            (true, 'm') => in_escape = false,
            (true, _) => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_nothing_trails() {
        let rows = vec![
            vec!["main".into(), "idle".into()],
            vec!["a longer name".into(), "\x1b[2Jx".into()],
        ];
        let text = table(Palette::none(), &["LINE", "STATE"], &rows);
        assert_eq!(text, "LINE           STATE\nmain           idle\na longer name  ?[2Jx\n");
    }

    fn check(width: usize, wanted: &str) {
        let rows: Vec<Vec<Cell>> = vec![
            vec!["c1".into(), "-".into(), "33600".into(), "the caller hung up".into()],
            vec![
                "c2".into(),
                "-".into(),
                "-".into(),
                "a program that does not exist could not be run".into(),
            ],
        ];
        let heading = ["CALL", "COST", "CONNECT", "END"];
        let text = fitted(Palette::none().wide(width), &heading, &["CONNECT", "COST"], &rows);
        assert_eq!(text, wanted, "{width}");
        for line in text.lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }

    #[test]
    fn on_a_narrow_terminal_spare_columns_go_and_the_last_goes_on_below_itself() {
        check(
            67,
            "CALL  COST  CONNECT  END\n\
             c1    -     33600    the caller hung up\n\
             c2    -     -        a program that does not exist could not be run\n",
        );
        // What says nothing goes first, and nobody misses it.
        check(
            61,
            "CALL  CONNECT  END\n\
             c1    33600    the caller hung up\n\
             c2    -        a program that does not exist could not be run\n",
        );
        check(
            52,
            "CALL  END\n\
             c1    the caller hung up\n\
             c2    a program that does not exist could not be run\n\
             (no room for CONNECT: widen the terminal, or add |\n cat)\n",
        );
        check(
            36,
            "CALL  END\n\
             c1    the caller hung up\n\
             c2    a program that does not exist\n      could not be run\n\
             (no room for CONNECT: widen the\n terminal, or add | cat)\n",
        );
    }

    #[test]
    fn a_cell_that_is_too_wide_is_shortened_and_says_so() {
        let rows: Vec<Vec<Cell>> = vec![vec!["5550100, 5550101, 5550102".into(), "due".into()]];
        let text = table(Palette::none().wide(20), &["NUMBERS", "STATE"], &rows);
        assert_eq!(text, "NUMBERS        STATE\n5550100, 555…  due\n");
    }

    #[test]
    fn a_line_goes_on_below_itself_whatever_its_colours() {
        let palette = Palette::none().wide(30);
        let text = "  0.0s  \x1b[31mrefused\x1b[0m: the number is not one that may be called";
        let wanted = "  0.0s  \x1b[31mrefused\x1b[0m: the number is\n        not one that may be\n        called";
        assert_eq!(wrapped(palette, text, 8), wanted);
        let torn = wrapped(palette, "see /a/path/that/is/longer/than/the/terminal is", 4);
        assert_eq!(torn, "see\n    /a/path/that/is/longer/tha\n    n/the/terminal is");
        assert_eq!(wrapped(Palette::none(), text, 8), text, "no terminal, no width");
    }
}

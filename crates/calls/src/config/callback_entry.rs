//! The arguments of a `callback` entry in login.config: those of mgetty's callback(8).
//!
//! Options are read as getopt(3) does. `-a` and `-x` are taken and have no effect, as `-a` has none in
//! mgetty; `-d` neither, since a built-in callback has no foreground. `-V` would print a version to the
//! caller and is an error. The numbers are the administrator's and may contain dial modifiers.
//!
//! Which lines there are is not known here: `-l` is resolved by [`super::check`].

use std::ops::Range;
use std::sync::Arc;

use proto::dial::PhoneNumber;

use super::at_commands::chat_commands;
use super::login_config::Token;
use super::values::{self, Fault};
use super::{Action, ReturnLine};
use crate::diagnostic::{Diagnostic, Severity, Source};

/// An entry's callback and where its parts stand.
pub(super) struct Draft {
    pub(super) action: Action,
    /// `-S` or `-l`.
    pub(super) line_at: Option<Range<usize>>,
    /// Each fixed number.
    pub(super) numbers_at: Vec<Range<usize>>,
}

/// An option's letter, its value if it takes one, and where they stand.
struct Given<'t> {
    letter: char,
    value: Option<&'t str>,
    at: Range<usize>,
}

/// What the options ask for.
#[derive(Default)]
struct Asked {
    line: Option<(ReturnLine, Range<usize>)>,
    init: Vec<String>,
    speed: Option<u32>,
}

/// The callback that the words behind `callback` ask for; `None` after a reported error.
pub(super) fn parse(
    source: &Arc<Source>,
    words: &[Token<'_>],
    faults: &mut Vec<Diagnostic>,
) -> Option<Draft> {
    let mut found = Vec::new();
    let (options, operands) = divide(source, words, &mut found);
    let mut asked = Asked::default();
    for Given { letter, value, at } in options {
        let taken = asked.take(letter, value.unwrap_or_default(), &at);
        if let Err(Fault { message, hint }) = taken {
            found.push(Diagnostic::error(source, at, message).hint(hint));
        }
    }
    let (numbers, numbers_at) = numbers(source, &operands, &mut found);
    let right = found.iter().all(|fault| fault.severity == Severity::Warning);
    faults.extend(found);
    let Asked { line, init, speed } = asked;
    let (line, line_at) = line.unzip();
    let action = Action::Callback { line, numbers, init, speed };
    right.then_some(Draft { action, line_at, numbers_at })
}

impl Asked {
    /// Takes one option.
    fn take(&mut self, letter: char, value: &str, at: &Range<usize>) -> Result<(), Fault> {
        match letter {
            'S' | 'l' if self.line.is_some() => Err(Fault::new(
                "-S or -l more than once",
                "write one of them: -S for the same line, -l for others",
            )),
            'S' => {
                self.line = Some((ReturnLine::Same, at.clone()));
                Ok(())
            }
            'l' => {
                let names: Vec<String> = value.split(':').map(str::to_owned).collect();
                if names.iter().any(String::is_empty) {
                    return Err(Fault::new(
                        format!("-l \"{value}\" has an empty name"),
                        "write names of lines with : between them",
                    ));
                }
                self.line = Some((ReturnLine::Lines(names), at.clone()));
                Ok(())
            }
            'm' => {
                self.init.extend(chat_commands(value).map_err(|fault| fault.of("-m"))?);
                Ok(())
            }
            's' => {
                let number = value.parse().map_err(|_| {
                    Fault::new(
                        format!("-s: \"{value}\" is not a speed"),
                        "write it in bit/s, like 38400",
                    )
                })?;
                self.speed = Some(values::speed(number).map_err(|fault| fault.of("-s"))?);
                Ok(())
            }
            'x' if !matches!(value.as_bytes(), [b'0'..=b'9']) => {
                Err(Fault::new(format!("-x: \"{value}\" is not a level"), "write 0 to 9"))
            }
            'x' | 'a' | 'd' => Ok(()),
            'V' => {
                Err(Fault::new("-V would show the caller a version and hang up", "leave it out"))
            }
            other => Err(Fault::new(
                format!("callback has no option -{other}"),
                "it has -S, -l LINES, -m INIT, -s SPEED, -d, -x N, -a",
            )),
        }
    }
}

/// Options and operands, as getopt(3) divides them: `-Sd`, `-x4`, `-x 4`, `--`.
fn divide<'t>(
    source: &Arc<Source>,
    words: &[Token<'t>],
    faults: &mut Vec<Diagnostic>,
) -> (Vec<Given<'t>>, Vec<Token<'t>>) {
    let mut options = Vec::new();
    let mut operands = Vec::new();
    let mut rest = words.iter();
    while let Some(token) = rest.next() {
        let letters = match token.text.strip_prefix('-') {
            None | Some("") => {
                operands.push(token.clone());
                continue;
            }
            Some("-") => {
                operands.extend(rest.cloned());
                break;
            }
            Some(letters) => letters,
        };
        let mut letters = letters.chars();
        while let Some(letter) = letters.next() {
            if !matches!(letter, 'x' | 'l' | 'm' | 's') {
                options.push(Given { letter, value: None, at: token.at.clone() });
                continue;
            }
            let attached = letters.as_str();
            if !attached.is_empty() {
                options.push(Given { letter, value: Some(attached), at: token.at.clone() });
            } else if let Some(value) = rest.next() {
                let at = token.at.start..value.at.end;
                options.push(Given { letter, value: Some(value.text), at });
            } else {
                let message = format!("-{letter} without a value");
                faults.push(
                    Diagnostic::error(source, token.at.clone(), message)
                        .hint("write it behind the option"),
                );
            }
            break;
        }
    }
    (options, operands)
}

/// The fixed numbers, and where they stand.
fn numbers(
    source: &Arc<Source>,
    operands: &[Token<'_>],
    faults: &mut Vec<Diagnostic>,
) -> (Vec<PhoneNumber>, Vec<Range<usize>>) {
    let mut numbers = Vec::new();
    let mut places = Vec::new();
    for token in operands {
        let fault = |message: String, hint: &str| {
            Diagnostic::error(source, token.at.clone(), message).hint(hint)
        };
        // A number may begin with #, a comment too: `callback -S # Mary` would dial "#".
        let comment = token.text.strip_prefix('#').is_some_and(|rest| {
            !rest.starts_with(|first: char| first.is_ascii_digit() || first == '*' || first == '#')
        });
        if comment {
            let message = "a comment can't follow an entry: its words would be dialled".to_owned();
            faults.push(fault(message, "put the comment on a line of its own"));
            break;
        }
        if matches!(token.text, "@" | "\\I" | "\\Y") {
            let message = format!("\"{}\" would dial what the caller sent", token.text);
            faults.push(fault(
                message,
                "leave it out: then the caller is asked, and caller_numbers says what he may type",
            ));
            continue;
        }
        match PhoneNumber::configured(token.text) {
            Ok(number) if numbers.contains(&number) => {
                let message = format!("{number} is there already");
                faults.push(
                    Diagnostic::warning(source, token.at.clone(), message).hint("leave it out"),
                );
            }
            Ok(number) => {
                numbers.push(number);
                places.push(token.at.clone());
            }
            Err(wrong) => {
                let message = format!("\"{}\" is not a telephone number: {wrong}", token.text);
                faults.push(fault(message, "write digits, *, # and , W @ ! P T alone"));
            }
        }
    }
    (numbers, places)
}

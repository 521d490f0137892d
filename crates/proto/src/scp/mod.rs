//! The dial-up scripts of Windows 95 to XP (`.scp`): reading them, finding their faults, running them.
//!
//! ```text
//!   bytes ──lex──► tokens ──parse──► statements ──compile──► Program ──► Engine  (on a line)
//!                                         └───────lint─────► what will go wrong on the telephone
//! ```
//!
//! The language is Microsoft's "Dial-Up Scripting Command Language" of 1995. Where its manual leaves a question open
//! the answer is ours, and stands in the test table with that basis: words and names in any case, sequences
//! interpreted when sent, a `waitfor` without `matchcase` blind to case, 32-bit integers that do not wrap.
//!
//! This module does not know what the line is, where user names and passwords come from, nor how a fault is shown.

mod code;
mod compile;
mod engine;
mod fault;
mod lex;
mod lint;
mod parse;
mod sequences;
mod syntax;
#[cfg(test)]
mod tests;

pub use code::Program;
pub use engine::{Act, Engine, Login, MAX_TEXT, MAX_UNREAD, Outcome, Output, RunFault};
pub use fault::{Fault, Lines, MAX_FAULTS, Severity, Span};
pub use lint::lint;
pub use sequences::interpret;
pub use syntax::{Parity, PortSetting};

use fault::Faults;

/// The longest script. Microsoft's samples have 3 KiB; the limit keeps a wrong file name (a disk image) from being read
/// as one.
pub const MAX_SCRIPT: usize = 64 * 1024;

/// What reading a script gave.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The script ready to run; `None` if one of the faults is an error.
    pub program: Option<Program>,
    /// Everything that is wrong or suspicious in the text itself, in the order of reading.
    pub faults: Vec<Fault>,
}

/// Reads a script: syntax, names and types are checked, and all faults told. Nothing has been sent by then.
#[must_use]
pub fn read(source: &[u8]) -> Reading {
    let mut faults = Faults::default();
    if too_long(source, &mut faults) {
        return Reading { program: None, faults: faults.sorted() };
    }
    let script = parse::parse(source, &mut faults);
    let program = compile::compile(source, &script, &mut faults);
    Reading { program, faults: faults.sorted() }
}

fn too_long(source: &[u8], faults: &mut Faults) -> bool {
    let too_long = source.len() > MAX_SCRIPT;
    if too_long {
        let message = format!("the file has {} bytes, a script at most {MAX_SCRIPT}", source.len());
        faults.push(Fault::error(Span::default(), message, "is it a script at all?"));
    }
    too_long
}

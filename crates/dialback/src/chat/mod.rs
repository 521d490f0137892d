//! `dialback chat`, a drop-in for chat(8); also the program itself when it is called by the name `chat`.
//!
//! ```text
//!   command line ─► Plan ─► terminal set ─► run: poll(2) over signals, the line, a file ─► terminal restored
//! ```
//!
//! The course of a script is `proto::chat`'s affair; this folder owns the terminal on descriptors 0 and 1, the
//! log and the files. No other thread and no runtime: pppd starts this once per call, and it should be there at once.
//! A line that is a socket or a pipe is an extension; there is no terminal to set then.
//!
//! It does not know what a call is, nor any of the server.

mod command_line;
mod log;
mod run;
mod signals;
mod terminal;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::process::ExitCode;

use command_line::CommandLine;

/// How we were called, if it was as chat: the name for the usage text, and the arguments.
#[derive(Debug)]
pub(crate) struct Called {
    name: Vec<u8>,
    arguments: Vec<Vec<u8>>,
}

/// Whether `args` (with the program's name in front) mean chat: by that name, or `dialback chat ...`.
pub(crate) fn called(args: impl IntoIterator<Item = OsString>) -> Option<Called> {
    let mut args = args.into_iter();
    let mut name = args.next()?;
    if Path::new(&name).file_name() != Some(OsStr::new("chat")) {
        args.next().filter(|first| first.as_bytes() == b"chat")?;
        name.push(" chat");
    }
    let arguments = args.map(OsStringExt::into_vec).collect();
    Some(Called { name: name.into_vec(), arguments })
}

/// Carries the script out. Exit codes are chat's: see chat(8), or `proto::chat::Done`.
pub(crate) fn main(called: Called) -> ExitCode {
    match command_line::parse(called.arguments) {
        Ok(CommandLine { plan, report_files }) => {
            ExitCode::from(run::run(&called.name, plan, &report_files))
        }
        Err(command_line::Misused) => {
            log::usage(&called.name);
            ExitCode::from(1)
        }
    }
}

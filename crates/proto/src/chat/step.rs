//! What the engine asks of its owner, and how a run ends.
//!
//! This file does not know why a step is asked for.

use crate::time::Instant;

/// How grave a log line is: the two of syslog's priorities that chat(8) uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The course of the run, and a script that failed: to syslog only with `-v`.
    Info,
    /// What ends the program.
    Error,
}

/// What the owner has to do next, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Write this byte to the line, by itself, and answer [`Engine::carried_out`](super::Engine::carried_out) or [`Engine::write_failed`](super::Engine::write_failed).
    Send(u8),
    /// Send a break, and answer [`Engine::carried_out`](super::Engine::carried_out).
    Break,
    /// Show this (stderr): what was received, in readable form.
    Echo(Vec<u8>),
    /// A report is complete: the string and what followed it, and when the string was found.
    Report {
        /// The text, without a newline.
        text: Vec<u8>,
        /// When its string was found.
        found: Instant,
    },
    /// Say this to the person (stderr), as it is.
    Say(Vec<u8>),
    /// A line for the log, without its newline.
    Log(Severity, Vec<u8>),
    /// Read at least the first [`LONGEST_FILE`](super::engine::LONGEST_FILE) bytes of this file, and answer [`Engine::file`](super::Engine::file).
    ReadFile(Vec<u8>),
    /// From here on a SIGHUP, or its like, ends the run (true) or is ignored (false).
    Hangup(bool),
    /// The end.
    Done(Done),
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// chat's exit code: 0 well; 1 a fault in the script, or a send took too long; 2 a signal, or too many
    /// strings; 3 nothing came in time; 4 and up, the abort string of that number.
    pub code: u8,
    /// The line that was logged about it: empty when all went well.
    pub message: Vec<u8>,
}

/// Why nothing more can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputEnd {
    /// A read returned nothing.
    EndOfFile,
    /// A read failed.
    Failed,
}

//! The program: command line and rim. It translates between the world and the core, and decides nothing.
//!
//! The same binary is four things: `dialback` with its subcommands; `callback` and `chat`, under those names; and
//! the hidden `exec-line`, which becomes the program on a line and must run before anything else does.
#![forbid(unsafe_code)]

mod audit;
mod capture;
mod chat;
mod cli;
mod clock;
mod config;
mod control;
mod demo;
mod dial;
mod doctor;
mod exchange;
mod exit;
mod import;
mod launcher;
mod log;
mod migrate;
mod network;
mod out;
mod port;
mod program;
mod prove;
mod rehearse;
mod relay;
mod rim;
mod scp;
mod setup;
mod sheet;
mod store;
mod supervisor;
mod top;
mod unit_name;
mod verify;
mod web;

use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    if sys::launch::is_exec_line(std::env::args_os()) {
        sys::launch::exec_line_main();
    }
    if launcher::is_launcher(std::env::args_os()) {
        return launcher::main(std::env::args_os());
    }
    if let Some(called) = chat::called(std::env::args_os()) {
        return chat::main(called);
    }
    let name = std::env::args_os().next().unwrap_or_default();
    let as_callback = Path::new(&name).file_name() == Some(OsStr::new("callback"));
    let args = std::env::args_os();
    exit::conclude(if as_callback { cli::run_callback(args) } else { cli::run(args) })
}

#![allow(unsafe_code, reason = "the one room that talks to the kernel where no safe crate does")]
//! The kernel's side of dialback: ttys, modem signals, ptys, UUCP locks, starting programs on a line, network
//! interfaces of PPP sessions.
//!
//! This is the only crate with `unsafe`. Each module wraps one thing that the kernel or the C library
//! offers, checks what it is given, and fails in words that name the file and the cure.
//!
//! It deliberately does not know: what a modem says, what a call is, who may do what. It never logs;
//! it answers and reports.

pub mod account;
pub mod async_fd;
pub mod clock;
pub mod confine;
pub mod files;
mod ioctl;
pub mod launch;
pub mod lock;
pub mod lock_watch;
mod netlink;
pub mod open_watch;
pub mod packets;
pub mod parked;
pub mod passed;
pub mod proxy_arp;
pub mod pty;
pub mod seed;
pub mod signals;
#[cfg(test)]
mod testing;
pub mod tty;
pub mod tun;
pub mod utmp;

//! PPP by itself, without I/O. The page below is the crate's README.
//!
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod auth;
pub mod automaton;
pub mod caller;
pub mod capture;
pub mod cbcp;
pub mod fcs;
pub mod framing;
#[cfg(test)]
mod hex;
pub mod lcp;
pub mod link;
pub mod ncp;
pub mod negotiation;
pub mod packet;
pub mod personality;
pub mod protocol;
pub mod random;
pub mod secret;
pub mod time;
pub mod words;

//! Telnet as far as modems need it: the byte stream, option negotiation, and RFC 2217.
//!
//! ```text
//!     bytes --> codec --> negotiate (options)  --> client   we use a modem behind an RFC 2217 server
//!                 '-----> comport (commands)  ---> server   our exchange's modems are used over RFC 2217
//! ```
//!
//! Both machines turn bytes of a TCP connection into data and facts. They do not know sockets, nor what
//! the modem says.

pub mod client;
pub mod codec;
pub mod comport;
pub mod negotiate;
pub mod server;
#[cfg(test)]
mod tests;

pub use client::ComPortClient;
pub use server::ComPortServer;

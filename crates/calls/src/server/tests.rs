//! Timelines of the whole server: callers, promises, programs, operators, restarts.

mod call_back;
mod callback;
mod hostile;
mod injection;
mod network;
mod operators;
mod out_of_service;
mod owed;
mod pictures;
mod ppp;
mod proofs;
mod random;
mod restart;
mod sessions;
mod told;

/// A caller at the prompt of a line that was idle.
const AT_PROMPT: &str = r#"
        < says RING
        > claim
        < claimed
        * rang c1
        > send "ATA\r"
        < dcd up
        < says CONNECT 33600
        * connected c1 s1 request 33600
        + 100ms
        > send "\r\nalma!login: "
"#;
/// The carrier falls with DTR, and the modem is set up for the next call.
const HANG_UP: &str = "
        > dtr down
        < dcd down
        > dtr up
";
const READY: &str = r#"
        > send "ATE0\r"
        < says OK
        * line-ready main
        > release
"#;

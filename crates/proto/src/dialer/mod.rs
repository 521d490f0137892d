//! The caller's side of a callback: dial, say who we are, hang up, wait for the call, answer, log in.
//!
//! ```text
//!   SettingUp ─OK─► Dialling ─CONNECT─► Requesting ─hung up─► Waiting ─RING─► Picking ─► Answering
//!      │               │                    │                  ▲   │                      │    │
//!      │               │                    │                  └───┼── NO CARRIER ────────┘    │CONNECT
//!      │ mute, ERROR   │ BUSY, ...          │ wrong name, ...      │ nobody calls              ▼
//!      └───────────────┴────────────────────┴──────────┬───────────┴──────────────────── LoggingIn
//!                                                      ▼                   no prompt, ...    │
//!                              Failed ◄──────────── HangingUp ◄──────────────────────────────┤
//!                                                                            handed over     ▼
//!                                                                                          Online
//! ```
//!
//! The modem stays in the hand of this machine from the first call's end to the second one's `CONNECT`: it
//! holds its carrier signal up (`&C0`), so that no port, terminal server or kernel takes the first call's end
//! for the end of everything, and lets go of that with the answer (`AT&C1A`).
//!
//! The rooms: [`machine`] has the states above, [`dialogue`] the talk at prompts, [`on_hook`] the ways to end a
//! call, [`session`] the call that a person types on, with [`tilde`] for his escapes and [`plus`] for `+++`.
//!
//! Nothing in here knows a port, a file, a person's screen or an exit code. Numbers come in as [`DialString`].

use std::fmt;
use std::time::Duration;

use crate::at::hang_up;
use crate::at::result::Connect;
use crate::at::{commands, escape::Escape};
use crate::dial::DialString;
use crate::login::Secret;
use crate::time::Instant;

pub mod dialogue;
pub mod machine;
pub mod on_hook;
pub mod plus;
pub mod session;
#[cfg(test)]
mod tests;
pub mod tilde;

pub use machine::Dialer;

/// A whole call as it is meant to go.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What sets the modem up.
    pub setup: commands::Plan,
    /// Whom to call.
    pub dial: DialString,
    /// From the dial command to a result at most; the modem's own S7 counts as well.
    pub dial_time: Duration,
    /// What to say on the first call; `None`: that call is the session, nobody calls back.
    pub request: Option<Request>,
    /// From the end of the first call to the first ring at most.
    pub callback_time: Duration,
    /// Who logs in on the call that is the session; `None`: nobody, it is handed over as it begins.
    pub login: Option<Login>,
    /// The patience with each prompt.
    pub prompt_time: Duration,
    /// How a call back is answered.
    pub answer: Answer,
    /// How a call is ended.
    pub hook: Hook,
}

/// How calls are answered on this modem.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The command that answers, `AT&C1A`: the `A` is its last letter (V.250 §6.3.5: the rest is ignored).
    pub command: commands::Command,
    /// From the answer to a result at most.
    pub time: Duration,
}

/// How calls end on this modem.
#[derive(Clone, Debug)]
pub struct Hook {
    /// By escape and `ATH`, on ports without control lines.
    pub by_command: hang_up::Plan,
    /// What puts the modem back in its command state when we are done waiting: `ATH`, `AT&C1`.
    pub put_back: commands::Plan,
    /// How it is called to the command state; [`session`] asks it whether a call is over.
    pub escape: Escape,
}

/// What is said to be called back.
#[derive(Clone, Debug)]
pub struct Request {
    /// What the prompt for a name ends with: `ogin:`.
    pub login_prompt: Vec<u8>,
    /// The callback user's name.
    pub name: Vec<u8>,
    /// What the question for a number ends with: `callback:`.
    pub number_prompt: Vec<u8>,
    /// Our number; `None` where the server knows it.
    pub number: Option<Vec<u8>>,
    /// Words by which this server refuses, besides those of [`dialogue::REFUSALS`].
    pub refusals: Vec<Vec<u8>>,
}

/// Who logs in.
#[derive(Clone, Debug)]
pub struct Login {
    /// What the prompt for a name ends with.
    pub login_prompt: Vec<u8>,
    /// The name.
    pub name: Vec<u8>,
    /// What the prompt for the password ends with: `assword:`.
    pub password_prompt: Vec<u8>,
    /// The password; `None`: the one who takes over types it, or there is none.
    pub password: Option<Secret>,
}

/// Which of the two calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    /// The one that we make.
    Request,
    /// The one that we get.
    Return,
}

/// How far it has come, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The modem is set up.
    SettingUp,
    /// The number is dialled.
    Dialling,
    /// There is a call.
    Connected {
        /// Which.
        leg: Leg,
        /// What the modem says about it.
        connect: Connect,
    },
    /// Prompts are answered.
    LoggingIn(Leg),
    /// What the server wanted has been said: it is to hang up now.
    Leaving,
    /// The first call is over.
    Waiting {
        /// Since when.
        since: Instant,
        /// How long at most.
        until: Instant,
    },
    /// The telephone rings.
    Ringing,
    /// It is answered.
    Answering,
    /// The answer came to nothing: back to waiting.
    NotConnected,
    /// The call is ended.
    HangingUp,
}

/// What a [`Dialer`] wants done, or has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send these bytes.
    Send(Vec<u8>),
    /// Lower or raise DTR; asked of ports with control lines only.
    Dtr(bool),
    /// It has come so far.
    Stage(Stage),
    /// The far end says this.
    Text(Leg, Vec<u8>),
    /// The line is the next speaker's. The last step; [`Dialer::finish`] has the bytes for him.
    Online,
    /// It did not work, and the modem is on-hook as far as that can be seen. The last step.
    Failed(Failure),
}

/// Why there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The modem says nothing at all.
    ModemMute,
    /// The modem refuses a command of its setup.
    ModemRefuses,
    /// The modem took or has a call that we did not ask for.
    ModemConnected,
    /// No dial tone.
    NoDialtone,
    /// The number is engaged.
    Busy,
    /// Nobody answers.
    NoAnswer,
    /// No modem answers, or the two do not get along.
    NoCarrier,
    /// A person answers.
    Voice,
    /// The modem does not dial this number (again so soon).
    DialRefused,
    /// A call came in at the moment we dialled.
    Glare,
    /// Nothing asks for a name, a number or a password.
    NoPrompt,
    /// The server does not know the name as one to call back.
    WrongName,
    /// The server asks for a number and there is none to give.
    NumberWanted,
    /// The server does not call this number.
    NumberRefused,
    /// The server cannot call back now.
    NotNow,
    /// The server was told everything and does not hang up.
    NotHungUp,
    /// Nobody called.
    NobodyCalls,
    /// Somebody called, and no connection came about.
    NotConnected,
    /// The server does not take the name on the return call.
    LoginRefused,
    /// The call was lost.
    CarrierLost,
    /// We were told to stop.
    Interrupted,
}

impl Cause {
    /// Every cause, in the order of a call.
    pub const ALL: [Self; 21] = [
        Self::ModemMute,
        Self::ModemRefuses,
        Self::ModemConnected,
        Self::NoDialtone,
        Self::Busy,
        Self::NoAnswer,
        Self::NoCarrier,
        Self::Voice,
        Self::DialRefused,
        Self::Glare,
        Self::NoPrompt,
        Self::WrongName,
        Self::NumberWanted,
        Self::NumberRefused,
        Self::NotNow,
        Self::NotHungUp,
        Self::NobodyCalls,
        Self::NotConnected,
        Self::LoginRefused,
        Self::CarrierLost,
        Self::Interrupted,
    ];
}

/// A cause, and what was seen of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub cause: Cause,
    /// What exactly, for people: a command, the server's last words. May be empty.
    pub detail: String,
}

impl Failure {
    pub(crate) fn new(cause: Cause, detail: impl fmt::Display) -> Self {
        Self { cause, detail: detail.to_string() }
    }
}

//! The Callback Control Protocol (MS-CBCP), both roles.
//!
//! ```text
//!     answerer                                   caller
//!        │  Request: none, or a number of yours     │
//!        ├─────────────────────────────────────────►│
//!        │  Response: 5551234, in 12 seconds        │
//!        │◄─────────────────────────────────────────┤
//!        │  Ack: 5551234, in 12 seconds             │
//!        ├─────────────────────────────────────────►│
//!        │  LCP Terminate-Request                   │
//!        │◄─────────────────────────────────────────┤   or, for "none", the network protocols
//! ```
//!
//! It runs after authentication if LCP agreed on option 13, operation 6. There is no negative answer: an
//! answerer that does not like a Response sends its Request again. The [`Answerer`] bears all recovery,
//! because some callers have no timer at all.

mod answerer;
mod caller;
mod number;
mod offer;
mod pace;
#[cfg(test)]
mod tests;
pub mod wire;

pub use answerer::{Agreed, Answerer, DelayRange, Fact as AnswererFact, Failure, Terms};
pub use caller::{
    Caller, Fact as CallerFact, Failure as CallerFailure, Manners, OnNone, Picks, Reading, Repeats,
    Wish,
};
pub use number::{LONGEST, Number, NumberFault, NumberRules, Pauses};
pub use offer::{ListFault, NumberList, Offer, Stay};
pub use pace::retransmission;
pub use wire::Choice;
pub(crate) use wire::read_list;

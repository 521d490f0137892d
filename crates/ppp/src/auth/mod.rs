//! Proving names: PAP (RFC 1334), CHAP with MD5 (RFC 1994), MS-CHAP 1 and 2 (RFC 2433, 2759).
//!
//! An [`Authenticator`] wants a proof, a [`Claimant`] gives one. Neither knows users or passwords: the
//! one asks a judge, the other its owner, and both wait for the answer as long as the phase lasts.

mod authenticator;
mod claim;
mod claimant;
mod method;
pub mod ms_chap;
#[cfg(test)]
mod tests;
mod wire;

pub use authenticator::{Authenticator, Fact as AuthenticatorFact, Failure, Limits};
pub use claim::{Answer, Claim, Proof, Proven, Refusal};
pub use claimant::{Claimant, Credentials, Fact as ClaimantFact};
pub use method::Method;
pub(crate) use wire::{read_pap_name, read_value, write_pap_request};

/// What a user owes besides the proof of the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Nothing: the user may stay on this call.
    None,
    /// To be called back. One whose client did not agree on it is refused, with error 649 where the
    /// method has error codes.
    MustBeCalledBack,
}

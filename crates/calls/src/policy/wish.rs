//! Which numbers a name that asks for a callback means: those of its entry, the user's stored ones, or what is
//! typed. The session asks here, and so does whoever wants to know what a session would do.
//!
//! It approves nothing: that is [`decide`](super::decide).

use super::Numbers;
use crate::config::user::{CallbackOffer, User};
use crate::config::{Action, LoginEntry};

/// What a name asks for at the prompt.
#[derive(Clone, Copy, Debug)]
pub enum Wish<'a> {
    /// These numbers: nothing has to be typed.
    Numbers(Numbers<'a>),
    /// The caller is asked for a number.
    Ask,
}

/// What a callback entry means for this user, before anything is typed.
#[must_use]
pub fn at_prompt<'a>(entry: &'a LoginEntry, user: Option<&'a User>) -> Wish<'a> {
    match &entry.action {
        Action::Callback { numbers, .. } if !numbers.is_empty() => {
            Wish::Numbers(Numbers::Entry(numbers, entry.line_number))
        }
        Action::Callback { .. } | Action::Program { .. } | Action::Ppp => {
            match user.map(|user| user.callback.as_ref()) {
                // Policy refuses him by name.
                Some(None) => Wish::Numbers(Numbers::User(&[])),
                Some(Some(callback)) => match callback.offer {
                    CallbackOffer::Nothing | CallbackOffer::Fixed => {
                        Wish::Numbers(Numbers::User(&callback.numbers))
                    }
                    CallbackOffer::List | CallbackOffer::Caller | CallbackOffer::FixedOrCaller => {
                        Wish::Ask
                    }
                },
                None => Wish::Ask,
            }
        }
    }
}

/// What a number means that was given: a stored one is the administrator's, whoever writes it.
#[must_use]
pub fn given<'a>(user: Option<&'a User>, text: &'a str) -> Numbers<'a> {
    let callback = user.and_then(|user| user.callback.as_ref());
    match callback.map(|callback| callback.stored(text)) {
        Some(stored @ [_, ..]) => Numbers::User(stored),
        Some([]) | None => Numbers::Typed(text),
    }
}

/// The user's stored numbers: what a PPP caller gets who leaves the choice to us.
#[must_use]
pub fn stored(user: Option<&User>) -> Numbers<'_> {
    let callback = user.and_then(|user| user.callback.as_ref());
    Numbers::User(callback.map_or(&[], |callback| callback.numbers.as_slice()))
}

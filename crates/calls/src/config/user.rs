//! A user: by what he proves his name, where and when he is called back, and how much that may cost.
//!
//! This file only says what there is to configure; `config::users` reads it, [`crate::policy`] applies it.
//! What a user's secrets are is never shown: not by `Debug`, not in a diagnostic.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::ops::Deref;
use std::sync::Arc;

use jiff::civil::Date;
use ppp::cbcp::{ListFault, Number, NumberList};
use ppp::secret::Secret;
use proto::dial::PhoneNumber;

use super::ReturnProof;
use super::window::Window;
use crate::policy::numbering::Class;

/// `[[user]]`
#[derive(Clone, Debug, Default)]
pub struct User {
    /// The name that is given, proved, counted and recorded.
    pub name: String,
    /// Other names that mean the same user.
    pub aliases: Vec<String>,
    /// Not served at all.
    pub disabled: bool,
    /// Nobody's name: whoever gives it is up to no good, and an alert is raised.
    pub trap: bool,
    /// The last day on which the user is served.
    pub expires: Option<Date>,
    /// The day by which somebody has to look whether the user is still one.
    pub review_by: Option<Date>,
    /// What proves the name.
    pub credentials: Credentials,
    /// How the user may be called back; `None`: not at all.
    pub callback: Option<UserCallback>,
    /// When the user is served; empty: always.
    pub windows: Vec<Window>,
    /// What the user may use; empty: everything.
    pub services: Vec<Service>,
    /// The login names that may log in on the call that calls this user back; empty: the user's own.
    pub return_names: Vec<String>,
    /// What whoever answers the user's return call has to know; `None`: as `[callback]` says.
    pub return_proof: Option<ReturnProof>,
    /// Whether the user may log in on calls that come in.
    pub direct: Direct,
    /// How often a promise to this user is tried, in place of `[callback] tries`.
    pub tries: Option<u32>,
    /// What the user's callbacks may cost in a day.
    pub budget: Budget,
    /// The address that the user gets by PPP; `None`: one of the pool.
    pub address: Option<Ipv4Addr>,
}

/// Whether a user may log in at the prompt of a call that came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direct {
    /// Only after a callback.
    Never,
    /// Both.
    #[default]
    Allowed,
    /// Never after a callback.
    Only,
}

/// What proves a user's name. Never shown.
#[derive(Clone, Default)]
pub struct Credentials {
    /// The argon2id hash of the password, as a PHC string.
    pub password: Option<Arc<str>>,
    /// The key of the user's code generator (RFC 6238).
    pub totp: Option<Arc<Secret>>,
    /// The password for CHAP and MS-CHAP, which need it in clear.
    pub ppp: Option<Arc<Secret>>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = [
            ("password", self.password.is_some()),
            ("totp", self.totp.is_some()),
            ("ppp", self.ppp.is_some()),
        ];
        let names: Vec<&str> = known.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
        write!(f, "Credentials({})", names.join(", "))
    }
}

/// `callback = { ... }` of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCallback {
    /// The user's own numbers, in order of trial.
    pub numbers: Vec<PhoneNumber>,
    /// What the user may choose from.
    pub offer: CallbackOffer,
    /// Whether the user may also do without a callback and stay.
    pub may_stay: bool,
    /// Whether a client that did not negotiate callback is refused.
    pub required: bool,
    /// Patterns of numbers that the user may give, in place of `caller_numbers.allow`; empty: those.
    pub allow: Vec<String>,
    /// Patterns of numbers that the user may not give, beside `caller_numbers.deny`.
    pub deny: Vec<String>,
    /// Classes of numbers at which the user is called although they are refused otherwise.
    pub allow_classes: Vec<Class>,
}

/// What a user may choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackOffer {
    /// No callback.
    Nothing,
    /// The stored number.
    Fixed,
    /// One of the stored numbers.
    List,
    /// A number of the user's choice.
    Caller,
    /// The stored number, or one of the user's choice.
    FixedOrCaller,
}

/// What somebody uses a line for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// The prompt, and what login.config starts from there.
    Login,
    /// PPP.
    Ppp,
}

impl Service {
    /// As it is written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Ppp => "ppp",
        }
    }
}

/// What a user's callbacks may cost in a day; `None`: any amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Minutes on the telephone.
    pub minutes: Option<u32>,
    /// Return calls that were answered.
    pub calls: Option<u32>,
    /// Money, in hundredths of the tariff's currency.
    pub cost: Option<u32>,
}

/// All users, in file order, found by any of their names without looking through them: names are looked up
/// on every call, and twenty thousand users must not hold up the lines of one.
#[derive(Clone, Debug, Default)]
pub struct Users {
    all: Vec<User>,
    /// By name; of two users with one name, which `check` refuses, the first.
    places: BTreeMap<String, usize>,
}

impl Users {
    /// The user with this name, or this other name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&User> {
        self.all.get(*self.places.get(name)?)
    }
}

impl Extend<User> for Users {
    fn extend<T: IntoIterator<Item = User>>(&mut self, users: T) {
        for user in users {
            for name in std::iter::once(&user.name).chain(&user.aliases) {
                self.places.entry(name.clone()).or_insert(self.all.len());
            }
            self.all.push(user);
        }
    }
}

impl FromIterator<User> for Users {
    fn from_iter<T: IntoIterator<Item = User>>(users: T) -> Self {
        let mut all = Self::default();
        all.extend(users);
        all
    }
}

impl Deref for Users {
    type Target = [User];

    fn deref(&self) -> &[User] {
        &self.all
    }
}

impl<'a> IntoIterator for &'a Users {
    type Item = &'a User;
    type IntoIter = std::slice::Iter<'a, User>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.iter()
    }
}

/// To change what is not a name: users are found by those that they came with.
impl<'a> IntoIterator for &'a mut Users {
    type Item = &'a mut User;
    type IntoIter = std::slice::IterMut<'a, User>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.iter_mut()
    }
}

impl User {
    /// Whether this is one of the user's names.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
    }

    /// Whether `name` may log in on the call that calls this user back.
    #[must_use]
    pub fn may_return_as(&self, name: &str) -> bool {
        match self.return_names.as_slice() {
            [] => self.is_called(name),
            names => names.iter().any(|allowed| allowed == name),
        }
    }
}

impl UserCallback {
    /// The stored numbers as a list to choose from, if they fit.
    pub(crate) fn list(&self) -> Option<NumberList> {
        list(&self.numbers).ok()
    }

    /// The stored number that this is, however it is written; none, or that one.
    #[must_use]
    pub fn stored(&self, given: &str) -> &[PhoneNumber] {
        let typed = PhoneNumber::typed(given.as_bytes()).ok();
        let is_same =
            |stored: &PhoneNumber| stored.as_str() == given || typed.as_ref() == Some(stored);
        let at = self.numbers.iter().position(is_same);
        at.and_then(|at| self.numbers.get(at..=at)).unwrap_or_default()
    }

    /// Whether the user may name a number of his own choice.
    #[must_use]
    pub const fn takes_callers_number(&self) -> bool {
        match self.offer {
            CallbackOffer::Caller | CallbackOffer::FixedOrCaller => true,
            CallbackOffer::Nothing | CallbackOffer::Fixed | CallbackOffer::List => false,
        }
    }
}

/// The numbers as the callback protocol lists them.
pub(super) fn list(numbers: &[PhoneNumber]) -> Result<NumberList, (&'static str, &'static str)> {
    let numbers = numbers.iter().map(|number| Number::from(number.as_str())).collect();
    NumberList::new(numbers).map_err(|fault| match fault {
        ListFault::Empty => ("an empty list is offered", "write numbers = [\"5550199\"]"),
        ListFault::TooLong(_) => {
            ("more numbers than the callback protocol can list", "offer about twenty at most")
        }
    })
}

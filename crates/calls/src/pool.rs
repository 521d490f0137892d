//! Who has which address: the pool of `[ppp]`, and the addresses that belong to users.
//!
//! ```text
//!     free, least recently used first ── lease ──► leased to a call ── release, when the call is over ──► free
//! ```
//!
//! One address per call, and never one to two calls. Who had an address before gets it again if it is free;
//! otherwise the one that nobody has used for longest is given, so that others find theirs again. Our own
//! address and those that belong to users are given to nobody else.
//!
//! It does not know links, and forgets who had what when the server is restarted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;

use crate::config::Config;
use crate::config::network::MAX_ADDRESSES;
use crate::vocabulary::CallId;

/// Addresses and who has them.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    /// Every address of the ranges that may be given to anybody, with when and to whom it was given last.
    addresses: BTreeMap<Ipv4Addr, Past>,
    /// Those that are free, by when they were given last.
    free: BTreeSet<(u64, Ipv4Addr)>,
    /// Those of the pool, and of users.
    leases: BTreeMap<Ipv4Addr, Lease>,
    /// Which of them a call has.
    by_call: BTreeMap<CallId, Ipv4Addr>,
    /// The address that a user had last. No more entries than addresses.
    habits: BTreeMap<String, Ipv4Addr>,
    /// Counts what was given.
    turn: u64,
}

#[derive(Clone, Debug, Default)]
struct Past {
    turn: u64,
    user: Option<String>,
}

/// An address that is given to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) call: CallId,
    pub(crate) user: String,
}

/// Why somebody gets no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// There are none for callers.
    NoPool,
    /// All are in use.
    Exhausted(usize),
    /// The user's own is in use by another call of his.
    InUse(Ipv4Addr, CallId),
}

impl Denied {
    /// The rule's name.
    pub(crate) const fn rule(&self) -> &'static str {
        match self {
            Self::NoPool => "pool.none",
            Self::Exhausted(_) => "pool.exhausted",
            Self::InUse(..) => "user.address",
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPool => {
                f.write_str("there are no addresses for callers: write pool into [ppp]")
            }
            Self::Exhausted(all) => {
                write!(f, "all {all} addresses of the pool are in use: make the pool larger")
            }
            Self::InUse(address, call) => write!(f, "the user's own {address} is in use by {call}"),
        }
    }
}

impl Pool {
    /// The pool of a configuration.
    pub(crate) fn new(config: &Config) -> Self {
        let mut pool = Self::default();
        pool.configure(config);
        pool
    }

    /// A new configuration is in force. What was given stays with its calls until they are over.
    pub(crate) fn configure(&mut self, config: &Config) {
        let mut known = std::mem::take(&mut self.addresses);
        if let Some(ppp) = &config.ppp {
            let reserved: BTreeSet<Ipv4Addr> = config
                .users
                .iter()
                .filter_map(|user| user.address)
                .chain(ppp.network.local)
                .collect();
            let most = usize::try_from(MAX_ADDRESSES).unwrap_or(usize::MAX);
            let all = ppp.network.pool.iter().flat_map(|range| range.addresses()).take(most);
            for address in all.filter(|address| !reserved.contains(address)) {
                self.addresses.insert(address, known.remove(&address).unwrap_or_default());
            }
        }
        let addresses = &self.addresses;
        self.habits.retain(|_, address| addresses.contains_key(address));
        self.free = addresses
            .iter()
            .filter(|(address, _)| !self.leases.contains_key(address))
            .map(|(address, past)| (past.turn, *address))
            .collect();
    }

    /// An address for a call of this user's; `own` is the one that is his and no other's. A call that has
    /// one already keeps it, if it is still the same user's.
    ///
    /// # Errors
    /// There is none for him.
    pub(crate) fn lease(
        &mut self,
        call: CallId,
        user: &str,
        own: Option<Ipv4Addr>,
    ) -> Result<Ipv4Addr, Denied> {
        if let Some((address, lease)) = self.of(call) {
            if lease.user == user && own.is_none_or(|own| own == address) {
                return Ok(address);
            }
            self.release(call);
        }
        let address = match own {
            Some(own) => match self.leases.get(&own) {
                Some(other) => return Err(Denied::InUse(own, other.call)),
                None => own,
            },
            None => self.choose(user)?,
        };
        self.turn += 1;
        if let Some(past) = self.addresses.get_mut(&address) {
            self.free.remove(&(past.turn, address));
            if let Some(before) = past.user.take()
                && before != user
                && self.habits.get(&before) == Some(&address)
            {
                self.habits.remove(&before);
            }
            *past = Past { turn: self.turn, user: Some(user.to_owned()) };
            // The address that he had before is nobody's habit any more.
            if let Some(before) = self.habits.insert(user.to_owned(), address)
                && before != address
                && let Some(past) = self.addresses.get_mut(&before)
                && past.user.as_deref() == Some(user)
            {
                past.user = None;
            }
        }
        self.leases.insert(address, Lease { call, user: user.to_owned() });
        self.by_call.insert(call, address);
        Ok(address)
    }

    /// The one that he had, or else the one that was given longest ago.
    fn choose(&self, user: &str) -> Result<Ipv4Addr, Denied> {
        let habit = self.habits.get(user).filter(|address| !self.leases.contains_key(address));
        if let Some(address) = habit {
            return Ok(*address);
        }
        match self.free.first() {
            Some((_, address)) => Ok(*address),
            None if self.addresses.is_empty() => Err(Denied::NoPool),
            None => Err(Denied::Exhausted(self.addresses.len())),
        }
    }

    /// The call is over, or needs none any more.
    pub(crate) fn release(&mut self, call: CallId) {
        let Some(address) = self.by_call.remove(&call) else { return };
        self.leases.remove(&address);
        if let Some(past) = self.addresses.get(&address) {
            self.free.insert((past.turn, address));
        }
    }

    fn of(&self, call: CallId) -> Option<(Ipv4Addr, &Lease)> {
        let address = self.by_call.get(&call)?;
        Some((*address, self.leases.get(address)?))
    }

    /// What is given just now, in the order of the addresses.
    pub(crate) fn leases(&self) -> impl Iterator<Item = (Ipv4Addr, &Lease)> {
        self.leases.iter().map(|(address, lease)| (*address, lease))
    }

    /// How many addresses of the pool there are, and how many of them are free.
    pub(crate) fn count(&self) -> (usize, usize) {
        (self.addresses.len(), self.free.len())
    }
}

#[cfg(test)]
mod tests;

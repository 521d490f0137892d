//! What one end of a link is set to.
//!
//! A [`Config`] is plain data with sound defaults; [`Config::answerer`] and [`Config::caller`] are the two
//! ends of an ordinary call. What depends on the user, such as its address, can be set later, until the
//! network phase begins.

use std::time::Duration;

use crate::auth::{self, Method};
use crate::cbcp::{Agreed, Choice, Manners, Number, Terms, Wish};
use crate::lcp::callback::{Answer, Ask, Otherwise, Proposal, Stance};
use crate::lcp::{Keepalive, Wishes};
use crate::ncp::{Ipv4Wishes, Ipv6Wishes};
use crate::negotiation::Limits;
use crate::secret::Name;

/// How a link behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// The name under which we challenge a peer.
    pub name: Name,
    /// What we bring to LCP, authentication and the stance on callback included.
    pub lcp: Wishes,
    /// Who speaks first.
    pub opening: Opening,
    /// Timers and counters of LCP, IPCP and IPV6CP.
    pub limits: Limits,
    /// Timers and counters of authentication.
    pub authentication: auth::Limits,
    /// How an open link is watched; `None` to leave that to the line.
    pub keepalive: Option<Keepalive>,
    /// What an answerer offers callback by.
    pub callback: Callback,
    /// What a caller wants of CBCP.
    pub wish: Wish,
    /// What the peer is told about us when LCP opens (RFC 1570 §1.1), a packet each.
    pub identification: Vec<Vec<u8>>,
    /// What a caller says when it ends the call to be called back.
    pub farewell: String,
    /// When the network phase has come, whether our owner says what the networks shall be.
    pub networks: Networks,
    /// IPv4, if it is to be carried.
    pub ipv4: Option<Ipv4Wishes>,
    /// IPv6, if it is to be carried.
    pub ipv6: Option<Ipv6Wishes>,
}

/// Who speaks first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// We ask at once.
    Ask,
    /// The peer has to begin.
    Listen,
}

/// How the network phase begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Networks {
    /// At once, with what is set until then.
    AsSet,
    /// [`Phase::Network`](super::Phase::Network) is a question, which the owner answers with
    /// [`Link::begin_networks`](super::Link::begin_networks): an answerer that gives out addresses does so
    /// to those only who come that far.
    WhenToldTo,
}

/// How an answerer calls back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The terms of CBCP.
    pub terms: Terms,
    /// The delay where none is agreed: with option 13's operations 0 and 3 (RFC 1570).
    pub default_delay: Duration,
    /// Whether to call back at the stored number if the caller never ended the call properly.
    pub administrator_unterminated: Unterminated,
    /// Whether to call back at a number that the caller gave or picked, in the same case.
    pub chosen_unterminated: Unterminated,
}

/// What follows a promise when the call ends by loss of carrier, or we have to end it, without the
/// caller's Terminate-Request. MS-CBCP's server does not call then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unterminated {
    /// The callback, all the same.
    CallBack,
    /// Nothing.
    Drop,
}

impl Default for Callback {
    /// The stored number cannot be wrong, so it is called; one that was typed may have been damaged on
    /// the same bad line that lost the carrier, so it is not.
    fn default() -> Self {
        Self {
            terms: Terms::default(),
            default_delay: Duration::from_secs(12),
            administrator_unterminated: Unterminated::CallBack,
            chosen_unterminated: Unterminated::Drop,
        }
    }
}

impl Callback {
    /// What this agreement becomes without a Terminate-Request.
    #[must_use]
    pub const fn unterminated(&self, agreed: &Agreed) -> Unterminated {
        match agreed.choice {
            Choice::Administrator => self.administrator_unterminated,
            Choice::None | Choice::Number(_) | Choice::Listed(_) => self.chosen_unterminated,
        }
    }
}

impl Default for Config {
    /// A side that wants nothing of the peer but LCP.
    fn default() -> Self {
        Self {
            name: Name::from("ppp"),
            lcp: Wishes::default(),
            opening: Opening::Ask,
            limits: Limits::RFC_1661,
            authentication: auth::Limits::default(),
            keepalive: Some(Keepalive::default()),
            callback: Callback::default(),
            wish: Wish { number: None, delay: 12, rate: None, manners: Manners::STANDARD },
            identification: Vec::new(),
            farewell: "Call me back, please".into(),
            networks: Networks::AsSet,
            ipv4: None,
            ipv6: None,
        }
    }
}

impl Config {
    /// Who answers a call: wants the caller's name proved by MS-CHAP 2, CHAP or PAP, and offers callback
    /// to those who ask for it.
    #[must_use]
    pub fn answerer(name: &str) -> Self {
        let lcp = Wishes {
            demand: vec![Method::MsChapV2, Method::ChapMd5, Method::Pap],
            callback: Stance::Answer(Answer::CBCP_ONLY),
            ..Wishes::default()
        };
        Self { name: name.into(), lcp, ..Self::default() }
    }

    /// Who calls: proves its name by whatever is asked, MS-CHAP 1 excepted. With a number it asks to be
    /// called back there, and takes less.
    #[must_use]
    pub fn caller(number: Option<Number>) -> Self {
        let callback = match number {
            Some(_) => {
                Stance::Ask(Ask { proposals: vec![Proposal::Cbcp], otherwise: Otherwise::GoOn })
            }
            None => Stance::Refuse,
        };
        let lcp = Wishes {
            submit: vec![Method::MsChapV2, Method::ChapMd5, Method::Pap],
            callback,
            ..Wishes::default()
        };
        let config = Self::default();
        Self { lcp, wish: Wish { number, ..config.wish }, ..config }
    }

    /// The same on the second leg, after the callback: option 13 is rejected, whoever asks, so that
    /// callbacks cannot call each other back.
    #[must_use]
    pub fn on_the_return_leg(mut self) -> Self {
        self.lcp.callback = Stance::Refuse;
        self
    }
}

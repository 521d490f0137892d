//! What kind of number it is, and which kinds are not called unless somebody says so.
//!
//! It does not know how a kind is found out: that is [`super::world`]'s part, and [`super::site`]'s.

use std::fmt;

/// A kind of number. Its name stands in keys, rules, events and records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A line at a place.
    Fixed,
    /// A mobile telephone.
    Mobile,
    /// One of the two: the plan of that country does not tell (all of North America).
    FixedOrMobile,
    /// The called party pays.
    TollFree,
    /// A company's or a network's own number range, at about the price of a fixed line.
    Corporate,
    /// A line that is nowhere: internet telephony.
    Voip,
    /// A pager.
    Pager,
    /// Caller and called share the cost, and the called party earns: `0180`, `0845`.
    SharedCost,
    /// The called party earns: `0900`, `1-900`, `+979`.
    Premium,
    /// Numbers that follow a person (`+44 70`): as dear as premium ones, and known for fraud.
    Personal,
    /// A telephone by way of a satellite: `+870`, `+881`.
    Satellite,
    /// A number of no country: international services and networks (`+800`, `+882`, `+883`).
    Global,
    /// Police, fire brigade, ambulance.
    Emergency,
    /// An operator, an information service, another carrier, any short number of the network.
    Operator,
    /// A code for the exchange itself: `*21*5551234#` diverts the line.
    Feature,
    /// One of our own lines.
    OwnLine,
    /// An extension of the site's own private exchange.
    Extension,
    /// In no numbering plan that we know.
    Unknown,
    /// Not classified: the site has no country.
    Unclassified,
}

impl Class {
    /// All of them, in the order of the guide.
    pub const ALL: [Self; 19] = [
        Self::Fixed,
        Self::Mobile,
        Self::FixedOrMobile,
        Self::TollFree,
        Self::Corporate,
        Self::Voip,
        Self::Pager,
        Self::Extension,
        Self::Premium,
        Self::SharedCost,
        Self::Personal,
        Self::Satellite,
        Self::Global,
        Self::Emergency,
        Self::Operator,
        Self::Feature,
        Self::OwnLine,
        Self::Unknown,
        Self::Unclassified,
    ];

    /// Its name in keys and rules: `shared-cost`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Mobile => "mobile",
            Self::FixedOrMobile => "fixed-or-mobile",
            Self::TollFree => "toll-free",
            Self::Corporate => "corporate",
            Self::Voip => "voip",
            Self::Pager => "pager",
            Self::SharedCost => "shared-cost",
            Self::Premium => "premium",
            Self::Personal => "personal",
            Self::Satellite => "satellite",
            Self::Global => "global",
            Self::Emergency => "emergency",
            Self::Operator => "operator",
            Self::Feature => "feature",
            Self::OwnLine => "own-line",
            Self::Extension => "extension",
            Self::Unknown => "unknown",
            Self::Unclassified => "unclassified",
        }
    }

    /// The class of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }

    /// The rule that refuses a number of this class unless it is allowed; `None`: it is called like any other.
    #[must_use]
    pub const fn denied_by(self) -> Option<&'static str> {
        match self {
            Self::Premium => Some("number.class.premium"),
            Self::SharedCost => Some("number.class.shared-cost"),
            Self::Personal => Some("number.class.personal"),
            Self::Satellite => Some("number.class.satellite"),
            Self::Global => Some("number.class.global"),
            Self::Emergency => Some("number.class.emergency"),
            Self::Operator => Some("number.class.operator"),
            Self::Feature => Some("number.class.feature"),
            Self::OwnLine => Some("number.own-line"),
            Self::Unknown => Some("number.class.unknown"),
            Self::Fixed
            | Self::Mobile
            | Self::FixedOrMobile
            | Self::TollFree
            | Self::Corporate
            | Self::Voip
            | Self::Pager
            | Self::Extension
            | Self::Unclassified => None,
        }
    }

    /// Whether a key may allow it. Our own lines are never called: the call would meet itself.
    #[must_use]
    pub const fn can_be_allowed(self) -> bool {
        self.denied_by().is_some() && !matches!(self, Self::OwnLine)
    }

    /// What a number of this class is: `a premium rate number`.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Fixed => "a fixed line",
            Self::Mobile => "a mobile telephone",
            Self::FixedOrMobile => "a fixed line or a mobile telephone",
            Self::TollFree => "a number that the called party pays for",
            Self::Corporate => "a company's number",
            Self::Voip => "a number of internet telephony",
            Self::Pager => "a pager",
            Self::SharedCost => "a shared cost number",
            Self::Premium => "a premium rate number",
            Self::Personal => "a personal number",
            Self::Satellite => "a satellite telephone",
            Self::Global => "a number of an international service",
            Self::Emergency => "an emergency number",
            Self::Operator => "a number of the network's operator",
            Self::Feature => "a code for the exchange",
            Self::OwnLine => "our own line",
            Self::Extension => "an extension of the site's own exchange",
            Self::Unknown => "in no numbering plan",
            Self::Unclassified => "not classified",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

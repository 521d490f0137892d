//! How one line dials: the digits around and instead of those of a number's normal form.
//!
//! ```text
//!   +49891234,,56   ──►   ATDT   9W     01013     0  891234   ,,,,56   @
//!                         modem  outside  carrier  trunk       answer_pause  suffix
//! ```
//!
//! Whatever a plan makes passes through [`PhoneNumber::configured`] and [`Dialling::render`], so that it
//! can be nothing but one dial command.

use std::fmt;
use std::sync::Arc;

use proto::dial::{DialFault, DialPrefix, DialString, Dialling, PhoneNumber};

use super::Class;
use super::site::{self, Fault, Number, Reach, Site};

/// How numbers of our own country are dialled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// With trunk prefix and area code.
    #[default]
    National,
    /// As from abroad.
    International,
    /// Those of our own area without trunk prefix and area code, others as national.
    Local,
}

/// A line's dial plan: `dial_plan = { ... }`, and the site's keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DialPlan {
    /// Where the line is.
    pub site: Arc<Site>,
    /// What gets an outside line from a private exchange: `9,`. Not for extensions.
    pub outside: String,
    /// A carrier's prefix, before national and international numbers: `01013`.
    pub carrier: String,
    /// How numbers of our own country are dialled.
    pub form: Form,
    /// In place of the trunk prefix of site or country.
    pub national: Option<String>,
    /// In place of the international prefix of modem, site or country; `+` for SIM modems.
    pub international: Option<String>,
    /// In place of the pauses between a number and its extension digits.
    pub answer_pause: Option<String>,
    /// Behind every number.
    pub suffix: String,
}

/// Why a line cannot dial a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanFault {
    /// It is none here.
    Number(Fault),
    /// It does not fit into a dial command, or a part of it cannot stand there.
    Dial(DialFault),
    /// With what the line puts in front of it, it would reach an emergency service.
    Emergency {
        /// The digits as they would be dialled.
        digits: String,
    },
    /// The line does not say how numbers abroad are dialled, and its country has several ways.
    NoInternationalPrefix,
}

impl fmt::Display for PlanFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(fault) => fault.fmt(f),
            Self::Dial(fault) => fault.fmt(f),
            Self::Emergency { digits } => write!(
                f,
                "dialled as {digits} it would reach an emergency service: change the form or the outside digit of the dial plan"
            ),
            Self::NoInternationalPrefix => f.write_str(
                "no international prefix is known: set international in the dial plan or international_prefix in [site]",
            ),
        }
    }
}

impl std::error::Error for PlanFault {}

impl DialPlan {
    /// The command that dials `number` by this plan on a modem with this dial prefix.
    ///
    /// # Errors
    /// The line cannot dial it, or must not.
    pub fn render(
        &self,
        prefix: &DialPrefix,
        number: &PhoneNumber,
    ) -> Result<DialString, PlanFault> {
        let number = site::normalise(number, &self.site).map_err(PlanFault::Number)?;
        let digits = self.digits(&number)?;
        if number.class() != Class::Emergency {
            self.avoid_emergency(&number, &digits)?;
        }
        let tail = match &self.answer_pause {
            Some(pause) if !number.tail().is_empty() => {
                let digits = number.tail().trim_start_matches([',', 'W', '@']);
                format!("{pause}{digits}")
            }
            Some(_) | None => number.tail().to_owned(),
        };
        let outside = self.outside_for(&number);
        let (outside, plus) = match digits.strip_prefix('+') {
            Some(_) => (outside, Some("+")),
            None => (outside, None),
        };
        let bare = digits.strip_prefix('+').unwrap_or(&digits);
        let fault = |_| PlanFault::Dial(DialFault::TooLong);
        // A `+` can only stand in front: a SIM modem has no outside digit.
        let text = match plus {
            Some(plus) => format!("{plus}{bare}{tail}{}", self.suffix),
            None => format!("{outside}{bare}{tail}{}", self.suffix),
        };
        let text = PhoneNumber::configured(&text).map_err(fault)?;
        let dialling = Dialling::new(prefix.clone(), plus, "").map_err(PlanFault::Dial)?;
        dialling.render(&text).map_err(PlanFault::Dial)
    }

    fn outside_for(&self, number: &Number) -> &str {
        match number.reach() {
            Reach::Exchange => "",
            Reach::World | Reach::Network => &self.outside,
        }
    }

    /// The digits that the network hears.
    fn digits(&self, number: &Number) -> Result<String, PlanFault> {
        let site = &self.site;
        let (carrier, all) = (&self.carrier, number.digits());
        match number.reach() {
            Reach::Exchange | Reach::Network => return Ok(all.to_owned()),
            Reach::World => {}
        }
        let own = site.country.and_then(|country| all.strip_prefix(country.code));
        if let (Some(national), Form::National | Form::Local) = (own, self.form) {
            let area = Some(site.area.as_str()).filter(|area| !area.is_empty());
            let local = area.and_then(|area| national.strip_prefix(area));
            if let (Some(local), Form::Local) = (local, self.form) {
                return Ok(local.to_owned());
            }
            let trunk = self.national.as_deref().unwrap_or_else(|| site.trunk());
            return Ok(format!("{carrier}{trunk}{national}"));
        }
        match self.international.as_deref().unwrap_or_else(|| site.international()) {
            "" => Err(PlanFault::NoInternationalPrefix),
            "+" => Ok(format!("+{all}")),
            international => Ok(format!("{carrier}{international}{all}")),
        }
    }

    /// A number that is none of the emergency services' may become one by what stands in front: `9` for an
    /// outside line and `11…` behind it, or a local form that begins with `112`.
    fn avoid_emergency(&self, number: &Number, digits: &str) -> Result<(), PlanFault> {
        if digits.starts_with('+') || number.reach() == Reach::Exchange {
            return Ok(());
        }
        let keys = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let behind = format!("{}{digits}", keys(self.outside_for(number)));
        for heard in [behind, digits.to_owned()] {
            if self.site.is_emergency(&heard) {
                return Err(PlanFault::Emergency { digits: heard });
            }
        }
        Ok(())
    }
}

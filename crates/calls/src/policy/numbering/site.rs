//! The place where the lines are, and what digits mean that are dialled there.
//!
//! ```text
//!   +49…                                    ──► the world's plan
//!   * # in it                               ──► a code for the exchange
//!   112, 911, the site's additions          ──► emergency, whatever follows
//!   international prefix (00, 011)          ──► the world's plan
//!   as many digits as an extension has      ──► extension
//!   trunk prefix (0, 8, 1)                  ──► a national number
//!   what the network keeps for itself (1…)  ──► operator
//!   the rest                                ──► a complete national number, or a local one in our area
//! ```
//!
//! It does not know how the number came here, nor on which line it will be dialled.

use std::collections::BTreeSet;
use std::fmt;

use proto::dial::PhoneNumber;

use super::class::Class;
use super::world::{self, Country};

/// Longest number that E.164 §6.1 allows, country code included.
const MAX_E164: usize = 15;
/// Longest number that can be a service of the network: `116117`.
const MAX_SERVICE: usize = 6;

/// Where we are: `[site]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    /// The country, if it is configured. Without it digits stay as they are.
    pub country: Option<&'static Country>,
    /// Our area code, without trunk prefix; empty if local numbers are not dialled.
    pub area: String,
    /// What stands before national numbers, if not the country's own.
    pub trunk: Option<String>,
    /// What stands before international numbers, if not the country's own.
    pub international: Option<String>,
    /// Extensions of our private exchange: digits, and `x` for any digit (not 0 as the first).
    pub extensions: Vec<String>,
    /// Emergency numbers besides the country's.
    pub emergency: Vec<String>,
    /// Numbers of the network's own services besides those that every network of the country has.
    pub operator: Vec<String>,
    /// Codes for the exchange that have no `*` or `#`.
    pub feature: Vec<String>,
    /// Our own numbers, in normal form; `*` at the end of one stands for any digits.
    pub own: Vec<String>,
    /// Classes that are called although they are refused elsewhere.
    pub allow: BTreeSet<Class>,
}

impl Site {
    /// What stands before national numbers.
    #[must_use]
    pub fn trunk(&self) -> &str {
        self.trunk.as_deref().unwrap_or_else(|| self.country.map_or("", |country| country.trunk))
    }

    /// What stands before international numbers.
    #[must_use]
    pub fn international(&self) -> &str {
        let of_country = || self.country.map_or("", |country| country.international);
        self.international.as_deref().unwrap_or_else(of_country)
    }

    /// Whether digits dialled here reach an emergency service.
    #[must_use]
    pub fn is_emergency(&self, digits: &str) -> bool {
        let country = self.country.map_or(&[][..], |country| &country.emergency);
        country.iter().any(|code| digits.starts_with(code))
            || self.emergency.iter().any(|code| digits.starts_with(code.as_str()))
    }

    /// Whether a number in normal form is one of ours.
    #[must_use]
    pub fn is_own(&self, normal: &str) -> bool {
        self.own.iter().any(|own| match own.strip_suffix('*') {
            Some(beginning) => normal.starts_with(beginning),
            None => normal == own,
        })
    }

    /// The beginning of a number, written in any form, as the beginning of normal forms: `089` becomes
    /// `+4989`. `None`: it can begin no normal form but itself.
    #[must_use]
    pub fn beginning(&self, text: &str) -> Option<String> {
        let country = self.country?;
        if let Some(digits) = text.strip_prefix('+') {
            return Some(format!("+{digits}"));
        }
        if let Some(digits) = stripped(text, self.international()) {
            return Some(format!("+{digits}"));
        }
        if let Some(national) = stripped(text, self.trunk()) {
            return Some(format!("+{}{national}", country.code));
        }
        if text.is_empty() {
            return Some(String::new());
        }
        Some(format!("+{}{}{text}", country.code, self.area))
    }
}

/// A telephone number in its one form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    reach: Reach,
    /// Digits, without `+`; in a code also `*` and `#`.
    digits: String,
    /// What is sent once the called side has answered: pauses and an extension's digits.
    tail: String,
    class: Class,
    country: Option<&'static Country>,
}

/// How far the digits reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// All over the world: E.164.
    World,
    /// An extension of the site's exchange.
    Exchange,
    /// A code of the network that the lines are in.
    Network,
}

impl Number {
    /// What kind of number it is.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.class
    }

    /// The country that it belongs to, if it is one's.
    #[must_use]
    pub const fn country(&self) -> Option<&'static Country> {
        self.country
    }

    /// Its digits: of a number of the world without the `+`.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// Pauses and digits to be sent after the answer.
    #[must_use]
    pub fn tail(&self) -> &str {
        &self.tail
    }

    pub(super) const fn reach(&self) -> Reach {
        self.reach
    }

    /// The number without its tail, as patterns and tariffs are compared with it: `+49891234`.
    #[must_use]
    pub fn normal(&self) -> String {
        match self.reach {
            Reach::World => format!("+{}", self.digits),
            Reach::Exchange | Reach::Network => self.digits.clone(),
        }
    }

    /// The number as it is kept and dialled.
    ///
    /// # Errors
    /// With its tail it has more symbols than a dial command takes.
    pub fn to_phone_number(&self) -> Result<PhoneNumber, Fault> {
        PhoneNumber::configured(&self.to_string()).map_err(|_| Fault::TooLong)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.normal(), self.tail)
    }
}

/// Why digits are no number at this site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The site has no country: there are no rules to read digits by.
    NoCountry,
    /// A pause stands before the number.
    Pause,
    /// No number of this country has so many digits.
    Length {
        /// Where it would be.
        country: &'static Country,
        /// Digits of the national number.
        digits: usize,
    },
    /// More digits than any number has.
    TooLong,
    /// A local number, and the site has no area code.
    NoArea,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCountry => f.write_str("the site has no country"),
            Self::Pause => f.write_str(
                "a pause before the number: write the number alone, the line's dial_plan has the pauses",
            ),
            Self::Length { country, digits } => {
                let (least, most) = country.lengths();
                write!(
                    f,
                    "{digits} digits after the country code +{}: numbers of {} have {least} to {most}",
                    country.code, country.region
                )
            }
            Self::TooLong => write!(f, "more than the {MAX_E164} digits that a number may have"),
            Self::NoArea => f.write_str(
                "a local number, and [site] has no area: write it with its area code, or set area",
            ),
        }
    }
}

impl std::error::Error for Fault {}

/// What `number` means at this site.
///
/// # Errors
/// There is nothing that it can mean.
pub fn normalise(number: &PhoneNumber, site: &Site) -> Result<Number, Fault> {
    let country = site.country.ok_or(Fault::NoCountry)?;
    let text = number.as_str();
    let end = text.find([',', 'W', '@', '!', 'P', 'T']).unwrap_or(text.len());
    let (head, tail) = text.split_at_checked(end).unwrap_or((text, ""));
    let number = match head.strip_prefix('+') {
        _ if head.contains(['*', '#']) => code(head, Class::Feature),
        Some(digits) => of_world(digits)?,
        None if head.is_empty() => return Err(Fault::Pause),
        None => dialled(head, country, site)?,
    };
    let own = site.is_own(&number.normal());
    let class = if own { Class::OwnLine } else { number.class };
    Ok(Number { tail: tail.to_owned(), class, ..number })
}

/// The number as it is compared with others: its meaning where the site has a country, else its digits.
#[must_use]
pub fn normal(number: &PhoneNumber, site: &Site) -> String {
    normalise(number, site).map_or_else(|_| number.as_str().to_owned(), |number| number.normal())
}

/// Digits as somebody at the site dials them.
fn dialled(digits: &str, country: &'static Country, site: &Site) -> Result<Number, Fault> {
    let begins = |codes: &[String]| codes.iter().any(|code| digits.starts_with(code.as_str()));
    if site.is_emergency(digits) {
        return Ok(code(digits, Class::Emergency));
    }
    if begins(&site.feature) {
        return Ok(code(digits, Class::Feature));
    }
    if begins(&site.operator) {
        return Ok(code(digits, Class::Operator));
    }
    if site.extensions.iter().any(|pattern| is_extension(digits, pattern)) {
        return Ok(Number { reach: Reach::Exchange, ..code(digits, Class::Extension) });
    }
    if let Some(rest) = stripped(digits, site.international()) {
        return of_world(rest);
    }
    let of_country = |national: &str| of_world(&format!("{}{national}", country.code));
    let operator = || Ok(code(digits, Class::Operator));
    match stripped(digits, site.trunk()) {
        Some("") => return operator(),
        Some(_) | None if is_service(digits, country.trunk) => return operator(),
        Some(national) => return of_country(national),
        None => {}
    }
    // Where the trunk prefix is none, or need not be dialled, a national number may stand alone.
    if matches!(country.trunk, "" | "1")
        && let Ok(number) = of_country(digits)
        && number.class != Class::Unknown
    {
        return Ok(number);
    }
    let short = digits.len() <= MAX_SERVICE;
    match site.area.as_str() {
        _ if digits.len() <= 2 => operator(),
        "" if short => operator(),
        // A number of a country without areas, but not one of its lengths or ranges.
        "" if country.trunk.is_empty() => of_country(digits),
        "" => Err(Fault::NoArea),
        area => match of_country(&format!("{area}{digits}")) {
            Err(Fault::Length { .. }) if short => operator(),
            number => number,
        },
    }
}

/// Whether `digits` are an extension of this pattern. No exchange gives away the first digit of calls to
/// the outside, so an `x` in front is not 0.
fn is_extension(digits: &str, pattern: &str) -> bool {
    let fits = |(at, (digit, wanted)): (usize, (u8, u8))| match wanted {
        b'x' => at > 0 || digit != b'0',
        wanted => digit == wanted,
    };
    digits.len() == pattern.len() && digits.bytes().zip(pattern.bytes()).enumerate().all(fits)
}

/// Whether these digits are the network's own. In North America `0`, `00`, `10…` (another carrier) and
/// `211` to `911`; elsewhere no subscriber's number begins with `0` or `1` (ITU-T E.164 national plans;
/// where it does, the country has no trunk prefix).
fn is_service(digits: &str, trunk: &str) -> bool {
    match trunk {
        "" => false,
        // A national number, not a service.
        _ if trunk != "1" && digits.starts_with(trunk) => false,
        "1" => {
            digits.starts_with('0')
                || (!digits.starts_with('1') && digits.get(1..3) == Some("11"))
                || digits.starts_with("10")
        }
        _ => digits.starts_with(['0', '1']),
    }
}

fn of_world(digits: &str) -> Result<Number, Fault> {
    if digits.len() > MAX_E164 {
        return Err(Fault::TooLong);
    }
    let known = world::look_up(digits);
    if let (Some(country), true) = (known.country, known.class != Class::Unknown) {
        let national = digits.len().saturating_sub(country.code.len());
        if !country.has_length(national) {
            return Err(Fault::Length { country, digits: national });
        }
    }
    Ok(Number {
        reach: Reach::World,
        digits: digits.to_owned(),
        tail: String::new(),
        class: known.class,
        country: known.country,
    })
}

fn code(digits: &str, class: Class) -> Number {
    Number {
        reach: Reach::Network,
        digits: digits.to_owned(),
        tail: String::new(),
        class,
        country: None,
    }
}

/// What follows `prefix`, which must not be empty.
fn stripped<'d>(digits: &'d str, prefix: &str) -> Option<&'d str> {
    if prefix.is_empty() { None } else { digits.strip_prefix(prefix) }
}

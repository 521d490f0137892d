//! The numbering plans of the world: which country a number belongs to, and what kind it is.
//!
//! `plans.txt` is printed by the example `numbering-plans` from the metadata of libphonenumber; the codes
//! that belong to no country are the table below. The file is read when the first number is looked at
//! (29 ms in a debug build on a busy machine), and a look-up is a few binary searches: no patterns are compiled, nothing is cached.
//!
//! It does not know how a number is dialled from anywhere.

use std::sync::LazyLock;

use super::class::Class;

/// A country's plan, as far as numbers are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Country {
    /// ISO 3166-1 alpha-2: `DE`.
    pub region: &'static str,
    /// Its country code: `49`.
    pub code: &'static str,
    /// What stands before national numbers within the country (`0`, `8`, `1`, or nothing).
    pub trunk: &'static str,
    /// What stands before international numbers (`00`, `011`).
    pub international: &'static str,
    /// Its emergency numbers, as they are dialled.
    pub emergency: Vec<&'static str>,
    /// The lengths that its national numbers may have, one bit each.
    lengths: u32,
}

impl Country {
    /// The country of this ISO 3166-1 code, in capitals.
    #[must_use]
    pub fn named(region: &str) -> Option<&'static Self> {
        WORLD.countries.iter().find(|country| country.region == region)
    }

    /// Whether national numbers of so many digits exist.
    #[must_use]
    pub const fn has_length(&self, digits: usize) -> bool {
        digits < 32 && self.lengths & (1 << digits) != 0
    }

    /// The shortest and the longest national number.
    #[must_use]
    pub const fn lengths(&self) -> (u32, u32) {
        (self.lengths.trailing_zeros(), 31_u32.saturating_sub(self.lengths.leading_zeros()))
    }
}

/// What the world knows of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) class: Class,
    /// `None`: a code of no country, or of nobody.
    pub(super) country: Option<&'static Country>,
}

/// Codes that are no country's: ITU-T E.164, "List of ITU-T Recommendation E.164 assigned country codes"
/// (Operational Bulletin annex), with 881, 882 and 883 by their further digits' common use. `+979` is the
/// international premium rate service (E.169.2), `+808` shared cost (E.169.3), `+800` freephone (E.169.1).
const WORLDWIDE: [(&str, Class); 11] = [
    ("388", Class::Global),
    ("800", Class::Global),
    ("808", Class::SharedCost),
    ("870", Class::Satellite),
    ("878", Class::Personal),
    ("881", Class::Satellite),
    ("882", Class::Global),
    ("883", Class::Global),
    ("888", Class::Global),
    ("979", Class::Premium),
    ("991", Class::Global),
];

/// International prefixes of countries where a carrier is chosen by it, so that the metadata has a pattern
/// and no digits. National regulators' plans; a site with another one writes `international_prefix`.
const INTERNATIONAL: [(&str, &str); 16] = [
    ("BO", "00"),
    ("BR", "00"),
    ("CL", "00"),
    ("CO", "00"),
    ("ID", "001"),
    ("IL", "00"),
    ("KH", "001"),
    ("KP", "00"),
    ("KR", "001"),
    ("PW", "011"),
    ("SB", "00"),
    ("SG", "001"),
    ("TH", "001"),
    ("TW", "002"),
    ("TZ", "000"),
    ("UG", "000"),
];

static PLANS: &str = include_str!("plans.txt");

static WORLD: LazyLock<World> = LazyLock::new(|| World::read(PLANS));

struct World {
    countries: Vec<Country>,
    /// Prefixes of E.164 numbers, sorted by [`key`], with their class and the index of their country.
    prefixes: Vec<(u64, Class, u8)>,
}

/// The longest prefix in the table, country code included, with a few to spare: its key fits.
const LONGEST: usize = 14;

/// Digits as a number that keeps leading zeros: `1` stands in front.
fn key(digits: &[u8]) -> u64 {
    digits.iter().fold(1, |key, digit| key * 10 + u64::from(digit.wrapping_sub(b'0') % 10))
}

impl World {
    fn read(text: &'static str) -> Self {
        let mut world =
            Self { countries: Vec::with_capacity(256), prefixes: Vec::with_capacity(24_000) };
        for line in text.lines() {
            let mut words = line.split(' ');
            match words.next() {
                Some("=") => world.countries.extend(country(words)),
                Some("emergency") => {
                    if let Some(country) = world.countries.last_mut() {
                        country.emergency = words.collect();
                    }
                }
                Some(name) => {
                    let index = u8::try_from(world.countries.len().saturating_sub(1));
                    let code = world.countries.last().map_or("", |country| country.code);
                    if let (Some(class), Ok(index)) = (Class::named(name), index) {
                        let code = key(code.as_bytes());
                        world.prefixes.extend(words.map(|prefix| {
                            let digits = prefix.bytes();
                            let add = |key, digit: u8| {
                                key * 10 + u64::from(digit.wrapping_sub(b'0') % 10)
                            };
                            (digits.fold(code, add), class, index)
                        }));
                    }
                }
                None => {}
            }
        }
        world.prefixes.sort_unstable_by_key(|(key, ..)| *key);
        world
    }

    fn look_up(&'static self, digits: &[u8]) -> Known {
        for length in (1..=digits.len().min(LONGEST)).rev() {
            let Some(beginning) = digits.get(..length) else { continue };
            let found = self.prefixes.binary_search_by_key(&key(beginning), |(key, ..)| *key);
            if let Some(&(_, class, country)) = found.ok().and_then(|at| self.prefixes.get(at)) {
                return Known { class, country: self.countries.get(usize::from(country)) };
            }
        }
        let code = |country: &&Country| digits.starts_with(country.code.as_bytes());
        Known { class: Class::Unknown, country: self.countries.iter().find(code) }
    }
}

/// `DE 49 0 00 4,5,6`
fn country<'t>(mut words: impl Iterator<Item = &'t str>) -> Option<Country>
where
    't: 'static,
{
    let (region, code) = (words.next()?, words.next()?);
    let none = |word: &'static str| if word == "-" { "" } else { word };
    let (trunk, international) = (none(words.next()?), none(words.next()?));
    let chosen = INTERNATIONAL.iter().find(|(of, _)| *of == region);
    let lengths = words.next()?.split(',').filter_map(|length| length.parse::<u32>().ok());
    Some(Country {
        region,
        code,
        trunk,
        international: chosen.map_or(international, |(_, prefix)| prefix),
        emergency: Vec::new(),
        lengths: lengths.fold(0, |bits, length| bits | 1_u32.wrapping_shl(length)),
    })
}

/// What is known of an E.164 number, given by its digits without `+`.
pub(super) fn look_up(digits: &str) -> Known {
    if let Some((_, class)) = WORLDWIDE.iter().find(|(code, _)| digits.starts_with(code)) {
        return Known { class: *class, country: None };
    }
    WORLD.look_up(digits.as_bytes())
}

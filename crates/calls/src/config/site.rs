//! `[site]`, dial plans, `[[tariff]]` and `[[budget]]`: where the lines are, how each of them dials, and what that costs.
//!
//! It does not know what numbers mean ([`crate::policy::numbering`]) nor how money is counted ([`crate::money`]).

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use proto::dial::PhoneNumber;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::decode::{Placed, Table, kind};
use super::keys::{Section, numbers as key};
use super::lines::LineDraft;
use super::sections::Draft;
use super::user::Budget;
use super::values::{self, Fault};
use crate::diagnostic::{Diagnostic, Source};
use crate::money::{DayBudget, Money, Tariff};
use crate::policy::numbering::{Class, Country, DialPlan, Form, Number, Site, normalise};

type Faults = Vec<Diagnostic>;

/// The longest part of a plan that is not the number.
const MAX_PART: usize = 12;

// ------------------------------------------------------------------------------------------- [site]

fn country(text: &str) -> Result<&'static Country, Fault> {
    Country::named(text).ok_or_else(|| {
        let shown = text.escape_debug();
        let upper = text.to_ascii_uppercase();
        match Country::named(&upper) {
            Some(_) => {
                Fault::new(format!("\"{shown}\" is no country"), format!("write \"{upper}\""))
            }
            None => Fault::new(
                format!("\"{shown}\" is no country"),
                "write its two letters of ISO 3166, like \"DE\"",
            ),
        }
    })
}

fn digits(text: &str) -> Result<String, Fault> {
    if text.len() > MAX_PART || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::new(
            format!("\"{}\" is not up to {MAX_PART} digits", text.escape_debug()),
            "write digits alone",
        ));
    }
    Ok(text.to_owned())
}

fn some_digits(text: &str) -> Result<String, Fault> {
    match text {
        "" => Err(Fault::new("no digits", "write digits, or leave it out")),
        text => digits(text),
    }
}

fn extension(text: &str) -> Result<String, Fault> {
    let known = |byte: u8| byte.is_ascii_digit() || byte == b'x';
    if text.is_empty() || text.len() > MAX_PART || !text.bytes().all(known) {
        return Err(Fault::new(
            format!("\"{}\" is no pattern of extensions", text.escape_debug()),
            "write digits, and x for any digit, like \"2xx\"",
        ));
    }
    Ok(text.to_owned())
}

/// A class that a key may allow.
pub(super) fn allowed_class(text: &str) -> Result<Class, Fault> {
    let class = class(text)?;
    match (class.can_be_allowed(), class) {
        (true, _) => Ok(class),
        (false, Class::OwnLine) => {
            Err(Fault::new("our own lines are never called", "leave it out"))
        }
        (false, _) => Err(Fault::new(format!("\"{class}\" is not refused anyway"), "leave it out")),
    }
}

fn class(text: &str) -> Result<Class, Fault> {
    Class::named(text).ok_or_else(|| {
        let names = Class::ALL.map(Class::name);
        let hint = match values::nearest(text, names) {
            Some(meant) => format!("\"{meant}\" is the nearest that there is"),
            None => format!("there are {}", names.join(", ")),
        };
        Fault::new(format!("\"{}\" is no class of numbers", text.escape_debug()), hint)
    })
}

fn currency(text: &str) -> Result<String, Fault> {
    if text.len() > 8 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Fault::new(
            format!("\"{}\" is no currency", text.escape_debug()),
            "write up to 8 printable characters, like \"EUR\"",
        ));
    }
    Ok(text.to_owned())
}

/// `[site]` as far as it can be read before the lines are.
pub(super) struct SiteDraft {
    pub(super) site: Site,
    pub(super) currency: String,
    own: Vec<Placed<String>>,
}

/// Reads `[site]`.
pub(super) fn site(table: &Table<'_>, faults: &mut Faults) -> SiteDraft {
    let value = |list: Option<Vec<Placed<String>>>| {
        list.unwrap_or_default().into_iter().map(|placed| placed.value).collect::<Vec<_>>()
    };
    let text = |placed: Option<Placed<String>>| placed.map(|placed| placed.value);
    let country = table.parsed_if(&key::SITE_COUNTRY, faults, country);
    let allow = table.list_if(&key::SITE_ALLOW, faults, allowed_class).unwrap_or_default();
    let site = Site {
        country: country.map(|country| country.value),
        area: text(table.parsed_if(&key::SITE_AREA, faults, some_digits)).unwrap_or_default(),
        trunk: text(table.parsed_if(&key::SITE_TRUNK, faults, digits)),
        international: text(table.parsed_if(&key::SITE_INTERNATIONAL, faults, some_digits)),
        extensions: value(table.list_if(&key::SITE_EXTENSIONS, faults, extension)),
        emergency: value(table.list_if(&key::SITE_EMERGENCY, faults, some_digits)),
        operator: value(table.list_if(&key::SITE_OPERATOR, faults, some_digits)),
        feature: value(table.list_if(&key::SITE_FEATURE, faults, some_digits)),
        own: Vec::new(),
        allow: allow.into_iter().map(|class| class.value).collect(),
    };
    let own = table.list_if(&key::SITE_OWN, faults, values::number_pattern).unwrap_or_default();
    let currency = table.text(&key::SITE_CURRENCY, faults, currency).value;
    SiteDraft { site, currency, own }
}

impl SiteDraft {
    /// The site, with the numbers of its lines, which get their dial plans.
    pub(super) fn finish(
        mut self,
        source: &Arc<Source>,
        lines: &mut [LineDraft],
        faults: &mut Faults,
    ) -> Arc<Site> {
        let mut own: Vec<String> = Vec::new();
        for line in lines.iter() {
            let Some(number) = &line.line.number else { continue };
            match normalise(number, &self.site) {
                Ok(number) => own.push(number.normal()),
                Err(_) if self.site.country.is_none() => own.push(number.as_str().to_owned()),
                Err(fault) => faults.push(
                    Diagnostic::error(source, line.name_at.clone(), format!("number: {fault}"))
                        .hint("write the line's number with + and its country code"),
                ),
            }
        }
        for pattern in &self.own {
            let (digits, star) = match pattern.value.strip_suffix('*') {
                Some(digits) => (digits, "*"),
                None => (pattern.value.as_str(), ""),
            };
            let normal = self.site.beginning(digits).unwrap_or_else(|| digits.to_owned());
            own.push(format!("{normal}{star}"));
        }
        self.site.own = own;
        let site = Arc::new(self.site);
        for line in lines {
            match (&mut line.line.dial_plan, site.country) {
                (Some(plan), Some(_)) => {
                    plan.site = Arc::clone(&site);
                    if plan.international.is_none() {
                        plan.international.clone_from(&line.line.modem.international_prefix);
                    }
                }
                (plan, Some(_)) => {
                    let international = line.line.modem.international_prefix.clone();
                    let site = Arc::clone(&site);
                    *plan = Some(DialPlan { site, international, ..DialPlan::default() });
                }
                (plan, None) => {
                    if let (Some(_), Some(at)) = (plan.take(), &line.dial_plan_at) {
                        let message = "a dial plan, and [site] has no country";
                        let fault = Diagnostic::error(source, at.clone(), message);
                        faults.push(fault.hint(
                            "write [site] with country = \"DE\", or put it all into dial_prefix",
                        ));
                    }
                }
            }
        }
        site
    }
}

// ----------------------------------------------------------------------------------------- dial plans

/// The plans `[dial_plan.name]`.
pub(super) type Plans = BTreeMap<String, DialPlan>;

fn part(text: &str) -> Result<String, Fault> {
    let number = PhoneNumber::configured(&format!("0{text}"));
    match number {
        Ok(number) if text.len() <= MAX_PART => {
            Ok(number.as_str().strip_prefix('0').unwrap_or_default().to_owned())
        }
        Ok(_) | Err(_) => Err(Fault::new(
            format!("\"{}\" cannot stand in a dial command", text.escape_debug()),
            format!("write up to {MAX_PART} of digits, '*', '#' and , W @ ! P T"),
        )),
    }
}

fn international(text: &str) -> Result<String, Fault> {
    match text {
        "+" => Ok("+".to_owned()),
        text => some_digits(text)
            .map_err(|fault| Fault { hint: "write digits, like \"00\", or \"+\"".into(), ..fault }),
    }
}

fn form(text: &str) -> Result<Form, Fault> {
    match text {
        "national" => Ok(Form::National),
        "international" => Ok(Form::International),
        "local" => Ok(Form::Local),
        _ => Err(Fault::new(
            format!("\"{}\" is no form of numbers", text.escape_debug()),
            "write \"national\", \"international\" or \"local\"",
        )),
    }
}

fn plan(table: &Table<'_>, faults: &mut Faults) -> DialPlan {
    table.unknown_keys(faults);
    let text = |placed: Option<Placed<String>>| placed.map(|placed| placed.value);
    let form = table.parsed_if(&key::PLAN_FORM, faults, form);
    DialPlan {
        site: Arc::default(),
        outside: text(table.parsed_if(&key::PLAN_OUTSIDE, faults, part)).unwrap_or_default(),
        carrier: text(table.parsed_if(&key::PLAN_CARRIER, faults, digits)).unwrap_or_default(),
        form: form.map_or(Form::National, |form| form.value),
        national: text(table.parsed_if(&key::PLAN_NATIONAL, faults, digits)),
        international: text(table.parsed_if(&key::PLAN_INTERNATIONAL, faults, international)),
        answer_pause: text(table.parsed_if(&key::PLAN_ANSWER_PAUSE, faults, part)),
        suffix: text(table.parsed_if(&key::PLAN_SUFFIX, faults, part)).unwrap_or_default(),
    }
}

/// Reads `[dial_plan.name]`.
pub(super) fn plans(
    source: &Arc<Source>,
    value: Option<&Spanned<DeValue<'_>>>,
    faults: &mut Faults,
) -> Plans {
    let mut plans = Plans::new();
    let Some(value) = value else { return plans };
    let DeValue::Table(tables) = value.get_ref() else {
        let what = kind(value.get_ref());
        let message = format!("dial_plan must be a table of plans, not {what}");
        let fault = Diagnostic::error(source, value.span(), message);
        faults.push(fault.hint("write [dial_plan.office], and dial_plan = \"office\" in the line"));
        return plans;
    };
    for (name, value) in tables {
        if let Some(table) = Table::new(source, Section::DialPlan, value, faults) {
            plans.insert(name.get_ref().to_string(), plan(&table, faults));
        }
    }
    plans
}

/// `dial_plan` of a line: a table, or the name of one.
pub(super) fn line_plan(
    table: &Table<'_>,
    plans: &Plans,
    faults: &mut Faults,
) -> Option<Placed<DialPlan>> {
    let value = table.get("dial_plan")?;
    let at = Some(value.span());
    if let DeValue::String(name) = value.get_ref() {
        let Some(plan) = plans.get(name.as_ref()) else {
            let message = format!("dial_plan: there is no plan \"{}\"", name.escape_debug());
            let hint = match values::nearest(name, plans.keys().map(String::as_str)) {
                Some(meant) => format!("\"{meant}\" is the nearest that there is"),
                None => format!("write [dial_plan.{}]", name.escape_debug()),
            };
            faults.push(Diagnostic::error(table.source, value.span(), message).hint(hint));
            return None;
        };
        return Some(Placed { value: plan.clone(), at });
    }
    let table = Table::new(table.source, Section::DialPlan, value, faults)?;
    Some(Placed { value: plan(&table, faults), at })
}

// ---------------------------------------------------------------------------------------------- money

/// `[[name]]` as tables of `section`.
fn each<T>(
    source: &Arc<Source>,
    tree: &DeTable<'_>,
    name: &str,
    section: Section,
    faults: &mut Faults,
    mut read: impl FnMut(&Table<'_>, &mut Faults) -> T,
) -> Vec<T> {
    let Some(value) = tree.get(name) else { return Vec::new() };
    let DeValue::Array(tables) = value.get_ref() else {
        let message = format!("{name} must be a list of tables");
        let fault = Diagnostic::error(source, value.span(), message);
        faults.push(fault.hint(format!("begin each with [[{name}]], in double brackets")));
        return Vec::new();
    };
    let mut all = Vec::with_capacity(tables.len());
    for table in tables {
        if let Some(table) = Table::new(source, section, table, faults) {
            table.unknown_keys(faults);
            all.push(read(&table, faults));
        }
    }
    all
}

fn amount(text: &str) -> Result<Money, Fault> {
    Money::parse(text).ok_or_else(|| {
        Fault::new(
            format!("\"{}\" is no amount of money", text.escape_debug()),
            "write it like \"0.09\" or \"0.029\", without the currency",
        )
    })
}

fn tariff_prefix(text: &str, site: &Site) -> Result<String, Fault> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    // Where numbers have a country every one is compared in its whole form: these digits would begin none of them.
    if site.country.is_some() && !text.starts_with('+') {
        let whole = site.beginning(text).filter(|whole| whole.len() > 1);
        return Err(Fault::new(
            format!("\"{}\" has no country code, and fits no number", text.escape_debug()),
            match whole {
                Some(whole) if whole.ends_with(text) => {
                    format!("write \"+{text}\" if it begins with one, else \"{whole}\"")
                }
                Some(whole) => format!("write \"{whole}\""),
                None => "write it with + and its country code".to_owned(),
            },
        ));
    }
    if digits.is_empty() || digits.len() > 15 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::new(
            format!("\"{}\" begins no number", text.escape_debug()),
            "write digits with the country code, like \"+4989\"",
        ));
    }
    Ok(text.to_owned())
}

/// Reads every `[[tariff]]`.
pub(super) fn tariffs(
    source: &Arc<Source>,
    tree: &DeTable<'_>,
    site: &Site,
    faults: &mut Faults,
) -> Vec<Tariff> {
    each(source, tree, "tariff", Section::Tariff, faults, |table, faults| Tariff {
        prefix: table
            .parsed_if(&key::TARIFF_PREFIX, faults, |text| tariff_prefix(text, site))
            .map(|prefix| prefix.value),
        class: table.parsed_if(&key::TARIFF_CLASS, faults, class).map(|class| class.value),
        per_call: table
            .parsed_if(&key::TARIFF_PER_CALL, faults, amount)
            .map_or(Money::ZERO, |amount| amount.value),
        per_minute: table
            .parsed_if(&key::TARIFF_PER_MINUTE, faults, amount)
            .map_or(Money::ZERO, |amount| amount.value),
        increment: table.duration(&key::TARIFF_INCREMENT, faults).value,
    })
}

/// Reads every `[[budget]]`.
pub(super) fn budgets(
    source: &Arc<Source>,
    tree: &DeTable<'_>,
    faults: &mut Faults,
) -> Vec<DayBudget> {
    each(source, tree, "budget", Section::DayBudget, faults, |table, faults| DayBudget {
        class: table.parsed_if(&key::DAY_CLASS, faults, class).map(|class| class.value),
        budget: Budget {
            minutes: table.count_if(&key::DAY_MINUTES, faults).map(|most| most.value),
            calls: table.count_if(&key::DAY_CALLS, faults).map(|most| most.value),
            cost: table.parsed_if(&key::DAY_COST, faults, values::money).map(|most| most.value),
        },
    })
}

// --------------------------------------------------------------------------------------------- checks

/// A stored number that would be refused each time is a fault of whoever stored it.
pub(super) fn stored_number(
    site: &Site,
    number: &PhoneNumber,
    allow: &[Class],
) -> Result<Option<Number>, String> {
    if site.country.is_none() {
        return Ok(None);
    }
    let number = normalise(number, site).map_err(|fault| fault.to_string())?;
    let class = number.class();
    let allowed = class.can_be_allowed() && (site.allow.contains(&class) || allow.contains(&class));
    match class.denied_by() {
        Some(_) if !allowed => Err(format!("{number} is {}", class.sentence())),
        Some(_) | None => Ok(Some(number)),
    }
}

/// Patterns of fewer digits reach more than one exchange.
const EXCHANGE_DIGITS: usize = 3;

/// Without a country nothing is known of the numbers that callers choose.
pub(super) fn check(draft: &Draft, faults: &mut Faults) {
    // Whoever writes an exchange's digits knows what they reach.
    let open = |pattern: &&Placed<String>| {
        pattern.value.bytes().filter(u8::is_ascii_digit).count() < EXCHANGE_DIGITS
    };
    if draft.site.country.is_none()
        && let Some(at) = draft.places.allow.iter().find(open).and_then(|p| p.at.clone())
    {
        let message = "callers choose numbers, and nothing is known of them: not which are dear, not which are ours";
        faults.push(
            Diagnostic::warning(&draft.source, at, message)
                .hint("write [site] with country = \"DE\", and area"),
        );
    }
    for user in &draft.users {
        user.check_numbers(&draft.site, faults);
    }
}

/// Where a diagnostic of a stored number points to.
pub(super) fn refused_number(source: &Arc<Source>, at: Range<usize>, why: &str) -> Diagnostic {
    let hint =
        "write it with + and its country code; if it is meant, allow its class by allow_classes";
    Diagnostic::error(source, at, format!("this number is not called: {why}")).hint(hint)
}

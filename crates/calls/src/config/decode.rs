//! From TOML's spanned tree to typed values: one table at a time, every fault collected.
//!
//! A reading that fails leaves its diagnostic and goes on with the default, so that one run shows all
//! faults. A [`Placed`] value remembers where it was written; a default, or the stand-in for a faulty
//! value, has no place, and checks of what goes together stay silent about it.
//!
//! It does not know which keys there are: that is [`super::keys`].

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{self, Key, Preset, Shown};
use super::values::{self, Fault};
use crate::diagnostic::{Diagnostic, Source};

/// A value and the place where it was written, if it was.
#[derive(Clone, Debug)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) at: Option<Range<usize>>,
}

impl<T> Placed<T> {
    pub(super) fn absent(value: T) -> Self {
        Self { value, at: None }
    }
}

/// A TOML table that is read as one of our sections.
pub(super) struct Table<'d> {
    pub(super) source: &'d Arc<Source>,
    pub(super) section: keys::Section,
    pub(super) span: Range<usize>,
    pub(super) table: &'d DeTable<'d>,
}

type Faults = Vec<Diagnostic>;

impl<'d> Table<'d> {
    /// `value` as a table of `section`.
    pub(super) fn new(
        source: &'d Arc<Source>,
        section: keys::Section,
        value: &'d Spanned<DeValue<'d>>,
        faults: &mut Faults,
    ) -> Option<Self> {
        match value.get_ref() {
            DeValue::Table(table) => Some(Self { source, section, span: value.span(), table }),
            other @ (DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)) => {
                let title = section.title();
                faults.push(
                    Diagnostic::error(
                        source,
                        value.span(),
                        format!("{title} must be a table, not {}", kind(other)),
                    )
                    .hint(match section {
                        keys::Section::Modem => "write modem = { init = [\"ATZ\"] }".to_owned(),
                        keys::Section::CallerNumbers => {
                            "write caller_numbers = { allow = [\"*\"] }".to_owned()
                        }
                        keys::Section::Line => "begin each line with [[line]]".to_owned(),
                        keys::Section::User => "begin each user with [[user]]".to_owned(),
                        keys::Section::UserCallback => {
                            "write callback = { numbers = [\"5550199\"], offer = \"fixed\" }"
                                .to_owned()
                        }
                        keys::Section::UserBudget => {
                            "write budget = { minutes = 60, calls = 10 }".to_owned()
                        }
                        keys::Section::DialPlan => {
                            "write dial_plan = { outside = \"0,\" }, or a name".to_owned()
                        }
                        keys::Section::Tariff => "begin each tariff with [[tariff]]".to_owned(),
                        keys::Section::DayBudget => "begin each budget with [[budget]]".to_owned(),
                        keys::Section::RelaySyslog => "begin each host with [[syslog]]".to_owned(),
                        keys::Section::RelayHook => "begin each hook with [[hook]]".to_owned(),
                        keys::Section::Server
                        | keys::Section::Relay
                        | keys::Section::RelayMetrics
                        | keys::Section::RelayMail
                        | keys::Section::Web
                        | keys::Section::Site
                        | keys::Section::Audit
                        | keys::Section::Login
                        | keys::Section::Callback
                        | keys::Section::Ppp => {
                            format!("write {title} on a line of its own")
                        }
                    }),
                );
                None
            }
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.table.get(name)
    }

    /// Reports every key that the section does not have.
    pub(super) fn unknown_keys(&self, faults: &mut Faults) {
        let rows = keys::beside(self.section);
        let own: Vec<&str> = rows
            .iter()
            .filter(|row| row.section == self.section)
            .map(|row| row.name)
            .chain(keys::tables_in(self.section).iter().copied())
            .collect();
        for (key, _) in self.table {
            let name: &str = key.get_ref();
            if own.contains(&name) {
                continue;
            }
            let title = self.section.title();
            let fault = Diagnostic::error(
                self.source,
                key.span(),
                format!("{title} has no key \"{name}\""),
            );
            let elsewhere = rows.iter().find(|row| row.name == name).map(|row| row.section.title());
            let hint = match (values::nearest(name, own.iter().copied()), elsewhere) {
                (_, Some(section)) => format!("it belongs to {section}"),
                (Some(meant), None) => format!("\"{meant}\" is the nearest that there is"),
                (None, None) => format!("its keys are {}", own.join(", ")),
            };
            faults.push(fault.hint(hint));
        }
    }

    /// Reports a key that must be written and is not.
    pub(super) fn required<T: Shown>(&self, key: &Key<T>, faults: &mut Faults) {
        if self.get(key.name).is_none() {
            let message = format!("{} without {}", self.section.title(), key.name);
            faults.push(
                Diagnostic::error(self.source, self.span.clone(), message)
                    .hint(format!("write {} = {}", key.name, key.example)),
            );
        }
    }

    fn wrong_kind<T: Shown>(&self, key: &Key<T>, value: &Spanned<DeValue<'_>>) -> Diagnostic {
        Diagnostic::error(
            self.source,
            value.span(),
            format!("{} is {}, not {}", key.name, kind(value.get_ref()), key.form.replace('`', "")),
        )
        .hint(format!("for example {} = {}", key.name, key.example))
    }

    /// A reading as it is, or nothing if the key is not written or its value is wrong.
    fn read<T: Shown, V>(
        &self,
        key: &Key<T>,
        faults: &mut Faults,
        read: impl FnOnce(&Spanned<DeValue<'d>>) -> Result<V, Diagnostic>,
    ) -> Option<Placed<V>> {
        let value = self.get(key.name)?;
        match read(value) {
            Ok(result) => Some(Placed { value: result, at: Some(value.span()) }),
            Err(fault) => {
                faults.push(fault);
                None
            }
        }
    }

    fn in_range<T: Shown + PartialOrd>(
        &self,
        key: &Key<T>,
        value: T,
        span: Range<usize>,
    ) -> Result<T, Diagnostic> {
        match key.range {
            Some((least, most)) if value < least || value > most => Err(Diagnostic::error(
                self.source,
                span,
                format!("{} = {} is out of range", key.name, value.toml()),
            )
            .hint(format!("write {} to {}", least.toml(), most.toml()))),
            Some(_) | None => Ok(value),
        }
    }

    /// A duration, if one is written and right.
    pub(super) fn duration_if(
        &self,
        key: &Key<Duration>,
        faults: &mut Faults,
    ) -> Option<Placed<Duration>> {
        self.read(key, faults, |value| match value.get_ref() {
            DeValue::String(text) => {
                let duration = values::duration(text)
                    .map_err(|fault| self.fault(value.span(), key.name, &fault))?;
                self.in_range(key, duration, value.span())
            }
            DeValue::Integer(number) => Err(Diagnostic::error(
                self.source,
                value.span(),
                format!("{} = {number} has no unit", key.name),
            )
            .hint(format!("write \"{number}s\" for seconds, \"{number}ms\" for milliseconds"))),
            DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => Err(self.wrong_kind(key, value)),
        })
    }

    /// A whole number, if one is written and right.
    pub(super) fn count_if(&self, key: &Key<u32>, faults: &mut Faults) -> Option<Placed<u32>> {
        self.read(key, faults, |value| {
            let number = self.integer(key, value)?;
            let count = u32::try_from(number).map_err(|_| {
                self.fault(
                    value.span(),
                    key.name,
                    &Fault::new(format!("{number} is out of range"), "write a smaller number"),
                )
            })?;
            self.in_range(key, count, value.span())
        })
    }

    /// A port speed, if one is written and right.
    pub(super) fn speed_if(&self, key: &Key<u32>, faults: &mut Faults) -> Option<Placed<u32>> {
        self.read(key, faults, |value| {
            let number = self.integer(key, value)?;
            values::speed(number).map_err(|fault| self.fault(value.span(), key.name, &fault))
        })
    }

    fn integer(&self, key: &Key<u32>, value: &Spanned<DeValue<'d>>) -> Result<u64, Diagnostic> {
        match value.get_ref() {
            DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix())
                .map_err(|_| {
                    self.fault(
                        value.span(),
                        key.name,
                        &Fault::new(
                            format!("{number} is out of range"),
                            format!("for example {} = {}", key.name, key.example),
                        ),
                    )
                }),
            DeValue::String(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => Err(self.wrong_kind(key, value)),
        }
    }

    /// `true` or `false`, if it is written.
    pub(super) fn flag_if(&self, key: &Key<bool>, faults: &mut Faults) -> Option<Placed<bool>> {
        self.read(key, faults, |value| match value.get_ref() {
            DeValue::Boolean(flag) => Ok(*flag),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => Err(self.wrong_kind(key, value)),
        })
    }

    /// A text as `parse` reads it, if one is written and right.
    pub(super) fn parsed_if<V>(
        &self,
        key: &Key<&'static str>,
        faults: &mut Faults,
        parse: impl FnOnce(&str) -> Result<V, Fault>,
    ) -> Option<Placed<V>> {
        self.read(key, faults, |value| match value.get_ref() {
            DeValue::String(text) => {
                parse(text).map_err(|fault| self.fault(value.span(), key.name, &fault))
            }
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => Err(self.wrong_kind(key, value)),
        })
    }

    /// A list of texts as `parse` reads them; one text alone counts as a list of one. `None` if the key
    /// is not written; faulty members are reported and left out.
    pub(super) fn list_if<V>(
        &self,
        key: &Key<&'static [&'static str]>,
        faults: &mut Faults,
        mut parse: impl FnMut(&str) -> Result<V, Fault>,
    ) -> Option<Vec<Placed<V>>> {
        let value = self.get(key.name)?;
        let one = std::slice::from_ref(value);
        let members: Vec<&Spanned<DeValue<'_>>> = match value.get_ref() {
            DeValue::Array(members) => members.iter().collect(),
            DeValue::String(_) => one.iter().collect(),
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Table(_) => {
                faults.push(self.wrong_kind(key, value));
                return None;
            }
        };
        let mut list = Vec::with_capacity(members.len());
        for member in members {
            let DeValue::String(text) = member.get_ref() else {
                faults.push(self.wrong_kind(key, member));
                continue;
            };
            match parse(text) {
                Ok(value) => list.push(Placed { value, at: Some(member.span()) }),
                Err(fault) => faults.push(self.fault(member.span(), key.name, &fault)),
            }
        }
        Some(list)
    }

    fn fault(&self, span: Range<usize>, name: &str, fault: &Fault) -> Diagnostic {
        Diagnostic::error(self.source, span, format!("{name}: {}", fault.message))
            .hint(fault.hint.clone())
    }

    /// The duration, or its default.
    pub(super) fn duration(&self, key: &Key<Duration>, faults: &mut Faults) -> Placed<Duration> {
        self.duration_if(key, faults).unwrap_or_else(|| Placed::absent(preset(key, Duration::ZERO)))
    }

    /// The whole number, or its default.
    pub(super) fn count(&self, key: &Key<u32>, faults: &mut Faults) -> Placed<u32> {
        self.count_if(key, faults).unwrap_or_else(|| Placed::absent(preset(key, 0)))
    }

    /// The flag, or its default.
    pub(super) fn flag(&self, key: &Key<bool>, faults: &mut Faults) -> Placed<bool> {
        self.flag_if(key, faults).unwrap_or_else(|| Placed::absent(preset(key, false)))
    }

    /// The text as `parse` reads it, or its default as it stands.
    pub(super) fn text(
        &self,
        key: &Key<&'static str>,
        faults: &mut Faults,
        parse: impl FnOnce(&str) -> Result<String, Fault>,
    ) -> Placed<String> {
        self.parsed_if(key, faults, parse)
            .unwrap_or_else(|| Placed::absent(preset(key, "").to_owned()))
    }
}

/// The value that a key has when it is not written; `none` where it has no such value.
pub(super) fn preset<T: Copy>(key: &Key<T>, none: T) -> T {
    match key.preset {
        Preset::Value(value) => value,
        Preset::Required | Preset::Absent(_) => none,
    }
}

/// What a TOML value is, for people.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The place of the characters `inside` of the text that a TOML string at `span` means. Exact where the
/// string has no escapes, the whole string otherwise.
pub(super) fn inside_string(
    source: &Source,
    span: &Range<usize>,
    text: &str,
    inside: Range<usize>,
) -> Range<usize> {
    let written = source.text().get(span.clone()).unwrap_or_default();
    for quote in ['"', '\''] {
        let body = written.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        if body == Some(text) && inside.end <= text.len() {
            let start = span.start + 1;
            return start + inside.start..start + inside.end;
        }
    }
    span.clone()
}

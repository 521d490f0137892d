//! Local date and time of a [`Wall`], as mgetty writes them into issue texts.
//!
//! It does not know time zones: the wall clock brings its offset along.

use std::fmt;

use crate::vocabulary::Wall;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// A date and a time of day in the proleptic Gregorian calendar. Shown as ctime(3) does:
/// `Sun Nov 22 19:00:00 2026`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    year: i64,
    /// 0 is January.
    month: usize,
    /// 1 to 31.
    day: i64,
    /// 0 is Sunday.
    weekday: usize,
    /// Since midnight.
    second: i64,
}

impl Civil {
    /// The local date and time then.
    pub(crate) fn at(wall: Wall) -> Self {
        let ms = wall.unix_ms.saturating_add(i64::from(wall.offset_s) * 1000);
        let days = ms.div_euclid(DAY_MS);
        // H. Hinnant, "chrono-compatible low-level date algorithms" (2013): years begin in March, and
        // 400 of them, an era, have 146097 days.
        let since = days + 719_468;
        let (era, day_of_era) = (since.div_euclid(146_097), since.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let next_year = i64::from(march_month >= 10);
        Self {
            year: 400 * era + year_of_era + next_year,
            month: small((march_month + 2) % 12),
            day: day_of_year - (153 * march_month + 2) / 5 + 1,
            // 1970-01-01 was a Thursday.
            weekday: small((days + 4).rem_euclid(7)),
            second: ms.rem_euclid(DAY_MS) / 1000,
        }
    }

    /// The date: `11/22/2026`.
    pub(crate) fn date(self) -> String {
        format!("{}/{}/{}", self.month + 1, self.day, self.year)
    }

    /// The time of day: `19:00:00`.
    pub(crate) fn time(self) -> String {
        let Self { second, .. } = self;
        format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
    }
}

impl fmt::Display for Civil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weekday = WEEKDAYS.get(self.weekday).copied().unwrap_or_default();
        let month = MONTHS.get(self.month).copied().unwrap_or_default();
        write!(f, "{weekday} {month} {:2} {} {}", self.day, self.time(), self.year)
    }
}

/// A number below twelve.
fn small(number: i64) -> usize {
    usize::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_date_1() {
        // `TZ=UTC date -d @SECONDS '+%c %-m/%-d/%Y %T'`
        for (seconds, offset_s, ctime, date, time) in [
            (0, 0, "Thu Jan  1 00:00:00 1970", "1/1/1970", "00:00:00"),
            (-1, 0, "Wed Dec 31 23:59:59 1969", "12/31/1969", "23:59:59"),
            (951_782_399, 0, "Mon Feb 28 23:59:59 2000", "2/28/2000", "23:59:59"),
            (951_782_400, 0, "Tue Feb 29 00:00:00 2000", "2/29/2000", "00:00:00"),
            (951_868_800, 0, "Wed Mar  1 00:00:00 2000", "3/1/2000", "00:00:00"),
            (1_800_000_000, 0, "Fri Jan 15 08:00:00 2027", "1/15/2027", "08:00:00"),
            (1_800_000_000, 3_600, "Fri Jan 15 09:00:00 2027", "1/15/2027", "09:00:00"),
            (1_800_000_000, -34_200, "Thu Jan 14 22:30:00 2027", "1/14/2027", "22:30:00"),
            (4_107_542_400, 0, "Mon Mar  1 00:00:00 2100", "3/1/2100", "00:00:00"),
            (-2_203_891_200, 0, "Thu Mar  1 00:00:00 1900", "3/1/1900", "00:00:00"),
        ] {
            let civil = Civil::at(Wall { unix_ms: seconds * 1000, offset_s });
            assert_eq!(civil.to_string(), ctime);
            assert_eq!((civil.date(), civil.time()), (date.to_owned(), time.to_owned()), "{ctime}");
        }
    }

    #[test]
    fn no_clock_is_too_wrong() {
        for unix_ms in [i64::MIN, i64::MAX] {
            for offset_s in [i32::MIN, i32::MAX] {
                assert!(!Civil::at(Wall { unix_ms, offset_s }).to_string().is_empty());
            }
        }
    }
}

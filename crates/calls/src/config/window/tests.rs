//! Windows and instants, as tables: over midnight, over the end of the week, and over the nights on which clocks
//! are put forward and back.

use jiff::Timestamp;

use super::*;

fn window(text: &str) -> Window {
    Window::parse(text).unwrap_or_else(|fault| panic!("{text}: {}", fault.message))
}

/// An instant in UTC; the local offset that comes with it is two hours.
fn at(utc: &str) -> Wall {
    let instant: Timestamp = utc.parse().expect("an instant");
    Wall { unix_ms: instant.as_millisecond(), offset_s: 7200 }
}

fn check(text: &str, table: &[(&str, bool)]) {
    for (utc, open) in table {
        assert_eq!(window(text).contains(at(utc), None), *open, "{text} at {utc}");
    }
}

#[test]
fn days_and_hours_are_half_open() {
    // 2026-11-23 is a Monday.
    check(
        "mon-fri 08:00-18:00 UTC",
        &[
            ("2026-11-23T07:59:59.999Z", false),
            ("2026-11-23T08:00:00Z", true),
            ("2026-11-23T17:59:59.999Z", true),
            ("2026-11-23T18:00:00Z", false),
            ("2026-11-27T12:00:00Z", true),
            ("2026-11-28T12:00:00Z", false),
        ],
    );
    check(
        "sat UTC",
        &[
            ("2026-11-28T00:00:00Z", true),
            ("2026-11-28T23:59:59Z", true),
            ("2026-11-29T00:00:00Z", false),
        ],
    );
    check("08:00-24:00 UTC", &[("2026-11-23T23:59:00Z", true), ("2026-11-23T07:00:00Z", false)]);
    check("08:00-00:00 UTC", &[("2026-11-23T23:59:00Z", true), ("2026-11-23T00:00:00Z", false)]);
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_on_which_it_opens() {
    check(
        "sat 22:00-06:00 UTC",
        &[
            ("2026-11-28T05:00:00Z", false),
            ("2026-11-28T21:59:00Z", false),
            ("2026-11-28T22:00:00Z", true),
            ("2026-11-29T05:59:00Z", true),
            ("2026-11-29T06:00:00Z", false),
            ("2026-11-29T22:00:00Z", false),
        ],
    );
    // Over the end of the week, too.
    check(
        "sun 23:00-01:00 UTC",
        &[("2026-11-23T00:30:00Z", true), ("2026-11-24T00:30:00Z", false)],
    );
    check(
        "fri-mon UTC",
        &[
            ("2026-11-27T12:00:00Z", true),
            ("2026-11-23T12:00:00Z", true),
            ("2026-11-24T12:00:00Z", false),
        ],
    );
}

#[test]
fn the_hour_that_comes_twice_is_inside_twice_and_the_one_that_is_skipped_never_comes() {
    // Berlin: 2026-10-25 03:00 becomes 02:00; 2026-03-29 02:00 becomes 03:00.
    check(
        "sun 02:00-03:00 Europe/Berlin",
        &[
            ("2026-10-24T23:59:00Z", false),
            ("2026-10-25T00:30:00Z", true),
            ("2026-10-25T01:30:00Z", true),
            ("2026-10-25T02:00:00Z", false),
            ("2026-03-29T00:59:00Z", false),
            ("2026-03-29T01:00:00Z", false),
            ("2026-03-29T01:30:00Z", false),
        ],
    );
    // Eight hours by the clock on the wall are nine in one of these nights and seven in the other.
    for (night, hours) in
        [("2026-10-24T20:00:00Z", 9), ("2026-03-28T21:00:00Z", 7), ("2026-11-21T21:00:00Z", 8)]
    {
        let window = window("sat 22:00-06:00 Europe/Berlin");
        let minutes = (0..24 * 60).filter(|minute| {
            let start = at(night);
            window.contains(Wall { unix_ms: start.unix_ms + minute * 60_000, ..start }, None)
        });
        assert_eq!(minutes.count(), hours * 60, "{night}");
    }
    // Where clocks change at midnight, as in Beirut, the day still begins.
    check(
        "sun Asia/Beirut",
        &[
            ("2026-03-28T21:59:00Z", false),
            ("2026-03-28T22:00:00Z", true),
            ("2026-03-29T20:59:00Z", true),
            ("2026-03-29T21:00:00Z", false),
        ],
    );
    // Lord Howe puts its clocks by half an hour.
    check(
        "sun 01:30-02:00 Australia/Lord_Howe",
        &[
            ("2026-04-04T14:29:00Z", false),
            ("2026-04-04T14:45:00Z", true),
            ("2026-04-04T15:15:00Z", true),
            ("2026-04-04T15:30:00Z", false),
        ],
    );
}

#[test]
fn the_zone_is_the_windows_own_else_the_servers_else_that_of_the_clock() {
    let nine = at("2026-11-23T09:30:00Z");
    let zone = |name: &str| Zone::named(name).unwrap_or_else(|fault| panic!("{}", fault.message));
    for (text, server, open) in [
        ("09:00-10:00 UTC", Some("Asia/Tokyo"), true),
        ("18:00-19:00", Some("Asia/Tokyo"), true),
        ("09:00-10:00", Some("Asia/Tokyo"), false),
        // Two hours ahead of UTC, as the clock brings along.
        ("11:00-12:00", None, true),
        ("09:00-10:00", None, false),
    ] {
        let server = server.map(zone);
        assert_eq!(window(text).contains(nine, server.as_ref()), open, "{text} {server:?}");
    }
}

#[test]
fn what_is_no_window_is_told() {
    for (text, wanted) in [
        ("", "an empty window"),
        ("mo 08:00-18:00", "\"mo\" is no day"),
        ("mon- 08:00-18:00", "\"\" is no day"),
        ("8-18", "\"8-18\" are no hours"),
        ("08:00-18:60", "\"08:00-18:60\" are no hours"),
        ("08:00-24:30", "\"08:00-24:30\" are no hours"),
        ("08:00-08:00", "\"08:00-08:00\" is no time at all"),
        ("24:00-08:00", "\"24:00-08:00\" is no time at all"),
        ("mon Europe/Berin", "there is no time zone \"Europe/Berin\""),
        ("mon 08:00-18:00 UTC extra", "\"extra\" is too much in a window"),
        ("08:00-18:00 mon", "there is no time zone \"mon\""),
    ] {
        let got = Window::parse(text).err().map(|fault| fault.message);
        assert_eq!(got.as_deref(), Some(wanted), "{text:?}");
    }
    let hint = Window::parse("mon Europe/Berin").err().map(|fault| fault.hint);
    assert_eq!(hint.as_deref(), Some("\"Europe/Berlin\" is the nearest that there is"));
}

#[test]
fn a_window_is_shown_as_it_can_be_written() {
    for (text, shown) in [
        ("mon-fri 08:00-18:00 Europe/Berlin", "mon-fri 08:00-18:00 Europe/Berlin"),
        ("mon,tue,wed 08:00-18:00", "mon-wed 08:00-18:00"),
        ("sat,mon", "mon,sat"),
        ("22:00-06:00", "22:00-06:00"),
        ("mon-sun", "mon-sun"),
        ("UTC", "mon-sun UTC"),
        ("08:00-00:00", "08:00-24:00"),
    ] {
        assert_eq!(window(text).to_string(), shown);
        assert_eq!(window(shown), window(text), "{shown} means something else");
    }
}

#[test]
fn windows_that_mean_the_same_have_one_spelling() {
    for (texts, spelling) in [
        (&["mon-fri 08:00-18:00"][..], "mon-fri 08:00-18:00"),
        (&["thu,fri 08:00-18:00", "mon-wed 08:00-18:00"], "mon-fri 08:00-18:00"),
        (&["mon-fri 08:00-12:00", "mon-fri 12:00-18:00"], "mon-fri 08:00-18:00"),
        (&["mon 08:00-18:00", "mon 10:00-11:00"], "mon 08:00-18:00"),
        (&["sat 22:00-02:00"], "sat 22:00-24:00, sun 00:00-02:00"),
        (&["mon", "tue UTC"], "mon 00:00-24:00; tue 00:00-24:00 UTC"),
        (&[], "always"),
    ] {
        let windows: Vec<Window> = texts.iter().map(|text| window(text)).collect();
        assert_eq!(week(&windows, None), spelling, "{texts:?}");
    }
}

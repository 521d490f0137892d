//! `dialback status`, `lines` and `calls`: what the running server says about itself, as tables or JSON.

use std::time::Duration;

use calls::money;
use calls::record::Record;
use calls::status::{self, BudgetUnit};
use calls::vocabulary::{CallId, Ended, Event, Leg};
use clap::Args;

use super::watch::{Watch, drawn, standing, told};
use super::{Whereabouts, privileges, trace};
use crate::clock::{lasted, wall, written_short};
use crate::control::Client;
use crate::exit::{Code, Failure};
use crate::log::cause_words;
use crate::out::{self, Cell, Ink, Palette, fitted, table};
use crate::store::Which;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dialback status              lines, calls and open promises
  dialback status --watch      the same, drawn again whenever something happens
  dialback status --privileges who has which rights: capabilities, open files, system calls
  dialback status --json       everything that the server says, for programs")]
pub(super) struct Status {
    #[command(flatten)]
    server: Whereabouts,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Show it again whenever something happens, until interrupted
    #[arg(long)]
    watch: bool,
    /// Which process of the server's has which rights
    #[arg(long, conflicts_with = "watch")]
    privileges: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dialback lines               every line with its state
  dialback lines --watch       the same, drawn again whenever something happens
  dialback lines --json | jq -r '.[] | select(.state == \"faulted\") | .line'")]
pub(super) struct Lines {
    #[command(flatten)]
    server: Whereabouts,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Show them again whenever something happens, until interrupted
    #[arg(long)]
    watch: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dialback calls               the last twenty calls, newest last
  dialback calls --user alice --since 2d
  dialback calls --cause no-carrier --limit 1000 --json
  dialback calls --watch       the same, drawn again whenever a call ends
  dialback calls --json --watch | jq ...    and each record as its call ends
  dialback calls --trace 12    what was negotiated by PPP on call c12, packet by packet
  dialback calls --trace       the same of the newest capture")]
pub(super) struct Calls {
    #[command(flatten)]
    server: Whereabouts,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    #[command(flatten)]
    only: Only,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Show them again whenever a call ends, until interrupted; with --json, each record as its call ends
    #[arg(long)]
    watch: bool,
    /// The PPP packets of one call, from its capture (`capture_dir` in [ppp]): a call, or a pcap file; without a
    /// word, the newest capture
    #[arg(long, value_name = "CALL", num_args = 0..=1, conflicts_with_all = ["limit", "watch"])]
    trace: Option<Option<String>>,
}

/// Which calls.
#[derive(Debug, Args)]
pub(super) struct Only {
    /// Only on this line
    #[arg(long, value_name = "LINE")]
    line: Option<String>,
    /// Only of somebody who gave this name
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Only from or to a number that ends so
    #[arg(long, value_name = "DIGITS")]
    number: Option<String>,
    /// Only those that ended for this cause: `busy`, `lost-carrier`, ... (see `dialback calls --json`)
    #[arg(long, value_name = "CAUSE")]
    cause: Option<String>,
    /// Only those since then: `30m`, `12h`, `7d` ago, or `2026-11-22`, or `2026-11-22T18:00`
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
}

impl Only {
    pub(super) fn which(self) -> Result<Which, Failure> {
        let cause = self.cause.map(|word| {
            serde_json::from_value(serde_json::Value::String(word.clone())).map_err(|_| {
                Failure::new(Code::Usage, format!("--cause {word}: there is no such cause"))
            })
        });
        Ok(Which {
            line: self.line,
            name: self.user,
            number: self.number,
            cause: cause.transpose()?,
            since_ms: self.since.as_deref().map(since).transpose()?,
            ..Which::default()
        })
    }
}

/// A time in the past, in ms since 1970: a duration ago, or a date with or without a time, in local time.
pub(crate) fn since(text: &str) -> Result<i64, Failure> {
    let fault = || {
        let message = format!("{text}: is no time: write 30m, 12h or 7d, or 2026-11-22T18:00");
        Failure::new(Code::Usage, message)
    };
    let now = wall();
    if let Some(unit) = text.chars().last().filter(char::is_ascii_alphabetic) {
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(fault()),
        };
        let count: i64 =
            text.trim_end_matches(unit).parse().ok().filter(|n| *n >= 0).ok_or_else(fault)?;
        let ms = count.checked_mul(seconds * 1000).ok_or_else(fault)?;
        return Ok(now.unix_ms.saturating_sub(ms));
    }
    let time = match text.parse::<jiff::civil::DateTime>() {
        Ok(time) => time,
        Err(_) => text.parse::<jiff::civil::Date>().map_err(|_| fault())?.into(),
    };
    let zoned = time.to_zoned(jiff::tz::TimeZone::system()).map_err(|_| fault())?;
    Ok(zoned.timestamp().as_millisecond())
}

impl Status {
    pub(super) fn run(self) -> Result<(), Failure> {
        if self.privileges {
            return self.privileges();
        }
        let json = self.json;
        // A server of an earlier version does not know the question.
        let rights = Client::connect(&self.server.socket()?)?.rights().ok();
        let weakness = rights.and_then(|(_, rights)| rights.weakness());
        standing(&self.server, self.watch, move |status| {
            if json {
                return to_json(status);
            }
            let palette = Palette::stdout();
            let mut text = whole_status(palette, status);
            if let Some(weakness) = &weakness {
                let told = format!("\nRights: {weakness}\n");
                text.push_str(&palette.paint(Ink::Yellow, &told));
            }
            Ok(text)
        })
    }

    fn privileges(&self) -> Result<(), Failure> {
        let (pid, rights) = Client::connect(&self.server.socket()?)?.rights()?;
        let holdings = privileges::holdings(pid, &rights);
        let text = match self.json {
            true => to_json(&holdings)?,
            false => privileges::shown(Palette::stdout(), &holdings, &rights),
        };
        out::line(text.trim_end());
        Ok(())
    }
}

impl Lines {
    pub(super) fn run(self) -> Result<(), Failure> {
        let json = self.json;
        standing(&self.server, self.watch, move |status| {
            if json {
                to_json(&status.lines)
            } else {
                Ok(line_table(Palette::stdout(), &status.lines))
            }
        })
    }
}

impl Calls {
    pub(super) fn run(self) -> Result<(), Failure> {
        if let Some(call) = &self.trace {
            return trace::run(&self.server, call.as_deref(), self.json);
        }
        let (limit, which) = (self.limit, self.only.which()?);
        // A call has its record when it is over.
        let watch = Watch::events(self.watch, &["ended"]);
        if self.json {
            let first = |client: &mut Client| {
                client.calls(limit, which.clone())?.iter().map(to_json).collect()
            };
            return told(&self.server, watch, first, |client, entry| {
                let Event::Ended(Ended { call, .. }) = &entry.event else { return Ok(Vec::new()) };
                call_that_fits(client, *call, &which)?.iter().map(to_json).collect()
            });
        }
        drawn(&self.server, watch, |client| {
            let records = client.calls(limit, which.clone())?;
            Ok(call_table(Palette::stdout(), &records, Columns::All))
        })
    }
}

/// The record of this call, if it has one and is wanted.
pub(super) fn call_that_fits(
    client: &mut Client,
    call: CallId,
    which: &Which,
) -> Result<Option<Record>, Failure> {
    let before = Some(CallId(call.0.saturating_add(1)));
    let last = client.calls(1, Which { before, ..which.clone() })?;
    Ok(last.into_iter().find(|record| record.call == call))
}

/// The number of an id as tables show it: 12 of `c12`, or as it stands.
pub(super) fn id_of(text: &str, prefix: char) -> Result<u64, Failure> {
    let digits = text.strip_prefix(prefix).unwrap_or(text);
    digits.parse().map_err(|_| {
        Failure::new(Code::Usage, format!("{text}: is no id: they look like {prefix}12"))
    })
}

pub(super) fn to_json(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string(value)
        .map_err(|e| Failure::new(Code::System, format!("writing JSON: {e}")))
}

pub(super) fn ms(ms: u64) -> String {
    lasted(Duration::from_millis(ms))
}

pub(super) fn dash(text: Option<&str>) -> String {
    text.filter(|text| !text.is_empty()).unwrap_or("-").to_owned()
}

fn whole_status(palette: Palette, status: &status::Status) -> String {
    let mut text = String::new();
    if status.stopping {
        text.push_str(&palette.paint(Ink::Yellow, "The server is stopping.\n\n"));
    }
    if let Some(fault) = &status.store_fault {
        let told = format!("The journal can't be written, so no callback is promised: {fault}\n\n");
        text.push_str(&palette.paint(Ink::Red, &told));
    }
    text.push_str(&line_table(palette, &status.lines));
    if !status.calls.is_empty() {
        text.push('\n');
        text.push_str(&running_table(palette, status));
    }
    if !status.promises.is_empty() {
        text.push('\n');
        text.push_str(&promise_table(palette, &status.promises));
    }
    if let Some(pool) = &status.pool {
        text.push_str(&format!("\naddresses: {} of {} free\n", pool.free, pool.addresses));
    }
    if !status.budgets.is_empty() {
        text.push('\n');
        text.push_str(&budget_table(palette, &status.budgets));
    }
    if !status.quarantine.is_empty() {
        text.push('\n');
        text.push_str(&quarantine_table(palette, &status.quarantine));
    }
    if !status.alerts.is_empty() {
        text.push('\n');
        text.push_str(&alert_table(palette, &status.alerts));
    }
    text
}

fn budget_table(palette: Palette, budgets: &[status::Budget]) -> String {
    let rows: Vec<Vec<Cell>> = budgets
        .iter()
        .map(|budget| {
            let ink = match (budget.spent >= budget.limit, budget.is_nearly_spent()) {
                (true, _) => Ink::Red,
                (false, true) => Ink::Yellow,
                (false, false) => Ink::Plain,
            };
            let shown = |count: u32| match budget.unit {
                BudgetUnit::Minutes => format!("{count} min"),
                BudgetUnit::Calls => format!("{count} calls"),
                BudgetUnit::Hundredths => money::shown(count),
            };
            let spent = format!("{} of {}", shown(budget.spent), shown(budget.limit));
            vec![Cell::from(budget.of.as_str()), Cell::inked(ink, spent)]
        })
        .collect();
    table(palette, &["BUDGET", "SPENT TODAY"], &rows)
}

fn quarantine_table(palette: Palette, numbers: &[status::Quarantined]) -> String {
    let rows: Vec<Vec<Cell>> = numbers
        .iter()
        .map(|held| {
            vec![
                Cell::inked(Ink::Red, held.number.as_str()),
                Cell::from(held.strangers.to_string()),
                Cell::from(ms(held.left_ms)),
            ]
        })
        .collect();
    table(palette, &["NOT CALLED", "STRANGERS", "FOR"], &rows)
}

fn alert_table(palette: Palette, alerts: &[status::Raised]) -> String {
    let rows: Vec<Vec<Cell>> = alerts
        .iter()
        .map(|raised| {
            vec![
                Cell::inked(Ink::Red, raised.alert.name()),
                Cell::from(raised.count.to_string()),
                Cell::from(written_short(raised.last)),
            ]
        })
        .collect();
    table(palette, &["ALERT", "TIMES", "LAST"], &rows)
}

fn line_table(palette: Palette, lines: &[status::Line]) -> String {
    let rows: Vec<Vec<Cell>> = lines
        .iter()
        .map(|line| {
            let ink = match line.state.as_str() {
                "idle" => Ink::Green,
                "faulted" => Ink::Red,
                "lent" | "hanging-up" | "busying-out" | "busied-out" | "measuring" => Ink::Yellow,
                "online" | "ringing" | "answering" | "dialling" => Ink::Cyan,
                _ => Ink::Plain,
            };
            vec![
                Cell::from(line.line.as_str()),
                Cell::inked(ink, line.state.as_str()),
                Cell::from(ms(line.for_ms)),
                Cell::from(dash(line.number.as_deref())),
                Cell::from(match line.carrier {
                    Some(true) => "up",
                    Some(false) => "down",
                    None => "-",
                }),
                Cell::from(line.call.map_or_else(|| "-".to_owned(), |call| call.to_string())),
                Cell::from(line.hold.map_or_else(|| "-".to_owned(), hold)),
                Cell::from(dash(line.detail.as_deref())),
            ]
        })
        .collect();
    let heading = ["LINE", "STATE", "FOR", "NUMBER", "CARRIER", "CALL", "HOLD", "DETAIL"];
    fitted(palette, &heading, &["CARRIER", "NUMBER", "HOLD"], &rows)
}

/// How long callbacks wait for the exchange, and why: `16s measured`.
fn hold(hold: status::Hold) -> String {
    format!("{} {}", ms(hold.wait_ms), hold.by.word())
}

fn running_table(palette: Palette, status: &status::Status) -> String {
    let mut rows: Vec<Vec<Cell>> = status
        .calls
        .iter()
        .map(|call| {
            let session = status.sessions.iter().find(|session| session.call == call.call);
            vec![
                Cell::from(call.call.to_string()),
                Cell::from(call.line.as_str()),
                Cell::from(leg(call.leg)),
                Cell::from(ms(call.for_ms)),
                Cell::from(call.online_ms.map_or_else(|| "-".to_owned(), ms)),
                Cell::from(dash(call.caller_id.as_deref())),
                Cell::from(dash(session.and_then(|session| session.name.as_deref()))),
                Cell::from(session.map_or_else(|| "-".to_owned(), service)),
                Cell::from(format!("{}/{}", call.bytes_in, call.bytes_out)),
            ]
        })
        .collect();
    let mut heading =
        vec!["CALL", "LINE", "LEG", "FOR", "ONLINE", "CALLER", "NAME", "SERVICE", "BYTES IN/OUT"];
    let charges: Vec<_> = status.calls.iter().map(|call| call.charge.as_ref()).collect();
    add_costs(&mut heading, &mut rows, &charges);
    let spare = ["BYTES IN/OUT", "FOR", "COST", "LINE"];
    fitted(palette, &heading, &spare, &rows)
}

/// Who speaks, and where PPP is.
fn service(session: &status::Session) -> String {
    let mut text = match &session.phase {
        Some(phase) => format!("{}: {phase}", session.service),
        None => session.service.clone(),
    };
    if let Some(network) = &session.network {
        text.push(' ');
        text.push_str(&network.interface);
        for ends in [network.ipv4, network.ipv6].into_iter().flatten() {
            text.push_str(&format!(" {}", ends.peer));
        }
    }
    text
}

pub(super) fn promise_table(palette: Palette, promises: &[status::Promise]) -> String {
    let rows: Vec<Vec<Cell>> = promises
        .iter()
        .map(|promise| {
            vec![
                Cell::from(promise.promise.to_string()),
                Cell::from(promise.user.as_str()),
                Cell::from(promise.numbers.join(", ")),
                Cell::inked(Ink::Cyan, promise.state.as_str()),
                Cell::from(match &promise.line {
                    Some(line) => line.clone(),
                    None => promise.lines.join(", "),
                }),
                Cell::from(format!("{}/{}", promise.failed, promise.tries)),
                Cell::from(promise.due_ms.map_or_else(|| "-".to_owned(), ms)),
                Cell::from(ms(promise.expires_ms)),
            ]
        })
        .collect();
    let heading = ["PROMISE", "USER", "NUMBERS", "STATE", "LINE", "FAILED", "DUE IN", "EXPIRES IN"];
    fitted(palette, &heading, &["EXPIRES IN", "FAILED", "LINE"], &rows)
}

fn leg(leg: Leg) -> &'static str {
    match leg {
        Leg::Request => "in",
        Leg::Return => "back",
    }
}

/// What return calls have cost, where it is known of any.
fn add_costs(
    heading: &mut Vec<&'static str>,
    rows: &mut [Vec<Cell>],
    charges: &[Option<&money::Charge>],
) {
    let cost = |charge: &Option<&money::Charge>| charge.and_then(|charge| charge.cost);
    if charges.iter().all(|charge| cost(charge).is_none()) {
        return;
    }
    heading.push("COST");
    for (row, charge) in rows.iter_mut().zip(charges) {
        row.push(Cell::from(cost(charge).map_or_else(|| "-".to_owned(), money::shown)));
    }
}

/// How much of each record a table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Columns {
    /// Everything.
    All,
    /// Not when and on which line: for a terminal of 80 columns.
    Few,
}

/// The speed of the telephone line where the modem told it, else its words: some say five things in fifty letters.
fn speed(record: &Record) -> String {
    record.speed.map_or_else(|| dash(Some(&record.connect)), |speed| speed.to_string())
}

/// Records, one a row.
pub(crate) fn call_table(palette: Palette, records: &[Record], columns: Columns) -> String {
    let mut rows: Vec<Vec<Cell>> = records
        .iter()
        .map(|record| {
            let number = record.caller_id.as_deref().or(record.number.as_deref());
            vec![
                Cell::from(record.call.to_string()),
                Cell::from(written_short(record.began)),
                Cell::from(record.line.as_str()),
                Cell::from(leg(record.leg)),
                Cell::from(dash(number)),
                Cell::from(dash(record.name.as_deref())),
                Cell::from(dash(record.action.as_deref())),
                Cell::from(speed(record)),
                Cell::from(ms(record.online_ms)),
                Cell::from(match record.cause {
                    Some(cause) => cause_words(cause),
                    None => "-",
                }),
            ]
        })
        .collect();
    let mut heading = vec![
        "CALL", "BEGAN", "LINE", "LEG", "NUMBER", "NAME", "ACTION", "CONNECT", "ONLINE", "END",
    ];
    let charges: Vec<_> = records.iter().map(|record| record.charge.as_ref()).collect();
    add_costs(&mut heading, &mut rows, &charges);
    if columns == Columns::Few {
        heading.drain(1..3);
        for row in &mut rows {
            row.drain(1..3);
        }
    }
    fitted(palette, &heading, &["ACTION", "CONNECT", "LINE", "COST", "ONLINE"], &rows)
}

//! `dialback qualify`: orders the running server to measure a line, follows it to its end and tells what was found; or records
//! what was measured by hand.
//!
//! It does not measure: the server does (`calls::qualify`), and tells each step as an event.

use std::io;
use std::path::Path;
use std::time::Duration;

use calls::config::parse_duration;
use calls::qualify::Findings;
use calls::status::{Hold, HoldBy};
use calls::vocabulary::{Command, Event, Reply};
use clap::Args;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::Whereabouts;
use super::show::ms;
use crate::control::{Client, Events};
use crate::exit::{Code, Failure};
use crate::out::{self, Ink, Palette};

#[derive(Debug, Args)]
#[command(after_help = "\
With --with the server calls the line from another one of its own, several
times, and finds out how long the exchange holds the line after it has hung up,
when dial tone comes, whether the caller's number is told, and how the line
learns that its peer has hung up. That takes from two minutes to a quarter of an
hour; both lines take no callers meanwhile. It ends before its time with Ctrl-C,
by `dialback hangup LINE`, or when somebody rings.

With --held you record what you have measured with a telephone. What is recorded
counts where the configuration has no hold_time, with a quarter more, and should
be measured again after half a year. docs/guide/security.md has the steps.

Examples:
  dialback qualify main --with second
  dialback qualify main --with second --json
  dialback qualify main --held 12s")]
pub(super) struct Qualify {
    #[command(flatten)]
    server: Whereabouts,
    /// The line's name
    line: String,
    /// Measure it by calls between it and this line
    #[arg(long, value_name = "LINE", required_unless_present = "held", conflicts_with = "held")]
    with: Option<String>,
    /// Record how long the exchange held the line: 0s, 12s, 2m
    #[arg(long, value_name = "TIME")]
    held: Option<String>,
    /// Print what was found as JSON, and nothing before
    #[arg(long, conflicts_with = "held")]
    json: bool,
}

impl Qualify {
    pub(super) fn run(self) -> Result<(), Failure> {
        let who = String::new();
        match (self.with, self.held) {
            (None, Some(held)) => {
                let hold = parse_duration(&held).map_err(|why| Failure::new(Code::Usage, why))?;
                let hold_ms = u64::try_from(hold.as_millis()).unwrap_or(u64::MAX);
                record(
                    &self.server,
                    Command::Qualify { who, line: self.line.clone(), hold_ms },
                    &self.line,
                )
            }
            (Some(with), _) => measure(&self.server, &self.line, with, self.json),
            (None, None) => {
                Err(Failure::new(Code::Usage, "name another line (--with), or a time (--held)"))
            }
        }
    }
}

/// Records what was measured by hand, and tells what follows from it: the margin, and whether it counts at all.
fn record(server: &Whereabouts, order: Command, line: &str) -> Result<(), Failure> {
    let mut client = Client::connect(&server.socket()?)?;
    if let Reply::Refused { reason, .. } = client.command(order)? {
        return Err(Failure::new(Code::Failed, reason));
    }
    let hold = client.status()?.lines.into_iter().find(|of| of.line == line);
    if let Some(hold) = hold.and_then(|line| line.hold) {
        out::line(waited(line, hold));
    }
    Ok(())
}

/// What callbacks wait for on a line for which a hold time was recorded.
fn waited(line: &str, hold: Hold) -> String {
    let wait = ms(hold.wait_ms);
    match hold.by {
        HoldBy::Written => format!(
            "it is recorded, but the line's hold_time in the configuration counts: callbacks wait {wait} on {line}"
        ),
        HoldBy::Measured | HoldBy::Unknown => format!(
            "from now on callbacks wait {wait} on {line}: what was recorded, a quarter more, and a second"
        ),
    }
}

/// What the server has found.
struct Found {
    hold_ms: u64,
    findings: Box<Findings>,
    took: Duration,
}

fn measure(server: &Whereabouts, line: &str, with: String, json: bool) -> Result<(), Failure> {
    let socket = server.socket()?;
    let mut client = Client::connect(&socket)?;
    // Before the order is given, so that nothing of it is missed.
    let events = Client::connect(&socket)?.listen(None)?;
    give_up_when_told(&socket, line)?;
    let order = Command::Measure { who: String::new(), line: line.to_owned(), with };
    if let Reply::Refused { reason, .. } = client.command(order)? {
        return Err(Failure::new(Code::Failed, reason));
    }
    let found = follow(events, line, json)?;
    let hold = client.status()?.lines.into_iter().find(|of| of.line == line);
    let hold = hold.and_then(|line| line.hold);
    match json {
        true => out::line(as_json(line, &found, hold)),
        false => out::line(story(Palette::stdout(), line, &found, hold)),
    };
    Ok(())
}

/// Ctrl-C ends the measuring, not only its being watched: the lines are back in service when we end.
fn give_up_when_told(socket: &Path, line: &str) -> Result<(), Failure> {
    let system = |e: io::Error| Failure::new(Code::System, format!("listening to signals: {e}"));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(system)?;
    let (socket, line) = (socket.to_owned(), line.to_owned());
    let (mut interrupt, mut terminate) = {
        let _within = runtime.enter();
        (
            signal(SignalKind::interrupt()).map_err(system)?,
            signal(SignalKind::terminate()).map_err(system)?,
        )
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        let hang_up = Command::HangUp { who: String::new(), line };
        let told = Client::connect(&socket).and_then(|mut client| client.command(hang_up));
        if let Err(fault) = told {
            out::error(format_args!("dialback: {}", Failure::from(fault)));
        }
    });
    Ok(())
}

/// Shows each step, until the end.
fn follow(events: Events, line: &str, json: bool) -> Result<Found, Failure> {
    let palette = Palette::stdout();
    let mut begun = None;
    for entry in events {
        let entry = entry?;
        let begin = *begun.get_or_insert(entry.at.unix_ms);
        let ms = u64::try_from(entry.at.unix_ms.saturating_sub(begin)).unwrap_or(0);
        let took = Duration::from_millis(ms);
        let tell = |ink, text: &str| {
            if !json {
                let (minutes, seconds) = (took.as_secs() / 60, took.as_secs() % 60);
                let clock = palette.paint(Ink::Dim, &format!("{minutes:>3}:{seconds:02}"));
                out::line(format_args!("{clock}  {}", palette.paint(ink, text)));
            }
        };
        let event = &entry.event;
        if let Event::MeasuringCall { line: of, from, number, purpose, .. } = event
            && of == line
        {
            tell(Ink::Dim, &format!("{from} dials {number} ({purpose})"));
        } else if let Event::Measured { line: of, finding, .. } = event
            && of == line
        {
            tell(Ink::Plain, finding);
        } else if let Event::Qualified { line: of, hold_ms, findings: Some(findings), .. } = event
            && of == line
        {
            return Ok(Found { hold_ms: *hold_ms, findings: findings.clone(), took });
        } else if let Event::NotQualified { line: of, reason, .. } = event
            && of == line
        {
            return Err(Failure::new(Code::Failed, format!("{line}: {reason}")));
        }
    }
    Err(Failure::new(Code::Unavailable, "the server has gone: the line was not measured"))
}

/// The findings in rows, and what follows from them.
fn story(palette: Palette, line: &str, found: &Found, hold: Option<Hold>) -> String {
    let Found { hold_ms, findings, took } = found;
    let (minutes, seconds) = (took.as_secs() / 60, took.as_secs() % 60);
    let mut text = format!(
        "\n{} was measured with {}: {} calls in {minutes}:{seconds:02}\n\n",
        palette.paint(Ink::Cyan, line),
        findings.with,
        findings.calls
    );
    for (name, what) in findings.rows(*hold_ms) {
        text.push_str(&format!("  {name:<22}  {what}\n"));
    }
    text.push('\n');
    text.push_str(&match hold {
        Some(Hold { wait_ms, by: HoldBy::Written, .. }) => format!(
            "its hold_time in the configuration counts, and not this: callbacks wait {} on it. To go by what was measured, take \
             it out, or write\n",
            ms(wait_ms)
        ),
        Some(Hold { wait_ms, by: HoldBy::Measured | HoldBy::Unknown, .. }) => format!(
            "from now on callbacks wait {} on it, a quarter more than the longest that it may be held. The same in the \
             configuration is\n",
            ms(wait_ms)
        ),
        None => "in the configuration that is\n".to_owned(),
    });
    text.push_str(&format!(
        "\n  [[line]]\n  name = \"{line}\"\n  hold_time = \"{}s\"",
        written(*hold_ms)
    ));
    text
}

/// What the server waits by itself, as a key's value: a quarter more, and a second, in whole seconds.
fn written(hold_ms: u64) -> u64 {
    (hold_ms + hold_ms / 4 + 1_000).div_ceil(1_000)
}

fn as_json(line: &str, found: &Found, hold: Option<Hold>) -> String {
    let Found { hold_ms, findings, took } = found;
    json!({
        "line": line,
        "hold_ms": hold_ms,
        "findings": findings,
        "took_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "hold": hold,
        "keys": { "hold_time": format!("{}s", written(*hold_ms)) },
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use calls::qualify::{CallerIdFound, Signal};

    use super::*;

    fn found() -> Found {
        let findings = Findings {
            with: "second".to_owned(),
            held_ms: 8_000,
            dial_tone_ms: 1_250,
            caller_id: CallerIdFound::Number { rings: 1, configured: Some(true) },
            called: Signal::Carrier { after_ms: 420 },
            calling: Some(Signal::Nothing { within_ms: 30_000 }),
            calls: 9,
        };
        let took = Duration::from_secs(252);
        Found { hold_ms: 10_000, findings: Box::new(findings), took }
    }

    #[test]
    fn what_was_found_is_told_in_rows_with_what_follows() {
        let hold = |by| Hold { wait_ms: 13_500, by, measured_ms: None, measured_at: None };
        let told = story(Palette::none(), "main", &found(), Some(hold(HoldBy::Measured)));
        assert_eq!(
            told,
            "
main was measured with second: 9 calls in 4:12

  hold time               between 8 s and 10 s
  dial tone               after 1.3 s, the modem's own time included
  caller ID               delivered behind the first ring
  peer hangs up, called   DCD fell after 0.4 s
  peer hangs up, calling  nothing within 30 s

from now on callbacks wait 13.5s on it, a quarter more than the longest that it may be held. The same in the configuration is

  [[line]]
  name = \"main\"
  hold_time = \"14s\""
        );
        assert!(
            waited("main", hold(HoldBy::Measured))
                .starts_with("from now on callbacks wait 13.5s on main")
        );
        assert!(waited("main", hold(HoldBy::Written)).contains("the configuration counts"));
        let told = story(Palette::none(), "main", &found(), Some(hold(HoldBy::Written)));
        assert!(told.contains("its hold_time in the configuration counts, and not this"), "{told}");
        let json: serde_json::Value =
            serde_json::from_str(&as_json("main", &found(), Some(hold(HoldBy::Measured)))).unwrap();
        assert_eq!(json["findings"]["caller_id"]["found"], "number");
        assert_eq!((&json["hold_ms"], &json["keys"]["hold_time"]), (&10_000.into(), &"14s".into()));
    }
}

//! `dialback log`: what happened, from the journal, and what happens, as it does.

use calls::alert::Severity;
use calls::vocabulary::Entry;
use clap::{Args, ValueEnum};

use super::Whereabouts;
use super::show::since;
use crate::control::{Ask, Client, Heard, WhichEvents};
use crate::exit::Failure;
use crate::log::{LinesOfCalls, text_line};
use crate::out::{self, Palette, Paper};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dialback log                               the last fifty events
  dialback log --follow                      and each as it happens, until interrupted
  dialback log --since 2h --severity warning
  dialback log --line main --event ended --since 1d
  dialback log --user alice --follow --json")]
pub(super) struct Log {
    #[command(flatten)]
    server: Whereabouts,
    /// Go on with every event as it happens, until interrupted
    #[arg(long, short)]
    follow: bool,
    /// So many of the last events, before the filters
    #[arg(long, value_name = "N", default_value_t = 50, conflicts_with = "since")]
    last: u32,
    /// From then on: `30m`, `12h`, `7d` ago, or `2026-11-22`, or `2026-11-22T18:00`
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only what happens on this line
    #[arg(long, value_name = "LINE")]
    line: Option<String>,
    /// Only what names this user
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Only events of this name: `ended`, `promised`, ... (as --json shows them)
    #[arg(long, value_name = "EVENT")]
    event: Vec<String>,
    /// Only events that matter at least so much
    #[arg(long, value_enum, default_value = "plain")]
    severity: AtLeast,
    /// As JSON, one entry of the journal a line
    #[arg(long)]
    json: bool,
}

/// [`Severity`] as an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum AtLeast {
    /// Everything
    Plain,
    /// Refusals, failed tries, orders, and what is worse
    Notice,
    /// Failures, and what is worse
    Warning,
    /// What somebody should look at now
    Alert,
}

impl AtLeast {
    const fn severity(self) -> Severity {
        match self {
            Self::Plain => Severity::Plain,
            Self::Notice => Severity::Notice,
            Self::Warning => Severity::Warning,
            Self::Alert => Severity::Alert,
        }
    }
}

impl Log {
    pub(super) fn run(self) -> Result<(), Failure> {
        let since_ms = self.since.as_deref().map(since).transpose()?;
        let last = since_ms.is_none().then_some(self.last);
        let which = WhichEvents {
            line: self.line,
            user: self.user,
            events: self.event,
            severity: Some(self.severity.severity()).filter(|least| *least > Severity::Plain),
        };
        let ask = Ask::Events { after: None, since_ms, last, until_now: !self.follow, which };
        let mut events = Client::connect(&self.server.socket()?)?.events(ask)?;
        let palette = Palette::stdout();
        let mut lines = LinesOfCalls::default();
        let mut paper = Paper::new();
        loop {
            let heard = events.hear_as(|text, line| match self.json {
                true => Ok(text.to_owned()),
                false => serde_json::from_str::<Entry>(text).map(|entry| {
                    if let Some(line) = line {
                        lines.learn(&entry.event, line);
                    }
                    text_line(palette, &mut lines, &entry)
                }),
            });
            let read = match heard.transpose()? {
                None => break,
                Some(Heard::Entry(text)) => paper.line(&text),
                Some(Heard::Missed(count)) => {
                    out::error(format_args!("dialback: {count} events were missed"));
                    true
                }
            };
            // What happens now is shown now; of a long list, as much at once as there is.
            if !(read && (events.waiting() || paper.show())) {
                return Ok(());
            }
        }
        paper.show();
        Ok(())
    }
}

//! `--watch`: what a command shows, shown again whenever something has happened or stands otherwise. The server's
//! subscription wakes it; nothing is asked in between.
//!
//! It does not know what is shown.

use std::io::IsTerminal;

use calls::status::Status;
use calls::vocabulary::Entry;

use super::Whereabouts;
use crate::control::{Ask, Client, Events, Heard, WhichEvents};
use crate::exit::Failure;
use crate::out;

/// Whether something is shown once or on and on.
#[derive(Clone, Debug)]
pub(super) enum Watch {
    /// Once.
    Once,
    /// Again after each of these events, until interrupted.
    After(WhichEvents),
}

impl Watch {
    /// After events of these names, if `on`.
    pub(super) fn events(on: bool, names: &[&str]) -> Self {
        let events = names.iter().map(|name| (*name).to_owned()).collect();
        if on { Self::After(WhichEvents { events, ..WhichEvents::default() }) } else { Self::Once }
    }

    /// Begins to listen, before anything is asked, so that nothing falls between.
    fn listen(self, server: &Whereabouts) -> Result<Option<Events>, Failure> {
        let Self::After(which) = self else { return Ok(None) };
        let ask = Ask::Events { after: None, since_ms: None, last: None, until_now: false, which };
        Ok(Some(Client::connect(&server.socket()?)?.events(ask)?))
    }
}

/// Shows what `draw` makes of the server's answers.
pub(super) fn drawn(
    server: &Whereabouts,
    watch: Watch,
    mut draw: impl FnMut(&mut Client) -> Result<String, Failure>,
) -> Result<(), Failure> {
    let events = watch.listen(server)?;
    let mut client = Client::connect(&server.socket()?)?;
    let Some(mut events) = events else {
        out::line(draw(&mut client)?.trim_end());
        return Ok(());
    };
    loop {
        let text = draw(&mut client)?;
        if !picture(&text) {
            return Ok(());
        }
        // All that has happened meanwhile is in one picture.
        loop {
            match events.hear().transpose()? {
                None => return Ok(()),
                Some(Heard::Entry(_) | Heard::Missed(_)) if events.waiting() => {}
                Some(Heard::Entry(_) | Heard::Missed(_)) => break,
            }
        }
    }
}

/// Shows this in place of what was shown before; `false`: nobody reads any more.
fn picture(text: &str) -> bool {
    // Home, and clear what is below: less flicker than clearing first. A file gets one picture after the other.
    let place = if std::io::stdout().is_terminal() { "\x1b[H\x1b[J" } else { "" };
    out::line(format_args!("{place}{}", text.trim_end()))
}

/// Shows how things stand; with `watch`, again whenever something stands otherwise.
pub(super) fn standing(
    server: &Whereabouts,
    watch: bool,
    show: impl Fn(&Status) -> Result<String, Failure>,
) -> Result<(), Failure> {
    if !watch {
        return drawn(server, Watch::Once, |client| show(&*client.status()?));
    }
    let (mut status, mut standing) = Client::connect(&server.socket()?)?.standing()?;
    loop {
        if !picture(&show(&status)?) {
            return Ok(());
        }
        // All that waits is in one picture.
        loop {
            let Some(news) = standing.hear().transpose()? else { return Ok(()) };
            news.apply(&mut status);
            if !standing.waiting() {
                break;
            }
        }
    }
}

/// Prints `first`'s lines, and then those that `next` makes of each event: for programs, that want news and no pictures.
pub(super) fn told(
    server: &Whereabouts,
    watch: Watch,
    first: impl FnOnce(&mut Client) -> Result<Vec<String>, Failure>,
    mut next: impl FnMut(&mut Client, &Entry) -> Result<Vec<String>, Failure>,
) -> Result<(), Failure> {
    let events = watch.listen(server)?;
    let mut client = Client::connect(&server.socket()?)?;
    let mut paper = out::Paper::new();
    let mut print = |lines: Vec<String>| lines.iter().all(|line| paper.line(line)) && paper.show();
    let mut read = print(first(&mut client)?);
    for entry in events.into_iter().flatten() {
        if !read {
            break;
        }
        read = print(next(&mut client, &entry?)?);
    }
    Ok(())
}

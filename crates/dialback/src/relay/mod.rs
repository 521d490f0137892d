//! `dialback relay`: passes on what happens to the world outside: metrics, syslog, hooks, mail.
//!
//! ```text
//!   serve ══ control socket ══►  follower: tally ─────────────► /metrics, /health   (listener)
//!   (confined,                   follower: each syslog host ──► RFC 5424
//!    no exec)                    follower: deliveries ── relay.db ──► hooks, mail
//! ```
//!
//! A process of its own, because the server is confined: it may not run programs, and nothing outside of it
//! should be able to hold a telephone up. Each receiver follows the journal at its own pace and remembers its own
//! place ([`ledger`]); the journal is the queue. The relay only looks: it needs to be able to open the control
//! socket, and is best neither root nor the server's user.
//!
//! It deliberately does not know lines, policies and promises: it knows entries of the journal.

mod deliver;
mod follow;
mod hook;
mod ledger;
mod listener;
mod mail;
mod metrics;
mod observatory;
mod syslog;
mod tally;
mod tls;

use std::path::Path;
use std::sync::Arc;

use calls::config::relay::Relay;
use calls::vocabulary::Event;

use crate::exit::{Code, Failure};

pub(crate) use deliver::rooms;
pub(crate) use ledger::{Dead, Ledger, LedgerFault, Revived};
use observatory::Observatory;

/// An event's name in the journal.
pub(crate) fn name_of(event: &Event) -> String {
    // By its field, as the journal has it: new events need no place here.
    let value = serde_json::to_value(event).unwrap_or_default();
    value.get("event").and_then(serde_json::Value::as_str).unwrap_or("unknown").to_owned()
}

/// Milliseconds since 1970.
fn now_ms() -> i64 {
    crate::clock::wall().unix_ms
}

/// Waits before something outside is tried again.
#[expect(
    clippy::disallowed_methods,
    reason = "a server, a host or a disk does not tell when it is there again"
)]
fn pause(time: std::time::Duration) {
    std::thread::sleep(time);
}

/// Starts a thread that must not end, by a panic neither: a relay without one of its parts would look well and lose
/// events. Whoever has started the relay starts it again, and it goes on where it left off.
fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        let how = if ended.is_err() { "panicked" } else { "ended" };
        let name = std::thread::current().name().unwrap_or("a part").to_owned();
        tracing::error!("{name} has {how}: the relay ends");
        std::process::abort();
    });
    started.map(drop).map_err(|e| Failure::new(Code::System, format!("starting a thread: {e}")))
}

/// Relays until SIGTERM or SIGINT. Everything that was not committed then is told again at the next start.
pub(crate) fn run(relay: Relay) -> Result<(), Failure> {
    let store = |fault: LedgerFault| Failure::new(Code::InputOutput, fault.to_string());
    let ledger = Ledger::open(&relay.state_dir).map_err(store)?;
    let relay = Arc::new(relay);
    let observatory = Arc::new(Observatory::new(&relay, &ledger).map_err(store)?);
    {
        let (relay, observatory) = (Arc::clone(&relay), Arc::clone(&observatory));
        let mut counting = observatory::Counting::new(observatory, ledger);
        thread("tally", move || follow::follow(&relay.control, &mut counting))?;
    }
    for host in &relay.syslog {
        let mut sender = syslog::Sender::open(host, &relay, &observatory)?;
        let control = relay.control.clone();
        thread(&host.name, move || follow::follow(&control, &mut sender))?;
    }
    deliver::start(&relay, &observatory)?;
    listener::run(relay.listen, observatory)
}

/// relay.toml, and everything that is wrong with it for people.
pub(crate) fn read(path: &Path) -> Result<Relay, String> {
    use calls::config::load::ReadFault;
    let file = crate::config::read_file(path).map_err(|fault| match fault {
        ReadFault::Missing => {
            format!("{}: no such file: name it with --config FILE", path.display())
        }
        ReadFault::Other(why) => format!("{}: can't be read: {why}", path.display()),
    })?;
    let uid = rustix::process::geteuid().as_raw();
    calls::config::relay::read(path, &file, uid).map_err(|faults| {
        let palette = crate::out::Palette::stderr();
        let look = if palette.coloured() {
            calls::diagnostic::Look::Colour
        } else {
            calls::diagnostic::Look::Plain
        };
        faults.iter().map(|fault| fault.render(look)).collect::<Vec<_>>().join("\n\n")
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Command, Stdio};

    use super::*;

    const NAME: &str = "relay::tests::a_part_that_panics_ends_the_relay";
    const INNER: &str = "DIALBACK_TEST_RELAY_PANICS";

    #[test]
    fn a_part_that_panics_ends_the_relay() {
        if std::env::var_os(INNER).is_some() {
            thread("part", || panic!("on purpose")).unwrap();
            // Longer than any machine needs to end us.
            pause(std::time::Duration::from_secs(20));
            return;
        }
        let ended = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME])
            .env(INNER, "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert_eq!(ended.signal(), Some(6), "{ended}");
    }
}

//! The service manager that has started the server, if one has: it is told how the server fares (sd_notify(3)), and
//! it may have opened the control socket (sd_listen_fds(3)).
//!
//! ```text
//!   Starting ── lines are on their way, the control socket listens: READY=1 ──► Ready ── STOPPING=1 ──► the end
//!                                          a reload: RELOADING=1 ... READY=1      │
//!                                                                                 └─ WATCHDOG=1, STATUS=...
//! ```
//!
//! The loop asks [`Supervisor::due`] when to come and says so by [`Supervisor::tick`]: a loop that hangs says nothing, and
//! the manager ends it. The socket is opened before the server gives its rights up, and stays.
//!
//! It deliberately does not know systemd's units, nor anything that would keep the server from running without them.

use std::env;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::time::Duration;

use calls::status::Status;
use tokio::time::Instant;

/// How often a sentence that keeps changing is told: it is for people, and making it takes a look at every line.
const SENTENCES: Duration = Duration::from_secs(1);

/// What ending may take beyond the server's own graces: the journal, the ports.
const LAST_STEPS: Duration = Duration::from_secs(10);

/// The way to tell it. Without a manager nothing is told, and nothing is due.
#[derive(Debug, Default)]
pub(crate) struct Supervisor {
    socket: Option<UnixDatagram>,
    /// How often it wants to hear that the loop lives: twice in the time that it would wait.
    beat: Option<Duration>,
    next_beat: Option<Instant>,
    next_sentence: Option<Instant>,
    said: String,
}

impl Supervisor {
    /// The manager that the environment names. Before rights are given up: its socket is a file.
    pub(crate) fn found() -> Self {
        let socket = env::var("NOTIFY_SOCKET").ok().and_then(|name| match connect(&name) {
            Ok(socket) => Some(socket),
            Err(e) => {
                tracing::warn!("{name}: the service manager can't be told anything: {e}");
                None
            }
        });
        let variable = |name: &str| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        let other =
            variable("WATCHDOG_PID").is_some_and(|pid| pid != u64::from(std::process::id()));
        let beat = variable("WATCHDOG_USEC")
            .filter(|patience| !other && *patience > 0)
            .map(|patience| Duration::from_micros(patience / 2));
        Self { socket, beat, ..Self::default() }
    }

    /// The server serves: every line is on its way, and clients can ask.
    pub(crate) fn ready(&mut self, status: &Status) {
        self.said = sentence(status);
        self.tell(&format!("READY=1\nSTATUS={}", self.said));
        self.next_beat = self.beat.map(|beat| Instant::now() + beat);
    }

    /// It reads its configuration again; [`Supervisor::ready`] follows.
    pub(crate) fn reloading(&self) {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let micros = now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1000);
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    /// It ends, and gives calls that long.
    pub(crate) fn stopping(&self, grace: Duration) {
        let micros = (grace + LAST_STEPS).as_micros();
        self.tell(&format!("STOPPING=1\nEXTEND_TIMEOUT_USEC={micros}\nSTATUS=stopping"));
    }

    /// Something has happened that may change the sentence.
    pub(crate) fn changed(&mut self) {
        if self.socket.is_some() && self.next_sentence.is_none() {
            self.next_sentence = Some(Instant::now() + SENTENCES);
        }
    }

    /// When to call [`Supervisor::tick`]; `None`: nobody waits for it.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.next_beat.into_iter().chain(self.next_sentence).min()
    }

    /// Says that the loop lives, and how things stand, if it is time.
    pub(crate) fn tick(&mut self, status: impl FnOnce() -> Status) {
        let now = Instant::now();
        if let (Some(due), Some(beat)) = (self.next_beat, self.beat)
            && due <= now
        {
            self.next_beat = Some(now + beat);
            self.tell("WATCHDOG=1");
        }
        if self.next_sentence.is_some_and(|due| due <= now) {
            self.next_sentence = None;
            let sentence = sentence(&status());
            if sentence != self.said {
                self.tell(&format!("STATUS={sentence}"));
                self.said = sentence;
            }
        }
    }

    fn tell(&self, what: &str) {
        if let Some(socket) = &self.socket {
            // A manager that does not listen will find out by itself.
            drop(socket.send(what.as_bytes()));
        }
    }
}

/// The socket at a path, or with a name that begins with `@` and is no path.
fn connect(name: &str) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    match name.strip_prefix('@') {
        Some(name) => socket.connect_addr(&SocketAddr::from_abstract_name(name)?)?,
        None => socket.connect(name)?,
    }
    Ok(socket)
}

/// The control socket, where the manager has opened it.
pub(crate) fn control_socket() -> io::Result<Option<UnixListener>> {
    let variable = |name: &str| env::var(name).ok();
    let (pid, count) = (variable("LISTEN_PID"), variable("LISTEN_FDS"));
    sys::passed::control_socket(pid.as_deref(), count.as_deref())
}

/// How things stand, for people: `3 lines: 2 waiting, 1 in a call; 1 callback owed`.
fn sentence(status: &Status) -> String {
    if status.lines.is_empty() {
        return "no line is configured, nobody can call: run dialback setup".to_owned();
    }
    let in_state = |states: &[&str]| {
        status.lines.iter().filter(|line| states.contains(&line.state.as_str())).count()
    };
    let parts = [
        (in_state(&["idle", "checking"]), "waiting"),
        (status.calls.len(), "in a call"),
        (in_state(&["closed", "opening", "claiming", "initialising"]), "being set up"),
        (in_state(&["faulted"]), "out of order"),
        (in_state(&["lent"]), "lent to another program"),
        (in_state(&["busying-out", "busied-out"]), "out of service"),
        (in_state(&["measuring"]), "being measured"),
    ];
    let parts: Vec<_> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let lines = match status.lines.len() {
        1 => "1 line".to_owned(),
        count => format!("{count} lines"),
    };
    let owed = match status.promises.len() {
        0 => String::new(),
        1 => "; 1 callback owed".to_owned(),
        count => format!("; {count} callbacks owed"),
    };
    let fault = if status.store_fault.is_some() { "; the journal can't be written" } else { "" };
    format!("{lines}: {}{owed}{fault}", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use calls::status::Line;
    use calls::vocabulary::LineId;

    use super::*;

    fn status(states: &[&str]) -> Status {
        let line = |(id, state): (u32, &&str)| Line {
            id: LineId(id),
            line: format!("line{id}"),
            number: None,
            state: (*state).to_owned(),
            for_ms: 0,
            detail: None,
            carrier: None,
            call: None,
            hold: None,
        };
        Status { lines: (1..).zip(states).map(line).collect(), ..Status::default() }
    }

    #[test]
    fn the_sentence_counts_lines_by_what_they_do() {
        let check = |states: &[&str], wanted| assert_eq!(sentence(&status(states)), wanted);
        check(&[], "no line is configured, nobody can call: run dialback setup");
        check(&["initialising"], "1 line: 1 being set up");
        check(&["idle", "idle", "faulted"], "3 lines: 2 waiting, 1 out of order");
        check(&["measuring", "measuring"], "2 lines: 2 being measured");
        check(&["lent", "busied-out"], "2 lines: 1 lent to another program, 1 out of service");
        let broken = Status { store_fault: Some("disk full".to_owned()), ..status(&["idle"]) };
        assert_eq!(sentence(&broken), "1 line: 1 waiting; the journal can't be written");
    }

    #[test]
    fn without_a_manager_nothing_is_due() {
        let mut supervisor = Supervisor::default();
        supervisor.ready(&status(&["idle"]));
        supervisor.changed();
        assert_eq!(supervisor.due(), None);
        supervisor.tick(|| panic!("nobody wants a sentence"));
    }
}

//! The launcher: the process that keeps root. One thread, no runtime, a closed list of requests.
//!
//! ```text
//!   the server (user dialback) ══ SOCK_SEQPACKET ══ the launcher (root) ──► exec-line ──► login, pppd, ...
//!                                                       │
//!          request out of order, or its end ──► every session: SIGHUP, grace, SIGKILL; then the launcher ends too
//! ```
//!
//! It has read the configuration itself, and starts only what an entry of login.config leads to, on a line of the
//! configuration on which no other program runs. What it is asked it takes for an attacker's words.
//!
//! It deliberately does not know calls, promises, policy, modems, or anybody's password.

use std::collections::BTreeMap;
use std::io::{Seek, SeekFrom, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use calls::config::{Config, PortSpec};
use calls::vocabulary::{Grounds, Interface};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::MemfdFlags;
use sys::packets::{Packet, Packets};

use super::network::{Interfaces, Scripts};
use super::protocol::{Answer, How, Request, Session as Number, Terminal, written};
use super::session::{News, Session, vacate};
use crate::audit::{self, Told};

/// How long the server may leave an answer unread before it counts as gone, and every session ends with it: one that
/// has ended closes its socket, so this is for one that is stopped (a debugger, a guest that is moved). Meanwhile the
/// launcher does nothing else, and nobody but the server asks it for anything.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long what was killed may take to be gone: what hangs in the kernel longer is left.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// The server asks for it first of all.
const NO_CONFIG: &str = "there is no configuration yet";

/// Why the launcher ends.
#[derive(Debug)]
pub(super) enum End {
    /// The server has ended, and with it everything.
    ServerGone,
    /// The server asked what it never asks.
    NotARequest(String),
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listen {
    All,
    Sessions,
}

/// Who removes the control socket at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// We do, where the server had no right to.
    Ours,
    /// Whoever has opened it: a service manager, for which a look at it would be a client's.
    Passed,
}

/// All that it knows.
pub(super) struct Root {
    packets: Packets,
    control: Control,
    path: PathBuf,
    config: Option<Config>,
    sessions: BTreeMap<Number, Session>,
    interfaces: Interfaces,
    scripts: Scripts,
}

impl Root {
    /// For the server at the other end of `packets`, with the configuration at `path`.
    pub(super) fn new(packets: Packets, path: PathBuf, control: Control) -> std::io::Result<Self> {
        packets.give_up_sending_after(PATIENCE)?;
        let (interfaces, scripts) = (Interfaces::default(), Scripts::default());
        let sessions = BTreeMap::new();
        Ok(Self { packets, control, path, config: None, sessions, interfaces, scripts })
    }

    /// Serves until the server ends. Then nothing is left that was started for it.
    pub(super) fn run(mut self) -> End {
        let end = loop {
            let (packet, sessions) = self.wait(Listen::All, self.scripts.until());
            let ended =
                self.scripts.look(Instant::now()).into_iter().try_for_each(|(number, fault)| {
                    self.say(&Answer::ScriptEnded { number, fault }, None)
                });
            if let Err(end) = ended {
                break end;
            }
            if let Err(end) = sessions.into_iter().try_for_each(|number| self.look(number)) {
                break end;
            }
            if !packet {
                continue;
            }
            match self.packets.receive() {
                Ok(Some(packet)) => {
                    if let Err(end) = self.take(&packet) {
                        break end;
                    }
                }
                Ok(None) => break End::ServerGone,
                Err(e) => break End::NotARequest(e.to_string()),
            }
        };
        if self.control == Control::Ours {
            self.remove_socket();
        }
        self.interfaces.remove_all();
        self.end_all();
        end
    }

    /// Waits for something to do, or until then: whether there is a packet, and which sessions have news. With
    /// [`Listen::Sessions`] packets are not looked for: a socket that has ended would always be ready.
    fn wait(&self, listen: Listen, until: Option<Instant>) -> (bool, Vec<Number>) {
        let sessions: Vec<_> = self
            .sessions
            .iter()
            .filter_map(|(number, session)| Some((*number, session.readable()?)))
            .collect();
        let wanted = match listen {
            Listen::All => PollFlags::IN,
            Listen::Sessions => PollFlags::empty(),
        };
        let mut fds = vec![PollFd::new(&self.packets, wanted)];
        if listen == Listen::Sessions {
            fds.clear();
        }
        fds.extend(sessions.iter().map(|(_, fd)| PollFd::from_borrowed_fd(*fd, PollFlags::IN)));
        // At the end: so that their ends wake us too.
        let news = sessions.len();
        fds.extend(self.scripts.readable().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match rustix::event::poll(&mut fds, left.as_ref()) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return (false, Vec::new()),
            Err(e) => tracing::error!("waiting: {e}"),
        }
        let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
        let packet = listen == Listen::All && ready.next().unwrap_or(false);
        let news = sessions.iter().zip(ready.take(news)).filter(|(_, ready)| *ready);
        (packet, news.map(|((number, _), _)| *number).collect())
    }

    /// Does what it is asked, if that is something that a server asks.
    fn take(&mut self, packet: &Packet) -> Result<(), End> {
        let request: Request = serde_json::from_slice(&packet.bytes)
            .map_err(|e| End::NotARequest(format!("not a request: {e}")))?;
        if !packet.fds.is_empty() {
            return Err(End::NotARequest("descriptors that nobody wants".to_owned()));
        }
        match request {
            Request::Configuration {} => self.read(),
            Request::Start { session, grounds, terminal } => self.start(session, grounds, terminal),
            Request::HangUp { session } => {
                if let Some(session) = self.sessions.get(&session) {
                    session.hang_up();
                }
                Ok(())
            }
            Request::Kill { session } => {
                if let Some(session) = self.sessions.get(&session) {
                    session.kill();
                }
                Ok(())
            }
            Request::Vacate { port } => {
                let fault = self.vacate(&port).err();
                self.say(&Answer::Vacated { port, fault }, None)
            }
            Request::Interface { call, wanted } => self.interface(call, &wanted),
            Request::NoInterface { call } => {
                self.interfaces.remove(call);
                Ok(())
            }
            Request::Script { number, script } => {
                let config = self.config.as_ref().ok_or_else(|| NO_CONFIG.to_owned());
                match config.and_then(|config| self.scripts.start(config, number, &script)) {
                    Ok(()) => Ok(()),
                    Err(why) => self.say(&Answer::ScriptEnded { number, fault: Some(why) }, None),
                }
            }
            Request::Anchor { anchor } => {
                let told = self.config.as_ref().map(|config| audit::write(&config.audit, &anchor));
                let told = told.unwrap_or(Told::Failed);
                self.say(&Answer::Anchored { told }, None)
            }
        }
    }

    /// Reads the configuration with root's eyes; what the server may not read it gets from here.
    fn read(&mut self) -> Result<(), End> {
        let (read, kept) = crate::config::read_and_keep(&self.path);
        // As the server: a faulty one leaves the old one in force.
        if let Some(config) = read.config {
            self.config = Some(config);
        }
        let file =
            serde_json::to_vec(&kept).map_err(std::io::Error::from).and_then(|text| file_of(&text));
        match file {
            Ok(file) => self
                .say(&Answer::Configuration { launcher: std::process::id() }, Some(file.as_fd())),
            Err(e) => Err(End::NotARequest(format!("handing the configuration over: {e}"))),
        }
    }

    fn start(&mut self, number: Number, grounds: Grounds, terminal: Terminal) -> Result<(), End> {
        if self.sessions.contains_key(&number) {
            return Err(End::NotARequest("one number for two sessions".to_owned()));
        }
        let line = grounds.line.clone();
        let busy = self.sessions.values().any(|session| session.line() == line);
        let begun = match (&self.config, busy) {
            (None, _) => Err(NO_CONFIG.to_owned()),
            (Some(_), true) => Err(format!("{line}: a program runs on it already")),
            (Some(config), false) => Session::begin(config, grounds, terminal),
        };
        match begun {
            Ok(session) => {
                self.sessions.insert(number, session);
                Ok(())
            }
            Err(why) => {
                tracing::warn!("{line}: no program is started: {why}");
                let how = How::NotStarted(why);
                self.say(&Answer::Ended { session: number, how }, None)
            }
        }
    }

    fn interface(&mut self, call: u64, wanted: &Interface) -> Result<(), End> {
        let config = self.config.as_ref().ok_or_else(|| NO_CONFIG.to_owned());
        match config.and_then(|config| self.interfaces.set(config, call, wanted)) {
            Ok((name, fd)) => {
                self.say(&Answer::Interface { call, name: Ok(name) }, Some(fd.as_fd()))
            }
            Err(why) => self.say(&Answer::Interface { call, name: Err(why) }, None),
        }
    }

    /// Only terminals of lines, and only while no program of ours sits at one.
    fn vacate(&self, port: &std::path::Path) -> Result<(), String> {
        let lines = self.config.iter().flat_map(|config| &config.lines);
        let mut of_it =
            lines.filter(|line| matches!(&line.port, PortSpec::Tty(path) if path == port));
        let name = of_it.next().map(|line| line.name.as_str());
        let name = name.ok_or_else(|| format!("{}: is no line's terminal", port.display()))?;
        if self.sessions.values().any(|session| session.line() == name) {
            return Err(format!("{}: a program runs on it", port.display()));
        }
        vacate(port, None)
    }

    /// Looks what has become of a session, and tells.
    fn look(&mut self, number: Number) -> Result<(), End> {
        let news = self.sessions.get_mut(&number).and_then(Session::look);
        match news {
            None => Ok(()),
            Some(News::Started { pid, terminal, warnings, master }) => {
                let answer = Answer::Started { session: number, pid, terminal, warnings };
                self.say(&answer, master.as_ref().map(AsFd::as_fd))
            }
            Some(News::Ended(how)) => {
                self.sessions.remove(&number);
                self.say(&Answer::Ended { session: number, how }, None)
            }
        }
    }

    fn say(&self, answer: &Answer, fd: Option<BorrowedFd<'_>>) -> Result<(), End> {
        match self.packets.send(&written(answer), fd.as_slice()) {
            Ok(()) => Ok(()),
            Err(e) => {
                tracing::debug!("telling the server: {e}");
                Err(End::ServerGone)
            }
        }
    }

    /// The control socket, where the server had no right to remove it and nobody listens to it any more.
    fn remove_socket(&self) {
        let Some(config) = &self.config else { return };
        let path = &config.server.control;
        let refused = std::os::unix::net::UnixStream::connect(path)
            .is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionRefused);
        if refused {
            // Left over, it would be replaced at the next start.
            drop(std::fs::remove_file(path));
        }
    }

    /// Ends every session: asked first, made to after the grace.
    fn end_all(mut self) {
        let grace = self.config.as_ref().map_or(LAST_WAIT, |config| config.server.kill_grace);
        for session in self.sessions.values() {
            session.hang_up();
        }
        self.wait_for_ends(grace);
        for session in self.sessions.values() {
            session.kill();
        }
        self.wait_for_ends(LAST_WAIT);
        for session in self.sessions.values() {
            tracing::error!(
                "{}: a program does not end, not even when it is killed",
                session.line()
            );
        }
    }

    fn wait_for_ends(&mut self, at_most: Duration) {
        let until = Instant::now() + at_most;
        while !self.sessions.is_empty() && Instant::now() < until {
            for number in self.wait(Listen::Sessions, Some(until)).1 {
                let news = self.sessions.get_mut(&number).and_then(Session::look);
                if let Some(News::Ended(_)) = news {
                    self.sessions.remove(&number);
                }
            }
        }
    }
}

/// An unnamed file with this text, to be read from its beginning.
fn file_of(text: &[u8]) -> std::io::Result<OwnedFd> {
    let file = rustix::fs::memfd_create("dialback configuration", MemfdFlags::CLOEXEC)?;
    let mut file = std::fs::File::from(file);
    file.write_all(text)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file.into())
}

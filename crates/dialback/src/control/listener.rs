//! The server's side of the control socket: one small task for each client.
//!
//! It deliberately does not know what a status or a command means: it hands [`Question`]s to the loop and
//! the loop's answers back.

mod push;

use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calls::status::Status;
use calls::vocabulary::{CallId, Command, Entry, Reply, Seq};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, broadcast, mpsc, oneshot};

use super::sieve::Sieve;
use super::standing::Subscription;
use super::{Answer, Ask, Asked, FailureCode, REQUEST_LIMIT, Request, Response, VERSION, passed};
use crate::exit::{Code, Failure};
use crate::launcher::Rights;
use crate::store::{From, Pages, Reader, Settler, StoreFault, Which};

/// Clients at once. Each costs a descriptor; telephone lines need theirs more.
const CLIENTS: usize = 64;

/// Old entries are sent so many bytes at a time: as much as the socket takes while the client works on those before.
const PAGE: usize = 128 * 1024;

/// And after so many looked at, whatever they came to: a client that has gone is noticed by writing only, and the
/// server's end waits for a page.
const LOOKED_AT: u32 = 20_000;

/// The most records that one answer carries.
const CALLS_LIMIT: u32 = 10_000;

/// What a client's task asks of the loop.
#[derive(Debug)]
pub(crate) enum Question {
    /// How things stand.
    Status(oneshot::Sender<Box<Status>>),
    /// How things stand, and what stands otherwise from then on.
    Standing(oneshot::Sender<Subscription>),
    /// What the rules would say; or why that can't be asked.
    Explain(Asked, oneshot::Sender<Result<serde_json::Value, String>>),
    /// An operator's command, with his name in it.
    Command(Command, oneshot::Sender<Reply>),
    /// Stop serving, as SIGTERM says. No client can ask this.
    #[allow(dead_code, reason = "`dialback demo` stops the server inside of itself")]
    Stop,
}

/// What clients' tasks have to do with.
#[derive(Clone, Debug)]
pub(crate) struct Backstage {
    /// To the loop.
    pub(crate) questions: mpsc::Sender<Question>,
    /// Every entry as it is journalled.
    pub(crate) events: broadcast::Sender<Arc<Entry>>,
    /// What was journalled before.
    pub(crate) journal: Reader,
    /// Until all that has been told is in there.
    pub(crate) settler: Settler,
    /// With which rights the server runs.
    pub(crate) rights: Arc<Rights>,
}

/// The bound socket. Its file goes away with it, unless it is somebody else's.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: UnixListener,
    /// `None`: somebody else's.
    path: Option<PathBuf>,
}

impl Listener {
    /// Binds the socket. Within a runtime.
    pub(crate) fn bind(path: &Path) -> Result<Self, Failure> {
        Self::adopt(bind(path)?, path)
    }

    /// Serves at a socket that a service manager has bound and keeps. Within a runtime.
    pub(crate) fn passed(socket: StdListener, path: &Path) -> Result<Self, Failure> {
        let address = socket.local_addr().ok();
        let there = address.as_ref().and_then(std::os::unix::net::SocketAddr::as_pathname);
        if there != Some(path) {
            tracing::warn!(
                "{}: clients look there (server.control), and the service manager's socket is elsewhere",
                path.display()
            );
        }
        let mut listener = Self::adopt(socket, path)?;
        listener.path = None;
        Ok(listener)
    }

    /// Takes over a socket that is bound to `path` already. Within a runtime.
    pub(crate) fn adopt(socket: StdListener, path: &Path) -> Result<Self, Failure> {
        let adopted = socket.set_nonblocking(true).and_then(|()| UnixListener::from_std(socket));
        let socket = adopted.map_err(|e| {
            Failure::new(Code::System, format!("{}: listening: {e}", path.display()))
        })?;
        Ok(Self { socket, path: Some(path.to_owned()) })
    }

    /// Serves clients until the task is dropped.
    pub(crate) async fn serve(self, backstage: Backstage) {
        let seats = Arc::new(Semaphore::new(CLIENTS));
        loop {
            let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
            match self.socket.accept().await {
                Ok((stream, _address)) => {
                    let backstage = backstage.clone();
                    tokio::spawn(async move {
                        // A client that goes away in the middle is no news.
                        drop(attend(stream, &backstage).await);
                        drop(seat);
                    });
                }
                Err(e) => {
                    // Out of descriptors, most likely: accepting again at once would spin, and no event tells when
                    // somebody has closed one.
                    tracing::warn!("control socket: accepting a client: {e}");
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                }
            }
        }
    }
}

/// Binds a socket to `path`. One that a crash left over is replaced, a living server's is not.
pub(crate) fn bind(path: &Path) -> Result<StdListener, Failure> {
    let fault = |what: &str, e: &io::Error| {
        let forbidden = e.kind() == io::ErrorKind::PermissionDenied;
        let code = if forbidden { Code::NoPermission } else { Code::InputOutput };
        Failure::new(
            code,
            format!(
                "{}: {what}: {e}: set server.control to a path that the server may write",
                path.display()
            ),
        )
    };
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).map_err(|e| fault("making its directory", &e))?;
    }
    clear_the_way(path)?;
    // Made under another name and moved into place once its mode is right: nobody can connect between.
    let beside = path.with_extension(format!("new.{}", std::process::id()));
    let socket = StdListener::bind(&beside).map_err(|e| fault("making the socket", &e))?;
    std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(0o660))
        .and_then(|()| std::fs::rename(&beside, path))
        .map_err(|e| fault("giving the socket its mode and name", &e))?;
    Ok(socket)
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Left over, it would be replaced at the next start.
            drop(std::fs::remove_file(path));
        }
    }
}

/// Removes a socket that nobody listens on; says who does otherwise.
fn clear_the_way(path: &Path) -> Result<(), Failure> {
    let Ok(seen) = std::fs::symlink_metadata(path) else { return Ok(()) };
    if !seen.file_type().is_socket() {
        let message = format!(
            "{}: is not a socket: remove it, or set server.control elsewhere",
            path.display()
        );
        return Err(Failure::new(Code::Configuration, message));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(live) => {
            let who = match peer_pid(&live).as_str() {
                // Who listened first, and not the server that has got the socket from it.
                "1" => "as a service (systemctl status dialback)".to_owned(),
                pid => format!("pid {pid}"),
            };
            let message = format!("{}: already running, {who}", path.display());
            Err(Failure::new(Code::TryLater, message))
        }
        Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path)
            .map_err(|e| {
                let message = format!("{}: removing a stale socket: {e}", path.display());
                Failure::new(Code::InputOutput, message)
            }),
        Err(e) => {
            let message = format!("{}: looking who listens there: {e}", path.display());
            Err(Failure::new(Code::NoPermission, message))
        }
    }
}

fn peer_pid(stream: &std::os::unix::net::UnixStream) -> String {
    match rustix::net::sockopt::socket_peercred(stream) {
        Ok(peer) => peer.pid.as_raw_nonzero().to_string(),
        Err(_) => "unknown".to_owned(),
    }
}

/// Who is at the other end, as the kernel tells.
#[derive(Debug)]
struct Peer {
    uid: Option<u32>,
}

impl Peer {
    fn of(stream: &UnixStream) -> Self {
        Self { uid: stream.peer_cred().ok().map(|cred| cred.uid()) }
    }

    fn may_command(&self) -> bool {
        self.uid.is_some_and(|uid| uid == 0 || uid == rustix::process::geteuid().as_raw())
    }

    fn name(&self) -> String {
        match self.uid {
            Some(0) => "root (uid 0)".to_owned(),
            Some(uid) => format!("uid {uid}"),
            None => "somebody".to_owned(),
        }
    }
}

async fn attend(stream: UnixStream, backstage: &Backstage) -> io::Result<()> {
    let peer = Peer::of(&stream);
    let (from, to) = stream.into_split();
    let from = BufReader::with_capacity(1024, from);
    let mut client = Client { from, talks: true, to, peer, backstage };
    loop {
        match next_line(&mut client.from).await? {
            Line::End => return Ok(()),
            Line::TooLong => {
                let message = format!("a request has at most {REQUEST_LIMIT} bytes");
                return client.fail(0, FailureCode::BadRequest, message).await;
            }
            Line::Whole(line) => client.read(&line).await?,
        }
    }
}

enum Line {
    Whole(Vec<u8>),
    TooLong,
    End,
}

async fn next_line(from: &mut BufReader<OwnedReadHalf>) -> io::Result<Line> {
    let mut line = Vec::new();
    let limit = u64::try_from(REQUEST_LIMIT).unwrap_or(u64::MAX);
    from.take(limit + 1).read_until(b'\n', &mut line).await?;
    Ok(match line.last() {
        None => Line::End,
        Some(b'\n') => Line::Whole(line),
        // The client went away in the middle of a line.
        Some(_) if line.len() <= REQUEST_LIMIT => Line::End,
        Some(_) => Line::TooLong,
    })
}

struct Client<'a> {
    from: BufReader<OwnedReadHalf>,
    /// It has not said since a subscription that it will say no more.
    talks: bool,
    to: OwnedWriteHalf,
    peer: Peer,
    backstage: &'a Backstage,
}

impl Client<'_> {
    async fn read(&mut self, line: &[u8]) -> io::Result<()> {
        match serde_json::from_slice::<Request>(line) {
            Ok(request) if request.dialback == VERSION => self.answer(request).await,
            Ok(request) => {
                let message = format!(
                    "this server speaks version {VERSION} of the protocol, not {}",
                    request.dialback
                );
                self.fail(request.id, FailureCode::BadRequest, message).await
            }
            Err(_) if line.trim_ascii().is_empty() => Ok(()),
            Err(e) => self.fail(0, FailureCode::BadRequest, format!("not a request: {e}")).await,
        }
    }

    async fn answer(&mut self, request: Request) -> io::Result<()> {
        let id = request.id;
        match request.ask {
            Ask::Status => {
                let (tell, told) = oneshot::channel();
                let answer = match self.ask(Question::Status(tell), told).await {
                    Some(status) => Answer::Status { status },
                    None => stopping(),
                };
                self.say(id, answer).await
            }
            Ask::Standing => self.tell_standing(id).await,
            Ask::Rights => {
                let (pid, rights) = (std::process::id(), Rights::clone(&self.backstage.rights));
                self.say(id, Answer::Rights { pid, rights }).await
            }
            Ask::Calls { limit, which } => {
                // What an event has told must be found here.
                self.backstage.settler.settled().await;
                let journal = self.backstage.journal.clone();
                let limit = limit.min(CALLS_LIMIT);
                let answer = off_the_loop(move || calls(id, &journal, limit, &which)).await;
                match answer {
                    Ok(line) => self.to.write_all(&line).await,
                    Err(message) => self.fail(id, FailureCode::Unavailable, message).await,
                }
            }
            Ask::Story { of } => {
                self.backstage.settler.settled().await;
                let journal = self.backstage.journal.clone();
                let answer = match off_the_loop(move || journal.story(of)).await {
                    Ok(entries) => Answer::Story { entries },
                    Err(message) => Answer::Failed { code: FailureCode::Unavailable, message },
                };
                self.say(id, answer).await
            }
            Ask::Events { after, since_ms, last, until_now, which } => {
                let from = after
                    .map(|after| From::After(Seq(after)))
                    .or(since_ms.map(From::Since))
                    .or(last.map(From::Last));
                self.tell_events(id, from, until_now, Sieve::new(which)).await
            }
            Ask::Explain { asked } => {
                let (tell, told) = oneshot::channel();
                let answer = match self.ask(Question::Explain(asked, tell), told).await {
                    Some(Ok(explanation)) => Answer::Explained { explanation },
                    Some(Err(message)) => Answer::Failed { code: FailureCode::BadRequest, message },
                    None => stopping(),
                };
                self.say(id, answer).await
            }
            Ask::Command { command } => self.command(id, command).await,
        }
    }

    async fn command(&mut self, id: u64, command: Command) -> io::Result<()> {
        if !self.peer.may_command() {
            let message = "only root and the user that the server runs as may give orders";
            return self.fail(id, FailureCode::NotPermitted, message.to_owned()).await;
        }
        let (tell, told) = oneshot::channel();
        let command = signed(command, &self.peer.name());
        let answer = match self.ask(Question::Command(command, tell), told).await {
            Some(reply) => Answer::Reply { reply },
            None => stopping(),
        };
        self.say(id, answer).await
    }

    /// Old entries from the journal, then each new one, until the client or the server goes.
    async fn tell_events(
        &mut self,
        id: u64,
        from: Option<From>,
        until_now: bool,
        mut sieve: Sieve,
    ) -> io::Result<()> {
        // Subscribed before the journal is read, so that nothing falls between.
        let mut events = self.backstage.events.subscribe();
        self.say(id, Answer::Listening).await?;
        let mut told = Seq(0);
        if let Some(from) = from {
            self.backstage.settler.settled().await;
            (told, sieve) = match self.tell_old(id, from, sieve).await? {
                Ok(told) => told,
                Err(message) => return self.fail(id, FailureCode::Unavailable, message).await,
            };
        }
        if until_now {
            return self.say(id, Answer::NoMore).await;
        }
        if sieve.is_by_line() {
            self.place_calls(&mut sieve).await;
        }
        loop {
            match self.next(&mut events).await? {
                Ok(entry) if entry.seq <= told => {}
                Ok(entry) => {
                    let text = serde_json::to_string(&*entry)?;
                    let mut line = Vec::new();
                    pass(&mut line, id, &mut sieve, &text, |_| None).map_err(io::Error::other)?;
                    match line.is_empty() {
                        true => self.still_there().await?,
                        false => self.to.write_all(&line).await?,
                    }
                }
                Err(broadcast::error::RecvError::Lagged(count)) => {
                    self.say(id, Answer::Missed { count }).await?;
                    self.place_calls(&mut sieve).await;
                }
                Err(broadcast::error::RecvError::Closed) => return Ok(()),
            }
        }
    }

    /// A call may have begun before the first entry that the client gets, or among those that it missed, and most events
    /// of a call do not say its line.
    async fn place_calls(&self, sieve: &mut Sieve) {
        let (tell, told) = oneshot::channel();
        // A server that stops has no more to tell.
        let Some(status) = self.ask(Question::Status(tell), told).await else { return };
        let lines = status.lines.into_iter();
        sieve.place(lines.filter_map(|line| Some((line.call?, line.line))));
    }

    /// The last entry that was looked at, or why the journal can't be read.
    async fn tell_old(
        &mut self,
        id: u64,
        from: From,
        mut sieve: Sieve,
    ) -> io::Result<Result<(Seq, Sieve), String>> {
        let journal = self.backstage.journal.clone();
        let mut pages = match off_the_loop(move || journal.pages(from)).await {
            Ok(pages) => pages,
            Err(message) => return Ok(Err(message)),
        };
        loop {
            let read = off_the_loop(move || {
                let page = page(id, &mut pages, &mut sieve)?;
                Ok::<_, StoreFault>((page, pages, sieve))
            });
            let (page, back, rest) = match read.await {
                Ok(read) => read,
                Err(message) => return Ok(Err(message)),
            };
            self.to.write_all(&page.lines).await?;
            if !page.more {
                return Ok(Ok((back.told(), rest)));
            }
            (pages, sieve) = (back, rest);
        }
    }

    async fn ask<T>(&self, question: Question, told: oneshot::Receiver<T>) -> Option<T> {
        self.backstage.questions.send(question).await.ok()?;
        told.await.ok()
    }

    async fn fail(&mut self, id: u64, code: FailureCode, message: String) -> io::Result<()> {
        self.say(id, Answer::Failed { code, message }).await
    }

    async fn say(&mut self, id: u64, answer: Answer) -> io::Result<()> {
        let mut line = serde_json::to_vec(&Response { dialback: VERSION, id, answer })?;
        line.push(b'\n');
        self.to.write_all(&line).await
    }
}

/// Some of the old entries.
struct Page {
    lines: Vec<u8>,
    more: bool,
}

/// The next page of what is wanted. Blocks.
fn page(id: u64, pages: &mut Pages, sieve: &mut Sieve) -> Result<Page, StoreFault> {
    let mut lines = Vec::with_capacity(PAGE + PAGE / 8);
    let mut looked_at = 0;
    let more = pages.read(|text, line_of| {
        pass(&mut lines, id, sieve, text, line_of)?;
        looked_at += 1;
        let full = lines.len() >= PAGE || looked_at >= LOOKED_AT;
        Ok(if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(Page { lines, more })
}

/// Puts an entry behind what is to be sent, if it is wanted.
fn pass(
    to: &mut Vec<u8>,
    id: u64,
    sieve: &mut Sieve,
    text: &str,
    line_of: impl FnOnce(CallId) -> Option<String>,
) -> Result<(), String> {
    match sieve.look(text, line_of) {
        Ok(None) => Ok(()),
        Ok(Some(wanted)) => {
            let answer = passed::Event::new(id, passed::raw(text)?, wanted.line.as_deref());
            passed::put(to, &answer).map_err(|e| e.to_string())
        }
        Err(e) => Err(e.to_string()),
    }
}

/// The answer with these records. Blocks.
fn calls(id: u64, journal: &Reader, limit: u32, which: &Which) -> Result<Vec<u8>, String> {
    let texts = journal.call_texts(limit, which).map_err(|e| e.to_string())?;
    // A record is derived: one that somebody has spoiled can be left out here.
    let calls = texts.iter().filter_map(|text| passed::raw(text).ok()).collect();
    let mut line = Vec::new();
    passed::put(&mut line, &passed::Calls::new(id, calls)).map_err(|e| e.to_string())?;
    Ok(line)
}

/// A command in the name of the one who really gave it.
fn signed(command: Command, name: &str) -> Command {
    let sign = |said: &str| match said_to_be(said) {
        Some(said) => format!("{said} by way of {name}"),
        None => name.to_owned(),
    };
    match command {
        Command::Callback(order) => {
            let who = sign(&order.who);
            Command::Callback(calls::vocabulary::CallbackOrder { who, ..order })
        }
        Command::CallUser { who, user, number } => {
            Command::CallUser { who: sign(&who), user, number }
        }
        Command::HangUp { who, line } => Command::HangUp { who: sign(&who), line },
        Command::Reload { who } => Command::Reload { who: sign(&who) },
        Command::BusyOut { who, line } => Command::BusyOut { who: sign(&who), line },
        Command::Restore { who, line } => Command::Restore { who: sign(&who), line },
        Command::Reset { who, line } => Command::Reset { who: sign(&who), line },
        Command::Qualify { who, line, hold_ms } => {
            Command::Qualify { who: sign(&who), line, hold_ms }
        }
        Command::Measure { who, line, with } => Command::Measure { who: sign(&who), line, with },
        Command::Release { who, number } => Command::Release { who: sign(&who), number },
        Command::Hurry { who, promise } => Command::Hurry { who: sign(&who), promise },
        Command::Withdraw { who, promise } => Command::Withdraw { who: sign(&who), promise },
    }
}

/// The longest name of somebody for whom a client speaks.
const WHO_LIMIT: usize = 80;

/// Whom the client speaks for, as it says; printable and bounded, as everything in the journal.
fn said_to_be(who: &str) -> Option<String> {
    let printable = |letter: char| if letter.is_ascii_graphic() { letter } else { ' ' };
    let who: String = who.chars().take(WHO_LIMIT).map(printable).collect();
    Some(who.trim().to_owned()).filter(|who| !who.is_empty())
}

fn stopping() -> Answer {
    Answer::Failed { code: FailureCode::Unavailable, message: "the server is stopping".to_owned() }
}

/// Reads of the journal block; the loop must not.
async fn off_the_loop<T: Send + 'static, E: std::fmt::Display + Send + 'static>(
    read: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, String> {
    match tokio::task::spawn_blocking(read).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(e)) => Err(e.to_string()),
        Err(e) => Err(format!("reading the journal: {e}")),
    }
}

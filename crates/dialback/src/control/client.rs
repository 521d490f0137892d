//! The client's side of the control socket: plain blocking calls, for the command line.

use std::io::{self, BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use calls::record::Record;
use calls::status::Status;
use calls::vocabulary::{Command, Entry, Reply};

use super::{Answer, Ask, Asked, FailureCode, Request, Response, VERSION, WhichEvents, passed};
use crate::exit::{Code, Failure};
use crate::launcher::Rights;
use crate::store::{Subject, Which};

/// How long the server may think about an answer. Nearly all come at once; a callback's waits for the disk, for
/// half a minute at most.
const PATIENCE: Duration = Duration::from_secs(40);

/// Read at once: a long list comes in large pieces.
const AT_ONCE: usize = 64 * 1024;

/// Why the server could not be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientFault {
    /// Nobody listens.
    #[error(
        "{path}: the server is not running ({source}): `systemctl status dialback` tells why, `systemctl start \
         dialback` or `dialback serve` starts it; or name its socket with --control"
    )]
    NotRunning {
        /// The socket.
        path: PathBuf,
        /// What the kernel says.
        source: io::Error,
    },
    /// The socket's mode keeps us out.
    #[error("{path}: not permitted: ask as root, or as a member of the socket's group")]
    Forbidden {
        /// The socket.
        path: PathBuf,
    },
    /// The connection broke, or no answer came.
    #[error("{path}: the server does not answer: {source}")]
    Broken {
        /// The socket.
        path: PathBuf,
        /// What the kernel says.
        source: io::Error,
    },
    /// The answer makes no sense to us.
    #[error("{path}: the answer is not understood ({what}): are server and client of one version?")]
    Garbled {
        /// The socket.
        path: PathBuf,
        /// In which way.
        what: String,
    },
    /// The server refused.
    #[error("{message}")]
    Refused {
        /// Why, for programs.
        code: FailureCode,
        /// Why, for people.
        message: String,
    },
}

impl From<ClientFault> for Failure {
    fn from(fault: ClientFault) -> Self {
        let code = match &fault {
            ClientFault::NotRunning { .. } | ClientFault::Broken { .. } => Code::Unavailable,
            ClientFault::Forbidden { .. } => Code::NoPermission,
            ClientFault::Garbled { .. } => Code::Protocol,
            ClientFault::Refused { code, .. } => match code {
                FailureCode::BadRequest => Code::Protocol,
                FailureCode::NotPermitted => Code::NoPermission,
                FailureCode::Unavailable => Code::Unavailable,
            },
        };
        Self::new(code, fault.to_string())
    }
}

/// A connection to the running server.
#[derive(Debug)]
pub(crate) struct Client {
    path: PathBuf,
    stream: BufReader<UnixStream>,
    next_id: u64,
}

impl Client {
    /// Connects.
    pub(crate) fn connect(path: &Path) -> Result<Self, ClientFault> {
        let path = path.to_owned();
        let stream = match UnixStream::connect(&path) {
            Ok(stream) => stream,
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
                return Err(ClientFault::Forbidden { path });
            }
            Err(source) => return Err(ClientFault::NotRunning { path, source }),
        };
        stream
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| stream.set_write_timeout(Some(PATIENCE)))
            .map_err(|source| ClientFault::Broken { path: path.clone(), source })?;
        Ok(Self { path, stream: BufReader::with_capacity(AT_ONCE, stream), next_id: 1 })
    }

    /// How things stand.
    pub(crate) fn status(&mut self) -> Result<Box<Status>, ClientFault> {
        let answer = self.ask(Ask::Status)?;
        let Answer::Status { status } = answer else { return Err(self.unfit(&answer)) };
        Ok(status)
    }

    /// The server's process, and with which rights it runs.
    pub(crate) fn rights(&mut self) -> Result<(u32, Rights), ClientFault> {
        let answer = self.ask(Ask::Rights)?;
        let Answer::Rights { pid, rights } = answer else { return Err(self.unfit(&answer)) };
        Ok((pid, rights))
    }

    /// The last records, oldest first.
    pub(crate) fn calls(&mut self, limit: u32, which: Which) -> Result<Vec<Record>, ClientFault> {
        self.say(Ask::Calls { limit, which })?;
        let line = self.line()?.ok_or_else(|| self.broken(io::ErrorKind::UnexpectedEof.into()))?;
        let Ok(answer) = serde_json::from_str::<passed::Calls<'_>>(&line) else {
            let answer = self.understood(&line)?;
            return Err(self.unfit(&answer));
        };
        // A record is derived: one that an older version wrote differently can be left out here.
        Ok(answer.calls.iter().filter_map(|call| serde_json::from_str(call.get()).ok()).collect())
    }

    /// Everything about one call, session or promise.
    pub(crate) fn story(&mut self, of: Subject) -> Result<Vec<Entry>, ClientFault> {
        let answer = self.ask(Ask::Story { of })?;
        let Answer::Story { entries } = answer else { return Err(self.unfit(&answer)) };
        Ok(entries)
    }

    /// What the rules would say of a call that might come.
    pub(crate) fn explain(&mut self, asked: Asked) -> Result<serde_json::Value, ClientFault> {
        let answer = self.ask(Ask::Explain { asked })?;
        let Answer::Explained { explanation } = answer else { return Err(self.unfit(&answer)) };
        Ok(explanation)
    }

    /// Gives an order.
    pub(crate) fn command(&mut self, command: Command) -> Result<Reply, ClientFault> {
        let answer = self.ask(Ask::Command { command })?;
        let Answer::Reply { reply } = answer else { return Err(self.unfit(&answer)) };
        Ok(reply)
    }

    /// Asks, and waits for the one answer.
    pub(super) fn ask(&mut self, ask: Ask) -> Result<Answer, ClientFault> {
        self.say(ask)?;
        match self.line()? {
            Some(line) => self.understood(&line),
            None => Err(self.broken(io::ErrorKind::UnexpectedEof.into())),
        }
    }

    fn say(&mut self, ask: Ask) -> Result<(), ClientFault> {
        let id = self.next_id;
        self.next_id += 1;
        let mut line = serde_json::to_vec(&Request { dialback: VERSION, id, ask })
            .map_err(|e| self.garbled(e.to_string()))?;
        line.push(b'\n');
        self.stream.get_mut().write_all(&line).map_err(|source| self.broken(source))
    }

    /// Listens for what happens, after entry number `after` or from now on. Does not return before the
    /// server listens to it: nothing that happens later is missed.
    pub(crate) fn listen(self, after: Option<u64>) -> Result<Events, ClientFault> {
        let which = WhichEvents::default();
        self.events(Ask::Events { after, since_ms: None, last: None, until_now: false, which })
    }

    /// Asks for events: `ask` is an [`Ask::Events`].
    pub(crate) fn events(mut self, ask: Ask) -> Result<Events, ClientFault> {
        let answer = self.ask(ask)?;
        let Answer::Listening = answer else { return Err(self.unfit(&answer)) };
        self.patient()?;
        Ok(Events { client: self })
    }

    /// What comes next may take its time.
    pub(super) fn patient(&self) -> Result<(), ClientFault> {
        self.stream.get_ref().set_read_timeout(None).map_err(|source| self.broken(source))
    }

    /// The same connection once more, to end it.
    pub(super) fn ender(&self) -> Result<Ender, ClientFault> {
        self.stream.get_ref().try_clone().map(Ender).map_err(|source| self.broken(source))
    }

    /// Whether a further line is here already.
    pub(super) fn waiting(&self) -> bool {
        self.stream.buffer().contains(&b'\n')
    }

    /// The next line; `None` when the server has gone.
    pub(super) fn line(&mut self) -> Result<Option<String>, ClientFault> {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(line)),
            Err(source) => Err(self.broken(source)),
        }
    }

    /// What a line says, whatever it is.
    pub(super) fn understood(&self, line: &str) -> Result<Answer, ClientFault> {
        let response: Response =
            serde_json::from_str(line).map_err(|e| self.garbled(e.to_string()))?;
        if let Answer::Failed { code, message } = response.answer {
            return Err(ClientFault::Refused { code, message });
        }
        Ok(response.answer)
    }

    fn broken(&self, source: io::Error) -> ClientFault {
        ClientFault::Broken { path: self.path.clone(), source }
    }

    /// An answer to another question.
    pub(super) fn unfit(&self, answer: &Answer) -> ClientFault {
        self.garbled(format!("unexpected: {answer:?}"))
    }

    fn garbled(&self, what: String) -> ClientFault {
        ClientFault::Garbled { path: self.path.clone(), what }
    }
}

/// Ends a subscription when it is dropped, while another thread waits on it.
#[derive(Debug)]
pub(crate) struct Ender(UnixStream);

impl Drop for Ender {
    fn drop(&mut self) {
        // It may be closed already.
        drop(self.0.shutdown(Shutdown::Both));
    }
}

/// What happens, as it happens.
#[derive(Debug)]
pub(crate) struct Events {
    client: Client,
}

/// What a listener hears.
#[derive(Debug)]
pub(crate) enum Heard<T> {
    /// The next entry, or what was made of it.
    Entry(T),
    /// So many were missed: we were too slow.
    Missed(u64),
}

impl Events {
    /// What happens next; `None`: the server has gone, or has told all that was asked for.
    pub(crate) fn hear(&mut self) -> Option<Result<Heard<Entry>, ClientFault>> {
        self.hear_as(|text, _| serde_json::from_str(text))
    }

    /// The same, with each entry made into something by `read`, out of its JSON and of its line, if the entry does not say
    /// it and the server knows.
    pub(crate) fn hear_as<T>(
        &mut self,
        read: impl FnOnce(&str, Option<&str>) -> serde_json::Result<T>,
    ) -> Option<Result<Heard<T>, ClientFault>> {
        let line = match self.client.line() {
            Ok(line) => line?,
            Err(fault) => return Some(Err(fault)),
        };
        // Nearly all are entries.
        if let Ok(passed) = serde_json::from_str::<passed::Event<'_>>(&line) {
            let read = read(passed.entry.get(), passed.line.as_deref());
            return Some(read.map(Heard::Entry).map_err(|e| self.client.garbled(e.to_string())));
        }
        match self.client.understood(&line) {
            Ok(Answer::NoMore) => None,
            Ok(Answer::Missed { count }) => Some(Ok(Heard::Missed(count))),
            Ok(
                other @ (Answer::Status { .. }
                | Answer::Changes { .. }
                | Answer::Rights { .. }
                | Answer::Calls { .. }
                | Answer::Story { .. }
                | Answer::Explained { .. }
                | Answer::Listening
                | Answer::Event { .. }
                | Answer::Reply { .. }
                | Answer::Failed { .. }),
            ) => Some(Err(self.client.unfit(&other))),
            Err(fault) => Some(Err(fault)),
        }
    }

    /// Ends it from elsewhere: whoever hears, hears that the server has gone.
    pub(crate) fn ender(&self) -> Result<Ender, ClientFault> {
        self.client.ender()
    }

    /// Whether a further entry is here already.
    pub(crate) fn waiting(&self) -> bool {
        self.client.waiting()
    }
}

impl Iterator for Events {
    type Item = Result<Entry, ClientFault>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.hear()? {
                Ok(Heard::Entry(entry)) => return Some(Ok(entry)),
                Ok(Heard::Missed(count)) => {
                    crate::out::error(format_args!("dialback: {count} events were missed"));
                }
                Err(fault) => return Some(Err(fault)),
            }
        }
    }
}

//! A modem on a pty, played by the test: it hears commands, says results, and carries a call's bytes.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use proto::signals::Signals;
use proto::telnet::ComPortServer;
use proto::telnet::comport::PortSettings;
use proto::telnet::server::Output;
use sys::pty::{Pty, StableName};
use sys::tty::Tty;

/// No step of a test takes as long on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Three times what the servers are configured with. It is the protocol's own silence, and no event ends it: the server
/// counts from when it has sent, the modem from when it has heard, which is later.
const GUARD: Duration = Duration::from_millis(300);

pub(crate) struct Modem {
    port: Port,
    heard: Receiver<Heard>,
    unread: Vec<u8>,
    /// As the server holds it, where there is one.
    dtr: bool,
}

enum Heard {
    Bytes(Vec<u8>),
    Dtr(bool),
}

/// What the modem hangs on.
enum Port {
    Pty {
        line: File,
        /// Keeps the pty from ending while the server has it closed.
        _slave: Tty,
        _name: StableName,
    },
    Rfc2217(Arc<Mutex<Session>>),
}

/// The present connection of a terminal server's port.
#[derive(Default)]
struct Session {
    connection: Option<(TcpStream, ComPortServer)>,
}

impl Session {
    /// Does what the protocol wants; facts go to `tell`.
    fn carry_out(&mut self, tell: Option<&Sender<Heard>>) {
        let Some((stream, server)) = &mut self.connection else { return };
        while let Some(output) = server.poll() {
            let heard = if let Output::Wire(bytes) = &output {
                // The client may be gone: reading tells.
                drop(stream.write_all(bytes));
                None
            } else if let Output::Data(bytes) = output {
                Some(Heard::Bytes(bytes))
            } else if let Output::Dtr(up) = output {
                Some(Heard::Dtr(up))
            } else {
                None
            };
            if let (Some(tell), Some(heard)) = (tell, heard) {
                drop(tell.send(heard));
            }
        }
    }
}

impl Modem {
    /// A modem on a pty called `path`.
    pub(crate) fn at(path: &Path) -> Self {
        let (master, slave) = Pty::open().unwrap().into_halves();
        let name = StableName::new(path, slave.path()).unwrap();
        let line = File::from(master.as_fd().try_clone_to_owned().unwrap());
        let mut reading = line.try_clone().unwrap();
        let (tell, heard) = channel();
        std::thread::spawn(move || {
            let mut room = [0; 1024];
            while let Ok(count @ 1..) = reading.read(&mut room) {
                if tell.send(Heard::Bytes(room[..count].to_vec())).is_err() {
                    return;
                }
            }
        });
        let port = Port::Pty { line, _slave: slave, _name: name };
        Self { port, heard, unread: Vec::new(), dtr: false }
    }

    /// A modem behind a terminal server that speaks RFC 2217, and the server's `host:port`.
    pub(crate) fn behind_rfc2217() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listener.local_addr().unwrap().to_string();
        let session = Arc::new(Mutex::new(Session::default()));
        let (tell, heard) = channel();
        std::thread::spawn({
            let session = Arc::clone(&session);
            move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    attend(&stream, &session, &tell);
                    session.lock().unwrap().connection = None;
                    // The terminal server's port is closed: so falls DTR.
                    if tell.send(Heard::Dtr(false)).is_err() {
                        return;
                    }
                }
            }
        });
        (Self { port: Port::Rfc2217(session), heard, unread: Vec::new(), dtr: false }, place)
    }

    /// Says something, to the server or (online) as the caller.
    pub(crate) fn say(&mut self, text: &str) {
        match &mut self.port {
            Port::Pty { line, .. } => line.write_all(text.as_bytes()).unwrap(),
            Port::Rfc2217(session) => {
                let mut session = session.lock().unwrap();
                if let Some((_, server)) = &mut session.connection {
                    server.write(text.as_bytes());
                }
                session.carry_out(None);
            }
        }
    }

    /// The carrier rises or falls.
    pub(crate) fn carrier(&mut self, up: bool) {
        let Port::Rfc2217(session) = &self.port else { panic!("a pty has no carrier") };
        let mut session = session.lock().unwrap();
        if let Some((_, server)) = &mut session.connection {
            server.signals(Signals { dcd: up, dsr: true, cts: true, ri: false });
        }
        session.carry_out(None);
    }

    /// The terminal server is switched off and on again.
    pub(crate) fn cut_the_connection(&mut self) {
        let Port::Rfc2217(session) = &self.port else { panic!("a pty has no connection") };
        if let Some((stream, _)) = &session.lock().unwrap().connection {
            stream.shutdown(std::net::Shutdown::Both).unwrap();
        }
        self.unread.clear();
    }

    /// Waits until DTR is as wanted; what the server says meanwhile is given back.
    pub(crate) fn until_dtr(&mut self, up: bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        while self.dtr != up {
            self.hear(deadline, &format!("DTR {up}"));
        }
        String::from_utf8_lossy(&std::mem::take(&mut self.unread)).into_owned()
    }

    /// A result code.
    pub(crate) fn result(&mut self, text: &str) {
        self.say(&format!("\r\n{text}\r\n"));
    }

    /// Answers OK to each command until one begins with `wanted`, and gives that back, unanswered.
    pub(crate) fn until_command(&mut self, wanted: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = String::new();
        loop {
            while let Some(end) = self.unread.iter().position(|&byte| byte == b'\r') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                let command = String::from_utf8_lossy(&line).trim().to_owned();
                if command.starts_with(wanted) {
                    return command;
                }
                seen.push_str(&command);
                seen.push('|');
                self.result("OK");
            }
            self.hear(deadline, &format!("the command {wanted} (so far: {seen})"));
        }
    }

    /// Rings until the server answers, which it does once its set-up of the modem is through.
    pub(crate) fn ring_until_answered(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            self.result("RING");
            let next = Instant::now() + Duration::from_millis(500);
            while Instant::now() < next {
                while let Some(end) = self.unread.iter().position(|&byte| byte == b'\r') {
                    let line: Vec<u8> = self.unread.drain(..=end).collect();
                    if String::from_utf8_lossy(&line).trim().starts_with("ATA") {
                        return;
                    }
                    self.result("OK");
                }
                if let Ok(heard) = self.heard.recv_timeout(Duration::from_millis(20)) {
                    self.take(heard);
                }
            }
        }
        panic!("it rang in vain");
    }

    /// Waits until something has come that was not read yet.
    pub(crate) fn until_more(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.unread.is_empty() {
            self.hear(deadline, "anything");
        }
    }

    /// Answers OK to whatever command has come, and waits a moment for the next.
    pub(crate) fn answer_all(&mut self) {
        while let Some(end) = self.unread.iter().position(|&byte| byte == b'\r') {
            self.unread.drain(..=end);
            self.result("OK");
        }
        if let Ok(heard) = self.heard.recv_timeout(Duration::from_millis(20)) {
            self.take(heard);
        }
    }

    /// Hears what comes until `wanted` has come, and gives it back with everything before it.
    pub(crate) fn until_text(&mut self, wanted: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = String::from_utf8_lossy(&self.unread).into_owned();
            if let Some(at) = text.find(wanted) {
                let end = at + wanted.len();
                self.unread = text.as_bytes()[end..].to_vec();
                return text[..end].to_owned();
            }
            self.hear(deadline, &format!("{wanted:?} (so far: {text:?})"));
        }
    }

    /// The server hangs up a modem without control lines: `+++`, then `ATH`.
    pub(crate) fn until_hung_up(&mut self) -> String {
        let before = self.until_text("+++");
        self.silence();
        self.result("OK");
        self.until_command("ATH");
        self.result("OK");
        before
    }

    /// The guard time behind `+++`: an answer before its end would be the caller's typing.
    fn silence(&mut self) {
        while let Ok(heard) = self.heard.recv_timeout(GUARD) {
            self.take(heard);
        }
    }

    fn hear(&mut self, deadline: Instant, what: &str) {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.heard.recv_timeout(left) {
            Ok(heard) => self.take(heard),
            Err(RecvTimeoutError::Timeout) => panic!("waited in vain for {what}"),
            Err(RecvTimeoutError::Disconnected) => panic!("the port is gone before {what}"),
        }
    }

    fn take(&mut self, heard: Heard) {
        match heard {
            Heard::Bytes(bytes) => self.unread.extend(bytes),
            Heard::Dtr(up) => self.dtr = up,
        }
    }
}

/// One client of the terminal server, until it is gone.
fn attend(stream: &TcpStream, session: &Mutex<Session>, tell: &Sender<Heard>) {
    let signals = Signals { dcd: false, dsr: true, cts: true, ri: false };
    let server = ComPortServer::new("test", PortSettings::default(), signals);
    let mut reading = stream.try_clone().unwrap();
    {
        let mut session = session.lock().unwrap();
        session.connection = Some((stream.try_clone().unwrap(), server));
        drop(tell.send(Heard::Dtr(true)));
        session.carry_out(Some(tell));
    }
    let mut room = [0; 1024];
    while let Ok(count @ 1..) = reading.read(&mut room) {
        let mut session = session.lock().unwrap();
        if let Some((_, server)) = &mut session.connection {
            server.receive(&room[..count]);
        }
        session.carry_out(Some(tell));
    }
}

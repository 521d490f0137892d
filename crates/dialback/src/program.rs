//! Programs on lines: started by the kernel's side, watched to their end.
//!
//! ```text
//!   a local tty with control lines         the program gets the terminal itself; the port's task stops reading
//!   every other port                       it gets a fresh pty, and this task carries bytes both ways:
//!
//!      program ── pty ──► task ── Input::Program(Bytes) ──► core ──► port      read while few bytes wait there
//!      program ◄── pty ── task ◄── ProgramOutput::Bytes ──── core ◄── port     which is read while few wait here
//! ```
//!
//! It deliberately does not know which programs are allowed: what it is told to start comes from login.config.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use calls::vocabulary::{CallId, ExitStatus, Input, Launch, LineId, ProgramInput, ProgramOutput};
use sys::async_fd::AsyncPty;
use sys::launch::{Ended, Launched, Launcher, UtmpEntry};
use sys::pty::Pty;
use sys::tty::{Carrier, Flow, LineSettings, Tty};
use tokio::sync::{mpsc, oneshot};

use crate::port::{Gauge, HandedOver, Port};

/// A window nobody has told us about: a terminal of the time.
const WINDOW: (u16, u16) = (80, 24);

/// What a program may still have written when it ended: more than a pty holds, so only a background job that
/// goes on writing reaches it.
const LAST_WORDS: usize = 64 * 1024;

/// How long the pty may be silent after the program's end before what still holds it is left alone: a job
/// that ignores SIGHUP.
const LINGER: Duration = Duration::from_millis(200);

/// Room for one read, on the stack.
const READ_ROOM: usize = 4096;

/// The loop's end of a program.
#[derive(Debug)]
pub(crate) struct Program {
    line: LineId,
    /// Once it is known.
    terminal: Arc<OnceLock<PathBuf>>,
    orders: mpsc::UnboundedSender<ProgramOutput>,
    to_program: Gauge,
}

impl Program {
    /// Starts a program on a port. The answer is `Started` or `Failed`, and after `Started` once `Exited`.
    pub(crate) fn start(
        (call, line): (CallId, LineId),
        launch: Launch,
        port: &Port,
        inputs: mpsc::Sender<Input>,
    ) -> Self {
        let (orders, told) = mpsc::unbounded_channel();
        let to_program = port.to_program.clone();
        let task = Task {
            call,
            inputs,
            terminal: Arc::default(),
            orders: told,
            to_modem: port.to_modem.clone(),
            to_program: to_program.clone(),
        };
        let known = Arc::clone(&task.terminal);
        let terminal = port.hand_over();
        let take_back = port.taker_back();
        tokio::spawn(task.run(launch, terminal, take_back));
        Self { line, terminal: known, orders, to_program }
    }

    /// The line that it is on.
    pub(crate) fn line(&self) -> LineId {
        self.line
    }

    /// The terminal that it runs on, once it is known.
    pub(crate) fn terminal(&self) -> Option<&PathBuf> {
        self.terminal.get()
    }

    /// Tells it something. After its end nothing happens.
    pub(crate) fn tell(&self, output: ProgramOutput) {
        let bytes = match &output {
            ProgramOutput::Bytes(bytes) => bytes.len(),
            ProgramOutput::HangUp | ProgramOutput::Kill => 0,
        };
        self.to_program.add(bytes);
        if self.orders.send(output).is_err() {
            self.to_program.sub(bytes);
        }
    }
}

struct Task {
    call: CallId,
    terminal: Arc<OnceLock<PathBuf>>,
    inputs: mpsc::Sender<Input>,
    orders: mpsc::UnboundedReceiver<ProgramOutput>,
    to_modem: Gauge,
    to_program: Gauge,
}

impl Task {
    async fn run(
        mut self,
        launch: Launch,
        terminal: oneshot::Receiver<Result<HandedOver, String>>,
        take_back: impl FnOnce(),
    ) {
        let news = match terminal.await {
            Ok(Ok(terminal)) => {
                let news = self.on_the_terminal(&launch, &terminal).await;
                take_back();
                news
            }
            Ok(Err(why)) => {
                tracing::debug!(call = self.call.0, "the program gets a pty: {why}");
                self.on_a_pty(&launch).await
            }
            Err(_) => ProgramInput::Failed("the port is gone".to_owned()),
        };
        self.tell(news).await;
        // What was meant for the program and came too late no longer waits for it.
        self.orders.close();
        while let Ok(order) = self.orders.try_recv() {
            if let ProgramOutput::Bytes(bytes) = order {
                self.to_program.sub(bytes.len());
            }
        }
    }

    /// The program has the line's own terminal.
    async fn on_the_terminal(&mut self, launch: &Launch, terminal: &HandedOver) -> ProgramInput {
        if !launch.first_bytes.is_empty() {
            // The kernel has no way to put them back; who speaks PPP says it again within three seconds.
            tracing::debug!(call = self.call.0, "bytes before the program's start are lost");
        }
        let request = request(launch, terminal, Carrier::Watch);
        let mut program = match self.start(&request).await {
            Ok(program) => program,
            Err(failed) => return failed,
        };
        let ended = self.without_bytes(&mut program).await;
        signed_off(&request, program.pid());
        ended
    }

    /// Watches the program to its end; its bytes do not come this way.
    async fn without_bytes(&mut self, program: &mut Launched) -> ProgramInput {
        loop {
            tokio::select! {
                ended = program.wait() => return exited(ended),
                order = self.orders.recv() => match order {
                    Some(ProgramOutput::Bytes(bytes)) => self.to_program.sub(bytes.len()),
                    Some(ProgramOutput::HangUp) => self.signal("SIGHUP", program.hang_up()),
                    Some(ProgramOutput::Kill) => self.signal("SIGKILL", program.kill()),
                    // The loop has gone: so does the program.
                    None => {
                        self.signal("SIGHUP", program.hang_up());
                        return exited(program.wait().await);
                    }
                },
            }
        }
    }

    /// The program has a pty, and the core carries the bytes.
    async fn on_a_pty(&mut self, launch: &Launch) -> ProgramInput {
        let (master, slave) = match open_pty(launch.speed) {
            Ok(pty) => pty,
            Err(why) => return ProgramInput::Failed(why),
        };
        let terminal = HandedOver { path: slave.path().to_owned(), device: slave.device() };
        let request = request(launch, &terminal, Carrier::Ignore);
        let mut program = match self.start(&request).await {
            Ok(program) => program,
            Err(failed) => return failed,
        };
        // From now on the program holds it; the end of the last holder is the end of the file.
        drop(slave);
        let ended = self.carry(&master, &mut program, launch.first_bytes.clone()).await;
        signed_off(&request, program.pid());
        ended
    }

    /// Carries bytes both ways until the program has ended.
    async fn carry(
        &mut self,
        master: &AsyncPty,
        program: &mut Launched,
        first_bytes: Vec<u8>,
    ) -> ProgramInput {
        self.to_program.add(first_bytes.len());
        let mut out = first_bytes;
        loop {
            let reading = self.to_modem.is_low();
            tokio::select! {
                ended = program.wait() => {
                    self.last_words(master).await;
                    return exited(ended);
                }
                order = self.orders.recv() => match order {
                    Some(ProgramOutput::Bytes(bytes)) => out.extend_from_slice(&bytes),
                    Some(ProgramOutput::HangUp) => self.signal("SIGHUP", program.hang_up()),
                    Some(ProgramOutput::Kill) => self.signal("SIGKILL", program.kill()),
                    None => {
                        self.signal("SIGHUP", program.hang_up());
                        return exited(program.wait().await);
                    }
                },
                r = master.writable(), if !out.is_empty() => {
                    drop(r);
                    self.write(master, &mut out);
                }
                r = master.readable(), if reading => {
                    drop(r);
                    if !self.read(master).await {
                        // Nobody holds the pty any more; the program may live on without it.
                        return self.without_bytes(program).await;
                    }
                }
                () = self.to_modem.low(), if !reading => {}
            }
        }
    }

    async fn start(&self, request: &sys::launch::Launch) -> Result<Launched, ProgramInput> {
        // There is only one start of a program.
        drop(self.terminal.set(request.tty.clone()));
        match Launcher::this_program().start(request).await {
            Ok(program) => {
                for warning in program.warnings() {
                    tracing::warn!(call = self.call.0, "{}: {warning}", request.program.display());
                }
                self.tell(ProgramInput::Started { pid: program.pid() }).await;
                Ok(program)
            }
            Err(fault) => Err(ProgramInput::Failed(fault.to_string())),
        }
    }

    fn write(&self, master: &AsyncPty, out: &mut Vec<u8>) {
        match master.try_write(out) {
            Ok(count) => {
                out.drain(..count);
                self.to_program.sub(count);
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            // The program has closed its side: reading says so too.
            Err(_) => self.to_program.sub(std::mem::take(out).len()),
        }
        if out.is_empty() {
            *out = Vec::new();
        }
    }

    /// Reads once. `false`: the program's side is closed.
    async fn read(&self, master: &AsyncPty) -> bool {
        let heard = read_some(master);
        match heard {
            Ok(Some(bytes)) => {
                self.tell(ProgramInput::Bytes(bytes)).await;
                true
            }
            Ok(None) => true,
            Err(()) => false,
        }
    }

    /// What the program wrote before it ended. It is all there when the file ends, and that is when nobody
    /// holds the pty any more; "nothing now" does not mean that, since a pty delivers a moment later.
    async fn last_words(&self, master: &AsyncPty) {
        let mut left = LAST_WORDS;
        while left > 0 {
            let readable = tokio::time::timeout(LINGER, master.readable()).await;
            match readable.map(|_| read_some(master)) {
                Ok(Ok(Some(bytes))) => {
                    left = left.saturating_sub(bytes.len());
                    self.tell(ProgramInput::Bytes(bytes)).await;
                }
                Ok(Ok(None)) => {}
                Ok(Err(())) | Err(_) => return,
            }
        }
    }

    fn signal(&self, name: &str, result: io::Result<()>) {
        if let Err(e) = result {
            tracing::warn!(call = self.call.0, "{name} to the program's session: {e}");
        }
    }

    async fn tell(&self, news: ProgramInput) {
        // The loop has gone: nobody to tell.
        drop(self.inputs.send(Input::Program(self.call, news)).await);
    }
}

/// `Ok(None)`: nothing is there now. `Err`: the other side is closed.
fn read_some(master: &AsyncPty) -> Result<Option<Vec<u8>>, ()> {
    let mut room = [0; READ_ROOM];
    match master.try_read(&mut room) {
        Ok(0) => Err(()),
        Ok(count) => Ok(room.get(..count).map(<[u8]>::to_vec)),
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(_) => Err(()),
    }
}

fn open_pty(speed: u32) -> Result<(AsyncPty, Tty), String> {
    let (master, slave) = Pty::open().map_err(|e| e.to_string())?.into_halves();
    let settings =
        LineSettings { speed, flow: Flow::None, carrier: Carrier::Ignore, hang_up_on_close: true };
    slave.set(&settings).map_err(|e| e.to_string())?;
    let (columns, rows) = WINDOW;
    master.set_window_size(columns, rows).map_err(|e| format!("the pty's window: {e}"))?;
    let master = AsyncPty::new(master).map_err(|e| format!("the pty: {e}"))?;
    Ok((master, slave))
}

fn request(launch: &Launch, terminal: &HandedOver, carrier: Carrier) -> sys::launch::Launch {
    let is_login = launch.program.file_name().is_some_and(|name| name == "login");
    let utmp = launch.utmp.as_ref().map(|name| UtmpEntry {
        files: sys::utmp::Files::default(),
        // login(1) looks for this entry of its process and makes its own of it.
        stage: if is_login { sys::utmp::Stage::Login } else { sys::utmp::Stage::User },
        user: if is_login { "LOGIN".to_owned() } else { name.clone() },
        host: launch.host.clone(),
    });
    sys::launch::Launch {
        program: launch.program.clone(),
        arguments: launch.argv.iter().skip(1).map(OsString::from).collect(),
        environment: launch
            .env
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)))
            .collect(),
        user: launch.user.clone(),
        tty: terminal.path.clone(),
        device: terminal.device,
        carriage_return: true,
        carrier,
        access: None,
        utmp,
    }
}

/// The session's end in utmp and wtmp, if its beginning is there. On a thread: the C library may wait for the
/// files' locks.
fn signed_off(request: &sys::launch::Launch, pid: u32) {
    let Some(utmp) = request.utmp.clone() else { return };
    let tty = request.tty.clone();
    tokio::task::spawn_blocking(move || {
        let record =
            sys::utmp::Record { stage: sys::utmp::Stage::Dead, pid, tty: &tty, user: "", host: "" };
        if let Err(e) = sys::utmp::write(&utmp.files, &record) {
            tracing::warn!("{}: {e}", utmp.files.utmp.display());
        }
    });
}

fn exited(ended: io::Result<Ended>) -> ProgramInput {
    ProgramInput::Exited(match ended {
        Ok(Ended::Exited(code)) => ExitStatus::Code(code),
        Ok(Ended::Killed(signal)) => ExitStatus::Signal(signal),
        Ok(Ended::Unknown) => ExitStatus::Code(-1),
        Err(e) => {
            tracing::error!("waiting for a program: {e}");
            ExitStatus::Code(-1)
        }
    })
}

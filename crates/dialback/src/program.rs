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
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use calls::vocabulary::{CallId, ExitStatus, Input, Launch, LineId, ProgramInput, ProgramOutput};
use sys::async_fd::AsyncPty;
use sys::launch::{Ended, Launched, Launcher, UtmpEntry};
use sys::pty::{Pty, PtyMaster};
use sys::tty::{Carrier, Flow, LineSettings, Tty};
use tokio::sync::{mpsc, oneshot};

use crate::launcher::{self, Remote, Terminal};
use crate::port::{Gauge, HandedOver, Port, Surroundings};

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
        around: &Surroundings,
    ) -> Self {
        let (orders, told) = mpsc::unbounded_channel();
        let to_program = port.to_program.clone();
        let task = Task {
            call,
            inputs: around.inputs.clone(),
            launcher: around.launcher.clone(),
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
    launcher: Option<launcher::Client>,
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
                let news = self.on_the_terminal(&launch, terminal).await;
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
    async fn on_the_terminal(&mut self, launch: &Launch, terminal: HandedOver) -> ProgramInput {
        if !launch.first_bytes.is_empty() {
            // The kernel has no way to put them back; who speaks PPP says it again within three seconds.
            tracing::debug!(call = self.call.0, "bytes before the program's start are lost");
        }
        let (path, device) = (terminal.path, terminal.device);
        let started = match &self.launcher {
            Some(launcher) => launcher
                .program(launch.grounds.clone(), Terminal::Line)
                .await
                .map(|(remote, _no_pty)| Running::Remote(remote)),
            None => start_own(request(launch, path, device, Carrier::Watch)).await,
        };
        let mut program = match started {
            Ok(program) => program,
            Err(why) => return ProgramInput::Failed(why),
        };
        self.started(&program, launch).await;
        let ended = self.without_bytes(&mut program).await;
        program.left();
        ended
    }

    /// The program is there.
    async fn started(&self, program: &Running, launch: &Launch) {
        // There is only one start of a program.
        drop(self.terminal.set(program.terminal().to_owned()));
        for warning in program.warnings() {
            tracing::warn!(call = self.call.0, "{}: {warning}", launch.program.display());
        }
        self.tell(ProgramInput::Started { pid: program.pid() }).await;
    }

    /// Watches the program to its end; its bytes do not come this way.
    async fn without_bytes(&mut self, program: &mut Running) -> ProgramInput {
        loop {
            tokio::select! {
                ended = program.wait() => return ProgramInput::Exited(ended),
                order = self.orders.recv() => match order {
                    Some(ProgramOutput::Bytes(bytes)) => self.to_program.sub(bytes.len()),
                    Some(ProgramOutput::HangUp) => self.signal("SIGHUP", program.hang_up()),
                    Some(ProgramOutput::Kill) => self.signal("SIGKILL", program.kill()),
                    // The loop has gone: the program goes with it.
                    None => {
                        self.signal("SIGHUP", program.hang_up());
                        return ProgramInput::Exited(program.wait().await);
                    }
                },
            }
        }
    }

    /// The program has a pty, and the core carries the bytes.
    async fn on_a_pty(&mut self, launch: &Launch) -> ProgramInput {
        let (master, mut program) = match self.start_on_a_pty(launch).await {
            Ok(started) => started,
            Err(why) => return ProgramInput::Failed(why),
        };
        self.started(&program, launch).await;
        let ended = self.carry(&master, &mut program, launch.first_bytes.clone()).await;
        program.left();
        ended
    }

    async fn start_on_a_pty(&self, launch: &Launch) -> Result<(AsyncPty, Running), String> {
        let (master, program) = match &self.launcher {
            // Who starts it opens its terminal: the one with the rights never sits anybody down where it is told to.
            Some(launcher) => {
                match launcher.program(launch.grounds.clone(), Terminal::Pty).await? {
                    (remote, Some(master)) => (master, Running::Remote(remote)),
                    (_, None) => return Err("the launcher sent no pty".to_owned()),
                }
            }
            None => {
                let (master, slave) = open_pty(launch.speed)?;
                let (path, device) = (slave.path().to_owned(), slave.device());
                let own = start_own(request(launch, path, device, Carrier::Ignore)).await?;
                // From now on the program holds it; the end of the last holder is the end of the file.
                drop(slave);
                (master, own)
            }
        };
        let master = AsyncPty::new(master).map_err(|e| format!("the pty: {e}"))?;
        Ok((master, program))
    }

    /// Carries bytes both ways until the program has ended.
    async fn carry(
        &mut self,
        master: &AsyncPty,
        program: &mut Running,
        first_bytes: Vec<u8>,
    ) -> ProgramInput {
        self.to_program.add(first_bytes.len());
        let mut out = first_bytes;
        loop {
            let reading = self.to_modem.is_low();
            tokio::select! {
                ended = program.wait() => {
                    self.last_words(master).await;
                    return ProgramInput::Exited(ended);
                }
                order = self.orders.recv() => match order {
                    Some(ProgramOutput::Bytes(bytes)) => out.extend_from_slice(&bytes),
                    Some(ProgramOutput::HangUp) => self.signal("SIGHUP", program.hang_up()),
                    Some(ProgramOutput::Kill) => self.signal("SIGKILL", program.kill()),
                    None => {
                        self.signal("SIGHUP", program.hang_up());
                        return ProgramInput::Exited(program.wait().await);
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

/// A pty for a program, with both sides open.
pub(crate) fn open_pty(speed: u32) -> Result<(PtyMaster, Tty), String> {
    let (master, slave) = Pty::open().map_err(|e| e.to_string())?.into_halves();
    let settings =
        LineSettings { speed, flow: Flow::None, carrier: Carrier::Ignore, hang_up_on_close: true };
    slave.set(&settings).map_err(|e| e.to_string())?;
    let (columns, rows) = WINDOW;
    master.set_window_size(columns, rows).map_err(|e| format!("the pty's window: {e}"))?;
    Ok((master, slave))
}

/// A launch as the kernel's side takes it, on the terminal at `tty` with this device number.
pub(crate) fn request(
    launch: &Launch,
    tty: PathBuf,
    device: u64,
    carrier: Carrier,
) -> sys::launch::Launch {
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
        tty,
        device,
        carriage_return: true,
        raw: launch.is_for_frames(),
        carrier,
        access: None,
        utmp,
    }
}

/// The session's end in utmp and wtmp, if its beginning is there. On a thread: the C library may wait for the
/// files' locks.
fn signed_off(request: sys::launch::Launch, pid: u32) {
    if request.utmp.is_some() {
        tokio::task::spawn_blocking(move || sign_off(&request, pid));
    }
}

/// Writes the session's end into utmp and wtmp, if its beginning is there. May wait.
pub(crate) fn sign_off(request: &sys::launch::Launch, pid: u32) {
    let Some(utmp) = &request.utmp else { return };
    let (stage, tty) = (sys::utmp::Stage::Dead, request.tty.as_path());
    let record = sys::utmp::Record { stage, pid, tty, user: "", host: "" };
    if let Err(e) = sys::utmp::write(&utmp.files, &record) {
        tracing::warn!("{}: {e}", utmp.files.utmp.display());
    }
}

/// A running program: our own child, or the launcher's.
#[derive(Debug)]
enum Running {
    Own { launched: Launched, request: Box<sys::launch::Launch> },
    Remote(Remote),
}

/// Starts a program with our own rights.
async fn start_own(request: sys::launch::Launch) -> Result<Running, String> {
    match Launcher::this_program().start(&request).await {
        Ok(launched) => Ok(Running::Own { launched, request: Box::new(request) }),
        Err(fault) => Err(fault.to_string()),
    }
}

impl Running {
    fn pid(&self) -> u32 {
        match self {
            Self::Own { launched, .. } => launched.pid(),
            Self::Remote(remote) => remote.pid(),
        }
    }

    fn terminal(&self) -> &Path {
        match self {
            Self::Own { request, .. } => &request.tty,
            Self::Remote(remote) => &remote.terminal,
        }
    }

    fn warnings(&self) -> &[String] {
        match self {
            Self::Own { launched, .. } => launched.warnings(),
            Self::Remote(remote) => &remote.warnings,
        }
    }

    /// Cancel safe.
    async fn wait(&mut self) -> ExitStatus {
        match self {
            Self::Own { launched, .. } => exited(launched.wait().await),
            Self::Remote(remote) => remote.wait().await,
        }
    }

    fn hang_up(&self) -> io::Result<()> {
        match self {
            Self::Own { launched, .. } => launched.hang_up(),
            Self::Remote(remote) => {
                remote.hang_up();
                Ok(())
            }
        }
    }

    fn kill(&self) -> io::Result<()> {
        match self {
            Self::Own { launched, .. } => launched.kill(),
            Self::Remote(remote) => {
                remote.kill();
                Ok(())
            }
        }
    }

    /// After its end: what the launcher does by itself.
    fn left(self) {
        match self {
            Self::Own { launched, request } => signed_off(*request, launched.pid()),
            Self::Remote(_) => {}
        }
    }
}

fn exited(ended: io::Result<Ended>) -> ExitStatus {
    match ended {
        Ok(Ended::Exited(code)) => ExitStatus::Code(code),
        Ok(Ended::Killed(signal)) => ExitStatus::Signal(signal),
        Ok(Ended::Unknown) => ExitStatus::Code(-1),
        Err(e) => {
            tracing::error!("waiting for a program: {e}");
            ExitStatus::Code(-1)
        }
    }
}

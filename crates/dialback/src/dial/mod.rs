//! `dialback dial`: the client. It reads whom to call, asks for what is secret, lets the machine of
//! [`proto::dialer`] make the call, and gives the line to a person or a program.
//!
//! ```text
//!   peer file + options ─► plan ─► port (locked, raw, CLOCAL) ─► Dialer ─► terminal | program ─► on-hook
//!                                       every way out: the port's and the person's settings as they were
//! ```
//!
//! It deliberately does not know prompts, result codes or states: those are the machine's.

mod dial_up;
pub(crate) mod line;
pub(crate) mod outcome;
pub(crate) mod peer;
pub(crate) mod ppp;
mod progress;
mod run;
mod screen;
mod script;
mod speaker;

use std::io::Read as _;
use std::path::PathBuf;
use std::time::Duration;

use proto::at::commands::{Command, Plan as Commands, Refused};
use proto::at::hang_up;
use proto::at::reader::Form;
use proto::dialer::{Answer, Cause, Hook, Login, Plan, Request};
use proto::login::Secret;
use proto::time::Instant;
use sys::files::{Trust, open_trusted};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::{Code, Failure};
use line::Line;
use outcome::Outcome;
use peer::{Password, Peer, Then};
use ppp::Ready;
use progress::Progress;

/// The longest password that is read from a file.
const MAX_PASSWORD: u64 = 256;

/// The patience with a modem that is put back as it was: it may be gone.
const PUT_BACK_TIME: Duration = Duration::from_secs(3);

/// How to tell it.
#[derive(Debug)]
pub(crate) struct Telling {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
    pub(crate) log: Option<PathBuf>,
}

/// The signals that end a call in good order.
#[derive(Debug)]
pub(crate) struct Signals {
    hangup: Signal,
    interrupt: Signal,
    terminate: Signal,
    quit: Signal,
}

impl Signals {
    fn catch() -> std::io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
        })
    }

    /// The next one's name. Cancel safe.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.hangup.recv() => "SIGHUP",
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.quit.recv() => "SIGQUIT",
        }
    }
}

/// What time it is, for the machines.
fn now() -> Instant {
    Instant::from_micros(sys::clock::monotonic_micros())
}

/// Makes the call. `about`: the peer's name, for messages.
pub(crate) fn run(about: &str, peer: &Peer, telling: &Telling) -> Result<(), Failure> {
    let system = |e: std::io::Error| Failure::new(Code::System, format!("dial: {e}"));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(system)?;
    let mut progress = Progress::new(now(), telling.json, telling.quiet);
    let ended = runtime.block_on(async {
        let signals = Signals::catch().map_err(|e| (Outcome::PortLost, e.to_string()))?;
        whole(peer, telling, &mut progress, signals).await
    });
    // A thread may still wait for a key that nobody presses.
    runtime.shutdown_background();
    match ended {
        Ok(()) => {
            progress.ended(now(), "session", "");
            Ok(())
        }
        Err((outcome, detail)) => {
            progress.ended(now(), outcome.row().2, &detail);
            Err(outcome.failure(about, &detail))
        }
    }
}

async fn whole(
    peer: &Peer,
    telling: &Telling,
    progress: &mut Progress,
    mut signals: Signals,
) -> Result<(), (Outcome, String)> {
    let (password, mut ready) = tokio::select! {
        known = known(peer) => known?,
        name = signals.next() => {
            return Err((Outcome::Call(Cause::Interrupted), name.to_owned()));
        }
    };
    let mut line = tokio::select! {
        line = Line::open(peer, telling.log.as_deref()) => line?,
        name = signals.next() => {
            return Err((Outcome::Call(Cause::Interrupted), name.to_owned()));
        }
    };
    progress.about(
        peer.number.as_ref().map_or("", |(number, _)| number.as_str()),
        peer.callback.as_ref().map_or("", |callback| &callback.name),
        peer.login.as_ref().map_or("", |login| &login.name),
    );
    let known = (password, ready.as_mut());
    let ended = on_line(peer, telling.verbose, known, &mut line, progress, &mut signals).await;
    line.close();
    if let Some(ready) = &mut ready {
        for fault in ready.finish().await {
            progress.say(now(), fault, None);
        }
    }
    ended
}

/// Everything that a call needs and a telephone bill should not have to pay for when it is missing: the password of
/// a login, and what PPP needs.
async fn known(peer: &Peer) -> Result<(Option<Secret>, Option<Ready<'_>>), (Outcome, String)> {
    let login = match &peer.login {
        Some(login) => password(&login.name, &login.password).await?,
        None => None,
    };
    let Then::Ppp(wish) = &peer.then else { return Ok((login, None)) };
    let place = match &wish.password {
        ppp::wishes::Password::Ask => Password::Ask,
        ppp::wishes::Password::File(path) => Password::File(path.clone()),
        ppp::wishes::Password::Secrets(_) => Password::None,
    };
    let secret = password(&wish.name, &place).await?;
    let ready = Ready::new(wish, secret, (&peer.port, peer.speed))?;
    Ok((login, Some(ready)))
}

async fn on_line(
    peer: &Peer,
    verbose: bool,
    (password, ready): (Option<Secret>, Option<&mut Ready<'_>>),
    line: &mut Line,
    progress: &mut Progress,
    signals: &mut Signals,
) -> Result<(), (Outcome, String)> {
    let fault = |e| (Outcome::Call(Cause::ModemRefuses), e);
    let hook = hook(peer).map_err(fault)?;
    let said = match (&peer.chat, &peer.scp) {
        (Some(script), _) => script::run(line, script, &hook, verbose, progress, signals).await?,
        (None, Some(file)) => {
            let program = dial_up::program(file)?;
            let lines = line.signals().is_some();
            let mut plan = plan(peer, lines, None, hook.clone()).map_err(fault)?;
            // The talk is the script's.
            plan.login = None;
            let said = run::dial(line, plan, verbose, progress, signals).await?;
            let name = peer.login.as_ref().map_or("", |login| &login.name).as_bytes().to_vec();
            let password = password.map_or_else(Vec::new, |secret| secret.reveal().to_vec());
            let login = proto::scp::Login::new(name, password);
            dial_up::run(line, (program, login), said, &hook, progress, signals).await?
        }
        (None, None) => {
            let lines = line.signals().is_some();
            let plan = plan(peer, lines, password, hook.clone()).map_err(fault)?;
            run::dial(line, plan, verbose, progress, signals).await?
        }
    };
    let Some(ready) = ready else {
        return run::session(line, &peer.then, hook, said, progress, signals).await;
    };
    let answer = answer(peer).map_err(fault)?;
    // Asked for at prompts, the callback has happened already.
    let returned = peer.callback.is_some();
    ppp::run(line, ready, (answer, hook), (said, returned), progress, signals).await
}

/// A password, from where the peer has it.
async fn password(name: &str, place: &Password) -> Result<Option<Secret>, (Outcome, String)> {
    let fault = |e: String| (Outcome::Call(Cause::LoginRefused), e);
    let mut secret = match place {
        Password::None => return Ok(None),
        Password::Ask => {
            let asked = screen::ask(&format!("Password for {name}: ")).await;
            asked.map_err(|e| fault(e.to_string()))?
        }
        Password::File(path) => {
            let file = open_trusted(path, Trust::Secret).map_err(|e| fault(e.to_string()))?;
            let mut text = Vec::new();
            let read = file.take(MAX_PASSWORD).read_to_end(&mut text);
            read.map_err(|e| fault(format!("{}: {e}", path.display())))?;
            text
        }
    };
    let end = secret.iter().position(|byte| byte.is_ascii_control()).unwrap_or(secret.len());
    secret.truncate(end);
    if secret.is_empty() {
        return Err(fault("the password is empty".to_owned()));
    }
    Ok(Some(Secret::new(secret)))
}

/// How calls end on the peer's modem.
fn hook(peer: &Peer) -> Result<Hook, String> {
    let command = |text: &str| {
        Command::new(text).map(|mut command| {
            command.limit = PUT_BACK_TIME;
            command.refused = Refused::GoesOn;
            command
        })
    };
    let carrier = if peer.holds_carrier() { "AT&C1" } else { "AT" };
    let put_back: Result<Vec<_>, _> = ["ATH", carrier].map(command).into_iter().collect();
    Ok(Hook {
        by_command: hang_up::Plan { escape: peer.escape, ..peer.profile.hang_up_plan(None) },
        put_back: Commands {
            commands: put_back.map_err(|e| e.to_string())?,
            form: Form::Verbose,
            force: None,
        },
        escape: peer.escape,
    })
}

/// How a call back is answered on the peer's modem.
fn answer(peer: &Peer) -> Result<Answer, String> {
    let command = if peer.holds_carrier() { "AT&C1A" } else { peer.profile.answer };
    let command = Command::new(command).map_err(|e| e.to_string())?;
    Ok(Answer { command, time: peer.profile.answer_time })
}

/// The peer as the machine wants it. `lines`: the port has control lines.
fn plan(peer: &Peer, lines: bool, password: Option<Secret>, hook: Hook) -> Result<Plan, String> {
    let Some((_, dial)) = &peer.number else { return Err("no number".to_owned()) };
    let profile = peer.profile;
    let bytes = |text: &str| text.as_bytes().to_vec();
    Ok(Plan {
        setup: peer.setup(lines)?,
        dial: dial.clone(),
        dial_time: profile.dial_time,
        request: peer.callback.as_ref().map(|callback| Request {
            login_prompt: bytes(&callback.login_prompt),
            name: bytes(&callback.name),
            number_prompt: bytes(&callback.number_prompt),
            number: callback.number.as_deref().map(bytes),
            refusals: callback.refusals.iter().map(|words| bytes(words)).collect(),
        }),
        callback_time: peer.callback.as_ref().map_or(Duration::ZERO, |callback| callback.wait),
        answer: answer(peer)?,
        login: peer.login.as_ref().map(|login| Login {
            login_prompt: bytes(&login.login_prompt),
            name: bytes(&login.name),
            password_prompt: bytes(&login.password_prompt),
            password,
        }),
        prompt_time: peer.prompt_time,
        hook,
    })
}

//! The two halves of a call as loops over the port: the machine dials, then a person or a program speaks.
//!
//! Each loop drains its machine, then sleeps for the port, the machine's deadline, a signal, or a second on the
//! display.

use std::time::Duration;

use proto::dialer::session::{End, Session, Step as Act};
use proto::dialer::{Answer, Cause, Dialer, Hook, Leg, Plan, Stage, Step, tilde};
use proto::time::Instant;

use super::line::Line;
use super::outcome::Outcome;
use super::peer::Then;
use super::progress::Progress;
use super::speaker::{Speaker, Spoke};
use super::{Signals, now};
use crate::port::{Heard, Unsent};

/// How a half ends badly.
pub(super) type Ended = (Outcome, String);

/// Keys are read while fewer bytes than this wait for the modem.
const AHEAD: usize = 512;

/// The far end's words on the session's call before it is handed over: its greeting belongs on the screen.
const MAX_GREETING: usize = 16 * 1024;

/// A modem may hold up the last words so long; then they are for nobody.
const LEAVE_TIME: Duration = Duration::from_secs(5);

/// What the dialling half leaves to the next one.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// What the far end said on this call so far, prompts included.
    pub(super) greeting: Vec<u8>,
    /// What it has said since: the next speaker's.
    pub(super) rest: Vec<u8>,
    /// The call's speed in bit/s, if the modem told.
    pub(super) rate: Option<u32>,
}

/// The wait until what was said last has left for the modem.
#[derive(Debug)]
pub(super) struct Leaving {
    until: Instant,
}

impl Leaving {
    /// Begins.
    pub(super) fn start() -> Self {
        Self { until: now() + LEAVE_TIME }
    }

    /// When to look again, besides whenever [`Line::wait`] returns; `None`: all has left, or can't.
    pub(super) fn look(&self, line: &mut Line) -> Option<Instant> {
        if self.until <= now() {
            return None;
        }
        match line.unsent() {
            Unsent::Nothing => None,
            Unsent::LookIn(time) => Some(self.until.min(now() + time)),
            Unsent::Told => Some(self.until),
        }
    }
}

pub(super) async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep(at - now()).await,
        None => std::future::pending().await,
    }
}

/// Dials, is called back, logs in.
pub(super) async fn dial(
    line: &mut Line,
    plan: Plan,
    verbose: bool,
    progress: &mut Progress,
    signals: &mut Signals,
) -> Result<Said, Ended> {
    let returns = plan.request.is_some();
    let dialer = Dialer::start(now(), plan, line.signals());
    drive(line, dialer, returns, verbose, progress, signals).await
}

/// Waits for a call back that was agreed on in other words than prompts, and answers it.
pub(super) async fn await_call(
    line: &mut Line,
    (answer, hook): (Answer, Hook),
    time: Duration,
    progress: &mut Progress,
    signals: &mut Signals,
) -> Result<Said, Ended> {
    let dialer = Dialer::wait(now(), answer, hook, line.signals(), time);
    drive(line, dialer, true, false, progress, signals).await
}

async fn drive(
    line: &mut Line,
    mut dialer: Dialer,
    returns: bool,
    verbose: bool,
    progress: &mut Progress,
    signals: &mut Signals,
) -> Result<Said, Ended> {
    let mut said = Said::default();
    loop {
        while let Some(step) = dialer.poll() {
            match step {
                Step::Send(bytes) => line.send(&bytes),
                Step::Dtr(up) => line.set_dtr(up).map_err(lost)?,
                Step::Stage(stage) => {
                    if let Stage::Connected { connect, .. } = &stage {
                        said.rate = connect.speed;
                    }
                    progress.stage(now(), &stage);
                }
                Step::Text(leg, bytes) => {
                    if verbose {
                        progress.heard(now(), &bytes);
                    }
                    if leg == Leg::Return || !returns {
                        let room = MAX_GREETING.saturating_sub(said.greeting.len());
                        said.greeting.extend(bytes.iter().take(room));
                    }
                    line.note(&bytes).map_err(|e| lost(format!("the log: {e}")))?;
                }
                Step::Online => {
                    said.rest = dialer.finish();
                    return Ok(said);
                }
                Step::Failed(failure) => {
                    return Err((Outcome::Call(failure.cause), failure.detail));
                }
            }
        }
        let due = dialer.deadline().map(|deadline| deadline.at);
        let shown = progress.next_tick(now());
        tokio::select! {
            () = line.wait() => {}
            () = until(due) => {}
            () = until(shown) => progress.tick(now()),
            name = signals.next() => dialer.interrupt(now(), name),
        }
        for heard in line.hear(true) {
            match heard {
                Heard::Bytes(bytes) => dialer.receive(now(), &bytes),
                Heard::Signals(signals) => dialer.signals(now(), signals),
                Heard::Lost(why) => return Err(lost(why)),
            }
        }
        dialer.tick(now());
    }
}

/// Gives the line to whom it is for, until the call is over.
pub(super) async fn session(
    line: &mut Line,
    then: &Then,
    hook: Hook,
    said: Said,
    progress: &mut Progress,
    signals: &mut Signals,
) -> Result<(), Ended> {
    let mut speaker = match then {
        // It has no speaker: its own loop has the line.
        Then::Ppp(_) => return Ok(()),
        Then::Terminal => {
            progress.say(now(), "your terminal; ~? shows its escapes".to_owned(), None);
            progress.settle(now());
            Speaker::person().map_err(|e| lost(format!("the terminal: {e}")))?
        }
        Then::Program(words) => {
            progress.say(now(), format!("running {}", words.join(" ")), None);
            progress.settle(now());
            Speaker::program(words).map_err(|e| (Outcome::Program, e))?
        }
    };
    let mut session = Session::start(now(), hook, line.signals());
    if speaker.wants_greeting() {
        speaker.show(&said.greeting).map_err(|e| gone(&e))?;
    }
    session.receive(now(), &said.rest);
    let end = talk(line, &mut session, &mut speaker, signals).await?;
    speaker.finish().await.map_err(|e| (Outcome::Program, e))?;
    progress.say(now(), ending(end).to_owned(), None);
    Ok(())
}

async fn talk(
    line: &mut Line,
    session: &mut Session,
    speaker: &mut Speaker,
    signals: &mut Signals,
) -> Result<End, Ended> {
    let (mut leaving, mut hung_up) = (None, false);
    loop {
        while let Some(step) = session.poll() {
            match step {
                Act::Send(bytes) => line.send(&bytes),
                Act::Dtr(up) => line.set_dtr(up).map_err(lost)?,
                Act::Break => {
                    if let Err(why) = line.send_break().await {
                        speaker
                            .show(format!("\r\n[{why}]\r\n").as_bytes())
                            .map_err(|e| gone(&e))?;
                    }
                }
                Act::Show(bytes) => {
                    line.note(&bytes).map_err(|e| lost(format!("the log: {e}")))?;
                    speaker.show(&bytes).map_err(|e| gone(&e))?;
                }
                Act::Help => speaker.show(tilde::HELP.as_bytes()).map_err(|e| gone(&e))?,
                Act::Ended(end) => return Ok(end),
            }
        }
        let due = session.deadline().map(|deadline| deadline.at);
        let room = line.waiting() < AHEAD;
        let takes = speaker.takes_more();
        let mut look = None;
        if speaker.is_over() {
            // What it has said last still goes out.
            let last = leaving.get_or_insert_with(Leaving::start);
            look = last.look(line);
            if look.is_none() && !std::mem::replace(&mut hung_up, true) {
                session.hang_up(now());
                continue;
            }
        }
        tokio::select! {
            () = line.wait(), if takes => {}
            () = until(due) => {}
            spoke = speaker.next(room) => match spoke {
                Spoke::Keys(keys) => session.typed(now(), &keys),
                Spoke::Bytes(bytes) => session.data(now(), &bytes),
                Spoke::Nothing => {}
            },
            () = until(look), if look.is_some() => {}
            _ = signals.next() => session.hang_up(now()),
        }
        for heard in line.hear(takes) {
            match heard {
                Heard::Bytes(bytes) => session.receive(now(), &bytes),
                Heard::Signals(signals) => session.signals(now(), signals),
                Heard::Lost(why) => return Err(lost(why)),
            }
        }
        session.tick(now());
    }
}

fn gone(e: &std::io::Error) -> Ended {
    (Outcome::Call(Cause::Interrupted), format!("the screen: {e}"))
}

const fn ending(end: End) -> &'static str {
    match end {
        End::HungUp => "hung up",
        End::CarrierLost => "the call is over",
    }
}

pub(super) fn lost(why: String) -> Ended {
    (Outcome::PortLost, why)
}

//! A Windows dial-up script (`.scp`) on a call that we have made: from its `CONNECT` to the login on the call back.
//!
//! As under Windows the dialling is not the script's business; the modem holds its carrier signal up meanwhile.

use std::collections::VecDeque;
use std::path::Path;

use proto::dialer::{Cause, Hook};
use proto::scp::{Act, Engine, Login, MAX_SCRIPT, Outcome as Ending, Program, Severity};

use super::line::Line;
use super::outcome::Outcome;
use super::progress::Progress;
use super::run::{Ended, Said, lost, until};
use super::script::{MOST_HELD, hang_up, read};
use super::{Signals, now};
use crate::port::Heard;

/// Reads a script: every fault is found before anything is dialled.
pub(super) fn program(file: &Path) -> Result<Program, Ended> {
    let text = read(file, MAX_SCRIPT + 1).map_err(|e| (Outcome::Script, e))?;
    let reading = proto::scp::read(&text);
    reading.program.ok_or_else(|| {
        let fault = reading.faults.iter().find(|fault| fault.severity == Severity::Error);
        let what = fault.map_or("", |fault| fault.message.as_str());
        let why = format!("{}: {what}; `dialback scp check` shows all faults", file.display());
        (Outcome::Script, why)
    })
}

/// Runs it. If it fails, the line is hung up.
pub(super) async fn run(
    line: &mut Line,
    (program, login): (Program, Login),
    said: Said,
    hook: &Hook,
    progress: &mut Progress,
    signals: &mut Signals,
) -> Result<Said, Ended> {
    let mut engine = Engine::new(program, login, None, now());
    let held = VecDeque::from(said.rest);
    match talk(line, &mut engine, held, progress, signals).await {
        Ok(rest) => Ok(Said { rest, ..Said::default() }),
        Err((Outcome::PortLost, why)) => Err(lost(why)),
        Err(ended) => {
            hang_up(line, hook).await?;
            Err(ended)
        }
    }
}

async fn talk(
    line: &mut Line,
    engine: &mut Engine,
    mut held: VecDeque<u8>,
    progress: &mut Progress,
    signals: &mut Signals,
) -> Result<Vec<u8>, Ended> {
    loop {
        while let Some(output) = engine.poll() {
            match output.act {
                Act::Send(bytes) => line.send(&bytes),
                Act::SetPort(setting) => {
                    let text = format!("line {}: {setting:?} left as it is", output.line);
                    progress.say(now(), text, None);
                }
                Act::WaitsFor { texts, until } => {
                    let text: Vec<_> =
                        texts.iter().map(|text| text.escape_ascii().to_string()).collect();
                    let until = until.map(|wait| now() + wait);
                    progress.say(now(), format!("waiting for {}", text.join(" or ")), until);
                }
                Act::SetKeyboard(_)
                | Act::SetAddress(_)
                | Act::Found(_)
                | Act::NotFound
                | Act::Read(_) => {}
                Act::Ended(Ending::Ppp | Ending::Halted) => return Ok(held.into()),
                Act::Ended(Ending::HungUp) => {
                    let why = format!("line {} of the script", output.line);
                    return Err((Outcome::Call(Cause::CarrierLost), why));
                }
                Act::Ended(Ending::Limit) => {
                    return Err((Outcome::Script, "its time is over".to_owned()));
                }
                Act::Ended(Ending::Failed(fault)) => {
                    return Err((
                        Outcome::Script,
                        format!("line {}: {}", output.line, fault.message),
                    ));
                }
            }
        }
        if engine.listening()
            && let Some(byte) = held.pop_front()
        {
            engine.receive(now(), &[byte]);
            continue;
        }
        let due = engine.deadline().map(|deadline| deadline.at);
        let shown = progress.next_tick(now());
        tokio::select! {
            () = line.wait() => {}
            () = until(due) => {}
            () = until(shown) => progress.tick(now()),
            name = signals.next() => return Err((Outcome::Call(Cause::Interrupted), name.to_owned())),
        }
        for heard in line.hear(held.len() < MOST_HELD) {
            match heard {
                Heard::Bytes(bytes) => {
                    line.note(&bytes).map_err(|e| lost(format!("the log: {e}")))?;
                    held.extend(bytes);
                }
                Heard::Signals(_) => {}
                Heard::Lost(why) => return Err(lost(why)),
            }
        }
        engine.tick(now());
    }
}

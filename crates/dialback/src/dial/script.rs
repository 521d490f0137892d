//! A chat(8) script that does the whole talk, from the modem's setup to the login on the call back.
//!
//! The line is CLOCAL and stays open meanwhile, so that the script outlives the first call's end, with or without
//! `AT&C` in it. It sees seven bits, as under chat; what it leaves is the next speaker's, with all eight.

use std::collections::VecDeque;
use std::io::Read as _;
use std::path::Path;

use proto::chat::engine::LONGEST_FILE;
use proto::chat::script::LONGEST_SCRIPT;
use proto::chat::{Engine, InputEnd, Options, Script, Severity, Step};
use proto::dialer::on_hook::{self, OnHook};
use proto::dialer::{Cause, Hook};

use super::line::Line;
use super::outcome::Outcome;
use super::progress::Progress;
use super::run::{Ended, Said, lost, until};
use super::{Signals, now};
use crate::port::Heard;

/// What chat's abort strings mean where they are a modem's words.
const ABORTS: &[(&str, Cause)] = &[
    ("BUSY", Cause::Busy),
    ("NO DIALTONE", Cause::NoDialtone),
    ("NO DIAL TONE", Cause::NoDialtone),
    ("NO ANSWER", Cause::NoAnswer),
    ("NO CARRIER", Cause::NoCarrier),
    ("VOICE", Cause::Voice),
    ("DELAYED", Cause::DialRefused),
];

/// Unread bytes that are kept for the script: see `proto::chat::engine::MOST_HELD`.
pub(super) const MOST_HELD: usize = 64 * 1024;

/// Runs the script to its end. If it fails, the line is hung up.
pub(super) async fn run(
    line: &mut Line,
    file: &Path,
    hook: &Hook,
    verbose: bool,
    progress: &mut Progress,
    signals: &mut Signals,
) -> Result<Said, Ended> {
    let script = read(file, LONGEST_SCRIPT).map_err(|e| (Outcome::Script, e))?;
    let options = Options { echo: verbose, ..Options::default() };
    let mut engine = Engine::new(Script::from_file(&script), options);
    progress.say(now(), format!("running {}", file.display()), None);
    engine.start(now());
    match talk(line, &mut engine, verbose, progress, signals).await {
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
    verbose: bool,
    progress: &mut Progress,
    signals: &mut Signals,
) -> Result<Vec<u8>, Ended> {
    let mut held: VecDeque<u8> = VecDeque::new();
    loop {
        while let Some(step) = engine.poll() {
            match step {
                Step::Send(byte) => {
                    line.send(&[byte]);
                    engine.carried_out(now());
                }
                Step::Break => {
                    // chat does not look at the result either.
                    let _ = line.send_break().await;
                    engine.carried_out(now());
                }
                Step::Echo(text) | Step::Say(text) => progress.heard(now(), &text),
                Step::Report { text, .. } => {
                    progress.say(now(), String::from_utf8_lossy(&text).into_owned(), None);
                }
                Step::Log(Severity::Error, text) if verbose => {
                    progress.say(now(), String::from_utf8_lossy(&text).into_owned(), None);
                }
                // SIGHUP ends us in any case: it is the person's terminal that has gone, not the line.
                Step::Log(..) | Step::Hangup(_) => {}
                Step::ReadFile(name) => {
                    let name = String::from_utf8_lossy(&name).into_owned();
                    let text = read(Path::new(&name), LONGEST_FILE);
                    engine.file(now(), text.as_deref().map_err(String::as_str));
                }
                Step::Done(done) if done.code == 0 => return Ok(held.into()),
                Step::Done(done) => return Err(failed(done.code, &done.message)),
            }
        }
        let wanted = engine.wanted().min(held.len());
        if wanted > 0 {
            let bytes: Vec<u8> = held.drain(..wanted).map(|byte| byte & 0x7f).collect();
            engine.receive(now(), &bytes);
            continue;
        }
        let due = engine.deadline().map(|deadline| deadline.at);
        let shown = progress.next_tick(now());
        tokio::select! {
            () = line.wait() => {}
            () = until(due) => engine.tick(now()),
            () = until(shown) => progress.tick(now()),
            name = signals.next() => engine.interrupt(now(), name),
        }
        for heard in line.hear(held.len() < MOST_HELD) {
            match heard {
                Heard::Bytes(bytes) => {
                    line.note(&bytes).map_err(|e| lost(format!("the log: {e}")))?;
                    held.extend(bytes);
                }
                Heard::Signals(_) => {}
                Heard::Lost(why) => {
                    engine.input_ended(now(), InputEnd::Failed);
                    return Err(lost(why));
                }
            }
        }
    }
}

/// Why a script failed: the modem's words have outcomes of their own.
fn failed(code: u8, message: &[u8]) -> Ended {
    let message = String::from_utf8_lossy(message).into_owned();
    let cause = match code {
        2 if message.starts_with("SIG") => Some(Cause::Interrupted),
        4.. => ABORTS.iter().find(|(word, _)| message.contains(word)).map(|(_, cause)| *cause),
        _ => None,
    };
    match cause {
        Some(cause) => (Outcome::Call(cause), message),
        None if code == 3 => {
            (Outcome::Script, "what it waited for did not come in time".to_owned())
        }
        None => (Outcome::Script, message),
    }
}

/// Leaves the modem on-hook, whatever state the script left it in.
pub(super) async fn hang_up(line: &mut Line, hook: &Hook) -> Result<(), Ended> {
    let mut on_hook = OnHook::online(now(), hook, line.signals());
    loop {
        while let Some(step) = on_hook.poll() {
            match step {
                on_hook::Step::Send(bytes) => line.send(&bytes),
                on_hook::Step::Dtr(up) => line.set_dtr(up).map_err(lost)?,
                on_hook::Step::Done { .. } => return Ok(()),
            }
        }
        let due = on_hook.deadline().map(|deadline| deadline.at);
        tokio::select! {
            () = line.wait() => {}
            () = until(due) => {}
        }
        for heard in line.hear(true) {
            match heard {
                Heard::Bytes(bytes) => on_hook.receive(now(), &bytes),
                Heard::Signals(signals) => on_hook.signals(now(), signals),
                Heard::Lost(why) => return Err(lost(why)),
            }
        }
        on_hook.tick(now());
    }
}

/// The beginning of a file.
pub(super) fn read(path: &Path, most: usize) -> Result<Vec<u8>, String> {
    let fault = |e: std::io::Error| format!("{}: {e}", path.display());
    let mut text = Vec::new();
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    std::fs::File::open(path).map_err(fault)?.take(most).read_to_end(&mut text).map_err(fault)?;
    Ok(text)
}

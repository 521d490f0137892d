//! callback.config, and what login.config's callback entries ask for, as `[callback]`.
//!
//! It does not know who is called back.

use std::path::Path;

use super::lines::{Line, Lines, accepted};
use super::login::Login;
use super::reader::{self, number, sent};
use super::{Asked, Kind, Place, Remarks};

/// `[callback]` to be.
#[derive(Debug)]
pub(super) struct Callback {
    /// Whether anybody is called back at all.
    pub(super) used: bool,
    /// The value of `line`, as TOML.
    pub(super) line: String,
    pub(super) delay_s: u64,
    pub(super) jitter_s: u64,
    pub(super) retry_s: u64,
    pub(super) max_s: u64,
    pub(super) tries: u64,
    /// Whether somebody is asked for a number.
    pub(super) asks: bool,
}

/// The shortest wait before mgetty's callback dials.
const SHORTEST: u64 = 4;

/// Reads callback.config; lines get what it says of modems.
pub(super) fn read(
    asked: &Asked,
    login: &Login,
    lines: &mut Lines,
    remarks: &mut Remarks,
) -> Callback {
    let path = asked.mgetty.join("callback.config");
    let text = asked.root.text(&path);
    let statements = reader::statements(text.as_deref().unwrap_or_default());
    let global = |keyword: &str| {
        statements
            .iter()
            .rev()
            .find(|statement| statement.keyword == keyword && statement.port.is_none())
            .map(|statement| (statement.value.clone(), Place::line(&path, statement.line)))
    };
    let seconds = |keyword: &str, usual: u64| {
        global(keyword).and_then(|(value, _)| number(&value)).unwrap_or(usual)
    };
    let used = !login.callbacks.is_empty();
    let (delay, random) = (seconds("delay", 20), seconds("delay-randomize", 10));
    let random = if random == 0 { 5 } else { random };
    let delay_s = delay.clamp(SHORTEST, 3_600);
    let jitter_s = (delay.min(3_600) + random.min(3_600)).saturating_sub(delay_s).max(1);
    let retry_s = seconds("retry-time", 30).clamp(1, 86_400);
    let max_s = seconds("max-time", 600).clamp(delay_s + jitter_s + 1, 604_800);
    let tries = if retry_s >= max_s { 1 } else { (max_s / retry_s).clamp(1, 100) };
    if used {
        weaknesses(login, &path, remarks);
        modems(&statements, &path, lines, remarks);
    }
    let line = dialout(global("dialout-devices"), login, lines, &path, used, remarks);
    if used {
        hold(login, &line, delay_s, lines, &path, remarks);
    }
    for statement in statements.iter().filter(|statement| {
        matches!(statement.keyword.as_str(), "debug" | "autobauding" | "prompt-waittime" | "speed")
    }) {
        let why = match statement.keyword.as_str() {
            "speed" => "the speed of the line counts, the same for both directions",
            "prompt-waittime" => "login.quiet counts, the same for both directions",
            _ => "without effect here",
        };
        let what = format!("{} {}", statement.keyword, statement.value);
        remarks.add(Place::line(&path, statement.line), Kind::Gone, what, why);
    }
    let asks = login.callbacks.iter().any(|entry| entry.asks);
    Callback { used, line, delay_s, jitter_s, retry_s, max_s, tries, asks }
}

/// Which lines call back where an entry does not say it.
fn dialout(
    setting: Option<(String, Place)>,
    login: &Login,
    lines: &Lines,
    path: &Path,
    used: bool,
    remarks: &mut Remarks,
) -> String {
    // Debian's default, compiled in.
    let (devices, place) = setting.unwrap_or_else(|| ("ttyS1".to_owned(), Place::file(path)));
    let named: Vec<&Line> = devices
        .split(':')
        .filter_map(|device| lines.all.iter().find(|line| line.tty == reader::device(device)))
        .collect();
    if !named.is_empty() {
        let names: Vec<String> = named.iter().map(|line| line.name.clone()).collect();
        return toml::Value::from(names).to_string();
    }
    let unsaid = login.callbacks.iter().any(|entry| !entry.same && !entry.elsewhere);
    let line = if lines.all.len() > 1 { "other" } else { "same" };
    if used && unsaid {
        let why = format!(
            "no mgetty serves {devices}, so that mgetty's callback never finds a line: \"{line}\" is taken"
        );
        remarks.add(place, Kind::Decide, "dialout-devices", why);
    }
    toml::Value::from(line).to_string()
}

/// callback.config's modem-init and dial-prefix, per line.
fn modems(statements: &[reader::Statement], path: &Path, lines: &mut Lines, remarks: &mut Remarks) {
    for line in &mut lines.all {
        for statement in statements {
            let fits = statement.port.as_deref().is_none_or(|port| reader::is_for(port, &line.tty));
            let place = Place::line(path, statement.line);
            match statement.keyword.as_str() {
                "modem-init" if fits => {
                    let (commands, _) = sent(&statement.value);
                    let right = accepted(&commands, "modem-init", &place, remarks);
                    if !right.is_empty() {
                        line.set_up(&right);
                        let why = "one set-up for both directions: it is sent before every use of the modem";
                        remarks.add(place, Kind::Changed, "modem-init", why);
                    }
                }
                "dial-prefix" if fits => {
                    line.dial_prefix = Some(statement.value.clone());
                    let upper = statement.value.to_ascii_uppercase();
                    if ["X0", "X1", "X3"].iter().any(|blind| upper.contains(blind)) {
                        let why = "it dials without waiting for dial tone: a caller who holds the line is taken for the one who is called. Write ATDT where the exchange gives dial tone";
                        remarks.add(
                            place,
                            Kind::Weak,
                            format!("dial-prefix {}", statement.value),
                            why,
                        );
                    }
                }
                _ => {}
            }
        }
    }
}

/// How long the exchange may hold the line: on the caller's own line, mgetty dials after its delay and hopes.
fn hold(
    login: &Login,
    line: &str,
    delay_s: u64,
    lines: &mut Lines,
    path: &Path,
    remarks: &mut Remarks,
) {
    let one = lines.all.len() == 1 || !line.contains(',');
    let same = login.callbacks.iter().any(|entry| {
        entry.same || (!entry.elsewhere && (line == "\"same\"" || (one && line.starts_with('['))))
    });
    if !same {
        return;
    }
    let on_any = login.callbacks.iter().any(|entry| entry.same) || line == "\"same\"";
    for one in
        lines.all.iter_mut().filter(|one| on_any || line.contains(&format!("\"{}\"", one.name)))
    {
        one.hold_s = Some(delay_s);
    }
    let why = format!(
        "the caller's own line is dialled on {delay_s}s after the hang-up, as mgetty does, because callers' scripts wait no longer: an exchange that holds the line longer connects the call to whoever holds it. Measure it (dialback qualify) and correct hold_time, or call back on another line"
    );
    remarks.add(Place::file(path), Kind::Weak, "delay", why);
}

/// What mgetty's callback does that nobody can want.
fn weaknesses(login: &Login, path: &Path, remarks: &mut Remarks) {
    let mut safer = |what: &str, why: &str| {
        remarks.add(Place::file(path), Kind::Safer, what, why);
    };
    safer(
        "delay-randomize",
        "the random part comes from the kernel; mgetty's follows from the second in which the caller was told, and a call can be timed into the dialling",
    );
    safer(
        "a call while dialling",
        "a RING aborts the dialling; mgetty's callback takes the caller for the one who is called (glare)",
    );
    safer(
        "the wait between tries",
        "the line answers callers meanwhile; mgetty's callback keeps its lock for max-time, and callers hear the line ring",
    );
    safer(
        "the number of requests",
        "one to a user and to a number, 4 under a name that many may use and 64 in all may be open (per_user, in_all); mgetty starts a root process for each",
    );
    safer(
        "carrier lost after a callback",
        "the session ends with the carrier; mgetty leaves SIGHUP ignored on the return call, and the program keeps the line",
    );
    let Some(asks) = login.callbacks.iter().find(|entry| entry.asks) else { return };
    let mut asked =
        |kind: Kind, what: &str, why: &str| remarks.add(asks.place.clone(), kind, what, why);
    asked(
        Kind::Safer,
        "the number that is typed",
        "digits alone are dialled; mgetty hands ; and other commands to the modem, which obeys and may store them",
    );
    asked(
        Kind::Safer,
        "waiting for the number",
        "it ends after login.number_time_limit (1m); mgetty waits for ever, and dials what is on the stack when the caller hangs up",
    );
    asked(
        Kind::Weak,
        "numbers that callers may type",
        "any national number may be called at your cost, as with mgetty, but for premium, international and emergency ones: write the beginnings of your callers' numbers into allow",
    );
}

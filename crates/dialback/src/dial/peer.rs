//! Whom to call and how: a peer file, or options, or both (an option wins), checked into a plan.
//!
//! It does not open anything but the file; secrets are asked for elsewhere.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use calls::config::{PortSpec, parse_duration, parse_port};
use calls::diagnostic::{Diagnostic, Source};
use proto::at::commands::Command;
use proto::at::escape::Escape;
use proto::at::profile::{ESCAPE_OFF, HangUpManner, Profile};
use proto::dial::{DialPrefix, DialString, Dialling, PhoneNumber};
use serde::Deserialize;
use toml::Spanned;

use super::ppp::wishes::{self, Ppp, PppDraft};

/// Where peer files are looked for.
pub(crate) const PEER_DIR: &str = "/etc/dialback/peers";

/// The largest peer file: they have a screenful.
const MAX_FILE: usize = 64 * 1024;

pub(crate) type Text = Option<Spanned<String>>;

/// A peer file as it is written. Options overwrite what they name.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Draft {
    pub(crate) port: Text,
    pub(crate) speed: Option<u32>,
    pub(crate) hardware_flow: Option<bool>,
    pub(crate) lock_dir: Option<PathBuf>,
    pub(crate) modem: Text,
    #[serde(default)]
    pub(crate) init: Vec<Spanned<String>>,
    pub(crate) guard: Text,
    pub(crate) dial_prefix: Text,
    pub(crate) international_prefix: Option<String>,
    pub(crate) number: Text,
    pub(crate) prompt_time: Text,
    pub(crate) callback: Option<CallbackDraft>,
    pub(crate) login: Option<LoginDraft>,
    pub(crate) script: Option<ScriptDraft>,
    pub(crate) then: Option<ThenDraft>,
    pub(crate) ppp: Option<PppDraft>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallbackDraft {
    pub(crate) name: Text,
    pub(crate) number: Text,
    pub(crate) wait: Text,
    pub(crate) login_prompt: Text,
    pub(crate) number_prompt: Text,
    #[serde(default)]
    pub(crate) refusals: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginDraft {
    pub(crate) name: Text,
    pub(crate) password_file: Option<PathBuf>,
    pub(crate) ask_password: Option<bool>,
    pub(crate) login_prompt: Text,
    pub(crate) password_prompt: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScriptDraft {
    pub(crate) chat: Option<PathBuf>,
    pub(crate) scp: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ThenDraft {
    pub(crate) pppd: Option<Vec<String>>,
    pub(crate) command: Option<Vec<String>>,
}

/// What becomes of the session's call.
#[derive(Debug)]
pub(crate) enum Then {
    /// A person types on it.
    Terminal,
    /// A program has it: its words.
    Program(Vec<String>),
    /// It is a network interface of ours.
    Ppp(Box<Ppp>),
}

/// Whose password, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Password {
    /// There is none, or it is typed when the terminal is there.
    None,
    /// It is asked for before anything is dialled.
    Ask,
    /// The first line of this file.
    File(PathBuf),
}

/// A checked peer.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) port: PortSpec,
    pub(crate) speed: u32,
    pub(crate) hardware_flow: bool,
    pub(crate) lock_dir: PathBuf,
    pub(crate) profile: &'static Profile,
    pub(crate) init: Option<Vec<Command>>,
    pub(crate) escape: Escape,
    pub(crate) number: Option<(PhoneNumber, DialString)>,
    pub(crate) prompt_time: Duration,
    pub(crate) callback: Option<Callback>,
    pub(crate) login: Option<Login>,
    pub(crate) chat: Option<PathBuf>,
    pub(crate) scp: Option<PathBuf>,
    pub(crate) then: Then,
}

/// What is said to be called back.
#[derive(Debug)]
pub(crate) struct Callback {
    pub(crate) name: String,
    pub(crate) number: Option<String>,
    pub(crate) wait: Duration,
    pub(crate) login_prompt: String,
    pub(crate) number_prompt: String,
    pub(crate) refusals: Vec<String>,
}

/// Who logs in.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) name: String,
    pub(crate) password: Password,
    pub(crate) login_prompt: String,
    pub(crate) password_prompt: String,
}

/// Where a value came from.
const OPTION: Range<usize> = usize::MAX..usize::MAX;

/// A value of an option, as if it stood in the file.
pub(crate) fn option(text: String) -> Spanned<String> {
    Spanned::new(OPTION, text)
}

/// Reads a peer file.
pub(crate) fn read(path: &Path) -> Result<(Draft, Arc<Source>), Vec<Diagnostic>> {
    let name = path.display().to_string();
    let text = match std::fs::read(path) {
        Ok(bytes) if bytes.len() <= MAX_FILE => String::from_utf8(bytes),
        Ok(_) => {
            let source = Source::new(name, "");
            return Err(vec![Diagnostic::of_file(&source, "too large for a peer file")]);
        }
        Err(e) => {
            let source = Source::new(name, "");
            let fault = Diagnostic::of_file(&source, e.to_string())
                .hint("name a file, or one in the directory of --peer-dir without its .toml");
            return Err(vec![fault]);
        }
    };
    let Ok(text) = text else {
        let source = Source::new(name, "");
        return Err(vec![Diagnostic::of_file(&source, "not UTF-8 text")]);
    };
    let source = Source::new(name, text);
    match parse(&source) {
        Ok(draft) => Ok((draft, source)),
        Err(fault) => Err(vec![fault]),
    }
}

/// Reads the text of a peer file.
pub(crate) fn parse(source: &Arc<Source>) -> Result<Draft, Diagnostic> {
    toml::from_str(source.text())
        .map_err(|e| Diagnostic::error(source, e.span().unwrap_or(0..0), e.message().trim()))
}

/// Gathers the faults of a draft.
pub(crate) struct Check<'a> {
    source: &'a Arc<Source>,
    faults: Vec<Diagnostic>,
}

impl Check<'_> {
    pub(super) fn fault(&mut self, key: &str, at: &Range<usize>, message: impl std::fmt::Display) {
        let message = format!("{key}: {message}");
        self.faults.push(if *at == OPTION {
            Diagnostic::of_file(&Source::new("command line", ""), message)
        } else {
            Diagnostic::error(self.source, at.clone(), message)
        });
    }

    pub(super) fn missing(&mut self, message: &str) {
        self.faults.push(Diagnostic::of_file(self.source, message));
    }

    /// How many faults there are so far.
    pub(super) fn count(&self) -> usize {
        self.faults.len()
    }

    pub(super) fn value<T, E: std::fmt::Display>(
        &mut self,
        key: &str,
        text: Text,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = text?;
        match parse(text.get_ref()) {
            Ok(value) => Some(value),
            Err(e) => {
                self.fault(key, &text.span(), e);
                None
            }
        }
    }
}

/// Checks a draft.
pub(crate) fn check(draft: Draft, source: &Arc<Source>) -> Result<Peer, Vec<Diagnostic>> {
    let mut check = Check { source, faults: Vec::new() };
    if draft.port.is_none() {
        check.missing("no port: say where the modem is, port = \"/dev/ttyUSB0\" or --port");
    }
    let port = check.value("port", draft.port, parse_port);
    let profile = check.value("modem", draft.modem, profile).or(Profile::named("generic"));
    let init = init(&mut check, draft.init);
    let guard = check.value("guard", draft.guard, parse_duration);
    let number = number(
        &mut check,
        draft.number,
        draft.dial_prefix,
        draft.international_prefix.as_deref(),
        profile,
    );
    let prompt_time = check.value("prompt_time", draft.prompt_time, parse_duration);
    let callback = draft.callback.and_then(|draft| callback(&mut check, draft));
    let login = draft.login.and_then(|draft| login(&mut check, draft));
    let script = draft.script.unwrap_or_default();
    if script.chat.is_some() && script.scp.is_some() {
        check.missing("script: chat and scp: choose one");
    }
    if script.scp.is_some() && callback.is_some() {
        check.missing(
            "script and callback: an .scp script asks for the callback itself: choose one",
        );
    }
    if script.chat.is_some() && (callback.is_some() || login.is_some()) {
        check
            .missing("script and callback or login: a chat script does the whole talk: choose one");
    }
    if script.chat.is_none() && number.is_none() && check.faults.is_empty() {
        check.missing("no number: say whom to call, number = \"5550100\" or --number");
    }
    let then = match (draft.ppp, draft.then) {
        (Some(ppp), None) => wishes::check(&mut check, ppp).map(|ppp| Then::Ppp(Box::new(ppp))),
        (Some(_), Some(_)) => {
            check.missing("ppp and then: choose one");
            None
        }
        (None, draft) => Some(then(&mut check, draft.unwrap_or_default())),
    };
    match (port, profile, then) {
        (Some(port), Some(profile), Some(then)) if check.faults.is_empty() => Ok(Peer {
            port,
            speed: draft.speed.unwrap_or(115_200),
            hardware_flow: draft.hardware_flow.unwrap_or(true),
            lock_dir: draft.lock_dir.unwrap_or_else(|| PathBuf::from("/var/lock")),
            profile,
            init,
            escape: guard.map_or(profile.escape, |guard| Escape { guard, ..profile.escape }),
            number,
            prompt_time: prompt_time.unwrap_or(Duration::from_secs(60)),
            callback,
            login,
            chat: script.chat,
            scp: script.scp,
            then,
        }),
        (_, _, _) => Err(check.faults),
    }
}

fn profile(name: &str) -> Result<&'static Profile, String> {
    Profile::named(name).ok_or_else(|| {
        let known: Vec<_> = proto::at::profile::PROFILES.iter().map(|known| known.name).collect();
        format!("no profile \"{name}\": one of {}", known.join(", "))
    })
}

fn init(check: &mut Check<'_>, draft: Vec<Spanned<String>>) -> Option<Vec<Command>> {
    if draft.is_empty() {
        return None;
    }
    let mut commands = Vec::new();
    for text in draft {
        commands.extend(check.value("init", Some(text), Command::new));
    }
    Some(commands)
}

fn number(
    check: &mut Check<'_>,
    number: Text,
    prefix: Text,
    international: Option<&str>,
    profile: Option<&'static Profile>,
) -> Option<(PhoneNumber, DialString)> {
    let at = number.as_ref().map_or(OPTION, Spanned::span);
    let number = check.value("number", number, PhoneNumber::configured)?;
    let profile = profile?;
    let own = Some(prefix.unwrap_or_else(|| option(profile.dial_prefix.to_owned())));
    let prefix = check.value("dial_prefix", own, DialPrefix::parse)?;
    let international = international.or(profile.international_prefix);
    let dialling = match Dialling::new(prefix, international, "") {
        Ok(dialling) => dialling,
        Err(e) => {
            check.missing(&e.to_string());
            return None;
        }
    };
    match dialling.render(&number) {
        Ok(string) => Some((number, string)),
        Err(e) => {
            check.fault("number", &at, e);
            None
        }
    }
}

/// One line that can be typed at a prompt.
pub(super) fn line(text: &str) -> Result<String, &'static str> {
    match text {
        "" => Err("empty"),
        text if text.len() > 128 => Err("longer than 128 bytes"),
        text if text.chars().any(char::is_control) => {
            Err("a control character cannot be typed at a prompt")
        }
        text => Ok(text.to_owned()),
    }
}

fn callback(check: &mut Check<'_>, draft: CallbackDraft) -> Option<Callback> {
    if draft.name.is_none() {
        check.missing(
            "callback: no name: say as whom to be called back, callback.name or --callback",
        );
    }
    let name = check.value("callback.name", draft.name, line);
    let number = check.value("callback.number", draft.number, line);
    let wait = check.value("callback.wait", draft.wait, parse_duration);
    let login_prompt = check.value("callback.login_prompt", draft.login_prompt, line);
    let number_prompt = check.value("callback.number_prompt", draft.number_prompt, line);
    if let Some(empty) = draft.refusals.iter().find(|words| line(words).is_err()) {
        check.missing(&format!("callback.refusals: {empty:?} is no line of text"));
    }
    Some(Callback {
        name: name?,
        number,
        wait: wait.unwrap_or(Duration::from_secs(120)),
        login_prompt: login_prompt.unwrap_or_else(|| "ogin:".to_owned()),
        number_prompt: number_prompt.unwrap_or_else(|| "callback:".to_owned()),
        refusals: draft.refusals,
    })
}

fn login(check: &mut Check<'_>, draft: LoginDraft) -> Option<Login> {
    if draft.name.is_none() {
        check.missing("login: no name: say who logs in, login.name or --login");
    }
    let name = check.value("login.name", draft.name, line);
    let login_prompt = check.value("login.login_prompt", draft.login_prompt, line);
    let password_prompt = check.value("login.password_prompt", draft.password_prompt, line);
    let password = match (draft.password_file, draft.ask_password.unwrap_or(false)) {
        (Some(_), true) => {
            check.missing("login: password_file and ask_password: choose one");
            return None;
        }
        (Some(path), false) => Password::File(path),
        (None, true) => Password::Ask,
        (None, false) => Password::None,
    };
    Some(Login {
        name: name?,
        password,
        login_prompt: login_prompt.unwrap_or_else(|| "ogin:".to_owned()),
        password_prompt: password_prompt.unwrap_or_else(|| "assword:".to_owned()),
    })
}

fn then(check: &mut Check<'_>, draft: ThenDraft) -> Then {
    match (draft.pppd, draft.command) {
        (None, None) => Then::Terminal,
        (Some(options), None) => {
            let mut words = vec!["pppd".to_owned(), "nodetach".to_owned()];
            words.extend(options);
            Then::Program(words)
        }
        (None, Some(words)) if !words.is_empty() => Then::Program(words),
        (None, Some(_)) => {
            check.missing("then.command: no words");
            Then::Terminal
        }
        (Some(_), Some(_)) => {
            check.missing("then: pppd and command: choose one");
            Then::Terminal
        }
    }
}

impl Peer {
    /// Whether the modem obeys `&C`: those on a network port without control lines mostly do not know it.
    pub(crate) fn holds_carrier(&self) -> bool {
        self.profile.hang_up != HangUpManner::Escape
    }

    /// The setup's commands: the profile's or the peer's own, then what waiting for a call needs. `lines`:
    /// the port has control lines, so that nobody needs the escape.
    pub(crate) fn setup(&self, lines: bool) -> Result<proto::at::commands::Plan, String> {
        let mut plan = self.profile.setup().map_err(|e| e.to_string())?;
        if !lines {
            plan.commands.retain(|command| command.text() != ESCAPE_OFF);
        }
        if let Some(init) = &self.init {
            plan.commands.clone_from(init);
        }
        let by_ppp = matches!(self.then, Then::Ppp(_)) && self.callback.is_none();
        let wait = match (self.holds_carrier(), by_ppp && self.scp.is_none()) {
            (false, _) => "ATS0=0",
            // Who asks by PPP hangs up himself, and wants to see a call that is lost.
            (true, true) => "ATS0=0&C1",
            (true, false) => "ATS0=0&C0",
        };
        plan.commands.push(Command::new(wait).map_err(|e| e.to_string())?);
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_a_peer() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/peers");
        let mut count = 0;
        for entry in std::fs::read_dir(examples).unwrap() {
            let (draft, source) = read(&entry.unwrap().path()).unwrap();
            let peer = check(draft, &source).unwrap();
            assert!(peer.setup(true).is_ok() && peer.setup(false).is_ok());
            count += 1;
        }
        assert!(count >= 3);
    }

    #[test]
    fn the_peer_file_of_the_manual_page_is_one() {
        let page = include_str!("../../../../docs/man/dial.md");
        let sheets: Vec<_> = page
            .split("```toml\n")
            .skip(1)
            .map(|sheet| sheet.split("```").next().unwrap())
            .collect();
        assert_eq!(sheets.len(), 2, "one with prompts, one with PPP");
        for sheet in sheets {
            // With the marks taken away, too: what is left out by default is written right.
            for text in [sheet.to_owned(), sheet.replace("\n# ", "\n")] {
                let draft: Draft = toml::from_str(&text).unwrap();
                assert_eq!(draft.number.unwrap().into_inner(), "5550100");
            }
            let source = Source::new("dial.md", sheet.to_owned());
            check(parse(&source).unwrap(), &source).unwrap();
        }
    }
}

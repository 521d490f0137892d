//! `dialback dial`: call a server that calls back.

use std::path::{Path, PathBuf};

use calls::diagnostic::{Diagnostic, Look, Source};
use clap::Args;

use super::dial_ppp::{PppOptions, Shared};
use crate::dial::outcome::help_table;
use crate::dial::peer::{
    self, CallbackDraft, Draft, LoginDraft, PEER_DIR, ScriptDraft, ThenDraft, option,
};
use crate::dial::{self, Telling};
use crate::exit::{Code, Failure};
use crate::out::{self, Palette};

const EXAMPLES: &str = "\
Examples:
  dialback dial office                      the peer of /etc/dialback/peers/office.toml
  dialback dial ./office.toml -v            this file, and show what the server says
  dialback dial --port /dev/ttyUSB0 --number 5550100 --callback cback --callback-number 5550199 --login mary
                                            no file at all
  dialback dial office --json 2>events      every stage as a JSON event
  dialback dial office -- pppd call mary    a program on the line instead of a terminal
  dialback dial --ppp --port /dev/ttyUSB0 --number 5550100 --login mary --ask-password --callback 5550199
                                            called back by PPP, to a network interface";

#[derive(Debug, Args)]
#[command(after_help = format!("{}\n\n{EXAMPLES}", help_table()))]
pub(super) struct Dial {
    /// The peer: a name in the peer directory, or a file
    peer: Option<String>,
    /// Where peer files are
    #[arg(long, value_name = "DIR", default_value = PEER_DIR)]
    peer_dir: PathBuf,
    /// The modem's port: /dev/ttyUSB0, rfc2217://host:port, tcp://host:port
    #[arg(long)]
    port: Option<String>,
    /// Between us and the modem, in bit/s
    #[arg(long)]
    speed: Option<u32>,
    /// The modem's profile: generic, courier, zyxel, rockwell, conexant, lucent, sim, network
    #[arg(long)]
    modem: Option<String>,
    /// Where UUCP locks are
    #[arg(long, value_name = "DIR")]
    lock_dir: Option<PathBuf>,
    /// The number to dial
    #[arg(long)]
    number: Option<String>,
    /// The name by which to ask for a callback
    #[arg(long, value_name = "NAME")]
    callback: Option<String>,
    /// The number to be called back at, if the server asks for it; with PPP it stands in --callback
    #[arg(long, value_name = "NUMBER")]
    callback_number: Option<String>,
    /// How long to wait for the call back
    #[arg(long, value_name = "TIME")]
    wait: Option<String>,
    /// The name to log in by on the call back
    #[arg(long, value_name = "NAME")]
    login: Option<String>,
    /// Ask for its password before dialling
    #[arg(long, conflicts_with = "password_file")]
    ask_password: bool,
    /// Take its password from the first line of this file, which must be yours alone
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// A chat(8) script that does the whole talk, the dialling included
    #[arg(long, value_name = "FILE")]
    chat: Option<PathBuf>,
    /// A Windows dial-up script (.scp) that does the talk, from the first connection on
    #[arg(long, value_name = "FILE", conflicts_with = "chat")]
    scp: Option<PathBuf>,
    /// Write what the far end says to this file
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Show what the server says
    #[arg(short, long)]
    verbose: bool,
    /// Tell nothing but failures
    #[arg(short, long, conflicts_with_all = ["verbose", "json"])]
    quiet: bool,
    /// Tell the stages as JSON, a line each, on stderr
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    ppp: PppOptions,
    /// A program for the line, in place of a terminal
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl Dial {
    pub(super) fn run(self) -> Result<(), Failure> {
        let about = match (&self.peer, &self.number) {
            (Some(peer), _) => peer.clone(),
            (None, Some(number)) => number.clone(),
            (None, None) => "dial".to_owned(),
        };
        let (mut draft, source) = match &self.peer {
            None => (Draft::default(), Source::new("command line", "")),
            Some(name) => peer::read(&self.file(name)).map_err(|faults| told(&faults))?,
        };
        let telling = Telling {
            json: self.json,
            quiet: self.quiet,
            verbose: self.verbose,
            log: self.log.clone(),
        };
        self.overwrite(&mut draft)?;
        let peer = peer::check(draft, &source).map_err(|faults| told(&faults))?;
        dial::run(&about, &peer, &telling)
    }

    /// A name with a slash or a dot is a file.
    fn file(&self, name: &str) -> PathBuf {
        if name.contains(['/', '.']) {
            Path::new(name).to_owned()
        } else {
            self.peer_dir.join(format!("{name}.toml"))
        }
    }

    /// An option wins over the file.
    fn overwrite(self, draft: &mut Draft) -> Result<(), Failure> {
        let set = |place: &mut Option<_>, given: Option<String>| {
            if let Some(given) = given {
                *place = Some(option(given));
            }
        };
        set(&mut draft.port, self.port);
        set(&mut draft.modem, self.modem);
        set(&mut draft.number, self.number);
        draft.speed = self.speed.or(draft.speed);
        draft.lock_dir = self.lock_dir.or(draft.lock_dir.take());
        if self.chat.is_some() || self.scp.is_some() {
            draft.script = Some(ScriptDraft { chat: self.chat, scp: self.scp });
        }
        if !self.command.is_empty() {
            draft.then = Some(ThenDraft { pppd: None, command: Some(self.command) });
        }
        if self.ppp.wanted(draft) {
            if let Some(number) = self.callback_number {
                // Forgotten it would be a call that the caller pays to its end.
                let why =
                    format!("--callback-number is not for PPP: with PPP write --callback {number}");
                return Err(Failure::new(Code::Usage, why));
            }
            let shared = Shared {
                callback: self.callback,
                wait: self.wait,
                login: self.login,
                ask_password: self.ask_password,
                password_file: self.password_file,
            };
            self.ppp.overwrite(shared, draft);
            return Ok(());
        }
        if self.callback.is_some() || self.callback_number.is_some() || self.wait.is_some() {
            let callback = draft.callback.get_or_insert_with(CallbackDraft::default);
            set(&mut callback.name, self.callback);
            set(&mut callback.number, self.callback_number);
            set(&mut callback.wait, self.wait);
        }
        if self.login.is_some() || self.ask_password || self.password_file.is_some() {
            let login = draft.login.get_or_insert_with(LoginDraft::default);
            set(&mut login.name, self.login);
            if self.ask_password {
                (login.ask_password, login.password_file) = (Some(true), None);
            }
            if let Some(file) = self.password_file {
                (login.ask_password, login.password_file) = (None, Some(file));
            }
        }
        Ok(())
    }
}

/// Shows the faults of a peer.
fn told(faults: &[Diagnostic]) -> Failure {
    let look = if Palette::stderr().coloured() { Look::Colour } else { Look::Plain };
    for fault in faults {
        out::error(fault.render(look));
    }
    Failure::silent(Code::Configuration)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Alone {
        #[command(flatten)]
        dial: Dial,
    }

    /// What becomes of options on top of a peer's file.
    fn check(file: &str, options: &str, wanted: Result<Option<&str>, &str>) {
        let words = std::iter::once("dial").chain(options.split_whitespace());
        let dial = Alone::try_parse_from(words).expect("options").dial;
        let mut draft: Draft = toml::from_str(file).expect("a peer");
        let number = |draft: Draft| {
            let by_ppp = draft.ppp.and_then(|ppp| ppp.callback);
            by_ppp.or_else(|| draft.callback?.number).map(toml::Spanned::into_inner)
        };
        match (dial.overwrite(&mut draft), wanted) {
            (Ok(()), Ok(wanted)) => assert_eq!(number(draft).as_deref(), wanted, "{options}"),
            (Err(fault), Err(wanted)) => {
                assert!(fault.to_string().contains(wanted), "{options}: {fault}");
            }
            (got, wanted) => panic!("{options}: {got:?}, not {wanted:?}"),
        }
    }

    #[test]
    fn the_number_to_be_called_back_at_is_asked_for_or_refused_and_never_forgotten() {
        const PPP: &str = "[ppp]\nname = \"mary\"\n";
        let cure = "with PPP write --callback 5550199";
        check("", "--callback cback --callback-number 5550199", Ok(Some("5550199")));
        check("", "--ppp --callback 5550199", Ok(Some("5550199")));
        check(PPP, "--callback 5550199", Ok(Some("5550199")));
        check("", "--ppp --callback-number 5550199", Err(cure));
        check(PPP, "--callback-number 5550199", Err(cure));
        check(PPP, "--callback cback --callback-number 5550199", Err(cure));
        check(PPP, "", Ok(None));
    }
}

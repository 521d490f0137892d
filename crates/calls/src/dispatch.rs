//! login.config at work: which entry takes a name, and what exactly is started for it.
//!
//! ```text
//!     name ── acceptable? ── first entry whose pattern and callback column match ──► LoginEntry
//!                                                     └─ none: nobody, never /bin/login
//! ```
//!
//! What is started follows from the configuration and a call's [`Grounds`] alone, so that a second process (the
//! launcher, which has the rights) can come to the same launch without believing the first ([`follow`]).
//!
//! It does not read the file (`config` does), start anything, or know what a callback is.

use crate::config::{Action, Config, LoginEntry, NamePattern, Word};
use crate::pppd;
use crate::vocabulary::{CallFacts, Grounds, Launch, Leg};

/// The name under which PPP frames at the prompt are looked up; it may also be typed.
pub(crate) const AUTO_PPP: &str = "/AutoPPP/";
/// The name under which a FidoNet mailer's greeting is looked up.
pub(crate) const FIDO: &str = "/FIDO/";
/// What `\I` becomes when the modem said no more than `CONNECT`, as in mgetty.
const NO_CONNECT_TEXT: &str = "??";
/// What `\Y` and `CALLER_ID` become when nobody knows who calls, as in mgetty.
const NO_CALLER_ID: &str = "none";
/// The search path of started programs: what login(1) gives to users.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The first entry that takes `name` on this leg.
///
/// A name that begins with a dash is taken by no entry: the program would read it as an option
/// (`/bin/login -f root`).
pub(crate) fn find<'c>(entries: &'c [LoginEntry], name: &str, leg: Leg) -> Option<&'c LoginEntry> {
    if !is_acceptable(name) {
        return None;
    }
    entries.iter().find(|entry| entry.when.counts(leg == Leg::Return) && entry.pattern.takes(name))
}

/// Whether any entry on this leg names `name` itself: then PPP frames or mailers are looked for.
pub(crate) fn is_served(entries: &[LoginEntry], name: &str, leg: Leg) -> bool {
    entries.iter().any(|entry| {
        entry.when.counts(leg == Leg::Return)
            && matches!(&entry.pattern, NamePattern::Exact(exact) if exact == name)
    })
}

fn is_acceptable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && name.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

/// Whether an entry leads to a service, and not to another callback.
pub(crate) const fn serves(entry: &LoginEntry) -> bool {
    match entry.action {
        Action::Program { .. } | Action::Ppp => true,
        Action::Callback { .. } => false,
    }
}

/// How the journal names an entry.
pub(crate) fn entry_name(entry: &LoginEntry) -> String {
    format!("login.config:{}", entry.line_number)
}

/// What the journal says an entry does.
pub(crate) fn action_name(action: &Action) -> String {
    match action {
        Action::Program { path, .. } => path.display().to_string(),
        Action::Callback { .. } => "callback".to_owned(),
        Action::Ppp => "ppp".to_owned(),
    }
}

/// What to start for an entry with a program; `None` for the other actions. `term` is the value of `TERM`.
pub(crate) fn launch(
    entry: &LoginEntry,
    grounds: Grounds,
    term: &str,
    first: Vec<u8>,
) -> Option<Launch> {
    let Action::Program { path, args } = &entry.action else { return None };
    let facts = &grounds.facts;
    let base = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let mut argv = vec![base];
    argv.extend(args.iter().map(|word| substitute(word, facts)).filter(|word| !word.is_empty()));
    Some(Launch {
        program: path.clone(),
        argv,
        env: environment(facts, &grounds.line, term),
        user: entry.user.clone(),
        utmp: entry.utmp.as_ref().map(|word| substitute(word, facts)),
        host: facts.connect.clone(),
        speed: facts.speed,
        first_bytes: first,
        grounds,
    })
}

impl Launch {
    /// Whether the caller speaks frames with it, PPP's or a mailer's, and nobody types.
    #[must_use]
    pub fn is_for_frames(&self) -> bool {
        [AUTO_PPP, FIDO].contains(&self.grounds.sought.as_str())
    }
}

/// Why grounds lead to no launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfounded {
    /// login.config has another entry for that name, or none: it may have been read again meanwhile.
    Entry,
    /// The entry starts no program.
    Action,
    /// There is no such line.
    Line,
    /// A name that looks like an option, or with characters that no name has.
    Name,
    /// The line's packets are not pppd's to carry.
    Backend,
    /// An address that is not the caller's to have.
    Address,
    /// A text that is longer than any modem or caller could have made it, or a speed of no port.
    Size,
}

impl std::fmt::Display for Unfounded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Entry => "login.config has no such entry for that name",
            Self::Action => "the entry of login.config starts no program",
            Self::Line => "there is no such line",
            Self::Name => "a name that begins with a dash, or is not printable",
            Self::Backend => "the line's packets are not pppd's to carry",
            Self::Address => "an address that the caller may not have",
            Self::Size => "a text that no caller or modem could have made so long",
        })
    }
}

/// The longest text of a call's facts. A prompt takes 40 characters of a name, a modem's line has some 300.
const MAX_TEXT: usize = 512;

/// No port is faster (bit/s).
const MAX_SPEED: u32 = 4_000_000;

/// The launch that these grounds lead to under this configuration.
///
/// It believes nothing: the entry is looked up anew, by name and leg, and must be the one that the grounds name.
///
/// # Errors
/// Which of the grounds does not hold.
pub fn follow(config: &Config, grounds: Grounds) -> Result<Launch, Unfounded> {
    if !is_of_a_call(&grounds) {
        return Err(Unfounded::Size);
    }
    // A PPP caller's proved name may stand for `@` in the entry for PPP; it is held to the same rules.
    if !is_acceptable(&grounds.facts.name) {
        return Err(Unfounded::Name);
    }
    if !config.lines.iter().any(|line| line.name == grounds.line) {
        return Err(Unfounded::Line);
    }
    if grounds.pppd.is_some() {
        return pppd::launch(config, grounds);
    }
    let entry = find(&config.entries, &grounds.sought, grounds.leg)
        .filter(|entry| entry.line_number == grounds.entry)
        .ok_or(Unfounded::Entry)?;
    launch(entry, grounds, &config.login.term, Vec::new()).ok_or(Unfounded::Action)
}

/// Whether texts and speed are such as callers and modems make.
fn is_of_a_call(grounds: &Grounds) -> bool {
    let facts = &grounds.facts;
    let texts = [&facts.name, &facts.connect, &grounds.sought];
    let more = [&facts.caller_id, &facts.caller_name, &facts.called, &facts.date, &facts.time];
    let mut texts = texts.into_iter().chain(more.into_iter().flatten());
    texts.all(|text| text.len() <= MAX_TEXT) && (1..=MAX_SPEED).contains(&facts.speed)
}

fn substitute(word: &Word, facts: &CallFacts) -> String {
    match word {
        Word::Text(text) => text.clone(),
        Word::Name => facts.name.clone(),
        // What a modem or an exchange says is no option either.
        Word::Connect => not_an_option(connect_text(facts)),
        Word::CallerId => not_an_option(facts.caller_id.as_deref().unwrap_or(NO_CALLER_ID)),
    }
}

/// A text from the line as an argument: printable, and no dash in front for a program to take for an option.
fn not_an_option(text: &str) -> String {
    let text = printable(text);
    if text.starts_with('-') { format!("?{text}") } else { text }
}

fn connect_text(facts: &CallFacts) -> &str {
    if facts.connect.is_empty() { NO_CONNECT_TEXT } else { &facts.connect }
}

/// The whole environment: mgetty's variables and no more. Nothing of the server's own is inherited.
pub(crate) fn environment(facts: &CallFacts, line: &str, term: &str) -> Vec<(String, String)> {
    let known = [
        ("PATH", Some(PATH)),
        ("HOME", Some("/")),
        ("TERM", Some(term).filter(|term| !term.is_empty())),
        ("CALLER_ID", Some(facts.caller_id.as_deref().unwrap_or(NO_CALLER_ID))),
        ("CALLER_NAME", facts.caller_name.as_deref()),
        ("CALLED_ID", facts.called.as_deref()),
        ("CALL_DATE", facts.date.as_deref()),
        ("CALL_TIME", facts.time.as_deref()),
        ("CONNECT", Some(connect_text(facts))),
        ("DEVICE", Some(line)),
    ];
    let known = known.into_iter().filter_map(|(key, value)| Some((key, value?)));
    known.map(|(key, value)| (key.to_owned(), printable(value))).collect()
}

/// Text from a modem as it may stand in an environment: no control characters.
fn printable(value: &str) -> String {
    value.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::config::When;

    fn facts() -> CallFacts {
        CallFacts {
            name: "mary".to_owned(),
            connect: "33600/ARQ".to_owned(),
            caller_id: Some("5551234".to_owned()),
            speed: 115_200,
            ..CallFacts::default()
        }
    }

    fn grounds(entry: u32, sought: &str, leg: Leg, facts: CallFacts) -> Grounds {
        let (sought, line) = (sought.to_owned(), "ttyS1".to_owned());
        Grounds { entry, sought, leg, line, facts, pppd: None }
    }

    fn entry(line_number: u32, pattern: NamePattern, when: When) -> LoginEntry {
        let action = Action::Program { path: PathBuf::from("/bin/login"), args: vec![Word::Name] };
        LoginEntry { line_number, pattern, when, user: None, utmp: None, action }
    }

    fn file() -> Vec<LoginEntry> {
        use NamePattern::{Any, Contains, Exact, Prefix, Suffix};
        let text = |text: &str| text.to_owned();
        vec![
            entry(1, Exact(text("cback")), When::OnRequest),
            entry(2, Exact(text("/AutoPPP/")), When::Always),
            entry(3, Prefix(text("ppp-")), When::Always),
            entry(4, Suffix(text(".uucp")), When::Always),
            entry(5, Contains(text("@@")), When::Always),
            entry(6, Any, When::OnReturn),
        ]
    }

    #[test]
    fn the_first_entry_that_matches_name_and_leg_wins() {
        use Leg::{Request, Return};
        for (name, leg, wanted) in [
            ("cback", Request, Some(1)),
            ("cback", Return, Some(6)),
            ("Cback", Request, None),
            ("/AutoPPP/", Request, Some(2)),
            ("ppp-mary", Request, Some(3)),
            ("mary.uucp", Request, Some(4)),
            ("a@@b", Request, Some(5)),
            ("mary", Request, None),
            ("mary", Return, Some(6)),
            ("", Return, None),
            ("-froot", Return, None),
            ("ro\u{1b}ot", Return, None),
            ("röt", Return, None),
        ] {
            let found = find(&file(), name, leg).map(|entry| entry.line_number);
            assert_eq!(found, wanted, "{name} on {leg:?}");
        }
        assert!(is_served(&file(), AUTO_PPP, Request));
        assert!(!is_served(&file(), FIDO, Request));
    }

    #[test]
    fn arguments_are_words_and_an_empty_one_is_left_out() {
        let mut entry = entry(1, NamePattern::Any, When::Always);
        let words = vec![
            Word::Text("-x".to_owned()),
            Word::Name,
            Word::Connect,
            Word::CallerId,
            Word::Text("a b".to_owned()),
        ];
        entry.action = Action::Program { path: PathBuf::from("/usr/sbin/prog"), args: words };
        let argv = |facts: CallFacts| {
            let grounds = grounds(1, "mary", Leg::Request, facts);
            launch(&entry, grounds, "vt100", Vec::new()).expect("a program").argv
        };
        assert_eq!(argv(facts()), ["prog", "-x", "mary", "33600/ARQ", "5551234", "a b"]);
        let (name, connect) = (String::new(), String::new());
        let bare = CallFacts { name, connect, caller_id: None, ..facts() };
        assert_eq!(argv(bare), ["prog", "-x", "??", "none", "a b"]);
        let connect = "-f\u{7}root".to_owned();
        let sly = CallFacts { connect, caller_id: Some("-h".to_owned()), ..facts() };
        assert_eq!(argv(sly), ["prog", "-x", "mary", "?-f?root", "?-h", "a b"]);
    }

    #[test]
    fn the_environment_is_the_whole_one_and_printable() {
        let caller_name = Some("M\nS=1".to_owned());
        let facts = CallFacts { caller_name, date: Some("0328".to_owned()), ..facts() };
        let env = environment(&facts, "ttyS1", "vt100");
        let get = |key| env.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str());
        assert_eq!(get("CALLER_ID"), Some("5551234"));
        assert_eq!(get("CALLER_NAME"), Some("M?S=1"));
        assert_eq!(get("CALL_DATE"), Some("0328"));
        assert_eq!(get("CALL_TIME"), None);
        assert_eq!(get("CONNECT"), Some("33600/ARQ"));
        assert_eq!(get("DEVICE"), Some("ttyS1"));
        assert_eq!(get("TERM"), Some("vt100"));
        assert_eq!(env.len(), 8);
    }

    #[test]
    fn whoever_follows_the_grounds_comes_to_the_same_launch_or_to_none() {
        use Leg::{Request, Return};
        let lines = "[server]\nlogin_config = \"login.config\"\n[[line]]\nname = \"ttyS1\"\nport = \"/dev/ttyS1\"\n";
        let config = crate::testing::config(lines, "mary - - /bin/login @\n");
        let line = config.lines.first().expect("a line").name.clone();
        let config = Config { entries: file(), ..config };
        let long = "x".repeat(MAX_TEXT + 1);
        let named = |name: &str| CallFacts { name: name.to_owned(), ..facts() };
        for (entry, sought, leg, facts, wanted) in [
            (6, "mary", Return, facts(), Ok("/bin/login mary")),
            (3, "ppp-mary", Request, named("ppp-mary"), Ok("/bin/login ppp-mary")),
            (2, "/AutoPPP/", Return, named("mary"), Ok("/bin/login mary")),
            // Another entry than the first that takes the name, and one that counts on the other leg only.
            (6, "ppp-mary", Return, named("ppp-mary"), Err(Unfounded::Entry)),
            (6, "mary", Request, facts(), Err(Unfounded::Entry)),
            (7, "mary", Return, facts(), Err(Unfounded::Entry)),
            (6, "-froot", Return, facts(), Err(Unfounded::Entry)),
            (6, "mary", Return, named("-froot"), Err(Unfounded::Name)),
            (6, "mary", Return, named(""), Err(Unfounded::Name)),
            (6, "mary", Return, named("a\nb"), Err(Unfounded::Name)),
            (6, "mary", Return, named(&long), Err(Unfounded::Size)),
            (6, "mary", Return, CallFacts { speed: 0, ..facts() }, Err(Unfounded::Size)),
        ] {
            let mut grounds = grounds(entry, sought, leg, facts);
            grounds.line.clone_from(&line);
            let got = follow(&config, grounds.clone()).map(|launch| {
                format!("{} {}", launch.program.display(), launch.argv[1..].join(" "))
            });
            assert_eq!(got, wanted.map(str::to_owned), "{grounds:?}");
        }
        let elsewhere =
            Grounds { line: "no-such".to_owned(), ..grounds(6, "mary", Return, facts()) };
        assert_eq!(follow(&config, elsewhere), Err(Unfounded::Line));
    }

    #[test]
    fn entries_that_start_no_program_have_nothing_to_launch() {
        let mut entry = entry(1, NamePattern::Any, When::Always);
        entry.action = Action::Ppp;
        let grounds = grounds(1, "mary", Leg::Request, facts());
        assert_eq!(launch(&entry, grounds, "vt100", Vec::new()), None);
    }
}

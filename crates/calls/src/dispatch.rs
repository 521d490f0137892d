//! login.config at work: which entry takes a name, and what exactly is started for it.
//!
//! ```text
//!     name ── acceptable? ── first entry whose pattern and callback column match ──► LoginEntry
//!                                                     └─ none: nobody, never /bin/login
//! ```
//!
//! It does not read the file (`config` does), start anything, or know what a callback is.

use crate::config::{Action, LoginEntry, NamePattern, Word};
use crate::vocabulary::{Launch, Leg};

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

/// What is known of the call that a program is started on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallFacts<'a> {
    /// The name given.
    pub(crate) name: &'a str,
    /// The line's name, for `DEVICE`.
    pub(crate) device: &'a str,
    /// What the modem said with CONNECT.
    pub(crate) connect: &'a str,
    /// Who is said to call.
    pub(crate) caller_id: Option<&'a str>,
    pub(crate) caller_name: Option<&'a str>,
    pub(crate) called: Option<&'a str>,
    /// Date and time as the exchange sent them.
    pub(crate) date: Option<&'a str>,
    pub(crate) time: Option<&'a str>,
    /// Value of `TERM`.
    pub(crate) term: &'a str,
    /// Port speed (bit/s).
    pub(crate) speed: u32,
}

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

/// What to start for an entry with a program; `None` for the other actions.
pub(crate) fn launch(entry: &LoginEntry, facts: &CallFacts<'_>, first: Vec<u8>) -> Option<Launch> {
    let Action::Program { path, args } = &entry.action else { return None };
    let base = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let mut argv = vec![base];
    argv.extend(args.iter().map(|word| substitute(word, facts)).filter(|word| !word.is_empty()));
    Some(Launch {
        program: path.clone(),
        argv,
        env: environment(facts),
        user: entry.user.clone(),
        utmp: entry.utmp.as_ref().map(|word| substitute(word, facts)),
        host: facts.connect.to_owned(),
        speed: facts.speed,
        first_bytes: first,
    })
}

fn substitute(word: &Word, facts: &CallFacts<'_>) -> String {
    match word {
        Word::Text(text) => text.clone(),
        Word::Name => facts.name.to_owned(),
        Word::Connect => connect_text(facts).to_owned(),
        Word::CallerId => facts.caller_id.unwrap_or(NO_CALLER_ID).to_owned(),
    }
}

const fn connect_text<'a>(facts: &CallFacts<'a>) -> &'a str {
    if facts.connect.is_empty() { NO_CONNECT_TEXT } else { facts.connect }
}

/// The whole environment: mgetty's variables and no more. Nothing of the server's own is inherited.
fn environment(facts: &CallFacts<'_>) -> Vec<(String, String)> {
    let known = [
        ("PATH", Some(PATH)),
        ("HOME", Some("/")),
        ("TERM", Some(facts.term).filter(|term| !term.is_empty())),
        ("CALLER_ID", Some(facts.caller_id.unwrap_or(NO_CALLER_ID))),
        ("CALLER_NAME", facts.caller_name),
        ("CALLED_ID", facts.called),
        ("CALL_DATE", facts.date),
        ("CALL_TIME", facts.time),
        ("CONNECT", Some(connect_text(facts))),
        ("DEVICE", Some(facts.device)),
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

    const FACTS: CallFacts<'static> = CallFacts {
        name: "mary",
        device: "ttyS1",
        connect: "33600/ARQ",
        caller_id: Some("5551234"),
        caller_name: None,
        called: None,
        date: None,
        time: None,
        term: "vt100",
        speed: 115_200,
    };

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
        let argv =
            |facts: &CallFacts<'_>| launch(&entry, facts, Vec::new()).expect("a program").argv;
        assert_eq!(argv(&FACTS), ["prog", "-x", "mary", "33600/ARQ", "5551234", "a b"]);
        let bare = CallFacts { name: "", connect: "", caller_id: None, ..FACTS };
        assert_eq!(argv(&bare), ["prog", "-x", "??", "none", "a b"]);
    }

    #[test]
    fn the_environment_is_the_whole_one_and_printable() {
        let facts = CallFacts { caller_name: Some("M\nS=1"), date: Some("0328"), ..FACTS };
        let env = environment(&facts);
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
    fn entries_that_start_no_program_have_nothing_to_launch() {
        let mut entry = entry(1, NamePattern::Any, When::Always);
        entry.action = Action::Ppp;
        assert_eq!(launch(&entry, &FACTS, Vec::new()), None);
    }
}

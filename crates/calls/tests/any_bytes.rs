//! Whatever bytes stand in a configuration file, reading it ends with a configuration that holds what was
//! promised, or with diagnostics that point into the file and say how to mend it.
//!
//! Random texts come from proptest, which prints the failing one; those that were once hard are files in
//! `fuzz/corpus/`, shared with the fuzz targets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use dialback_calls::config::load::{FileText, Loaded, Surroundings, load};
use dialback_calls::config::{Action, NamePattern, System, When};
use dialback_calls::diagnostic::{Diagnostic, Look, Severity};
use proptest::prelude::*;

const TOML: &[u8] = b"\
[server]
login_config = \"login.config\"
dialin_config = \"dialin.config\"
[[line]]
name = \"main\"
port = \"/dev/ttyS0\"
modem = { profile = \"courier\", caller_id = true }
[callback]
line = \"same\"
caller_numbers = { allow = [\"555*\"] }
";
const LOGIN: &[u8] = b"mary - - callback -S 5550199\n* - - /bin/login @\n";

/// Which of the three files has the bytes; the others are good ones.
#[derive(Clone, Copy, Debug)]
enum In {
    Toml,
    Login,
    Dialin,
}

fn check(which: In, bytes: &[u8]) -> Result<Loaded, Vec<Diagnostic>> {
    let text = |text: &[u8]| FileText { text: text.to_vec(), uid: 0, mode: 0o600 };
    let mut files: BTreeMap<PathBuf, FileText> = BTreeMap::from([
        ("dialback.toml".into(), text(TOML)),
        ("login.config".into(), text(LOGIN)),
        ("/etc/dialback/login.config".into(), text(LOGIN)),
        ("dialin.config".into(), text(b"!5550667\n")),
    ]);
    let name = match which {
        In::Toml => "dialback.toml",
        In::Login => "login.config",
        In::Dialin => "dialin.config",
    };
    files.insert(name.into(), text(bytes));
    let surroundings = Surroundings { host: "orion".to_owned(), system: System::default(), uid: 0 };
    let result = load(Path::new("dialback.toml"), &surroundings, &files);
    match &result {
        Ok(loaded) => {
            holds(loaded);
            loaded.warnings.iter().for_each(well_told);
        }
        Err(faults) => {
            assert!(faults.iter().any(|fault| fault.severity == Severity::Error));
            faults.iter().for_each(well_told);
        }
    }
    result
}

/// A diagnostic points into its text, can be shown, is one line, and has a cure.
fn well_told(fault: &Diagnostic) {
    if let Some(span) = &fault.span {
        assert!(span.start <= span.end && span.end <= fault.source.text().len(), "{fault}");
    }
    assert!(fault.hint.is_some(), "{fault}");
    assert!(!fault.message.contains('\n'), "{:?}", fault.message);
    assert!(!fault.render(Look::Plain).is_empty());
}

/// What a configuration that loads promises to everybody behind it.
fn holds(loaded: &Loaded) {
    let config = &loaded.config;
    let names: BTreeSet<_> = config.lines.iter().map(|line| &line.name).collect();
    let ports: BTreeSet<_> = config.lines.iter().map(|line| &line.port).collect();
    assert!(!config.lines.is_empty());
    assert_eq!((names.len(), ports.len()), (config.lines.len(), config.lines.len()));
    assert!(config.callback.tries > 0 && config.callback.max_time > config.callback.delay);
    assert!(config.server.control.is_absolute() && config.server.state_dir.is_absolute());
    assert!(config.server.control.as_os_str().len() <= 107);
    assert!(!config.login.time_limit.is_zero() && !config.login.number_time_limit.is_zero());
    assert!(!config.entries.is_empty());
    for line in &config.lines {
        assert!(line.rings > 0 && !line.modem.init.is_empty());
        for command in &line.modem.init {
            assert!(command.to_ascii_uppercase().starts_with("AT") && !command.contains('\r'));
        }
    }
    for entry in &config.entries {
        match &entry.action {
            Action::Callback { .. } => {
                assert!(entry.pattern != NamePattern::Any || entry.when == When::OnRequest);
            }
            Action::Program { path, .. } => assert!(path.is_absolute()),
            Action::Ppp => {}
        }
    }
}

/// Texts that are nearly right: pieces of the format in any order, with junk between them.
fn pieces(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => proptest::sample::select(pieces).prop_map(str::to_owned),
        1 => "\\PC{0,6}",
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

const TOML_PIECES: &[&str] = &[
    "[server]\n",
    "[login]\n",
    "[callback]\n",
    "[[line]]\n",
    "[modem.a]\n",
    "line",
    "name",
    "port",
    "speed",
    "delay",
    "tries",
    "init",
    "dial_prefix",
    "group",
    "modem",
    "caller_numbers",
    "allow",
    "deny",
    " = ",
    "=",
    "\"",
    "\"same\"",
    "\"/dev/ttyS0\"",
    "\"10s\"",
    "\"main\"",
    "\"ATS0=1\"",
    "\"ATDT\"",
    "115200",
    "3",
    "-1",
    "true",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "\n",
    "# x\n",
    "'",
    "\\",
    "name = \"b\"\n",
    "port = \"tcp://h:1\"\n",
];
const LOGIN_PIECES: &[&str] = &[
    "!version 2\n",
    "!",
    "*",
    "mary",
    "cback",
    " ",
    "\t",
    "\n",
    "-",
    " - ",
    "Y",
    "N",
    "/bin/login",
    "callback",
    "/usr/sbin/callback",
    "dialback-ppp",
    "-S",
    "-l",
    "-m",
    "-s",
    "main",
    "ttyS0",
    "ATZ",
    "@",
    "\\I",
    "5550199",
    "+49",
    "#",
    "# x\n",
    "\\\n",
    "\\",
    "\r\n",
    " - - callback -S 5550199\n",
    "* - - /bin/login @\n",
];
const DIALIN_PIECES: &[&str] = &[
    "!", "all", "none", "P", "O", "555", "+49", " ", ",", "\t", "\n", "#", "# x\n", "!all\n",
    "\r\n",
];

fn config() -> ProptestConfig {
    ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_in_dialback_toml(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = check(In::Toml, &bytes);
    }

    #[test]
    fn any_bytes_in_login_config(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = check(In::Login, &bytes);
    }

    #[test]
    fn any_bytes_in_dialin_config(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = check(In::Dialin, &bytes);
    }

    #[test]
    fn pieces_of_toml(text in pieces(TOML_PIECES)) {
        let _ = check(In::Toml, text.as_bytes());
    }

    #[test]
    fn a_good_configuration_with_one_place_changed(
        at in 0..TOML.len(), cut in 0..8_usize, put in pieces(TOML_PIECES)
    ) {
        let end = (at + cut).min(TOML.len());
        let text = [&TOML[..at], put.as_bytes(), &TOML[end..]].concat();
        let _ = check(In::Toml, &text);
    }

    #[test]
    fn pieces_of_login_config(text in pieces(LOGIN_PIECES)) {
        let _ = check(In::Login, text.as_bytes());
    }

    #[test]
    fn pieces_of_dialin_config(text in pieces(DIALIN_PIECES)) {
        let _ = check(In::Dialin, text.as_bytes());
    }
}

#[test]
fn the_good_files_load() {
    for (which, bytes) in [(In::Toml, TOML), (In::Login, LOGIN), (In::Dialin, b"!555\n".as_slice())]
    {
        let result = check(which, bytes);
        assert!(result.is_ok(), "{which:?}: {:?}", result.err());
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test reads its own corpus")]
fn every_file_of_the_corpus_is_survived() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (directory, which, least) in [
        ("dialback_toml", In::Toml, 15),
        ("login_config", In::Login, 10),
        ("dialin_config", In::Dialin, 5),
    ] {
        let mut files = 0;
        for entry in std::fs::read_dir(corpus.join(directory)).expect("the corpus is there") {
            let bytes = std::fs::read(entry.expect("a file").path()).expect("it can be read");
            let _ = check(which, &bytes);
            files += 1;
        }
        assert!(files >= least, "{directory} has {files} files");
    }
}

//! One file of the configuration with any bytes in it, the others good: what every target that reads
//! configuration checks, and the room's own tests as well.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use dialback_calls::config::load::{FileText, Loaded, Surroundings, load};
use dialback_calls::config::{Action, NamePattern, System, When};
use dialback_calls::diagnostic::{Diagnostic, Look, Severity};

/// A good dialback.toml that names all the other files.
pub(crate) const TOML: &[u8] = b"\
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
[ppp]
secrets = \"chap-secrets\"
[[user]]
name = \"alice\"
callback = { numbers = [\"5550199\"], offer = [\"fixed\", \"caller\"] }
";
/// A good login.config.
pub(crate) const LOGIN: &[u8] =
    b"/AutoPPP/ - - dialback-ppp\nmary - - callback -S 5550199\n* - - /bin/login @\n";

const SECRETS: &[u8] = b"alice * s3cret\n";

/// Which of the files has the bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum In {
    /// dialback.toml
    Toml,
    /// login.config
    Login,
    /// dialin.config
    Dialin,
    /// chap-secrets
    Secrets,
}

/// Reads them, and checks whatever comes of it: a configuration that holds what it promises, or faults that are well told.
pub(crate) fn check(which: In, bytes: &[u8]) -> Result<Loaded, Vec<Diagnostic>> {
    let text = |text: &[u8]| FileText { text: text.to_vec(), uid: 0, mode: 0o600 };
    let mut files: BTreeMap<PathBuf, FileText> = BTreeMap::from([
        ("dialback.toml".into(), text(TOML)),
        ("login.config".into(), text(LOGIN)),
        ("/etc/dialback/login.config".into(), text(LOGIN)),
        ("dialin.config".into(), text(b"!5550667\n")),
        ("chap-secrets".into(), text(SECRETS)),
    ]);
    let name = match which {
        In::Toml => "dialback.toml",
        In::Login => "login.config",
        In::Dialin => "dialin.config",
        In::Secrets => "chap-secrets",
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

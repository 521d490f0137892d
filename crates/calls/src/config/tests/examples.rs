//! Every configuration in `examples/` loads without a fault or a warning.

use super::*;

/// The directory, file by file: this crate reads none.
const EXAMPLES: [(&str, &str); 11] = [
    ("minimal.toml", include_str!("../../../../../examples/minimal.toml")),
    ("minimal-login.config", include_str!("../../../../../examples/minimal-login.config")),
    ("mgetty.toml", include_str!("../../../../../examples/mgetty.toml")),
    ("login.config", include_str!("../../../../../examples/login.config")),
    ("utility.toml", include_str!("../../../../../examples/utility.toml")),
    ("utility-login.config", include_str!("../../../../../examples/utility-login.config")),
    ("bbs.toml", include_str!("../../../../../examples/bbs.toml")),
    ("bbs-login.config", include_str!("../../../../../examples/bbs-login.config")),
    ("bbs-dialin.config", include_str!("../../../../../examples/bbs-dialin.config")),
    ("bbs-chap-secrets", include_str!("../../../../../examples/bbs-chap-secrets")),
    ("bbs-issue", include_str!("../../../../../examples/bbs-issue")),
];

fn example(name: &str) -> Config {
    let files: BTreeMap<PathBuf, FileText> = EXAMPLES
        .iter()
        .map(|(name, text)| (Path::new("examples").join(name), file(text)))
        .collect();
    let loaded = load(&Path::new("examples").join(name), &surroundings(), &files);
    let nothing: [String; 0] = [];
    assert_eq!(told(&loaded), nothing, "{name}");
    loaded.expect("nothing was told").config
}

#[test]
fn the_minimal_one_calls_back_on_its_only_line() {
    let config = example("minimal.toml");
    assert_eq!(config.lines.len(), 1);
    assert_eq!(config.lines[0].modem.profile.name, "conexant");
    assert_eq!(config.lines[0].hold_time, Duration::from_secs(200));
    assert_eq!(config.callback.line, ReturnLine::Same);
    assert_eq!(config.callback.authenticate, Authenticate::Code);
    assert_eq!(config.entries[0].when, When::OnRequest);
    assert_eq!(config.users[0].name, "mary");
}

#[test]
fn mgettys_one_calls_back_whoever_names_himself() {
    let config = example("mgetty.toml");
    assert_eq!(config.entries.len(), 4);
    let Action::Callback { line, numbers, .. } = &config.entries[1].action else {
        panic!("mary is called back")
    };
    assert_eq!(line, &Some(ReturnLine::Same));
    assert_eq!(numbers[0].as_str(), "5550199");
    assert_eq!(config.callback.authenticate, Authenticate::Nothing);
}

#[test]
fn the_utility_calls_back_on_another_line_with_a_profile_of_its_own() {
    let config = example("utility.toml");
    let [answers, originates] = config.lines.as_slice() else { panic!("two lines") };
    assert_eq!(answers.direction, Direction::Answer);
    assert_eq!(originates.modem.dial_prefix.as_str(), "ATDT0,");
    assert_eq!(originates.modem.dial_time, Duration::from_secs(180));
    assert_eq!(answers.modem.dial_time, Duration::from_secs(120));
    assert_eq!(answers.modem.profile.name, "courier");
    assert_eq!(config.entries[2].when, When::OnReturn);
}

#[test]
fn the_board_hunts_over_a_group() {
    let config = example("bbs.toml");
    assert_eq!(config.callback.line, ReturnLine::Group("public".into()));
    assert_eq!(config.groups()["public"], [0, 1, 2, 3]);
    assert_eq!(config.groups()["night"], [2, 3]);
    let line = |index: usize| match &config.entries[index].action {
        Action::Callback { line, .. } => line.clone(),
        Action::Program { .. } | Action::Ppp => None,
    };
    assert_eq!(line(0), None);
    assert_eq!(line(1), Some(ReturnLine::Group("night".into())));
    assert_eq!(line(2), Some(ReturnLine::Lines(vec!["four".into()])));
    assert_eq!(config.entries[4].action, Action::Ppp);
    assert!(config.login.issue.starts_with("Welcome to @."));
    assert!(!config.lines[4].modem.dtr_hangup, "bare TCP has no DTR");
    let init = &config.lines[0].modem.init;
    assert_eq!(init.last().map(String::as_str), Some("AT#CID=1"));
}

//! Files that are missing, unreadable, too large, wrongly encoded or in the wrong hands.

use super::*;
use crate::config::load::{Files, MAX_FILE, Mentioned, ReadFault};

const TOML: &str = "\
[server]
login_config = \"login.config\"
[[line]]
name = \"main\"
port = \"/dev/ttyS0\"
";

fn check(files: &dyn Files, expected: &[&str]) {
    let result = load(Path::new("dialback.toml"), &surroundings(), files);
    assert_eq!(told(&result), expected);
}

fn with(login: FileText) -> BTreeMap<PathBuf, FileText> {
    BTreeMap::from([("dialback.toml".into(), file(TOML)), ("login.config".into(), login)])
}

#[test]
fn a_missing_configuration_is_told() {
    check(
        &BTreeMap::new(),
        &["dialback.toml: no such file: name the configuration with --config FILE"],
    );
}

#[test]
fn a_configuration_that_others_can_write_is_told() {
    let check_main = |main: FileText, expected: &[&str]| {
        let mut files = with(file("mary - - /bin/true\n"));
        files.insert("dialback.toml".into(), main);
        check(&files, expected);
    };
    check_main(FileText { mode: 0o644, ..file(TOML) }, &[]);
    check_main(
        FileText { mode: 0o664, ..file(TOML) },
        &["dialback.toml: mode 0664 lets others write it: chmod go-w dialback.toml"],
    );
    check_main(
        FileText { uid: 77, ..file(TOML) },
        &["dialback.toml: belongs to the user with id 77, not to root: chown root dialback.toml"],
    );
}

#[test]
fn screening_words_that_others_can_write_are_told() {
    let toml = TOML.replace(
        "[[line]]",
        "dialin_config = \"dialin.config\"\n[[line]]\nmodem = { init = [\"AT+VCID=1\"] }",
    );
    for (mode, uid, expected) in [
        (0o644, 0, None),
        (0o666, 0, Some("dialin.config: mode 0666 lets others write it: chmod go-w dialin.config")),
        (
            0o600,
            77,
            Some(
                "dialin.config: belongs to the user with id 77, not to root: chown root dialin.config",
            ),
        ),
    ] {
        let mut files = with(file(LOGIN));
        files.insert("dialback.toml".into(), file(&toml));
        files.insert("dialin.config".into(), FileText { mode, uid, ..file("!5550667\n") });
        let expected: Vec<&str> = expected.into_iter().collect();
        check(&files, &expected);
    }
}

#[test]
fn an_unreadable_configuration_is_told() {
    let denied = |_: &Path| Err(ReadFault::Other("permission denied".to_owned()));
    check(
        &denied,
        &[
            "dialback.toml: can't be read: permission denied: name the configuration with --config FILE",
        ],
    );
}

#[test]
fn finding_23_a_missing_login_config_is_an_error_and_no_bin_login_for_everybody() {
    let files = BTreeMap::from([(PathBuf::from("dialback.toml"), file(TOML))]);
    check(
        &files,
        &["dialback.toml:2:16: login_config: there is no login.config: create it, or name another"],
    );
}

#[test]
fn a_missing_login_config_at_its_default_place_is_told_of_the_file() {
    let files = BTreeMap::from([(
        PathBuf::from("dialback.toml"),
        file("[[line]]\nname = \"main\"\nport = \"/dev/ttyS0\"\n"),
    )]);
    check(
        &files,
        &[
            "dialback.toml: login_config: there is no /etc/dialback/login.config: create it, or name another",
        ],
    );
}

#[test]
fn finding_23_a_login_config_that_others_can_touch_is_an_error() {
    let readable = |mode, uid| with(FileText { mode, uid, ..file(LOGIN) });
    let expected = |mode: &str| {
        format!("login.config: mode {mode} opens it to group or others: chmod 600 login.config")
    };
    for mode in [0o644, 0o640, 0o620, 0o602, 0o601, 0o4777] {
        check(&readable(mode, 0), &[&expected(&format!("{mode:04o}"))]);
    }
    for mode in [0o600, 0o400, 0o700] {
        check(&readable(mode, 0), &[]);
    }
    check(
        &readable(0o600, 1000),
        &["login.config: belongs to the user with id 1000, not to root: chown root login.config"],
    );
}

#[test]
fn a_login_config_may_belong_to_the_user_whose_rights_its_programs_get() {
    let files = with(FileText { uid: 1000, ..file(LOGIN) });
    let surroundings = Surroundings { uid: 1000, ..surroundings() };
    assert!(load(Path::new("dialback.toml"), &surroundings, &files).is_ok());
}

#[test]
fn a_file_larger_than_any_configuration_is_refused() {
    let files = with(FileText { text: vec![b'#'; MAX_FILE + 1], ..file("") });
    check(&files, &["login.config: more than 1024 KiB: is it the right file?"]);
}

#[test]
fn toml_must_be_utf_8() {
    let mut toml = TOML.as_bytes().to_vec();
    toml.extend(b"# f\xfcr alle\n");
    let mut files = with(file(LOGIN));
    files.insert("dialback.toml".into(), FileText { text: toml, ..file("") });
    check(&files, &["dialback.toml:6:4: byte 0xfc is not UTF-8: save the file as UTF-8"]);
}

#[test]
fn latin_1_may_stand_in_comments_of_old_files_and_nowhere_else() {
    let mut login = b"# f\xfcr alle\n".to_vec();
    login.extend(LOGIN.as_bytes());
    check(&with(FileText { text: login, ..file("") }), &[]);
    let login = b"m\xe4ry - - /bin/sh\n* - - /bin/login @\n".to_vec();
    check(
        &with(FileText { text: login, ..file("") }),
        &[
            "login.config:1:1: \"m\u{fffd}ry\" is not printable ASCII: neither a caller nor a modem can send it",
        ],
    );
}

#[test]
fn paths_start_at_the_directory_of_the_configuration() {
    let files = BTreeMap::from([
        (PathBuf::from("/srv/modems/dialback.toml"), file(TOML)),
        (PathBuf::from("/srv/modems/login.config"), file(LOGIN)),
    ]);
    let loaded = load(Path::new("/srv/modems/dialback.toml"), &surroundings(), &files);
    let config = loaded.expect("a good configuration").config;
    assert_eq!(config.server.login_config, Path::new("/srv/modems/login.config"));
}

#[test]
fn users_programs_and_ports_are_mentioned_with_their_places() {
    let login = "board - @ /usr/bin/board\ngame games @ /usr/bin/game @\n";
    let loaded = load_texts(TOML, login, None).expect("a good configuration");
    let mentioned: Vec<String> =
        loaded.mentions.iter().map(|mention| mention.error("missing").to_string()).collect();
    assert_eq!(
        mentioned,
        [
            "dialback.toml:5:8: missing",
            "login.config:1:11: missing",
            "login.config:2:14: missing",
            "login.config:2:6: missing",
        ]
    );
    assert_eq!(loaded.mentions[0].what, Mentioned::Port("/dev/ttyS0".into()));
    assert_eq!(loaded.mentions[2].what, Mentioned::Program("/usr/bin/game".into()));
    assert_eq!(loaded.mentions[3].what, Mentioned::User("games".into()));
    assert!(loaded.mentions[1].warning("odd").to_string().contains("warning: odd"));
}

#[test]
fn an_issue_of_nothing_and_a_default_one_that_is_missing_are_fine() {
    for toml in [TOML.to_owned(), TOML.replace("[[line]]", "issue = \"\"\n[[line]]")] {
        let loaded = load_texts(&toml, LOGIN, None).expect("a good configuration");
        assert_eq!(loaded.config.login.issue, "");
    }
}

#[test]
fn the_systems_issue_is_read_as_agetty_reads_it_and_a_named_one_as_mgetty_does() {
    let text = "Debian GNU/Linux 12 \\n \\l\n";
    for (key, path, wanted) in [
        ("", "/etc/issue", "Debian GNU/Linux 12 @ \\L\n"),
        ("issue = \"/etc/issue\"\n", "/etc/issue", text),
        ("issue = \"welcome\"\n", "welcome", text),
    ] {
        let mut files = with(file("mary - - /bin/true\n"));
        let toml = TOML.replace("[[line]]", &format!("{key}[[line]]"));
        files.insert("dialback.toml".into(), file(&toml));
        files.insert(path.into(), file(text));
        let loaded = load(Path::new("dialback.toml"), &surroundings(), &files);
        assert_eq!(loaded.expect("a good configuration").config.login.issue, wanted, "{key}");
    }
}

#[test]
fn a_file_of_faults_alone_is_told_in_part() {
    let files = with(file(&"x\n".repeat(100_000)));
    let faults = load(Path::new("dialback.toml"), &surroundings(), &files).expect_err("all wrong");
    assert_eq!(faults.len(), 201);
    let last = faults[200].to_string();
    assert_eq!(last, "login.config: 99800 more are not shown: mend these first");
}

#[test]
fn more_entries_than_anybody_has_are_refused() {
    let entries: String =
        (0..=login_config::MAX_ENTRIES).map(|number| format!("u{number} - - /b\n")).collect();
    check(
        &with(file(&entries)),
        &["login.config:10001:1: more than 10000 entries: let one entry with a * take many names"],
    );
}

#[test]
fn more_screening_words_than_anybody_has_are_refused() {
    let words: String =
        (0..=dialin_config::MAX_WORDS).map(|number| format!("!{}\n", 100_000 + number)).collect();
    let toml = TOML.replace(
        "[[line]]",
        "dialin_config = \"dialin.config\"\n[[line]]\nmodem = { init = [\"AT+VCID=1\"] }",
    );
    let result = load_texts(&toml, LOGIN, Some(&words));
    let expected = "dialin.config:4097:1: more than 4096 words: \
                    write the common beginning of many numbers as one word";
    assert_eq!(told(&result), [expected]);
}

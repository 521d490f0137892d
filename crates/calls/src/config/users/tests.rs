//! What a diagnostic gets to see of a file with secrets, and what becomes of users in a file of their own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::masked;
use crate::config::load::{FileText, Loaded, Surroundings, load};
use crate::config::{Authenticate, System};
use crate::diagnostic::{Diagnostic, Look};

#[test]
fn secrets_are_stars_of_the_same_length_on_the_same_lines() {
    for (text, shown) in [
        ("name = \"alice\"\n", "name = \"alice\"\n"),
        ("secret = \"hush\"\nname = 1", "secret =*******\nname = 1"),
        ("  totp=\"ABC\"  # x\r\n", "  totp=**********\r\n"),
        (
            "x = { name = \"a\", ppp_secret = \"hush\" }",
            "x = { name = \"a\", ppp_secret =*********",
        ),
        ("\"secret\" = 'hush'", "\"secret\" =*******"),
        ("secrets = \"chap-secrets\"", "secrets = \"chap-secrets\""),
        ("my_secret = 1", "my_secret = 1"),
        ("secret = \"\"\"one\ntwo\"\"\"\nname = 1", "secret =*******\n******\nname = 1"),
        ("secret = \"caf\u{e9}\"", "secret =********"),
        ("the secret is out", "the secret is out"),
    ] {
        assert_eq!(masked(text), shown);
        assert_eq!(masked(text).len(), text.len());
    }
}

const TOML: &str = "[server]\nlogin_config = \"login.config\"\nusers = \"users.toml\"\n\
                    [callback]\nuniform = true\n[[line]]\nname = \"main\"\nport = \"/dev/ttyS0\"\n";
const HASH: &str =
    "$argon2id$v=19$m=8,t=1,p=1$c2l4dGVlbiBvY3RldHM$OjW5mXMPPzx8Mc8K7HcVmHRtlZ6yBvxh5LxrVvqJqXY";

const TOTP: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn read(toml: &str, users: &str, modes: (u32, u32)) -> Result<Loaded, Vec<Diagnostic>> {
    let file = |text: &str, mode| FileText { text: text.as_bytes().to_vec(), uid: 0, mode };
    let files: BTreeMap<PathBuf, FileText> = BTreeMap::from([
        ("dialback.toml".into(), file(toml, modes.0)),
        ("users.toml".into(), file(users, modes.1)),
        ("login.config".into(), file("* - - /bin/login @\n", 0o600)),
    ]);
    let surroundings = Surroundings { host: "alma".to_owned(), system: System::default(), uid: 0 };
    load(Path::new("dialback.toml"), &surroundings, &files)
}

fn told(result: Result<Loaded, Vec<Diagnostic>>) -> Vec<String> {
    let faults = result.map_or_else(|faults| faults, |loaded| loaded.warnings);
    for fault in &faults {
        let shown = fault.render(Look::Plain);
        assert!(!shown.contains("hush") && !shown.contains("c2l4dGV"), "{shown}");
    }
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn a_code_generator_counts_or_it_is_told_that_it_does_not() {
    let user = |name: &str, secret: &str, totp: &str| {
        format!("[[user]]\nname = \"{name}\"\n{secret}{totp}\n")
    };
    let (secret, totp) = (format!("secret = \"{HASH}\"\n"), format!("totp = \"{TOTP}\"\n"));
    let both = user("zoe", &secret, &totp) + &user("xena", "", "");
    let asked = |users: &str| {
        let config = read(TOML, users, (0o644, 0o600)).expect("a configuration");
        let told: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
        (config.config.callback.authenticate, told)
    };
    let (authenticate, told) = asked(&both);
    assert_eq!((authenticate, told.len()), (Authenticate::PasswordAndCode, 0), "{told:?}");
    // One who has a secret alone brings it down to the password for all.
    let (authenticate, told) = asked(&format!("{both}{}", user("yan", &secret, "")));
    assert_eq!(authenticate, Authenticate::Password);
    assert_eq!(
        told,
        [
            "users.toml:4:8: warning: zoe is never asked for a one-time code: authenticate is \"password\", since others have \
          a secret and no totp: write authenticate = \"password+totp\" into [callback] once all have both, or \
          return_proof = \"totp\" here"
        ]
    );
}

#[test]
fn users_of_both_files_are_users_and_each_name_leads_to_one() {
    let users = format!("[[user]]\nname = \"zoe\"\naliases = \"z\"\nsecret = \"{HASH}\"\n");
    let toml = format!("{TOML}[[user]]\nname = \"alice\"\n");
    let config = read(&toml, &users, (0o644, 0o600)).expect("a configuration").config;
    let names: Vec<_> = config.users.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["alice", "zoe"]);
    assert_eq!(config.user("z").map(|user| user.name.as_str()), Some("zoe"));
    assert_eq!(config.callback.authenticate, Authenticate::Password);
    assert_eq!(format!("{:?}", config.users[1].credentials), "Credentials(password)");

    let twice = format!("{TOML}[[user]]\nname = \"z\"\n");
    assert_eq!(
        told(read(&twice, &users, (0o644, 0o600))),
        ["users.toml:3:11: \"z\" is another user's name: let each name lead to one user"]
    );
}

#[test]
fn a_file_with_secrets_that_others_can_get_at_is_an_error() {
    let users = format!("[[user]]\nname = \"zoe\"\nsecret = \"{HASH}\"\n");
    assert_eq!(
        told(read(TOML, &users, (0o644, 0o644))),
        ["users.toml: mode 0644 opens it to group or others: chmod 600 users.toml"]
    );
    let toml = format!("{TOML}{users}");
    assert_eq!(told(read(&toml, "", (0o600, 0o600))), Vec::<String>::new());
    let got = told(read(&toml, "", (0o644, 0o600)));
    assert!(
        got[0].starts_with("dialback.toml:11:10: a secret in a file that others can get at: "),
        "{got:?}"
    );
    // Without a secret nobody minds who reads it.
    let open = format!("{TOML}[[user]]\nname = \"zoe\"\n");
    assert_eq!(told(read(&open, "", (0o644, 0o600))), Vec::<String>::new());
}

#[test]
fn a_faulty_secret_is_told_without_it() {
    for (line, wanted) in [
        (
            "secret = \"hush\"",
            "users.toml:3:10: secret: not an argon2id hash: it is no PHC string: print one with \"dialback user passwd\"",
        ),
        (
            "totp = \"hush\"",
            "users.toml:3:8: totp: not the key of a code generator: base32 has the letters A to Z and the digits 2 to 7: print one with \"dialback user totp\"",
        ),
        (
            "ppp_secret = \"\"",
            "users.toml:3:14: ppp_secret: an empty secret lets everybody in: write one, or leave the key out",
        ),
        (
            "secret = [\"hush\"]",
            "users.toml:3:10: secret is a list, not an argon2id hash: for example secret = ",
        ),
        (
            "secret = \"hush",
            "users.toml:3:10: secret: not an argon2id hash: it is no PHC string: print one with ",
        ),
    ] {
        let got = told(read(TOML, &format!("[[user]]\nname = \"zoe\"\n{line}\n"), (0o644, 0o600)));
        assert!(got.first().is_some_and(|told| told.starts_with(wanted)), "{line}: {got:?}");
    }
}

#[test]
fn a_file_of_users_holds_users_and_has_to_be_there() {
    let got = told(read(TOML, "[callback]\ntries = 1\n", (0o644, 0o600)));
    assert_eq!(
        got,
        [
            "users.toml:1:2: there is no \"callback\" in a file of users: begin each user with [[user]]"
        ]
    );
    let toml = TOML.replace("users.toml", "people.toml");
    assert_eq!(
        told(read(&toml, "", (0o644, 0o600))),
        ["dialback.toml:3:9: users: there is no people.toml: create it, or name another"]
    );
}

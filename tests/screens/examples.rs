//! Every example of a configuration in the guide is one that the program takes without a fault.
//! What is less than a whole file is laid over a small one: what it says replaces what stands there.

use std::os::unix::fs::PermissionsExt;

use crate::folder::Folder;
use crate::page::{Block, blocks};
use crate::server::{run, stderr, stdout};

/// What a part of a dialback.toml is laid over.
const BASE: &str = r#"
[server]
login_config = "login.config"

[[line]]
name = "main"
port = "/dev/ttyUSB0"

[callback]
line = "same"

[ppp]
secrets = "/etc/dialback/chap-secrets"
"#;

const LOGIN: &str = "* - - /bin/login @\n";

/// Files that examples name, below /etc/dialback.
const FILES: [(&str, &str); 4] = [
    ("chap-secrets", ""),
    ("web-tokens", ""),
    ("chat.secret", "0123456789abcdef0123456789abcdef\n"),
    ("login.config", LOGIN),
];

/// Sections that only relay.toml has.
const RELAY: [&str; 5] = ["metrics", "syslog", "hook", "mail", "relay"];

/// Lays `over` over `table`: tables are joined, everything else is replaced.
fn lay(table: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (table.get_mut(&key), value) {
            (Some(toml::Value::Table(under)), toml::Value::Table(value)) => lay(under, value),
            (_, value) => drop(table.insert(key, value)),
        }
    }
}

/// What the program has against these files.
fn fault(command: &[&str], name: &str, text: &str, login: &str) -> Option<String> {
    let folder = Folder::new();
    let here = folder.path("").display().to_string();
    for (name, text) in FILES {
        folder.write(name, text);
    }
    folder.write("login.config", login);
    let config = folder.write(name, &text.replace("/etc/dialback/", &here));
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o644)).unwrap();
    let config = config.display().to_string();
    let output = run(&[command, &["--config", &config]].concat());
    (!output.status.success()).then(|| stdout(&output) + &stderr(&output))
}

/// The same for an example on a page whose examples are of this site.
fn fault_of(block: &Block, site: Option<&toml::Value>) -> Option<String> {
    if block.kind == "conf" {
        // As in the file that the package installs, everybody else logs in.
        let everybody = block.text.lines().any(|line| line.starts_with('*'));
        let login = if everybody { block.text.clone() } else { block.text.clone() + LOGIN };
        let base = BASE.replace("[callback]", "[callback]\ncaller_numbers.allow = [\"555*\"]");
        return fault(&["check"], "dialback.toml", &base, &login);
    }
    let part: toml::Table = match block.text.parse() {
        Ok(part) => part,
        Err(e) => return Some(e.to_string()),
    };
    if part.keys().any(|key| RELAY.contains(&key.as_str())) {
        return fault(&["relay", "--check"], "relay.toml", &block.text, LOGIN);
    }
    let mut whole: toml::Table = BASE.parse().unwrap();
    if let Some(site) = site {
        whole.insert("site".to_owned(), site.clone());
    }
    if part.contains_key("site") {
        whole.remove("site");
    }
    lay(&mut whole, part);
    fault(&["check"], "dialback.toml", &toml::to_string(&whole).unwrap(), LOGIN)
}

/// The site that examples of a page go on from: the first one there.
fn site(all: &[Block], block: &Block) -> Option<toml::Value> {
    all.iter()
        .filter(|other| other.page == block.page && other.kind == "toml")
        .find_map(|other| other.text.parse::<toml::Table>().ok()?.remove("site"))
}

#[test]
fn every_configuration_of_the_guide_is_found_faultless() {
    let all = blocks();
    let examples: Vec<&Block> = all
        .iter()
        // The policy's page is several files in each example: tests/policy.rs runs them.
        .filter(|block| block.page != "docs/guide/policy.md")
        .filter(|block| ["toml", "conf"].contains(&block.kind.as_str()))
        .collect();
    assert!(examples.len() > 18, "only {} examples were found", examples.len());
    let faults: Vec<String> = examples
        .iter()
        .filter_map(|block| {
            Some(format!("{}:\n{}", block.place(), fault_of(block, site(&all, block).as_ref())?))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_wrong_example_is_found() {
    let wrong = [
        ("toml", "[site]\ncuontry = \"DE\"\n"),
        ("toml", "[metrics]\nlisten = \"nowhere\"\n"),
        ("toml", "[callback]\ndelay = \"soon\"\n"),
        ("conf", "mary - - /usr/sbin/callback -S 555;1\n"),
    ];
    for (kind, text) in wrong {
        let block =
            Block { page: String::new(), line: 1, kind: kind.to_owned(), text: text.to_owned() };
        assert!(fault_of(&block, None).is_some(), "{text}");
    }
}

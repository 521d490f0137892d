//! A set of old files, the program that migrates it, and what came out.

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use calls::config::Config;
use calls::config::load::{FileText, ReadFault, Surroundings, load};
use serde::Deserialize;
use serde_json::Value;

const SETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/migrate/sets");

/// Somebody who calls.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Call {
    /// The line that he calls.
    pub(crate) line: String,
    /// His own number.
    pub(crate) from: Option<String>,
    /// The name that he gives at the prompt.
    pub(crate) name: Option<String>,
    /// The number that he types, where he is asked for one.
    pub(crate) number: Option<String>,
    /// The name that he gives when he is called back.
    pub(crate) then: Option<String>,
    /// The proof that he gives by PPP.
    pub(crate) ppp: Option<Proof>,
    /// What he gets.
    pub(crate) got: String,
    /// What stands on his screen.
    pub(crate) sees: Option<String>,
    /// In how many seconds he has to be called back.
    pub(crate) within: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Proof {
    pub(crate) name: String,
    pub(crate) password: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    #[serde(default)]
    call: Vec<Call>,
    /// Why nothing can be migrated.
    refused: Option<String>,
}

/// A set.
pub(crate) struct Set {
    name: String,
    /// A copy of it, with the modes that files have on a system and not in a repository.
    root: PathBuf,
    out: PathBuf,
    more: Vec<String>,
    expected: Expected,
}

/// What came out of a set.
pub(crate) struct Migrated {
    directory: PathBuf,
    json: Value,
}

impl Set {
    /// The set of this name.
    pub(crate) fn named(name: &str) -> Self {
        let text = std::fs::read_to_string(format!("{SETS}/{name}/expect.toml")).unwrap();
        let root = folder(name, "root");
        copy(&Path::new(SETS).join(name), &root);
        for closed in ["etc/mgetty/login.config", "etc/ppp/chap-secrets", "etc/ppp/pap-secrets"] {
            let path = root.join(closed);
            if path.exists() {
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
            }
        }
        let expected = toml::from_str(&text).unwrap();
        Self { name: name.to_owned(), root, out: folder(name, "out"), more: Vec::new(), expected }
    }

    /// A whole system's files below a directory, with these further arguments.
    pub(crate) fn system(name: &str, root: PathBuf, more: &[&str], calls: Vec<Call>) -> Self {
        let expected = Expected { call: calls, refused: None };
        let more = more.iter().map(|&word| word.to_owned()).collect();
        Self { name: name.to_owned(), root, out: folder(name, "out"), more, expected }
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.expected.call.clone()
    }

    /// Where every remark of it stands.
    pub(crate) fn told(&self) -> PathBuf {
        Path::new(SETS).join(&self.name).join("told.txt")
    }

    /// Runs the program; `None` where nothing can be migrated, as expected.
    pub(crate) fn migrate(&self) -> Option<Migrated> {
        let program = Command::new(env!("CARGO_BIN_EXE_dialback"))
            .args(["migrate", "--yes", "--json", "--root"])
            .arg(&self.root)
            .arg("--out")
            .arg(&self.out)
            .args(&self.more)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&program.stderr).into_owned();
        if let Some(why) = &self.expected.refused {
            assert!(!program.status.success() && said.contains(why), "{said}");
            assert!(!self.out.exists(), "nothing is written");
            return None;
        }
        let json = String::from_utf8(program.stdout).unwrap();
        assert!(program.status.success(), "{said}\n{json}");
        let json = serde_json::from_str(&json).unwrap();
        Some(Migrated { directory: self.out.clone(), json })
    }
}

impl Migrated {
    /// Whether every difference is told, and nothing else.
    pub(crate) fn is_told(&self, golden: &Path) {
        let remarks: Vec<String> = self.json["remarks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|remark| {
                let word = |key: &str| remark[key].as_str().unwrap().to_owned();
                let line = remark["line"].as_u64().unwrap();
                format!("{} {}:{line} {}", word("kind"), word("file"), word("what"))
            })
            .collect();
        let text = remarks.join("\n") + "\n";
        if std::env::var("MIGRATE_SETS").as_deref() == Ok("write") {
            std::fs::write(golden, &text).unwrap();
        }
        let wanted = std::fs::read_to_string(golden).unwrap_or_default();
        assert_eq!(text, wanted, "{}", golden.display());
        let once: BTreeSet<&String> = remarks.iter().collect();
        assert_eq!(once.len(), remarks.len(), "nothing is told twice: {text}");
    }

    /// Whether `dialback check` accepts it.
    pub(crate) fn is_accepted(&self) {
        let config = self.directory.join("dialback.toml");
        let check = Command::new(env!("CARGO_BIN_EXE_dialback"))
            .args(["check", "--config"])
            .arg(&config)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&check.stdout);
        assert!(check.status.success(), "{said}\n{}", std::fs::read_to_string(&config).unwrap());
    }

    /// The configuration, as the server reads it.
    pub(crate) fn config(&self) -> Config {
        let read = |path: &Path| {
            let text = std::fs::read(path).map_err(|_| ReadFault::Missing)?;
            Ok(FileText { text, uid: 0, mode: 0o600 })
        };
        let surroundings = Surroundings {
            host: "orion".to_owned(),
            system: calls::config::System::default(),
            uid: 0,
        };
        load(&self.directory.join("dialback.toml"), &surroundings, &read).unwrap().config
    }
}

/// A place for one test's files; `out` is not there yet.
fn folder(name: &str, what: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("migrate-{name}-{what}"));
    drop(std::fs::remove_dir_all(&path));
    path
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_symlink() {
            symlink(std::fs::read_link(entry.path()).unwrap(), target).unwrap();
        } else if kind.is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

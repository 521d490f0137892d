//! What the README shows is true: its configuration is one that a server can run with.
#![expect(clippy::panic, reason = "a test program: a panic is its way to fail")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The indented blocks that begin with this first line.
fn block(text: &str, first: &str) -> String {
    let at = text
        .find(first)
        .unwrap_or_else(|| panic!("the README has no block that begins with {first:?}"));
    text.get(at..).and_then(|rest| rest.split("```").next()).unwrap_or_default().to_owned()
}

#[test]
fn the_readmes_configuration_is_found_faultless() {
    let text = readme();
    let place = std::env::temp_dir().join(format!("dialback-readme-{}", std::process::id()));
    fs::create_dir_all(&place).expect("a folder");
    let here = place.display().to_string();
    let config = block(&text, "# /etc/dialback/dialback.toml").replace("/etc/dialback", &here);
    fs::write(place.join("dialback.toml"), config).expect("dialback.toml");
    fs::write(place.join("login.config"), block(&text, "# /etc/dialback/login.config"))
        .expect("login.config");
    let mode = fs::Permissions::from_mode(0o600);
    fs::set_permissions(place.join("login.config"), mode).expect("its mode");
    let check = Command::new(env!("CARGO_BIN_EXE_dialback"))
        .args(["check", "--config"])
        .arg(place.join("dialback.toml"))
        .output()
        .expect("dialback check");
    fs::remove_dir_all(&place).expect("our own folder");
    let said = String::from_utf8_lossy(&check.stdout);
    assert!(check.status.success(), "{said}");
}

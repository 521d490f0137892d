//! Scripts at the desk: `dialback rehearse`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::rig::folder::Folder;
use crate::rig::process::dialback;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

fn rehearse(script: &Path, more: &[&str]) -> Output {
    let config = examples().join("mgetty.toml");
    let mut command = dialback();
    command.arg("rehearse").arg(script).arg("--config").arg(config);
    command.args(["--user", "real", "--password", "secret", "--shell-prompt", "> "]);
    command.args(more).output().unwrap()
}

/// The verdict, and what the script was seen to do.
fn verdict(script: &Path, more: &[&str]) -> Value {
    let output = rehearse(script, &[&["--json"], more].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    let last = text.lines().last().unwrap_or_else(|| panic!("nothing said: {:?}", output.stderr));
    let verdict: Value = serde_json::from_str(last).unwrap();
    assert_eq!(verdict["source"], "verdict", "{text}");
    assert_eq!(output.status.code(), Some(i32::from(verdict["came_through"] != true)), "{text}");
    verdict
}

#[test]
fn every_example_script_is_called_back() {
    let mut scripts: Vec<PathBuf> = fs::read_dir(examples().join("scripts"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    scripts.sort();
    assert!(scripts.len() >= 6, "{scripts:?}");
    for script in scripts {
        let verdict = verdict(&script, &[]);
        let shown = format!("{}: {verdict:#}", script.display());
        assert_eq!(verdict["came_through"], true, "{shown}");
        assert_eq!(verdict["ended"]["how"], "well", "{shown}");
        assert_eq!(verdict["notes"], serde_json::json!([]), "{shown}");
    }
}

#[test]
fn a_mistake_in_an_example_is_told_with_its_line() {
    for (script, from, to, words) in [
        ("callback.chat", "cback", "cbcak", "did you mean \"cback\" (login.config:4)?"),
        ("callback.scp", "cback", "cbcak", "did you mean \"cback\" (login.config:4)?"),
        ("callback-hardened.chat", "cback", "cbakc", "did you mean \"cback\" (login.config:4)?"),
        ("callback-hardened.scp", "5550123", "5559123", "caller_numbers.deny \"5559*\""),
        ("callback-fixed.chat", "TIMEOUT 90", "TIMEOUT 15", "gives up after 15.0 s"),
        ("callback.chat", "TIMEOUT 90", "ABORT \"NO CARRIER\"", "CLR_ABORT \"NO CARRIER\""),
    ] {
        let folder = Folder::new();
        let text = fs::read_to_string(examples().join("scripts").join(script)).unwrap();
        assert!(text.contains(from), "{script} has no {from}");
        let changed = folder.write(script, &text.replace(from, to));
        let output = rehearse(&changed, &[]);
        let shown = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{shown}");
        assert!(shown.contains("No callback."), "{shown}");
        // Lines are broken where the sheet ends.
        let flat = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(words), "no {words:?} in:\n{shown}");
        assert!(flat.contains(&format!("{script}:")), "{shown}");
    }
}

#[test]
fn a_windows_modem_that_follows_the_carrier_is_told() {
    let script = examples().join("scripts/callback.scp");
    let verdict = verdict(&script, &["--modem-init", "AT&F&C1&D2S0=0"]);
    let what = verdict["problems"][0]["what"].as_str().unwrap();
    assert!(what.contains("&C1"), "{what}");
}

#[test]
fn a_name_that_asks_for_a_callback_again_is_told() {
    let script = examples().join("scripts/callback.scp");
    let config = examples().join("mgetty.toml");
    let mut command = dialback();
    command.args(["rehearse", "--json", "--user", "mary", "--password", "x", "--config"]);
    let output = command.arg(config).arg(script).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("asks for a callback again"), "{text}");
}

#[test]
fn a_configuration_with_faults_rehearses_nothing() {
    let folder = Folder::new();
    let config = folder.write("dialback.toml", "[server]\nlogin_config = 7\n");
    let script = examples().join("scripts/callback.chat");
    let output =
        dialback().arg("rehearse").arg(script).arg("--config").arg(config).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(output.stdout.is_empty());
    assert!(!output.stderr.is_empty());
}

//! `dialback setup` on the modems of an exchange: what it finds, writes, and leaves alone.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test program: a panic is its way to fail, and it prints what it has skipped"
)]

#[path = "interop/rig/mod.rs"]
mod rig;

use std::path::Path;
use std::process::Output;

use rig::folder::Folder;
use rig::process::dialback;
use rig::town::Town;
use serde_json::Value;

fn setup(folder: &Folder, args: &[&str]) -> Output {
    let locks = folder.path("locks");
    std::fs::create_dir_all(&locks).unwrap();
    dialback()
        .args(["setup", "--config"])
        .arg(folder.path("dialback.toml"))
        .arg("--lock-dir")
        .arg(locks)
        .args(args)
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn check(config: &Path) {
    let checked = dialback().arg("check").arg("--config").arg(config).output().unwrap();
    assert!(checked.status.success(), "{}", text(&checked.stdout));
}

#[test]
fn modems_on_all_kinds_of_ports_become_lines_that_the_server_can_run_with() {
    let folder = Folder::new();
    let config = folder.path("dialback.toml");
    let town = Town::of(
        &folder,
        &[("one", "5550100", "pty"), ("two", "5550101", "rfc2217"), ("three", "5550102", "tcp")],
    );
    let port = |name: &str| town.port(name).to_owned();
    let (one, two, three) = (port("one"), port("two"), port("three"));

    // Only looking writes nothing.
    let looked = setup(&folder, &["--json", "--port", &one, "--port", &two]);
    assert!(looked.status.success(), "{}", text(&looked.stderr));
    let mut found: Vec<Value> =
        text(&looked.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    found.sort_by_key(|found| found["control_lines"].as_bool());
    assert_eq!(found[0]["profile"], "network", "{found:?}");
    assert_eq!(found[1]["profile"], "rockwell", "{found:?}");
    assert_eq!(found[1]["name"], "ROCKWELL RC336DPFSP V1.210-V34_DS");
    assert!(!config.exists());

    // Nobody to ask and no --yes: nothing is written either.
    let unasked = setup(&folder, &["--port", &one]);
    assert_eq!(unasked.status.code(), Some(64), "{}", text(&unasked.stderr));
    assert!(text(&unasked.stdout).contains("[[line]]"), "it is shown all the same");
    assert!(!config.exists());

    let first = setup(&folder, &["--yes", "--port", &one]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    check(&config);

    // A configuration that is there is added to; what has a line is not asked.
    let before = std::fs::read_to_string(&config).unwrap();
    let more = setup(&folder, &["--yes", "--port", &one, "--port", &two, "--port", &three]);
    assert!(more.status.success(), "{}", text(&more.stderr));
    assert!(text(&more.stderr).contains("has a line already"), "{}", text(&more.stderr));
    let after = std::fs::read_to_string(&config).unwrap();
    assert!(after.starts_with(&before), "nothing in it is changed:\n{after}");
    assert_eq!(after.matches("[[line]]").count(), 3, "{after}");
    assert!(after.contains("\"line2\"") && after.contains("\"line3\""), "{after}");
    check(&config);

    let none = setup(&folder, &["--yes", "--port", &one]);
    assert_eq!(none.status.code(), Some(1), "{}", text(&none.stdout));
}

#[test]
fn ports_without_a_modem_and_faulty_configurations_are_told_and_left_as_they_are() {
    let folder = Folder::new();
    let gone = setup(&folder, &["--yes", "--port", "/dev/ttyS99"]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(text(&gone.stdout).contains("/dev/ttyS99: "), "{}", text(&gone.stdout));
    assert!(text(&gone.stderr).contains("no modem answered"), "{}", text(&gone.stderr));
    let odd = setup(&folder, &["--port", "ttyS0"]);
    assert_eq!(odd.status.code(), Some(64), "{}", text(&odd.stderr));

    folder.write("dialback.toml", "[server\n");
    let faulty = setup(&folder, &["--yes", "--port", "/dev/ttyS99"]);
    assert_eq!(faulty.status.code(), Some(78), "{}", text(&faulty.stderr));
    assert_eq!(std::fs::read_to_string(folder.path("dialback.toml")).unwrap(), "[server\n");
}

#[test]
fn doctor_asks_the_modems_where_no_server_has_them() {
    let folder = Folder::new();
    let town = Town::of(&folder, &[("near", "5550100", "pty"), ("far", "5550101", "rfc2217")]);
    let at = |name: &str| folder.path(name).display().to_string();
    std::fs::create_dir_all(folder.path("locks")).unwrap();
    let mut config = format!(
        "[server]\nlogin_config = \"login.config\"\nlock_dir = \"{}\"\nstate_dir = \"{}\"\ncontrol = \"{}\"\n",
        at("locks"),
        at("state"),
        at("control")
    );
    // On the third line's port nobody ever answers: it is the test's own pty.
    let mute = sys::pty::Pty::open().unwrap();
    let silent = mute.slave().path().display().to_string();
    for (line, port) in
        [("near", town.port("near")), ("far", town.port("far")), ("silent", &silent)]
    {
        config += &format!("[[line]]\nname = \"{line}\"\nport = \"{port}\"\n");
    }
    folder.write("dialback.toml", &config);
    folder.write("login.config", "* - - /bin/login @\n");
    let doctor = dialback()
        .args(["doctor", "--json", "--config"])
        .arg(folder.path("dialback.toml"))
        .output()
        .unwrap();
    let told: Value = serde_json::from_str(&text(&doctor.stdout)).unwrap();
    assert_eq!(doctor.status.code(), Some(1), "the silent line is an error: {told:#}");
    let of_modems: Vec<_> = told["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["check"].as_str().unwrap().starts_with("modem."))
        .filter(|finding| finding["severity"] != "note")
        .map(|finding| (finding["check"].as_str().unwrap(), finding["place"].as_str().unwrap()))
        .collect();
    let place = format!("line silent ({silent})");
    assert_eq!(of_modems, [("modem.mute", place.as_str())], "{told:#}");
}

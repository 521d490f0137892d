//! The dashboard by TLS: curl believes its certificate and no other, and files that are no certificate or no key are
//! told for what they are.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::rig::{Rig, dialback};
use crate::webdriver::is_missing;

const PROGRAMS: [&str; 2] = ["/usr/bin/openssl", "/usr/bin/curl"];

/// Makes `NAME.pem` and `NAME.key` for localhost.
fn certify(folder: &Path, name: &str) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .arg("-keyout")
        .arg(folder.join(format!("{name}.key")))
        .arg("-out")
        .arg(folder.join(format!("{name}.pem")))
        .output()
        .unwrap();
    assert!(made.status.success(), "openssl: {}", String::from_utf8_lossy(&made.stderr));
}

fn curl(authority: &Path, more: &[&str], url: &str) -> Output {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--max-time", "30", "--noproxy", "*", "--cacert"]);
    curl.arg(authority).args(more).arg(url).output().unwrap()
}

#[test]
fn browsers_come_by_tls_and_believe_the_right_certificate_only() {
    if is_missing("browsers_come_by_tls_and_believe_the_right_certificate_only", &PROGRAMS) {
        return;
    }
    let rig = Rig::with(
        "tls_certificate = \"{folder}/ours.pem\"\ntls_key = \"{folder}/ours.key\"",
        |folder| {
            certify(folder, "ours");
            certify(folder, "anothers");
        },
    );
    let port = rig.address.rsplit(':').next().unwrap();
    let lines = format!("https://localhost:{port}/api/v1/lines");
    let said = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
    for version in ["--tlsv1.2", "--tlsv1.3"] {
        let seen = curl(&rig.folder.join("ours.pem"), &[version], &lines);
        assert!(said(&seen).contains("\"line\":\"main\""), "{version}: {seen:?}");
    }
    let bearer = format!("Authorization: Bearer {}", rig.token);
    let order = format!("https://localhost:{port}/api/v1/lines/second/busy-out");
    let given = curl(&rig.folder.join("ours.pem"), &["-X", "POST", "-H", &bearer], &order);
    assert!(said(&given).contains("\"done\""), "{given:?}");

    // 60: the certificate is not to be believed. 35, 56 and the like: what answers speaks no TLS of that time.
    let doubted = curl(&rig.folder.join("anothers.pem"), &[], &lines);
    assert_eq!(doubted.status.code(), Some(60), "{doubted:?}");
    let old = curl(&rig.folder.join("ours.pem"), &["--tls-max", "1.1", "--ciphers", "ALL"], &lines);
    assert!(!old.status.success() && old.stdout.is_empty(), "{old:?}");
    let bare = curl(&rig.folder.join("ours.pem"), &[], &format!("http://localhost:{port}/"));
    assert!(!bare.status.success() && bare.stdout.is_empty(), "{bare:?}");
    // And whoever spoke nonsense has not disturbed it.
    assert!(said(&curl(&rig.folder.join("ours.pem"), &[], &lines)).contains("second"));
}

#[test]
fn files_that_are_no_certificate_or_key_are_told_for_what_they_are() {
    if is_missing("files_that_are_no_certificate_or_key_are_told_for_what_they_are", &PROGRAMS) {
        return;
    }
    let folder = std::env::temp_dir().join(format!("dialback-web-tls-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    certify(&folder, "ours");
    certify(&folder, "anothers");
    fs::write(folder.join("empty.pem"), "").unwrap();
    let private = fs::Permissions::from_mode(0o600);
    fs::write(folder.join("login.config"), "* - - /bin/false\n").unwrap();
    fs::set_permissions(folder.join("login.config"), private.clone()).unwrap();
    fs::set_permissions(folder.join("empty.pem"), private).unwrap();
    let root = folder.display();
    let configure = |certificate: &str, key: &str| {
        let config = format!(
            "[server]\nlogin_config = \"login.config\"\nstate_dir = \"{root}/state\"\nissue = \"\"\nuser = \"root\"\n\
             [web]\nlisten = \"127.0.0.1:0\"\ntls_certificate = \"{root}/{certificate}\"\ntls_key = \"{root}/{key}\"\n"
        );
        fs::write(folder.join("dialback.toml"), config).unwrap();
    };
    let web = |more: &[&str]| {
        let config = folder.join("dialback.toml");
        dialback().args(["web", "--config"]).arg(config).args(more).output().unwrap()
    };
    for (certificate, key, told) in [
        ("empty.pem", "ours.key", "empty.pem: certificates: none is in it: a PEM file has a line"),
        ("ours.pem", "empty.pem", "empty.pem: the key: none is in it: a PEM file has a line"),
        ("ours.pem", "anothers.key", "anothers.key is not the key of its first certificate"),
        ("nowhere.pem", "ours.key", "nowhere.pem: certificates: "),
    ] {
        configure(certificate, key);
        for check in [&[][..], &["--check"]] {
            let ended = web(check);
            let stderr = String::from_utf8_lossy(&ended.stderr);
            assert_eq!(ended.status.code(), Some(78), "{certificate} {key}: {stderr}");
            assert!(stderr.contains(told), "{certificate} {key}: {stderr}");
        }
    }
    // What a renewal hook asks before it restarts the dashboard.
    configure("ours.pem", "ours.key");
    let checked = web(&["--check"]);
    assert!(checked.status.success(), "{checked:?}");
    fs::remove_dir_all(&folder).unwrap();
}

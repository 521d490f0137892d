//! Debian's own files of mgetty and ppp, as the packages install them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::set::{Call, Set};
use crate::town;

/// The files, as their packages have them: what somebody changed on this machine does not count.
fn from_package(package: &str, file: &str, root: &Path) {
    let target = root.join(file.trim_start_matches('/'));
    std::fs::create_dir_all(target.parent().unwrap()).unwrap();
    // mgetty's are made by its scripts from templates; ppp's are files of the package.
    let template = format!(
        "/usr/share/{package}/templates/etc/{}",
        target.file_name().unwrap().to_string_lossy()
    );
    let source = if Path::new(&template).exists() { template } else { file.to_owned() };
    std::fs::copy(&source, &target).unwrap_or_else(|e| panic!("{source}: {e}"));
    if file.ends_with("login.config") || file.ends_with("-secrets") {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[test]
fn debians_own_files_give_what_debians_mgetty_gives() {
    let installed = |package: &str| {
        Command::new("dpkg-query")
            .args(["-W", package])
            .output()
            .is_ok_and(|query| query.status.success())
    };
    let missing: Vec<&str> = ["mgetty", "ppp"].into_iter().filter(|p| !installed(p)).collect();
    if !missing.is_empty() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "needs the packages {missing:?}");
        println!("skipped: needs the packages {missing:?}");
        return;
    }
    let root: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("migrate-debian-root");
    drop(std::fs::remove_dir_all(&root));
    for file in ["mgetty.config", "login.config", "dialin.config"] {
        from_package("mgetty", &format!("/etc/mgetty/{file}"), &root);
    }
    from_package("mgetty", "/etc/issue.mgetty", &root);
    for file in ["options", "ip-up", "ip-down"] {
        from_package("ppp", &format!("/etc/ppp/{file}"), &root);
    }
    // Only root may read this one, and it is made by a script: what it says is what counts here.
    let secrets = "*\thostname\t\"\"\t*\nguest\thostname\t\"*\"\t-\n";
    std::fs::write(root.join("etc/ppp/pap-secrets"), secrets).unwrap();
    let call = |name: Option<&str>, ppp: Option<crate::set::Proof>, got: &str| Call {
        line: "ttyS0".to_owned(),
        name: name.map(str::to_owned),
        ppp,
        got: got.to_owned(),
        ..Call::default()
    };
    let proof = crate::set::Proof { name: "mary".to_owned(), password: "secret".to_owned() };
    let calls = vec![
        call(Some("mary"), None, "/bin/login"),
        // login.config's own entry: PPP at the prompt is pppd's, with the passwords of the system's users.
        call(None, Some(proof), "/usr/sbin/pppd"),
    ];
    let set = Set::system("debian", root, &["--port", "ttyS0"], calls);
    let migrated = set.migrate().unwrap();
    migrated.is_told(&set.told());
    migrated.is_accepted();
    town::play(&migrated, &set.calls());
}

//! A13: somebody who may write one file of the configuration writes himself a way in. mgetty 1.2.1 ignores a
//! login.config with the wrong mode, and sends everybody to `/bin/login`.
//!
//! No key switches the look at owner and mode off: a file that nobody could have written stands for a server that
//! does not look.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use calls::config::load::{FileText, Surroundings, load};
use calls::config::{Config, System};
use dialback_sim::people::scripts::{expect, send};
use dialback_sim::world::Scene;

use super::*;

/// The office's configuration; login.config of this owner and mode has this text.
fn read(login_config: &str, uid: u32, mode: u32) -> Result<Config, String> {
    let file = |text: &str, uid, mode| FileText { text: text.as_bytes().to_vec(), uid, mode };
    let files: BTreeMap<PathBuf, FileText> = [
        ("/etc/dialback/dialback.toml".into(), file(&config(""), 0, 0o600)),
        ("/etc/dialback/login.config".into(), file(login_config, uid, mode)),
        ("/etc/issue".into(), file("The town's computer\n", 0, 0o600)),
    ]
    .into();
    let surroundings = Surroundings { host: "town".to_owned(), system: System::default(), uid: 0 };
    let loaded = load(Path::new("/etc/dialback/dialback.toml"), &surroundings, &files);
    loaded
        .map(|loaded| loaded.config)
        .map_err(|faults| faults.iter().map(|fault| format!("{fault}\n")).collect())
}

fn with_a_way_in() -> String {
    format!("mallory - - /bin/sh -i\n{LOGIN_CONFIG}")
}

#[test]
fn a_rule_that_was_slipped_in_is_as_good_as_any_other() {
    let config = read(&with_a_way_in(), 0, 0o600).unwrap();
    let Setup { town, seed, control_lines, store_delay, programs, .. } = setup();
    let mut world = World::with(config, Scene { town, seed, control_lines, store_delay, programs });
    world.run_until(2_000);
    let mut steps = dial(OFFICE);
    steps.extend([expect("ogin: ", 60), send("mallory\r"), Step::Dtr(false)]);
    tell(&mut world, "bob", steps);
    journal_has(&world, &["dispatched action=/bin/sh", "launched program=/bin/sh"]);
}

#[test]
fn a_file_that_others_can_write_is_no_configuration() {
    for (uid, mode) in [(0, 0o666), (0, 0o644), (1000, 0o600)] {
        let faults = read(&with_a_way_in(), uid, mode).unwrap_err();
        assert!(faults.contains("/etc/dialback/login.config"), "{faults}");
    }
}

#[test]
fn a_spoiled_file_closes_the_service_and_opens_nothing() {
    for spoiled in
        ["", "mary - - /usr/sbin/callback -S 555", "\0\0\0\0", "mary - -\n* - - /bin/login @\n"]
    {
        let read = read(spoiled, 0, 0o600);
        // What can be read has no rule for everybody that was not written.
        let open = read.is_ok_and(|config| {
            config
                .entries
                .iter()
                .any(|entry| matches!(entry.pattern, calls::config::NamePattern::Any))
        });
        assert!(!open, "{spoiled:?}");
    }
}

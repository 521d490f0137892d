//! The page for people who come from mgetty names each of its settings, and only keys that there are.

use std::collections::BTreeSet;

use crate::config::keys;

const PAGE: &str = include_str!("../../../../../docs/reference/from-mgetty.md");

/// mgetty 1.2.1, conf_mg.c, as Debian compiles it, and the SMS keywords that it leaves out.
const MGETTY_CONFIG: &str = "port speed switchbd direct blocking port-owner port-group port-mode toggle-dtr \
    toggle-dtr-waittime open-delay need-dsr data-only fax-only modem-type modem-quirks init-chat \
    force-init-chat post-init-chat data-flow fax-send-flow fax-rec-flow modem-check-time rings msn-list \
    get-cnd-chat cid-program cnd-program answer-chat answer-chat-timeout autobauding ringback ringback-time \
    ignore-carrier issue-file prompt-waittime login-prompt login-time fido-send-emsi \
    login-env-ttyprompt-hack login-conf-file fax-id fax-min-speed fax-max-speed fax-server-file diskspace \
    notify fax-owner fax-group fax-mode fax-spool-in debug statistics-chat statistics-file gettydefs term \
    sms-handler sms-user sms-group";
const MGETTY_OPTIONS: &str = "-k -x -s -r -p -n -R -i -D -F -C -S -I -b -a -m -c -V";
const CALLBACK_CONFIG: &str = "dialout-devices delay delay-randomize retry-time max-time modem-init speed \
    dial-prefix autobauding prompt-waittime debug";
const CALLBACK_OPTIONS: &str = "-S -l -m -s -d -x -a -V";

/// The words in backquotes of a column of the table under `heading`.
fn column(heading: &str, index: usize) -> BTreeSet<&'static str> {
    let heading = format!("\n## {heading}\n");
    let (_, section) = PAGE.split_once(&heading).expect("the section is there");
    let section = section.split("\n## ").next().expect("up to the next one");
    let cells = section.lines().filter_map(|line| line.split('|').nth(index + 1));
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_setting_of_mgetty_and_callback_has_its_row() {
    let check = |heading: &str, words: &str| {
        let told = column(heading, 0);
        let missing: Vec<&str> =
            words.split_whitespace().filter(|word| !told.contains(word)).collect();
        assert!(missing.is_empty(), "{heading}: no row for {missing:?}");
        assert_eq!(told.len(), words.split_whitespace().count(), "{heading}: rows of nothing");
    };
    check("mgetty.config", MGETTY_CONFIG);
    check("mgetty's options", MGETTY_OPTIONS);
    check("callback.config", CALLBACK_CONFIG);
    check("callback's options", CALLBACK_OPTIONS);
}

#[test]
fn every_counterpart_is_a_key_that_there_is() {
    let rows = keys::all();
    let known = |word: &str| {
        let Some((section, name)) = word.split_once('.') else {
            return word.starts_with("[[line]]") || word == "port";
        };
        rows.iter().any(|row| {
            row.name == name && row.section.title().trim_matches(['[', ']']).ends_with(section)
        }) || keys::tables_in(keys::Section::Callback).contains(&name)
    };
    for heading in ["mgetty.config", "mgetty's options", "callback.config"] {
        for word in column(heading, 1) {
            assert!(
                word.starts_with("dialback ") || known(word),
                "{heading}: there is no key {word}"
            );
        }
    }
}

#[test]
fn every_row_says_something() {
    for line in PAGE.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        assert!(!cells[1].is_empty() && !cells[2].is_empty(), "{line}");
    }
}

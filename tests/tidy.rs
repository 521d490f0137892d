//! What a program can check of STYLE.md: file tops, sizes, names, the bans and the arrows.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test program: a panic is its way to fail"
)]

use std::fs;
use std::path::{Path, PathBuf};

const PURE: [&str; 4] = ["proto", "ppp", "calls", "sim"];

/// A file beyond this is two rooms in one, a test's too (STYLE.md says about 600).
const LONGEST_FILE: usize = 620;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the checkout")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn files(below: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(below).unwrap_or_else(|e| panic!("{}: {e}", below.display())) {
        let path = entry.expect("a readable folder").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                files(&path, extension, found);
            }
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
}

/// Collects what is wrong in each source file and shows all of it at once.
fn check(rule: &str, fault: impl Fn(&str, &str) -> Option<String>) {
    let mut found = Vec::new();
    files(&root(), "rs", &mut found);
    found.sort();
    assert!(
        found.len() > 6,
        "found only {} source files: looking in the wrong place?",
        found.len()
    );
    let mut faults = Vec::new();
    for path in found {
        let path = path.strip_prefix(root()).expect("below root").display().to_string();
        if let Some(what) = fault(&path, &read(&path)) {
            faults.push(format!("{path}: {what}"));
        }
    }
    assert!(faults.is_empty(), "{rule}\n  {}", faults.join("\n  "));
}

#[test]
fn every_file_says_on_top_what_it_is_for() {
    check("a source file opens with //! lines (STYLE.md)", |_, text| {
        let first = text.lines().find(|line| !line.starts_with("#!")).unwrap_or_default();
        (!first.starts_with("//!")).then(|| "no //! on top".to_owned())
    });
}

#[test]
fn no_file_is_two_rooms_in_one() {
    check("about 600 lines a file: find the second room (STYLE.md)", |_, text| {
        let lines = text.lines().count();
        (lines > LONGEST_FILE).then(|| format!("{lines} lines"))
    });
}

#[test]
fn names_are_the_fields_words_and_none_of_the_empty_ones() {
    const EMPTY: [&str; 6] = ["Manager", "Handler", "Helper", "Utils", "Misc", "Info"];
    check("names that say nothing (GLOSSARY.md)", |_, text| {
        text.lines().enumerate().find_map(|(number, line)| {
            let declared =
                ["struct ", "enum ", "trait "].iter().find_map(|word| line.split(word).nth(1))?;
            let word = EMPTY.iter().find(|word| {
                declared.starts_with(|c: char| c.is_uppercase()) && declared.contains(**word)
            })?;
            Some(format!("line {}: {word}", number + 1))
        })
    });
}

#[test]
fn only_sys_contains_unsafe() {
    let marks = ["{", "fn", "impl"].map(|after| format!("{} {after}", "unsafe"));
    check("unsafe lives in crates/sys alone (ARCHITECTURE.md, invariant 2)", |path, text| {
        if path.starts_with("crates/sys/") {
            return None;
        }
        let found = text.lines().position(|line| {
            let code = line.split("//").next().unwrap_or_default();
            marks.iter().any(|mark| code.contains(mark))
        })?;
        Some(format!("line {}", found + 1))
    });
    for room in PURE {
        let lib = read(&format!("crates/{room}/src/lib.rs"));
        assert!(
            lib.contains("#![forbid(unsafe_code)]"),
            "crates/{room}/src/lib.rs lacks forbid(unsafe_code)"
        );
    }
}

#[test]
fn the_pure_crates_share_one_list_of_bans() {
    let first = read("crates/proto/clippy.toml");
    assert!(first.contains("std::time::Instant::now"), "the bans do not ban the clock");
    for room in PURE {
        let bans = read(&format!("crates/{room}/clippy.toml"));
        assert_eq!(bans, first, "crates/{room}/clippy.toml differs from crates/proto/clippy.toml");
    }
}

#[test]
fn the_arrows_between_the_rooms_are_those_of_the_architecture() {
    let ours = ["proto", "ppp", "calls", "sim", "sys"];
    let allowed: [(&str, &[&str]); 5] = [
        ("proto", &[]),
        ("ppp", &[]),
        ("sys", &[]),
        ("calls", &["proto", "ppp"]),
        ("sim", &["proto", "ppp", "calls"]),
    ];
    for (room, may) in allowed {
        let manifest = read(&format!("crates/{room}/Cargo.toml"));
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap_or_default();
        let dependencies = dependencies.split("\n[").next().unwrap_or_default();
        for other in ours {
            let arrow = dependencies.lines().any(|line| {
                line.split(['.', ' ', '=']).next() == Some(other)
                    || line.contains(&format!("dialback-{other}\""))
            });
            assert!(
                !arrow || may.contains(&other),
                "crates/{room} must not know {other} (ARCHITECTURE.md)"
            );
        }
    }
}

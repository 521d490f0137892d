//! `dialback status --privileges`: which process of the server's holds what, as the kernel tells it.
//!
//! Read from /proc beside the server, so that it needs no word of the server's but its two process numbers. It
//! deliberately does not know what is right: `launcher::Rights` says what is weaker than it should be.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use serde::Serialize;

use crate::launcher::Rights;
use crate::out::{Cell, Ink, Palette, table};

/// One process.
#[derive(Debug, Serialize)]
pub(super) struct Holding {
    /// What it is for: `server` or `launcher`.
    role: &'static str,
    pid: u32,
    #[serde(flatten)]
    seen: Seen,
}

/// What the kernel tells of it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Seen {
    Held(Held),
    /// Nothing: it has ended, or it may not be looked at.
    Unreadable {
        fault: String,
    },
}

/// What it holds.
#[derive(Debug, Serialize)]
struct Held {
    /// The effective user.
    uid: u32,
    groups: Vec<u32>,
    /// Capabilities in force, as a mask of bits (capabilities(7)).
    capabilities: String,
    /// Capabilities that a program of its could ever have.
    bounds: String,
    no_new_privileges: bool,
    /// Which it may ask of the kernel: `any`, `strict` or `filtered`.
    system_calls: &'static str,
    threads: u32,
    /// What it has open; `None`: only root may look.
    open: Option<Vec<String>>,
}

/// The server's process and its launcher's, if it has one.
pub(super) fn holdings(pid: u32, rights: &Rights) -> Vec<Holding> {
    let mut roles = vec![("server", pid)];
    match rights {
        Rights::Split { launcher, .. } => roles.push(("launcher", *launcher)),
        Rights::Unprivileged { .. } | Rights::Root { .. } => {}
    }
    roles.into_iter().map(|(role, pid)| Holding { role, pid, seen: Seen::of(pid) }).collect()
}

impl Seen {
    fn of(pid: u32) -> Self {
        match Held::of(pid) {
            Ok(held) => Self::Held(held),
            Err(e) => {
                let gone = e.kind() == io::ErrorKind::NotFound;
                let fault = if gone { "there is no such process".into() } else { e.to_string() };
                Self::Unreadable { fault }
            }
        }
    }
}

impl Held {
    fn of(pid: u32) -> io::Result<Self> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let fields: BTreeMap<&str, &str> = text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name, value.trim()))
            .collect();
        let field = |name: &str| fields.get(name).copied().unwrap_or_default();
        let word = |name: &str, nth: usize| field(name).split_whitespace().nth(nth);
        let number = |name: &str, nth: usize| word(name, nth).and_then(|word| word.parse().ok());
        let mask = |name: &str| field(name).trim_start_matches('0').to_owned();
        Ok(Self {
            uid: number("Uid", 1).unwrap_or(u32::MAX),
            groups: field("Groups").split_whitespace().filter_map(|id| id.parse().ok()).collect(),
            capabilities: mask("CapEff"),
            bounds: mask("CapBnd"),
            no_new_privileges: field("NoNewPrivs") == "1",
            system_calls: match field("Seccomp") {
                "0" => "any",
                "1" => "strict",
                "2" => "filtered",
                _ => "unknown",
            },
            threads: number("Threads", 0).unwrap_or(0),
            open: open_files(pid).ok(),
        })
    }
}

/// What a process has open, sorted; sockets and the like without their numbers.
fn open_files(pid: u32) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(format!("/proc/{pid}/fd"))? {
        let target =
            std::fs::read_link(entry?.path()).unwrap_or_else(|_| PathBuf::from("(closed)"));
        let target = target.display().to_string();
        files.push(target.split_once(":[").map_or(target.as_str(), |(kind, _)| kind).to_owned());
    }
    files.sort();
    Ok(files)
}

/// As a table, and what is weaker than it should be.
pub(super) fn shown(palette: Palette, holdings: &[Holding], rights: &Rights) -> String {
    let heading =
        ["PROCESS", "PID", "UID", "CAPABILITIES", "BOUNDS", "NEW RIGHTS", "CALLS", "THREADS"];
    let none = |mask: &str| match mask {
        "" => Cell::inked(Ink::Green, "none"),
        mask => Cell::inked(Ink::Yellow, mask),
    };
    let rows: Vec<Vec<Cell>> = holdings
        .iter()
        .map(|Holding { role, pid, seen }| {
            let mut row = vec![Cell::from(*role), Cell::from(pid.to_string())];
            match seen {
                Seen::Held(held) => row.extend([
                    Cell::from(held.uid.to_string()),
                    none(&held.capabilities),
                    none(&held.bounds),
                    Cell::from(if held.no_new_privileges { "none" } else { "possible" }),
                    Cell::from(held.system_calls),
                    Cell::from(held.threads.to_string()),
                ]),
                Seen::Unreadable { .. } => {
                    row.extend((row.len()..heading.len()).map(|_| Cell::inked(Ink::Yellow, "?")));
                }
            }
            row
        })
        .collect();
    let mut text = table(palette, &heading, &rows);
    for Holding { role, pid, seen } in holdings {
        let open = match seen {
            Seen::Held(Held { open: Some(open), .. }) => open,
            Seen::Held(_) => {
                text.push_str(&format!("\nWhat the {role} has open only root may see.\n"));
                continue;
            }
            Seen::Unreadable { fault } => {
                let told = format!("The {role}, process {pid}, cannot be looked at: {fault}.\n");
                text.push('\n');
                text.push_str(&palette.paint(Ink::Yellow, &told));
                continue;
            }
        };
        let mut counted: BTreeMap<&str, u32> = BTreeMap::new();
        for file in open {
            *counted.entry(file).or_default() += 1;
        }
        text.push_str(&format!("\nThe {role} has open:\n"));
        for (file, count) in counted {
            let times = if count > 1 { format!(" ({count} times)") } else { String::new() };
            text.push_str(&format!("  {file}{times}\n"));
        }
    }
    if let Some(weakness) = rights.weakness() {
        text.push('\n');
        text.push_str(&palette.paint(Ink::Yellow, &format!("{weakness}\n")));
    }
    text
}

#[cfg(test)]
mod tests {
    use sys::confine::Landlock;

    use super::*;

    #[test]
    fn a_process_that_is_gone_has_a_row_that_says_so() {
        let mut ended = std::process::Command::new("/bin/true").spawn().unwrap();
        let launcher = ended.id();
        ended.wait().unwrap();
        let rights =
            Rights::Split { user: "dialback".to_owned(), launcher, landlock: Landlock::Fully };
        let holdings = holdings(std::process::id(), &rights);
        let text = shown(Palette::none(), &holdings, &rights);
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("launcher ")).collect();
        assert!(matches!(rows[..], [row] if row.contains('?')), "{text}");
        let why = format!("process {launcher}, cannot be looked at: there is no such process");
        assert!(text.contains(&why), "{text}");
        let json = serde_json::to_value(&holdings).unwrap();
        assert_eq!(json[0]["role"], "server");
        assert!(json[0]["threads"].as_u64() >= Some(1), "{json}");
        assert_eq!(json[1]["fault"], "there is no such process");
    }
}

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
    roles.into_iter().filter_map(|(role, pid)| Holding::of(role, pid).ok()).collect()
}

impl Holding {
    fn of(role: &'static str, pid: u32) -> io::Result<Self> {
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
            role,
            pid,
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
    let none = |mask: &str| match mask {
        "" => Cell::inked(Ink::Green, "none"),
        mask => Cell::inked(Ink::Yellow, mask),
    };
    let rows: Vec<Vec<Cell>> = holdings
        .iter()
        .map(|holding| {
            vec![
                Cell::from(holding.role),
                Cell::from(holding.pid.to_string()),
                Cell::from(holding.uid.to_string()),
                none(&holding.capabilities),
                none(&holding.bounds),
                Cell::from(if holding.no_new_privileges { "none" } else { "possible" }),
                Cell::from(holding.system_calls),
                Cell::from(holding.threads.to_string()),
            ]
        })
        .collect();
    let heading =
        ["PROCESS", "PID", "UID", "CAPABILITIES", "BOUNDS", "NEW RIGHTS", "CALLS", "THREADS"];
    let mut text = table(palette, &heading, &rows);
    for holding in holdings {
        let Some(open) = &holding.open else {
            text.push_str(&format!("\nWhat the {} has open only root may see.\n", holding.role));
            continue;
        };
        let mut counted: BTreeMap<&str, u32> = BTreeMap::new();
        for file in open {
            *counted.entry(file).or_default() += 1;
        }
        text.push_str(&format!("\nThe {} has open:\n", holding.role));
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

//! `dialback dial --ppp` as a process with a network namespace of its own, and its events.

#![allow(dead_code, reason = "the tests and the benchmark use different parts")]

use std::net::IpAddr;
use std::process::Command;

use serde_json::Value;

use crate::namespace::alone;
use crate::rig::folder::Folder;
use crate::rig::process::{Ear, Process, dialback};
use crate::rig::town::Town;

/// A town's clock is fast, and so is the guard time of its modems.
const OFFICE: &str = "guard = \"20ms\"\n[ppp]\ncallback_delay = \"2s\"\n";

pub(crate) struct Client {
    process: Process,
}

/// A network that is up.
#[derive(Debug)]
pub(crate) struct Up {
    pub(crate) interface: String,
    pub(crate) local: IpAddr,
    pub(crate) remote: IpAddr,
    pub(crate) mtu: u64,
    pub(crate) dns: Value,
}

impl Client {
    /// alice with her password on her modem, calling the office.
    pub(crate) fn start(folder: &Folder, town: &Town, args: &[&str]) -> Self {
        Self::with_password(folder, town, "s3cret", args)
    }

    /// The same with another password.
    pub(crate) fn with_password(
        folder: &Folder,
        town: &Town,
        password: &str,
        args: &[&str],
    ) -> Self {
        Self::by(alone(), folder, town, password, args)
    }

    /// alice in the network of a process.
    pub(crate) fn beside(other: &Process, folder: &Folder, town: &Town, args: &[&str]) -> Self {
        let program = dialback().get_program().display().to_string();
        Self::by(other.in_its_network(&program), folder, town, "s3cret", args)
    }

    fn by(
        mut command: Command,
        folder: &Folder,
        town: &Town,
        password: &str,
        args: &[&str],
    ) -> Self {
        let secret = folder.write("password", &format!("{password}\n"));
        let peer = folder.write("office.toml", OFFICE);
        command
            .arg("dial")
            .arg(peer)
            .args(["--json", "--ppp", "--number", "5550100", "--login", "alice"])
            .arg("--lock-dir")
            .arg(folder.path("locks"))
            .arg("--password-file")
            .arg(secret)
            .args(["--port", town.port("alice")])
            .args(args);
        Self { process: Process::start("client", &mut command, Ear::Stderr) }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Waits for the next event of this name.
    pub(crate) fn until(&mut self, event: &str) -> Value {
        self.process.until(event, |line| {
            let told: Value = serde_json::from_str(&line.text).ok()?;
            (told["event"] == event).then_some(told)
        })
    }

    /// Waits until the next network is up: its family, and what it is like.
    pub(crate) fn until_next_up(&mut self) -> (String, Up) {
        let told = self.until("up");
        let text = |key: &str| told[key].as_str().unwrap();
        let up = Up {
            interface: text("interface").to_owned(),
            local: text("local").parse().unwrap(),
            remote: text("remote").parse().unwrap(),
            mtu: told["mtu"].as_u64().unwrap(),
            dns: told["dns"].clone(),
        };
        (text("family").to_owned(), up)
    }

    /// Waits until IPv4 is up.
    pub(crate) fn until_up(&mut self) -> Up {
        loop {
            if let (family, up) = self.until_next_up()
                && family == "ipv4"
            {
                return up;
            }
        }
    }

    /// Waits until it ends: with this exit code, and this word.
    pub(crate) fn until_ended(&mut self, code: i32, outcome: &str) {
        let status = self.process.ended();
        let told = self.told();
        assert_eq!(status.code(), Some(code), "{told}");
        let ended = format!("\"outcome\":\"{outcome}\"");
        assert!(told.contains(&ended), "{told}");
    }

    pub(crate) fn told(&mut self) -> String {
        self.process.transcript()
    }

    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// The stages up to now: events, and of PPP its phases, each with its leg.
    pub(crate) fn stages(&mut self) -> Vec<String> {
        self.told()
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .map(|told| match (told["phase"].as_str(), told["event"].as_str().unwrap()) {
                (Some(phase), _) => format!("{} {phase}", told["leg"].as_str().unwrap()),
                (None, event) => event.to_owned(),
            })
            .filter(|stage| !["note", "heard"].contains(&stage.as_str()))
            .collect()
    }
}

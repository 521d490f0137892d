//! `dialback exchange` as a process: a town with virtual modems, and what its telephone network saw.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::folder::Folder;
use super::process::{Ear, Process, dialback};

/// How many times faster than telephones a town is: a RING every quarter of a second, which leaves chat's ten
/// milliseconds for each character enough room.
pub(crate) const SCALE: u32 = 24;

pub(crate) struct Town {
    process: Process,
    ports: BTreeMap<String, String>,
}

impl Town {
    /// A town of these stations, each with its modem's port: `pty`, `rfc2217` or `tcp`.
    pub(crate) fn of(folder: &Folder, stations: &[(&str, &str, &str)]) -> Self {
        Self::with(folder, SCALE, stations)
    }

    /// The same with another clock.
    pub(crate) fn with(folder: &Folder, scale: u32, stations: &[(&str, &str, &str)]) -> Self {
        Self::by(dialback(), folder, scale, stations)
    }

    /// The same in the network of a process: where its network ports are, too.
    pub(crate) fn beside(
        other: &Process,
        folder: &Folder,
        scale: u32,
        stations: &[(&str, &str, &str)],
    ) -> Self {
        let program = dialback().get_program().display().to_string();
        Self::by(other.in_its_network(&program), folder, scale, stations)
    }

    fn by(
        mut command: Command,
        folder: &Folder,
        scale: u32,
        stations: &[(&str, &str, &str)],
    ) -> Self {
        let path = Self::describe(folder, scale, stations);
        command.args(["exchange", "--json", "--config"]).arg(path);
        let mut process = Process::start("exchange", &mut command, Ear::Stdout);
        let mut ports = BTreeMap::new();
        for _ in stations {
            let (station, port) = process.until("where the modems are", |line| {
                let found: Value = serde_json::from_str(&line.text).ok()?;
                Some((found["station"].as_str()?.to_owned(), found["port"].as_str()?.to_owned()))
            });
            ports.insert(station, port);
        }
        Self { process, ports }
    }

    /// Writes the file of a town like that, for an exchange that is started elsewhere. A network port may have a number:
    /// `rfc2217:7001`.
    pub(crate) fn describe(
        folder: &Folder,
        scale: u32,
        stations: &[(&str, &str, &str)],
    ) -> PathBuf {
        let mut town = format!("time_scale = {scale}\n");
        for (name, number, port) in stations {
            let port = match port.split_once(':').unwrap_or((port, "0")) {
                ("pty", _) => format!("pty:{}", folder.path(name).display()),
                (kind, number) => format!("{kind}:127.0.0.1:{number}"),
            };
            town += &format!(
                "[[station]]\nname = \"{name}\"\nnumber = \"{number}\"\nport = \"{port}\"\n"
            );
        }
        folder.write("town.toml", &town)
    }

    /// Where a station's modem is, as dialback.toml has it.
    pub(crate) fn port(&self, station: &str) -> &str {
        &self.ports[station]
    }

    /// The terminal behind a pty modem's stable name: `/dev/pts/7`.
    pub(crate) fn terminal(&self, station: &str) -> PathBuf {
        std::fs::canonicalize(self.port(station)).unwrap()
    }

    /// Waits for the next fact of this kind at a station.
    pub(crate) fn until(&mut self, station: &str, event: &str) -> Value {
        self.process.until(&format!("{event} at {station}"), |line| {
            let fact: Value = serde_json::from_str(&line.text).ok()?;
            (fact["event"] == event && fact["station"] == station).then_some(fact)
        })
    }

    /// Everything that happened up to now, each with its time on our clock.
    pub(crate) fn facts(&mut self) -> Vec<(Instant, Value)> {
        let facts: Vec<(Instant, f64, Value)> = self
            .process
            .said()
            .iter()
            .filter_map(|line| {
                let fact: Value = serde_json::from_str(&line.text).ok()?;
                Some((line.at, fact["ms"].as_f64()? / 1e3, fact))
            })
            .collect();
        // The exchange counts from its own start. No line is heard before it was said, so the least difference
        // is nearest to the truth.
        let start = facts
            .iter()
            .filter_map(|(heard, real, _)| heard.checked_sub(Duration::from_secs_f64(*real)))
            .min();
        let Some(start) = start else { return Vec::new() };
        let on_our_clock = |real| start + Duration::from_secs_f64(real);
        facts.into_iter().map(|(_, real, fact)| (on_our_clock(real), fact)).collect()
    }

    /// What was dialled, in order: station and digits.
    pub(crate) fn dialled(&mut self) -> Vec<(String, String)> {
        self.facts()
            .into_iter()
            .filter(|(_, fact)| fact["event"] == "dialled")
            .map(|(_, fact)| (text(&fact["station"]), text(&fact["digits"])))
            .collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

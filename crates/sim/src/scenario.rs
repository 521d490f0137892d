//! `town.toml`: a town from a file.
//!
//! ```toml
//! time_scale = 20                      # 20 times telephone speed; default 1
//!
//! [timing]                             # each key is optional; telephone speed
//! training = "10s"
//! hold     = "0s"                      # > 0: the side called cannot end a call alone, as in calling-party control
//!
//! [[station]]
//! name   = "office"                    # once in the town
//! number = "5550100"                   # digits, once in the town
//! port   = "pty:/tmp/town/office"      # or "rfc2217:127.0.0.1:7001", "tcp:127.0.0.1:7002"; none: no computer on it
//!                                      # TCP port 0: the system chooses one, which is printed
//! modem  = "rockwell"                  # or "courier", "hayes"
//! settings = "&C1&D2S0=0"              # AT commands whose settings are in the modem's memory
//! caller_id = "shown"                  # or "withheld", "unknown"
//! subscriber = "THE OFFICE"            # the name for caller ID
//! faults = [ { fault = "busy", times = 2 }, { fault = "slow", ms = 300 } ]   # times: default for ever
//!
//! [[station]]
//! name   = "granny"
//! number = "5550177"
//! telephone = "5s"                     # no modem: a person who answers after this; "never"
//!
//! [[hunt]]
//! number   = "5550111"
//! stations = ["office", "second"]
//! ```
//!
//! Every fault of a file is told, with line and column and what to do. Files are not read here; ports are strings
//! here, for whoever opens them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use calls::diagnostic::{self, Diagnostic, Source};
use serde::Deserialize;
use toml::Spanned;

use crate::exchange::fault::{Fault, Times};
use crate::modem::Modem;
use crate::modem::registers::Profile;
use crate::town::{Equipment, HuntNumber, ModemSpec, Presentation, Station, Timing, Town};

/// The most stations of a town: as many as a large exchange of the time had lines.
const MAX_STATIONS: usize = 10_000;
/// The longest telephone number (E.164 has 15 digits; a private exchange's prefix may come on top).
const MAX_NUMBER: usize = 20;
/// The fastest clock: a call of a minute takes 6 ms.
const MAX_SCALE: u32 = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    time_scale: Option<Spanned<u32>>,
    #[serde(default)]
    timing: TimingKeys,
    #[serde(default)]
    station: Vec<StationKeys>,
    #[serde(default)]
    hunt: Vec<HuntKeys>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimingKeys {
    dial_tone: Option<Spanned<String>>,
    digit_wait: Option<Spanned<String>>,
    routing: Option<Spanned<String>>,
    first_ring: Option<Spanned<String>>,
    ring: Option<Spanned<String>>,
    ring_pause: Option<Spanned<String>>,
    ring_limit: Option<Spanned<String>>,
    training: Option<Spanned<String>>,
    hold: Option<Spanned<String>>,
    patience: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StationKeys {
    name: Spanned<String>,
    number: Spanned<String>,
    port: Option<Spanned<String>>,
    modem: Option<Spanned<String>>,
    settings: Option<Spanned<String>>,
    telephone: Option<Spanned<String>>,
    caller_id: Option<Spanned<String>>,
    subscriber: Option<String>,
    #[serde(default)]
    faults: Vec<Spanned<toml::Table>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HuntKeys {
    number: Spanned<String>,
    stations: Vec<Spanned<String>>,
}

/// Reads a town from the text of a file called `name`.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file.
pub fn parse(name: &str, text: &str) -> Result<Town, Vec<Diagnostic>> {
    let mut reader = Reader { source: Source::new(name, text), faults: Vec::new() };
    let file: File = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            reader.fault(error.span().unwrap_or(0..0), error.message().trim());
            return Err(reader.faults);
        }
    };
    let town = reader.town(file);
    if reader.faults.is_empty() {
        return Ok(town);
    }
    diagnostic::sort(&mut reader.faults);
    Err(reader.faults)
}

struct Reader {
    source: Arc<Source>,
    faults: Vec<Diagnostic>,
}

impl Reader {
    fn fault(&mut self, at: Range<usize>, message: impl Into<String>) {
        self.faults.push(Diagnostic::error(&self.source, at, message));
    }

    fn town(&mut self, file: File) -> Town {
        let scale = match file.time_scale {
            None => 1,
            Some(scale) => {
                if !(1..=MAX_SCALE).contains(scale.get_ref()) {
                    let message = format!("time_scale must be 1 (telephone speed) to {MAX_SCALE}");
                    self.fault(scale.span(), message);
                }
                scale.into_inner()
            }
        };
        let timing = self.timing(&file.timing);
        if file.station.is_empty() {
            self.fault(0..0, "a town needs stations: add [[station]] with name and number");
        }
        if let Some(station) = file.station.get(MAX_STATIONS) {
            let message = format!("more than {MAX_STATIONS} stations: make two towns of them");
            self.fault(station.name.span(), message);
        }
        let mut names = BTreeMap::new();
        let mut numbers = BTreeMap::new();
        let mut ports = BTreeMap::new();
        let mut stations = Vec::new();
        for keys in &file.station {
            self.once(&mut names, &keys.name, "name");
            self.once(&mut numbers, &keys.number, "number");
            // Port 0 is one that the system chooses: each a different one.
            if let Some(port) = &keys.port
                && !port.get_ref().ends_with(":0")
            {
                self.once(&mut ports, port, "port");
            }
            stations.push(self.station(keys));
        }
        let mut hunt_numbers = Vec::new();
        for keys in &file.hunt {
            self.number(&keys.number);
            self.once(&mut numbers, &keys.number, "number");
            for name in &keys.stations {
                self.known(&names, name.get_ref(), name.span());
            }
            let stations = keys.stations.iter().map(|name| name.get_ref().clone()).collect();
            hunt_numbers.push(HuntNumber { number: keys.number.get_ref().clone(), stations });
        }
        for (keys, station) in file.station.iter().zip(&stations) {
            for (spot, (fault, _)) in keys.faults.iter().zip(&station.faults) {
                if let Fault::Glare { by, .. } = fault {
                    self.known(&names, by, spot.span());
                }
            }
        }
        Town { hunt_numbers, timing, scale, ..Town::of(stations) }
    }

    fn once(&mut self, seen: &mut BTreeMap<String, ()>, key: &Spanned<String>, what: &str) {
        if seen.insert(key.get_ref().clone(), ()).is_some() {
            let message = format!("two stations have the {what} {:?}", key.get_ref());
            self.fault(key.span(), message);
        }
    }

    fn known(&mut self, names: &BTreeMap<String, ()>, name: &str, at: Range<usize>) {
        if !names.contains_key(name) {
            let known: Vec<&str> = names.keys().map(String::as_str).take(8).collect();
            self.fault(at, format!("no station is named {name:?}; there are {}", known.join(", ")));
        }
    }

    fn number(&mut self, number: &Spanned<String>) {
        let digits = number.get_ref();
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'*' | b'#'));
        if digits.is_empty() || digits.len() > MAX_NUMBER || !plain {
            let message = format!("a number has 1 to {MAX_NUMBER} digits, like \"5550100\"");
            self.fault(number.span(), message);
        }
    }

    fn station(&mut self, keys: &StationKeys) -> Station {
        let name = keys.name.get_ref();
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.fault(keys.name.span(), "a name is made of letters and digits, without blanks");
        }
        self.number(&keys.number);
        let equipment = match &keys.telephone {
            None => Equipment::Modem(Box::new(self.modem(keys))),
            Some(answers) => {
                for key in [&keys.port, &keys.modem, &keys.settings].into_iter().flatten() {
                    self.fault(key.span(), "a station has a telephone or a modem, not both");
                }
                let answers = match answers.get_ref().as_str() {
                    "never" => None,
                    _ => Some(self.duration(answers)),
                };
                Equipment::Telephone { answers }
            }
        };
        let presentation = match keys.caller_id.as_ref().map(|word| word.get_ref().as_str()) {
            None | Some("shown") => Presentation::Shown,
            Some("withheld") => Presentation::Withheld,
            Some("unknown") => Presentation::Unknown,
            Some(other) => {
                let span = keys.caller_id.as_ref().map_or(0..0, Spanned::span);
                let message = format!("caller_id is shown, withheld or unknown, not {other:?}");
                self.fault(span, message);
                Presentation::Shown
            }
        };
        Station {
            name: name.clone(),
            number: keys.number.get_ref().clone(),
            equipment,
            presentation,
            subscriber: keys.subscriber.clone(),
            faults: keys.faults.iter().filter_map(|fault| self.station_fault(fault)).collect(),
        }
    }

    fn modem(&mut self, keys: &StationKeys) -> ModemSpec {
        let mut spec = ModemSpec::default();
        if let Some(make) = &keys.modem {
            match Profile::named(make.get_ref()) {
                Some(profile) => spec.profile = profile,
                None => {
                    let known = Profile::NAMES.join(", ");
                    let message = format!("no make {:?}; there are {known}", make.get_ref());
                    self.fault(make.span(), message);
                }
            }
        }
        if let Some(settings) = &keys.settings {
            spec.settings.clone_from(settings.get_ref());
            if !Modem::new(spec.profile.clone()).set_up(&spec.settings) {
                self.fault(
                    settings.span(),
                    "not settings of this modem: AT commands like \"&C1&D2S0=0\", nothing that dials or answers",
                );
            }
        }
        if let Some(port) = &keys.port {
            let known = ["pty:/", "rfc2217:", "tcp:"];
            if !known.iter().any(|kind| port.get_ref().starts_with(kind)) {
                self.fault(
                    port.span(),
                    "a port is \"pty:/path\", \"rfc2217:host:port\" or \"tcp:host:port\"",
                );
            }
            spec.port.clone_from(port.get_ref());
        }
        spec
    }

    fn station_fault(&mut self, keys: &Spanned<toml::Table>) -> Option<(Fault, Times)> {
        let mut table = keys.get_ref().clone();
        let times = match table.remove("times") {
            None => Times::Always,
            Some(toml::Value::Integer(count)) => match u32::try_from(count) {
                Ok(count) => Times::Next(count),
                Err(_) => {
                    self.fault(keys.span(), "times is how often, from 0");
                    Times::Always
                }
            },
            Some(_) => {
                self.fault(keys.span(), "times is a number; leave it out for ever");
                Times::Always
            }
        };
        match table.try_into() {
            Ok(fault) => Some((fault, times)),
            Err(error) => {
                let error: toml::de::Error = error;
                self.fault(keys.span(), error.message().trim());
                None
            }
        }
    }

    fn timing(&mut self, keys: &TimingKeys) -> Timing {
        let mut timing = Timing::default();
        for (key, place) in [
            (&keys.dial_tone, &mut timing.dial_tone),
            (&keys.digit_wait, &mut timing.digit_wait),
            (&keys.routing, &mut timing.routing),
            (&keys.first_ring, &mut timing.first_ring),
            (&keys.ring, &mut timing.ring),
            (&keys.ring_pause, &mut timing.ring_pause),
            (&keys.ring_limit, &mut timing.ring_limit),
            (&keys.training, &mut timing.training),
            (&keys.hold, &mut timing.hold),
            (&keys.patience, &mut timing.patience),
        ] {
            if let Some(key) = key {
                *place = self.duration(key);
            }
        }
        timing
    }

    fn duration(&mut self, key: &Spanned<String>) -> Duration {
        let text = key.get_ref().trim();
        let units = [("ms", 1), ("s", 1_000), ("m", 60_000)];
        let found = units.iter().find_map(|(unit, ms)| {
            let count: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
            Some(Duration::from_millis(count.checked_mul(*ms)?))
        });
        found.unwrap_or_else(|| {
            self.fault(key.span(), "a time is like \"300ms\", \"10s\" or \"2m\"");
            Duration::ZERO
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_town_is_read() {
        let town = parse(
            "town.toml",
            r##"
            time_scale = 20
            [timing]
            training = "8s"
            hold = "90s"
            dial_tone = "250ms"
            [[station]]
            name = "office"
            number = "5550100"
            port = "pty:/tmp/office"
            modem = "courier"
            settings = "&C0&D0S0=2"
            faults = [{ fault = "busy", times = 2 }, { fault = "slow", ms = 300 }, { fault = "mute", times = 0 }]
            [[station]]
            name = "granny"
            number = "5550177"
            telephone = "5s"
            caller_id = "withheld"
            [[hunt]]
            number = "5550111"
            stations = ["office"]
            "##,
        )
        .unwrap();
        assert_eq!((town.scale, town.timing.training), (20, Duration::from_secs(8)));
        assert_eq!(town.timing.ring, Timing::default().ring);
        let office = &town.stations[0];
        assert_eq!(
            office.faults,
            [
                (Fault::Busy, Times::Next(2)),
                (Fault::Slow { ms: 300 }, Times::Always),
                (Fault::Mute, Times::Next(0)),
            ]
        );
        assert!(
            matches!(&office.equipment, Equipment::Modem(modem) if modem.port == "pty:/tmp/office")
        );
        assert!(matches!(
            town.stations[1].equipment,
            Equipment::Telephone { answers: Some(after) } if after == Duration::from_secs(5)
        ));
    }

    #[test]
    fn every_fault_of_a_file_is_told_with_its_place() {
        let station = "[[station]]\nname = \"a\"\nnumber = \"1\"\n";
        for (text, wanted) in [
            (String::new(), "1:1: a town needs stations: add [[station]] with name and number"),
            (
                format!("{station}port = \"/dev/x\"\n"),
                "4:8: a port is \"pty:/path\", \"rfc2217:host:port\" or \"tcp:host:port\"",
            ),
            (
                format!("{station}modem = \"acme\"\n"),
                "4:9: no make \"acme\"; there are rockwell, courier, hayes, zyxel, sim",
            ),
            (
                format!("{station}settings = \"DT1\"\n"),
                "4:12: not settings of this modem: AT commands like \"&C1&D2S0=0\", nothing that dials or answers",
            ),
            (
                format!("{station}caller_id = \"maybe\"\n"),
                "4:13: caller_id is shown, withheld or unknown, not \"maybe\"",
            ),
            (
                format!(
                    "{station}port = \"tcp:x:1\"\n{}port = \"tcp:x:1\"\n",
                    station.replace("\"a\"", "\"b\"").replace("\"1\"", "\"2\""),
                ),
                "8:8: two stations have the port \"tcp:x:1\"",
            ),
            (
                format!("{station}telephone = \"soon\"\n"),
                "4:13: a time is like \"300ms\", \"10s\" or \"2m\"",
            ),
            (
                format!("{station}telephone = \"1s\"\nport = \"tcp:x:1\"\n"),
                "5:8: a station has a telephone or a modem, not both",
            ),
            (
                format!("{station}{station}"),
                "5:8: two stations have the name \"a\"\n6:10: two stations have the number \"1\"",
            ),
            (
                format!("{station}[[hunt]]\nnumber = \"2\"\nstations = [\"b\"]\n"),
                "6:13: no station is named \"b\"; there are a",
            ),
            (
                format!(
                    "{station}faults = [{{ fault = \"glare\", by = \"b\", reverse = true }}]\n"
                ),
                "4:11: no station is named \"b\"; there are a",
            ),
            (
                format!("time_scale = 0\n{station}"),
                "1:14: time_scale must be 1 (telephone speed) to 10000",
            ),
            (
                "[[station]]\nname = \"a b\"\nnumber = \"12-3\"\n".to_owned(),
                "2:8: a name is made of letters and digits, without blanks\n3:10: a number has 1 to 20 digits, like \"5550100\"",
            ),
        ] {
            let faults: Vec<String> =
                parse("town.toml", &text).unwrap_err().iter().map(ToString::to_string).collect();
            assert_eq!(faults.join("\n").replace("town.toml:", ""), wanted, "{text}");
        }
        let chosen = "port = \"tcp:x:0\"\n";
        let second = station.replace("\"a\"", "\"b\"").replace("\"1\"", "\"2\"");
        parse("town.toml", &format!("{station}{chosen}{second}{chosen}")).unwrap();
        for (text, wanted) in [
            ("color = 1", "unknown field `color`"),
            ("[[station]]\nname = \"a\"\n", "missing field `number`"),
            ("[[station]\n", "1:"),
        ] {
            let faults = parse("town.toml", text).unwrap_err();
            assert!(faults[0].to_string().contains(wanted), "{text}: {}", faults[0]);
        }
        let faults = parse("town.toml", &format!("{station}faults = [{{ fault = \"fire\" }}]\n"))
            .unwrap_err();
        assert!(faults[0].to_string().contains("unknown variant `fire`"), "{}", faults[0]);
    }
}

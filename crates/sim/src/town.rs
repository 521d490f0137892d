//! A town: who has a telephone, with which modem and number, and how the exchange behaves.
//!
//! Only what there is. [`crate::scenario`] reads it from a file, [`crate::exchange`] brings it to life.

use std::time::Duration;

use crate::exchange::fault::{Fault, Times};
use crate::modem::registers::Profile;

/// A town.
#[derive(Clone, Debug)]
pub struct Town {
    /// Everybody with a telephone line.
    pub stations: Vec<Station>,
    /// Numbers that stand for the first free one of several stations.
    pub hunt_numbers: Vec<HuntNumber>,
    /// How long things take.
    pub timing: Timing,
    /// How many times faster than real time the town's clock goes: 1 is telephone speed.
    pub scale: u32,
    /// The town's wall clock at its start, in milliseconds since 1970, local time: for caller ID.
    pub wall_ms: i64,
}

impl Town {
    /// A town of these stations with everything else as usual.
    #[must_use]
    pub fn of(stations: impl IntoIterator<Item = Station>) -> Self {
        Self {
            stations: stations.into_iter().collect(),
            hunt_numbers: Vec::new(),
            timing: Timing::default(),
            scale: 1,
            // 1998-06-25 20:00:00.
            wall_ms: 898_804_800_000,
        }
    }
}

/// A telephone line with something on it.
#[derive(Clone, Debug)]
pub struct Station {
    /// Its name, once in the town.
    pub name: String,
    /// Its number: digits.
    pub number: String,
    /// What stands on the table.
    pub equipment: Equipment,
    /// What the one who is called is told.
    pub presentation: Presentation,
    /// The subscriber's name, for caller ID.
    pub subscriber: Option<String>,
    /// What is wrong with it from the start.
    pub faults: Vec<(Fault, Times)>,
}

impl Station {
    /// A station with a modem as most have it.
    #[must_use]
    pub fn modem(name: &str, number: &str) -> Self {
        Self {
            name: name.to_owned(),
            number: number.to_owned(),
            equipment: Equipment::Modem(Box::default()),
            presentation: Presentation::Shown,
            subscriber: None,
            faults: Vec::new(),
        }
    }

    /// A station with a telephone and somebody who answers it after this time; `None`: nobody does.
    #[must_use]
    pub fn telephone(name: &str, number: &str, answers: Option<Duration>) -> Self {
        Self { equipment: Equipment::Telephone { answers }, ..Self::modem(name, number) }
    }

    /// The same with this fault from the start.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault, times: Times) -> Self {
        self.faults.push((fault, times));
        self
    }

    /// The same with these settings stored in its modem (`"&C0S0=1"`).
    #[must_use]
    pub fn with_settings(mut self, commands: &str) -> Self {
        if let Equipment::Modem(modem) = &mut self.equipment {
            modem.settings = commands.to_owned();
        }
        self
    }
}

/// What is on a telephone line.
#[derive(Clone, Debug)]
pub enum Equipment {
    /// A modem.
    Modem(Box<ModemSpec>),
    /// A telephone, and somebody who answers it after this time, if anybody does.
    Telephone {
        /// From the first ring.
        answers: Option<Duration>,
    },
}

/// A modem and where its computer's end is found.
#[derive(Clone, Debug)]
pub struct ModemSpec {
    /// The make.
    pub profile: Profile,
    /// `AT` commands whose settings are in its memory.
    pub settings: String,
    /// Where its port is: `pty:/run/town/alice`, `rfc2217:127.0.0.1:7001`, `tcp:127.0.0.1:7002`. The exchange does
    /// not look at it; empty where the town has no ports.
    pub port: String,
}

impl Default for ModemSpec {
    fn default() -> Self {
        Self { profile: Profile::rockwell(), settings: String::new(), port: String::new() }
    }
}

/// What the one who is called learns of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presentation {
    /// The number.
    Shown,
    /// `P`
    Withheld,
    /// `O`: from an exchange that does not tell.
    Unknown,
}

/// A number of several stations.
#[derive(Clone, Debug)]
pub struct HuntNumber {
    /// The number.
    pub number: String,
    /// The stations' names in order of choice.
    pub stations: Vec<String>,
}

/// How long things take, in the town's own time.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// From off-hook to dial tone.
    pub dial_tone: Duration,
    /// Without a digit for this long, the number is taken as complete.
    pub digit_wait: Duration,
    /// From the last digit to the other telephone.
    pub routing: Duration,
    /// From the seizure of the line called to its first ring: the time of glare.
    pub first_ring: Duration,
    /// How long each ring is.
    pub ring: Duration,
    /// The silence between rings.
    pub ring_pause: Duration,
    /// The exchange gives up after this.
    pub ring_limit: Duration,
    /// From answer to CONNECT.
    pub training: Duration,
    /// How long the exchange keeps the side called connected after it hangs up, unless the caller does as well. Zero:
    /// either side ends the call (first-party release).
    pub hold: Duration,
    /// How long a person at a telephone says hello to a modem.
    pub patience: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            dial_tone: Duration::from_millis(300),
            digit_wait: Duration::from_secs(4),
            routing: Duration::from_millis(1_500),
            first_ring: Duration::from_millis(200),
            ring: Duration::from_secs(2),
            ring_pause: Duration::from_secs(4),
            ring_limit: Duration::from_secs(180),
            training: Duration::from_secs(10),
            hold: Duration::ZERO,
            patience: Duration::from_secs(8),
        }
    }
}

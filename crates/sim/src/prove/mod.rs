//! Proof by attack: what is known to have been done to servers that call back, played against a server's own
//! configuration in a simulated town.
//!
//! ```text
//!   Config ─► Ground (lines on simulated modems, ways of being called back)
//!                └─► each attack in a world of its own ─► Finding: withstood | weak | open | does not apply
//! ```
//!
//! An attack that *succeeds* shows that the configuration leaves it open. One that fails shows no more than that: the
//! town's exchange is the worst that is known, but it is no telephone company. Two of the twenty are about files and
//! not about telephones: those are played by whoever has files, and only their names stand here.
//!
//! It does not know where the configuration comes from, nor what becomes of the findings.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the attacks look for a few events of the journal and the town; the others say nothing to them"
)]

mod ground;
mod identity;
mod line;
mod number;
mod service;
#[cfg(test)]
mod tests;

use calls::config::Config;
use serde::Serialize;

use ground::Ground;

/// What came of an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// There is nothing that it could be tried on.
    NotApplicable,
    /// It came to nothing.
    Withstood,
    /// It came to nothing, but all that stood in its way is not ours, or easily lost.
    Weak,
    /// It succeeded.
    Open,
}

impl Verdict {
    /// For people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotApplicable => "does not apply",
            Self::Withstood => "withstood",
            Self::Weak => "weak",
            Self::Open => "OPEN",
        }
    }
}

/// What was found, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What came of it.
    pub verdict: Verdict,
    /// Why, in a sentence.
    pub because: String,
    /// What to do about it, where something should be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cure: Option<String>,
    /// Lines of journal and town that show it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}

impl Finding {
    /// A finding without cure or evidence.
    #[must_use]
    pub fn new(verdict: Verdict, because: impl Into<String>) -> Self {
        Self { verdict, because: because.into(), cure: None, evidence: Vec::new() }
    }

    /// With what to do about it.
    #[must_use]
    pub fn cured_by(self, cure: impl Into<String>) -> Self {
        Self { cure: Some(cure.into()), ..self }
    }

    /// With what shows it.
    #[must_use]
    pub fn shown_by(self, evidence: Vec<String>) -> Self {
        Self { evidence, ..self }
    }

    fn nothing_to_call(ground: &Ground) -> Self {
        let because = match ground.left_out {
            0 => "nobody who calls is called back by this configuration".to_owned(),
            more => format!(
                "nobody who calls is called back on the {} lines that were tried; {more} more are like these",
                ground.spots.len()
            ),
        };
        Self::new(Verdict::NotApplicable, because)
    }
}

/// An attack.
#[derive(Clone, Copy, Debug)]
pub struct Attack {
    /// Its number in docs/threat-model.md, from 1.
    pub number: u8,
    /// Its name.
    pub name: &'static str,
    /// What is done.
    pub how: &'static str,
    /// How it is played; `None`: it is about files.
    play: Option<fn(&Ground) -> Finding>,
}

impl Attack {
    /// `A7`
    #[must_use]
    pub fn id(&self) -> String {
        format!("A{}", self.number)
    }

    /// Whether it is played here; the others are about files.
    #[must_use]
    pub const fn is_played_here(&self) -> bool {
        self.play.is_some()
    }
}

macro_rules! attacks {
    ($($number:literal $name:literal $how:literal $play:expr;)*) => {
        /// All of them, in their order.
        pub const ATTACKS: &[Attack] =
            &[$(Attack { number: $number, name: $name, how: $how, play: $play }),*];
    };
}

attacks! {
    1 "line hold" "The caller stays on the line after the server has hung up, plays a dial tone, and answers what is dialled into his ear." Some(line::hold);
    2 "glare" "A call arrives in the instant in which the server takes the line to dial, and its modem plays the answering part." Some(line::glare);
    3 "predictable wait" "Who knows when the server will dial can call into that instant." Some(line::predictable);
    4 "diverted number" "The right number is called, but it has been diverted to somebody who knows the users' names." Some(identity::diverted);
    5 "wrong party" "A wrong number is stored or typed, and whoever has a modem there is called again and again." Some(identity::wrong_party);
    6 "toll fraud" "A caller types a number that costs money, or that belongs to somebody who must not be called." Some(number::toll);
    7 "reverse Wangiri" "A call with a caller ID of a premium number rings and hangs up, so that it be called back." Some(number::wangiri);
    8 "dial-string injection" "What is typed as a number, or as a name, carries commands for the server's modem." Some(number::injection);
    9 "guessing" "Names are tried until one is answered differently, or often enough." Some(identity::guessing);
    10 "caller-ID spoofing" "A caller presents the number of somebody who may more." Some(identity::spoofing);
    11 "inherited session" "The carrier of a call is lost unseen (DCD stuck), and the next caller finds the session of the last." Some(line::inherited);
    12 "escape" "A caller makes the server send `+++` and a command to its own modem, by echo." Some(line::escape);
    13 "fail-open configuration" "A file of the configuration is made writable, spoiled, or taken away." None;
    14 "races" "Locks, reloads and power cuts at any instant of a callback." Some(service::races);
    15 "loops and storms" "The server is made to call itself, or one number without end." Some(number::loops);
    16 "replay" "Everything that was said on an earlier call is said again." Some(identity::replay);
    17 "tampered journal" "An entry of the journal is altered, or the last ones are cut off." None;
    18 "denial of the line" "Callbacks to numbers that do not answer keep callers out." Some(service::denial);
    19 "disclosure" "Numbers and secrets are read off process list, log, or the answers to other callers." None;
    20 "hostile bytes" "Floods, control characters, NULs and forged result codes at the prompt." Some(service::hostile);
}

/// Plays every attack that is played here against this configuration and tells each finding as it is made.
///
/// `seed` decides everything that is left to chance. A minute at most; most of it is the town's, not the clock's.
/// Returns on how many lines nothing was played, because each is like one of the others.
///
/// # Errors
/// The lines can't be set up on simulated modems: why, for people.
pub fn prove(
    config: &Config,
    seed: u64,
    mut tell: impl FnMut(&'static Attack, Finding),
) -> Result<usize, String> {
    let ground = Ground::of(config, seed);
    ground.comes_up()?;
    for attack in ATTACKS {
        if let Some(play) = attack.play {
            tell(attack, play(&ground));
        }
    }
    Ok(ground.left_out)
}

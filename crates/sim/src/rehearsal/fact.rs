//! What a script does, one thing at a time, and where in the script it stands.

use serde::Serialize;

/// Something that a script does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The line of the script, from 1; `None` for what Windows' dialler does before the script.
    pub line: Option<usize>,
    /// What.
    #[serde(flatten)]
    pub step: ScriptStep,
}

/// What a script does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum ScriptStep {
    /// It waits for one of these.
    Waits {
        /// The texts, as bytes that people can read: `ogin: `, `^JRING^M`.
        texts: Vec<String>,
        /// Whether letter case counts, for each of them.
        exact: bool,
        /// For so long; `None`: for ever.
        within_ms: Option<u64>,
    },
    /// It has heard what it waited for.
    Heard {
        /// Which.
        text: String,
    },
    /// It has not, in its time.
    NotHeard,
    /// It sends this.
    Sends {
        /// Readable; `None` for what the script marks as secret.
        text: Option<String>,
    },
    /// It waits, whatever comes.
    Pauses {
        /// For so long.
        ms: u64,
    },
    /// It changes the port or the window, or says something to its user.
    Sets {
        /// What, for people.
        what: String,
    },
    /// It is over.
    Ended(Ended),
}

/// How a script ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum Ended {
    /// At its end: PPP would begin.
    Well,
    /// What it waited for did not come (chat's exit code 3).
    TimedOut,
    /// It heard what it must not (chat's exit codes from 4 on).
    Aborted {
        /// What.
        text: String,
    },
    /// It gave up by itself (`halt`).
    Halted,
    /// It saw its carrier go, as Windows' dialler does.
    CarrierLost,
    /// A fault of the script.
    Faulty {
        /// What.
        message: String,
    },
    /// It was ended from outside.
    Stopped,
}

/// Bytes as people can read them: `^M`, `^J`, `\xE9`.
#[must_use]
pub fn readable(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        match byte {
            b' '..=b'~' => text.push(char::from(byte)),
            0..=0x1f => {
                text.push('^');
                text.push(char::from(byte + 0x40));
            }
            0x7f => text.push_str("^?"),
            0x80.. => text.push_str(&format!("\\x{byte:02X}")),
        }
    }
    text
}

//! What a station looks like from outside, for status pages and the town's console.

use proto::signals::Signals;
use serde::Serialize;

use super::fault::Fault;
use super::{Exchange, Set, StationId};

/// One station just now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StationStatus {
    /// Its name.
    pub name: String,
    /// Its number.
    pub number: String,
    /// What its line does: `on-hook`, `dial tone`, `ringing`, `connected`.
    pub line: &'static str,
    /// What its modem does: `command`, `dialling`, `online`; `telephone` where there is none.
    pub modem: &'static str,
    /// The station at the other end, if there is one.
    pub peer: Option<String>,
    /// DTR as the computer drives it.
    pub dtr: bool,
    /// DCD as the computer sees it.
    pub dcd: bool,
    /// RI as the computer sees it.
    pub ri: bool,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
}

impl Exchange {
    /// A station just now.
    #[must_use]
    pub fn status(&self, id: StationId) -> StationStatus {
        let station = &self.stations[id];
        let Signals { dcd, ri, .. } = self.signals(id);
        StationStatus {
            name: station.name.to_string(),
            number: station.number.clone(),
            line: self.line_word(id),
            modem: match &station.set {
                Set::Modem(modem) => modem.state(),
                Set::Telephone { .. } => "telephone",
            },
            peer: self.peer(id).map(|peer| self.stations[peer].name.to_string()),
            dtr: station.dtr,
            dcd,
            ri,
            faults: station.faults.iter().cloned().collect(),
        }
    }
}

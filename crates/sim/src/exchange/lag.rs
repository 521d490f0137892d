//! Between a modem and its computer: what is said can come late and in pieces.

use std::collections::VecDeque;
use std::time::Duration;

use proto::time::{Deadline, Instant};

use super::DteOutput;

/// What is under way from a modem to its computer.
#[derive(Debug, Default)]
pub(super) struct Lag(VecDeque<(Instant, DteOutput)>);

/// Pieces of one thing come this far apart.
const BETWEEN: Duration = Duration::from_millis(10);

impl Lag {
    /// Takes `output`; hands it back if it is to be seen at once.
    pub(super) fn pass(
        &mut self,
        now: Instant,
        output: DteOutput,
        late: Duration,
        pieces: usize,
    ) -> Option<DteOutput> {
        if self.0.is_empty() && late.is_zero() && pieces == usize::MAX {
            return Some(output);
        }
        let after = self.0.back().map_or(Instant::ZERO, |(at, _)| *at);
        let mut at = after.max(now + late);
        match output {
            DteOutput::Bytes(bytes) => {
                for piece in bytes.chunks(pieces) {
                    self.0.push_back((at, DteOutput::Bytes(piece.to_vec())));
                    if pieces != usize::MAX {
                        at += BETWEEN;
                    }
                }
            }
            DteOutput::Signals(_) | DteOutput::Break | DteOutput::Plugged(_) => {
                self.0.push_back((at, output));
            }
        }
        None
    }

    /// The next thing that has arrived.
    pub(super) fn due(&mut self, now: Instant) -> Option<DteOutput> {
        let (at, _) = self.0.front()?;
        if *at > now {
            return None;
        }
        self.0.pop_front().map(|(_, output)| output)
    }

    pub(super) fn deadline(&self) -> Option<Deadline> {
        self.0.front().map(|(at, _)| Deadline::new(*at, "slow modem"))
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

//! How long to wait before a CBCP packet is repeated: the slower the line, the longer.

use std::time::Duration;

/// Requests and Responses repeated at the line's own pace before they come more slowly.
pub(super) const QUICK_REPETITIONS: u32 = 5;

/// The pace after those: a person is typing, and there is no hurry.
pub(super) const SLOW: Duration = Duration::from_secs(10);

/// The wait before a repetition on a line of that many bit/s (MS-CBCP §3.1.2), or of unknown speed.
#[must_use]
pub const fn retransmission(rate: Option<u32>) -> Duration {
    let seconds = match rate {
        Some(..=1200) => 7,
        Some(..=2400) => 5,
        Some(..=9600) | None => 3,
        Some(_) => 2,
    };
    Duration::from_secs(seconds)
}

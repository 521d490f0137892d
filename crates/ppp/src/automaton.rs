//! The option negotiation automaton of RFC 1661 §4.1: one table, as it is printed there.
//!
//! The table says what follows when an event meets a state: which actions, in which order, and the next
//! state. It holds no timer, no counter and no packet; the `negotiation` module carries its
//! actions out. Cells that the RFC leaves out, because the event cannot happen in that state, are empty:
//! nothing is done and the state stays.
//!
//! ```text
//!     Initial ─open─► Starting          Closed ─open─► ReqSent ──RCA──► AckRcvd ──RCR+─┐
//!        │ up            │ up             ▲               │  ▲            │TO          ▼
//!        ▼               ▼                │close/TO-      │  └────────────┘         Opened
//!      Closed         ReqSent          Closing          RCR+ ──────► AckSent ──RCA──► │
//!                                                                                     │RTR
//!                              Stopped ◄─────────TO-/RTA──────── Stopping ◄───────────┘
//! ```

/// Where the automaton is (RFC 1661 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// The layer below is down, and nobody has asked to open.
    Initial,
    /// The layer below is down, but opening is wanted.
    Starting,
    /// The layer below is up, opening is not wanted.
    Closed,
    /// Opening is wanted, but the peer has ended it, or never answered: waiting for its request.
    Stopped,
    /// A Terminate-Request is out, on our own wish.
    Closing,
    /// A Terminate-Request or -Ack is out, though opening is wanted.
    Stopping,
    /// Our Configure-Request is out; nothing is acknowledged on either side.
    ReqSent,
    /// Our request has been acknowledged.
    AckRcvd,
    /// We have acknowledged the peer's request.
    AckSent,
    /// Both are acknowledged.
    Opened,
}

/// What can happen (RFC 1661 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// The layer below can carry packets.
    Up,
    /// It no longer can.
    Down,
    /// Opening is wanted.
    Open,
    /// Closing is wanted.
    Close,
    /// TO+: the restart timer ran out and tries are left.
    TimeoutAgain,
    /// TO-: the restart timer ran out for the last time.
    TimeoutLast,
    /// RCR+: a Configure-Request that we can acknowledge.
    GoodRequest,
    /// RCR-: a Configure-Request that we cannot.
    BadRequest,
    /// RCA: a Configure-Ack for our request.
    Ack,
    /// RCN: a Configure-Nak or -Reject for our request.
    Nak,
    /// RTR: a Terminate-Request.
    TerminateRequest,
    /// RTA: a Terminate-Ack.
    TerminateAck,
    /// RUC: a code that we do not know.
    UnknownCode,
    /// RXJ+: a Code- or Protocol-Reject that we can live with.
    RejectTolerable,
    /// RXJ-: one that makes the protocol impossible.
    RejectFatal,
    /// RXR: an Echo-Request, Echo-Reply or Discard-Request.
    Echo,
}

/// What is to be done (RFC 1661 §4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// tlu: tell the layers above that this one is up.
    LayerUp,
    /// tld: tell them that it is no longer.
    LayerDown,
    /// tls: tell the layer below that it is needed.
    LayerStarted,
    /// tlf: tell it that it is no longer needed.
    LayerFinished,
    /// irc: set the restart counter to its maximum.
    InitRestartCount,
    /// zrc: set it to zero, and wait one period before acting on that.
    ZeroRestartCount,
    /// scr: send a Configure-Request.
    SendConfigureRequest,
    /// sca: send a Configure-Ack.
    SendConfigureAck,
    /// scn: send a Configure-Nak or -Reject.
    SendConfigureNak,
    /// str: send a Terminate-Request.
    SendTerminateRequest,
    /// sta: send a Terminate-Ack.
    SendTerminateAck,
    /// scj: send a Code-Reject.
    SendCodeReject,
    /// ser: send an Echo-Reply, if it was an Echo-Request.
    SendEchoReply,
}

/// What one event does to one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is to be done, in order.
    pub actions: &'static [Action],
    /// The state afterwards.
    pub next: State,
}

impl State {
    /// What `event` does in this state; `None` where the RFC says that it cannot happen.
    #[must_use]
    pub fn on(self, event: Event) -> Option<Step> {
        let row = TABLE.get(event as usize)?;
        let (actions, next) = row.get(self as usize).copied().flatten()?;
        Some(Step { actions, next })
    }

    /// Whether the restart timer runs in this state (RFC 1661 §4.6).
    #[must_use]
    pub const fn has_timer(self) -> bool {
        match self {
            Self::Closing | Self::Stopping | Self::ReqSent | Self::AckRcvd | Self::AckSent => true,
            Self::Initial | Self::Starting | Self::Closed | Self::Stopped | Self::Opened => false,
        }
    }
}

type Cell = Option<(&'static [Action], State)>;

use Action::{
    InitRestartCount as IRC, LayerDown as TLD, LayerFinished as TLF, LayerStarted as TLS,
    LayerUp as TLU, SendCodeReject as SCJ, SendConfigureAck as SCA, SendConfigureNak as SCN,
    SendConfigureRequest as SCR, SendEchoReply as SER, SendTerminateAck as STA,
    SendTerminateRequest as STR, ZeroRestartCount as ZRC,
};
use State::{
    AckRcvd as S7, AckSent as S8, Closed as S2, Closing as S4, Initial as S0, Opened as S9,
    ReqSent as S6, Starting as S1, Stopped as S3, Stopping as S5,
};

/// A cell that the RFC leaves out.
const NONE: Cell = None;

const fn go(next: State) -> Cell {
    Some((&[], next))
}

const fn act(actions: &'static [Action], next: State) -> Cell {
    Some((actions, next))
}

/// Rows are events in the order of [`Event`], columns states in the order of [`State`]. The RFC's marks
/// `r` (restart option) and `p` (passive option) are not taken up: Open in an open state does nothing,
/// and a peer that never answers ends in Stopped. `x` (crossed connection) needs nothing special.
#[rustfmt::skip]
const TABLE: [[Cell; 10]; 16] = [
    //        0 Initial        1 Starting            2 Closed              3 Stopped                   4 Closing          5 Stopping         6 ReqSent                7 AckRcvd                8 AckSent                9 Opened
    /* Up  */ [go(S2),          act(&[IRC, SCR], S6), NONE,                 NONE,                       NONE,              NONE,              NONE,                  NONE,                  NONE,                  NONE],
    /* Dwn */ [NONE,            NONE,                 go(S0),               act(&[TLS], S1),            go(S0),            go(S1),            go(S1),                go(S1),                go(S1),                act(&[TLD], S1)],
    /* Opn */ [act(&[TLS], S1), go(S1),               act(&[IRC, SCR], S6), go(S3),                     go(S5),            go(S5),            go(S6),                go(S7),                go(S8),                go(S9)],
    /* Cls */ [go(S0),          act(&[TLF], S0),      go(S2),               go(S2),                     go(S4),            go(S4),            act(&[IRC, STR], S4),  act(&[IRC, STR], S4),  act(&[IRC, STR], S4),  act(&[TLD, IRC, STR], S4)],
    /* TO+ */ [NONE,            NONE,                 NONE,                 NONE,                       act(&[STR], S4),   act(&[STR], S5),   act(&[SCR], S6),       act(&[SCR], S6),       act(&[SCR], S8),       NONE],
    /* TO- */ [NONE,            NONE,                 NONE,                 NONE,                       act(&[TLF], S2),   act(&[TLF], S3),   act(&[TLF], S3),       act(&[TLF], S3),       act(&[TLF], S3),       NONE],
    /* RCR+*/ [NONE,            NONE,                 act(&[STA], S2),      act(&[IRC, SCR, SCA], S8),  go(S4),            go(S5),            act(&[SCA], S8),       act(&[SCA, TLU], S9),  act(&[SCA], S8),       act(&[TLD, SCR, SCA], S8)],
    /* RCR-*/ [NONE,            NONE,                 act(&[STA], S2),      act(&[IRC, SCR, SCN], S6),  go(S4),            go(S5),            act(&[SCN], S6),       act(&[SCN], S7),       act(&[SCN], S6),       act(&[TLD, SCR, SCN], S6)],
    /* RCA */ [NONE,            NONE,                 act(&[STA], S2),      act(&[STA], S3),            go(S4),            go(S5),            act(&[IRC], S7),       act(&[SCR], S6),       act(&[IRC, TLU], S9),  act(&[TLD, SCR], S6)],
    /* RCN */ [NONE,            NONE,                 act(&[STA], S2),      act(&[STA], S3),            go(S4),            go(S5),            act(&[IRC, SCR], S6),  act(&[SCR], S6),       act(&[IRC, SCR], S8),  act(&[TLD, SCR], S6)],
    /* RTR */ [NONE,            NONE,                 act(&[STA], S2),      act(&[STA], S3),            act(&[STA], S4),   act(&[STA], S5),   act(&[STA], S6),       act(&[STA], S6),       act(&[STA], S6),       act(&[TLD, ZRC, STA], S5)],
    /* RTA */ [NONE,            NONE,                 go(S2),               go(S3),                     act(&[TLF], S2),   act(&[TLF], S3),   go(S6),                go(S6),                go(S8),                act(&[TLD, SCR], S6)],
    /* RUC */ [NONE,            NONE,                 act(&[SCJ], S2),      act(&[SCJ], S3),            act(&[SCJ], S4),   act(&[SCJ], S5),   act(&[SCJ], S6),       act(&[SCJ], S7),       act(&[SCJ], S8),       act(&[SCJ], S9)],
    /* RXJ+*/ [NONE,            NONE,                 go(S2),               go(S3),                     go(S4),            go(S5),            go(S6),                go(S6),                go(S8),                go(S9)],
    /* RXJ-*/ [NONE,            NONE,                 act(&[TLF], S2),      act(&[TLF], S3),            act(&[TLF], S2),   act(&[TLF], S3),   act(&[TLF], S3),       act(&[TLF], S3),       act(&[TLF], S3),       act(&[TLD, IRC, STR], S5)],
    /* RXR */ [NONE,            NONE,                 go(S2),               go(S3),                     go(S4),            go(S5),            go(S6),                go(S7),                go(S8),                act(&[SER], S9)],
];

#[cfg(test)]
mod tests;

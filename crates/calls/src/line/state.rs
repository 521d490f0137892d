//! The states of a line, and what can be told of each without changing it. The picture of them is on top
//! of [`super`]; it does not know how one leads to another.

use proto::at::commands::Commands;
use proto::time::{Deadline, Instant};

use super::answer::{Answering, Ringing};
use super::dial::{Dialling, Preparing};
use super::measure::Measuring;
use super::on_hook::HangingUp;
use super::online::Online;
use super::setup::Claim;
use crate::call::Call;

/// The names of all states, as status, metrics and the journal's readers see them.
pub const STATES: [&str; 17] = [
    "closed",
    "opening",
    "claiming",
    "initialising",
    "idle",
    "checking",
    "ringing",
    "answering",
    "preparing",
    "dialling",
    "online",
    "hanging-up",
    "faulted",
    "lent",
    "busying-out",
    "busied-out",
    "measuring",
];

/// What a line does.
#[derive(Debug)]
pub(super) enum State {
    Closed,
    Opening,
    Claiming {
        claim: Claim,
        until: Instant,
    },
    Initialising {
        commands: Box<Commands>,
    },
    /// `free_at`: no dialling before, because the exchange may still hold the last caller.
    Idle {
        check_at: Instant,
        free_at: Option<Instant>,
    },
    Checking {
        commands: Box<Commands>,
    },
    Ringing(Box<Ringing>),
    Answering(Box<Answering>),
    Preparing(Box<Preparing>),
    Dialling(Box<Dialling>),
    Online(Box<Online>),
    HangingUp(Box<HangingUp>),
    Faulted {
        reason: String,
        retry_at: Instant,
    },
    Lent {
        holder: String,
    },
    BusyingOut {
        commands: Box<Commands>,
    },
    BusiedOut,
    Measuring(Box<Measuring>),
}

impl State {
    /// Its name, one of [`STATES`], and what the line is faulted by or lent to.
    pub(super) fn name(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Closed => ("closed", None),
            Self::Opening => ("opening", None),
            Self::Claiming { .. } => ("claiming", None),
            Self::Initialising { .. } => ("initialising", None),
            Self::Idle { .. } => ("idle", None),
            Self::Checking { .. } => ("checking", None),
            Self::Ringing(_) => ("ringing", None),
            Self::Answering(_) => ("answering", None),
            Self::Preparing(_) => ("preparing", None),
            Self::Dialling(_) => ("dialling", None),
            Self::Online(_) => ("online", None),
            Self::HangingUp(_) => ("hanging-up", None),
            Self::Faulted { reason, .. } => ("faulted", Some(reason)),
            Self::Lent { holder } => ("lent", Some(holder)),
            Self::BusyingOut { .. } => ("busying-out", None),
            Self::BusiedOut => ("busied-out", None),
            Self::Measuring(_) => ("measuring", None),
        }
    }

    /// The call on the line, if there is one.
    pub(super) fn call(&self) -> Option<&Call> {
        match self {
            Self::Ringing(ringing) => Some(&ringing.call),
            Self::Answering(answering) => Some(&answering.call),
            Self::Dialling(dialling) => Some(&dialling.call),
            Self::Online(online) => Some(&online.call),
            Self::HangingUp(hanging_up) => hanging_up.call(),
            Self::Closed
            | Self::Opening
            | Self::Claiming { .. }
            | Self::Initialising { .. }
            | Self::Idle { .. }
            | Self::Checking { .. }
            | Self::Preparing(_)
            | Self::Faulted { .. }
            | Self::Lent { .. }
            | Self::BusyingOut { .. }
            | Self::BusiedOut
            | Self::Measuring(_) => None,
        }
    }

    /// Whether somebody is still at the other end, as far as can be seen.
    pub(super) fn has_carrier(&self) -> bool {
        match self {
            Self::Online(online) => online.has_carrier(),
            Self::Closed
            | Self::Opening
            | Self::Claiming { .. }
            | Self::Initialising { .. }
            | Self::Idle { .. }
            | Self::Checking { .. }
            | Self::Ringing(_)
            | Self::Answering(_)
            | Self::Preparing(_)
            | Self::Dialling(_)
            | Self::HangingUp(_)
            | Self::Faulted { .. }
            | Self::Lent { .. }
            | Self::BusyingOut { .. }
            | Self::BusiedOut
            | Self::Measuring(_) => false,
        }
    }

    /// When the line's `tick` is wanted.
    pub(super) fn deadline(&self) -> Option<Deadline> {
        match self {
            Self::Closed | Self::Opening | Self::Lent { .. } | Self::BusiedOut => None,
            Self::Claiming { until, .. } => Some(Deadline::new(*until, "lock")),
            Self::Initialising { commands }
            | Self::Checking { commands }
            | Self::BusyingOut { commands } => commands.deadline(),
            Self::Idle { check_at, free_at } => {
                let held = free_at.map(|at| Deadline::new(at, "hold time"));
                Deadline::earliest(held, Some(Deadline::new(*check_at, "modem check")))
            }
            Self::Ringing(ringing) => Some(ringing.deadline()),
            Self::Answering(answering) => Some(answering.deadline()),
            Self::Preparing(preparing) => preparing.deadline(),
            Self::Dialling(dialling) => Some(dialling.deadline()),
            Self::Online(online) => online.deadline(),
            Self::HangingUp(hanging_up) => hanging_up.deadline(),
            Self::Measuring(measuring) => measuring.deadline(),
            Self::Faulted { retry_at, .. } => Some(Deadline::new(*retry_at, "line retry")),
        }
    }
}

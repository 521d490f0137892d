//! Orders to the running server: `hangup`, `busy-out`, `restore`, `reset`, `promise`, `reload`. Each is
//! journalled with who gave it.

use calls::vocabulary::{Command, PromiseId, Reply};
use clap::{Args, Subcommand};

use super::{Whereabouts, show};
use crate::control::Client;
use crate::exit::{Code, Failure};
use crate::out;

#[derive(Debug, Args)]
#[command(after_help = "\
The line is on-hook, seen, a moment later; `dialback lines --watch` shows it.

Examples:
  dialback hangup main         end the call on this line")]
pub(super) struct HangUp {
    #[command(flatten)]
    server: Whereabouts,
    /// The line's name
    line: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A call that runs on the line may end first. The order holds across restarts of the server.

Examples:
  dialback busy-out main       callers find it busy, nobody is called back on it
  dialback restore main        and it is back in service")]
pub(super) struct BusyOut {
    #[command(flatten)]
    server: Whereabouts,
    /// The line's name
    line: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dialback restore main        the end of `dialback busy-out main`")]
pub(super) struct Restore {
    #[command(flatten)]
    server: Whereabouts,
    /// The line's name
    line: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A call on the line is hung up. A line that is out of order is tried at once.

Examples:
  dialback reset main          close its port, open it, and set up its modem")]
pub(super) struct Reset {
    #[command(flatten)]
    server: Whereabouts,
    /// The line's name
    line: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A number at which nobody could say who he is, several times in a row, is in quarantine: it is not called any
more. `dialback status` shows the numbers that are.

Examples:
  dialback release 5550199     it is called again, and its strangers are forgotten")]
pub(super) struct Release {
    #[command(flatten)]
    server: Whereabouts,
    /// The number, as `dialback status` shows it
    number: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The same as SIGHUP, but it tells whether the new configuration is in force. Lines with a call keep their
old settings until it is over.

Examples:
  dialback reload && dialback lines")]
pub(super) struct Reload {
    #[command(flatten)]
    server: Whereabouts,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dialback promises            the open promises, with their ids
  dialback promise cancel p12  nobody is called back for this one
  dialback promise now p12     call back now, and not when it is due")]
pub(super) struct Promise {
    #[command(flatten)]
    server: Whereabouts,
    #[command(subcommand)]
    order: PromiseOrder,
}

#[derive(Debug, Subcommand)]
enum PromiseOrder {
    /// Withdraw an open promise; a dial for it is broken off
    #[command(after_help = "Examples:\n  dialback promise cancel p12")]
    Cancel {
        /// The promise's id, as `dialback promises` shows it
        promise: String,
    },
    /// Call back now, and not when it is due; a line's hold time is waited for all the same
    #[command(after_help = "Examples:\n  dialback promise now p12")]
    Now {
        /// The promise's id, as `dialback promises` shows it
        promise: String,
    },
}

impl HangUp {
    pub(super) fn run(self) -> Result<(), Failure> {
        order(&self.server, Command::HangUp { who: String::new(), line: self.line })
    }
}

impl BusyOut {
    pub(super) fn run(self) -> Result<(), Failure> {
        order(&self.server, Command::BusyOut { who: String::new(), line: self.line })
    }
}

impl Restore {
    pub(super) fn run(self) -> Result<(), Failure> {
        order(&self.server, Command::Restore { who: String::new(), line: self.line })
    }
}

impl Reset {
    pub(super) fn run(self) -> Result<(), Failure> {
        order(&self.server, Command::Reset { who: String::new(), line: self.line })
    }
}

impl Release {
    pub(super) fn run(self) -> Result<(), Failure> {
        order(&self.server, Command::Release { who: String::new(), number: self.number })
    }
}

impl Reload {
    pub(super) fn run(self) -> Result<(), Failure> {
        order(&self.server, Command::Reload { who: String::new() })
    }
}

impl Promise {
    pub(super) fn run(self) -> Result<(), Failure> {
        let who = String::new();
        let id = |text: &str| show::id_of(text, 'p').map(PromiseId);
        let command = match self.order {
            PromiseOrder::Cancel { promise } => Command::Withdraw { who, promise: id(&promise)? },
            PromiseOrder::Now { promise } => Command::Hurry { who, promise: id(&promise)? },
        };
        order(&self.server, command)
    }
}

/// Gives an order; the server signs it with who we are.
pub(super) fn order(server: &Whereabouts, command: Command) -> Result<(), Failure> {
    let mut client = Client::connect(&server.socket()?)?;
    match client.command(command)? {
        Reply::Done => Ok(()),
        Reply::Promised { promise, .. } => {
            out::line(promise);
            Ok(())
        }
        Reply::Refused { reason, .. } => Err(Failure::new(Code::Failed, reason)),
    }
}

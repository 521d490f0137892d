//! `dialback call-back USER`: the running server calls a user back, as if he had asked for it and proved his name.

use calls::vocabulary::{Command, Reply};
use clap::Args;

use super::{Whereabouts, callback};
use crate::control::Client;
use crate::exit::{Code, Failure};
use crate::out;

#[derive(Debug, Args)]
#[command(after_help = "\
The policy decides as if the user had called and proved his name: his numbers, hours and budgets hold, and whoever
answers has to say who he is. `dialback policy explain USER` tells what it would say; `dialback callback NUMBER`
calls a number as it is.

Examples:
  dialback call-back alice             at the number that is stored for her
  dialback call-back alice 5550142     at this one of hers, or one that she may choose
  dialback call-back --follow alice    and show what becomes of it")]
pub(super) struct CallBack {
    #[command(flatten)]
    server: Whereabouts,
    /// Stay, and show what happens until the promise is kept or given up
    #[arg(short = 'f', long)]
    follow: bool,
    /// One of the user's names, or a name that login.config calls back
    user: String,
    /// The number, if not the stored one
    number: Option<String>,
}

impl CallBack {
    pub(super) fn run(self) -> Result<(), Failure> {
        let socket = self.server.socket()?;
        let mut client = Client::connect(&socket)?;
        // Before the order is given, so that nothing of it is missed.
        let events = match self.follow {
            true => Some(Client::connect(&socket)?.listen(None)?),
            false => None,
        };
        let Self { user, number, .. } = self;
        let command = Command::CallUser { who: String::new(), user: user.clone(), number };
        let promise = match client.command(command)? {
            Reply::Promised { promise, code } => {
                if let Some(code) = code {
                    out::error(format_args!(
                        "whoever answers is asked for the code {code}: tell it to {user}"
                    ));
                }
                promise
            }
            Reply::Refused { rule, reason } => {
                return Err(Failure::new(Code::Failed, format!("refused by {rule}: {reason}")));
            }
            Reply::Done => {
                let message = "the server says \"done\" and names no promise";
                return Err(Failure::new(Code::Protocol, message));
            }
        };
        match events {
            Some(events) => callback::follow(events, promise),
            None => {
                out::line(promise);
                Ok(())
            }
        }
    }
}

//! `dialback top`'s command line; the screen is in `top`.

use std::io::IsTerminal;

use clap::Args;

use super::Whereabouts;
use crate::exit::{Code, Failure};

#[derive(Debug, Args)]
#[command(after_help = "\
Press ? for the keys: hang up, busy out, reset, cancel a promise, call back now.

Examples:
  dialback top                 lines, promises and events, until you press q
  NO_COLOR=1 dialback top      without colours")]
pub(super) struct Top {
    #[command(flatten)]
    server: Whereabouts,
}

impl Top {
    pub(super) fn run(self) -> Result<(), Failure> {
        if !std::io::stdout().is_terminal() {
            let message =
                "top: stdout is no terminal: see dialback status --watch, or dialback log --follow";
            return Err(Failure::new(Code::Usage, message));
        }
        crate::top::run(&self.server.socket()?)
    }
}

//! `dialback demo`: see it in one command.

use clap::Args;
use sim::exchange::fault::Fault;

use super::exchange::fault_named;
use crate::demo::{self, Asked, Company, Variant};
use crate::exit::{Code, Failure};
use crate::log;

#[derive(Debug, Args)]
#[command(after_help = "\
Left is what the caller sees and types, right what the server says and decides, between them the modems and the
exchange. Everything but the caller is real: the server with its journal, its files, and a shell on a pty.
Needs no modem and no root; leaves nothing behind. Exits with 0 if everything happened as told, else with 1.

Examples:
  dialback demo                        a callback to a number that the caller gives
  dialback demo --variant refused      numbers that the policy refuses
  dialback demo --speed 1              at telephone speed, which takes over a minute
  dialback demo --interactive          you are the caller, with minicom or screen
  dialback demo --fault alice=no-answer     break something and see what becomes of it
  dialback demo --json | jq -c .       every fact, for programs")]
pub(super) struct Demo {
    /// Which story
    #[arg(long, value_name = "STORY", default_value = "ask")]
    variant: Variant,
    /// How many times faster than telephones; 1 is as fast [default: 5; with --interactive: 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20))]
    speed: Option<u32>,
    /// Give the caller's modem to you, on a pty, until Ctrl-C
    #[arg(long, conflicts_with = "variant")]
    interactive: bool,
    /// JSON lines
    #[arg(long)]
    json: bool,
    /// Something that is wrong from the start; the faults are those of `dialback exchange fault --help`
    #[arg(long, value_name = "STATION=FAULT", value_parser = fault)]
    fault: Vec<(String, Fault)>,
}

impl Demo {
    pub(super) fn run(self) -> Result<(), Failure> {
        log::start(log::Format::Text, "error").map_err(|e| Failure::new(Code::System, e))?;
        let company = if self.interactive { Company::Person } else { Company::Caller };
        demo::run(&Asked {
            variant: self.variant,
            speed: self.speed.unwrap_or(match company {
                Company::Caller => 5,
                // A person types as fast as ever, and there are time limits.
                Company::Person => 2,
            }),
            json: self.json,
            company,
            faults: self.fault,
        })
    }
}

/// `alice=no-answer`, `orion=noise,per_million=500`
fn fault(text: &str) -> Result<(String, Fault), String> {
    let Some((station, rest)) = text.split_once('=') else {
        return Err("write STATION=FAULT, with stations alice and orion".to_owned());
    };
    let mut parts = rest.split(',').map(str::to_owned);
    let name = parts.next().unwrap_or_default();
    let with: Vec<String> = parts.collect();
    let fault = fault_named(&name, &with).map_err(|e| e.to_string())?;
    Ok((station.to_owned(), fault))
}

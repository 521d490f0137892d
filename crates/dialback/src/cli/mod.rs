//! The command line: what can be asked, and where the answer is made.
//!
//! Every help text ends with examples, because that is what people read first. The program's exit codes are
//! those of sysexits(3); see `exit`.

mod act;
mod audit;
mod call_back;
mod callback;
mod check;
mod demo;
mod dial;
mod dial_ppp;
mod doctor;
mod exchange;
mod follow;
mod generate;
mod import;
mod migrate;
mod new_files;
mod policy;
mod privileges;
mod prove;
mod qualify;
mod rehearse;
mod relay;
mod serve;
mod setup;
mod show;
mod story;
mod top;
mod trace;
mod user;
mod watch;
mod web;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::config;
use crate::control::DEFAULT_SOCKET;
use crate::exit::{Code, Failure};
use crate::out;

pub(crate) use show::{Columns, call_table, since};

/// Where the configuration is unless `--config` says otherwise.
const DEFAULT_CONFIG: &str = "/etc/dialback/dialback.toml";

/// A dial-in access server that calls its users back.
#[derive(Debug, Parser)]
#[command(
    name = "dialback",
    disable_help_subcommand = true,
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  dialback check --config dialback.toml     find every fault before a caller does
  dialback serve --config dialback.toml     serve the lines
  dialback status                           what is going on now
  dialback callback 5550199                 call somebody back, from a root shell
  dialback chat -v '' ATZ OK ATD5550199     run a chat(8) script, with chat's own options"
)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one of it, for as long as the program runs"
)]
enum Command {
    /// See it: a caller is called back, on an embedded exchange
    Demo(demo::Demo),
    /// Find the modems of this machine, and write lines for them into the configuration
    Setup(setup::Setup),
    /// Serve the lines of a configuration until told to stop
    Serve(serve::Serve),
    /// Find what is wrong on this host, and how it is cured
    Doctor(doctor::Doctor),
    /// Find the faults of a configuration
    Check(check::Check),
    /// Show what is going on: lines, calls, promises
    Status(show::Status),
    /// Show the lines and what they are doing
    Lines(show::Lines),
    /// Show the records of the last calls
    Calls(show::Calls),
    /// Tell the story of one call, with the calls around it
    Call(story::Call),
    /// Show the last sessions: who called, and what came of it
    Sessions(story::Sessions),
    /// Show the callbacks that are owed
    Promises(story::Promises),
    /// Watch lines, promises and events on one screen, and act on them
    Top(top::Top),
    /// Serve the dashboard and the JSON API
    Web(web::Web),
    /// Show what happened, and what happens
    Log(follow::Log),
    /// End the call on a line
    #[command(name = "hangup")]
    HangUp(act::HangUp),
    /// Take a line out of service: callers find it busy
    BusyOut(act::BusyOut),
    /// Put a line back into service
    Restore(act::Restore),
    /// Begin anew with a line: its port, its modem
    Reset(act::Reset),
    /// Measure how long the exchange holds a line, or record what was measured by hand
    Qualify(qualify::Qualify),
    /// Let a number be called again at which strangers have answered
    Release(act::Release),
    /// Do something about an open promise
    Promise(act::Promise),
    /// Read the configuration again
    Reload(act::Reload),
    /// Tell who would be called back and why, test it, compare it
    Policy(policy::Policy),
    /// Make hashes and keys for the file of users, and show who there is
    User(user::Users),
    /// Call a user back now, where the policy has it
    CallBack(call_back::CallBack),
    /// Call a number now, as callback(8) does
    Callback(callback::Callback),
    /// Run a Windows dial-up script (.scp), or find its faults
    Scp(crate::scp::Scp),
    /// Call a server that calls back, and be there when it does
    Dial(dial::Dial),
    /// Try a chat or .scp script against a configuration, in no time and without a telephone
    Rehearse(rehearse::Rehearse),
    /// Play every known attack against a configuration, and write a report
    Prove(prove::Prove),
    /// Make a peer file for `dial` out of pppd's or wvdial's files
    Import(import::Import),
    /// Make a configuration out of mgetty's, callback's and pppd's files
    Migrate(migrate::Migrate),
    /// Pass events on: Prometheus metrics, syslog, hooks, mail
    Relay(relay::Relay),
    /// Verify the journal, or write it for auditors
    Audit(audit::Audit),
    /// Play telephone company: virtual modems on ptys and network ports
    Exchange(exchange::Exchange),
    /// Write man pages and completions of shells, as packages need them
    Generate(generate::Generate),
}

/// How to find the running server.
#[derive(Debug, Args)]
struct Whereabouts {
    /// The running server's control socket [default: the configuration's, or /run/dialback/control.sock]
    #[arg(long, value_name = "SOCKET", global = true)]
    control: Option<PathBuf>,
    /// Take the control socket's path from this configuration
    #[arg(long, value_name = "FILE", conflicts_with = "control", global = true)]
    config: Option<PathBuf>,
}

impl Whereabouts {
    /// The configuration file: the one that is named, or the one in its usual place.
    fn config_path(&self) -> &Path {
        self.config.as_deref().unwrap_or(Path::new(DEFAULT_CONFIG))
    }

    fn socket(&self) -> Result<PathBuf, Failure> {
        if let Some(socket) = &self.control {
            return Ok(socket.clone());
        }
        let asked = self.config.as_deref();
        let default = Path::new(DEFAULT_CONFIG);
        match asked.or_else(|| default.exists().then_some(default)) {
            Some(path) => match config::read(path).config {
                Some(config) => Ok(config.server.control),
                // A faulty file in its usual place must not keep anybody from asking the server that runs.
                None if asked.is_none() => Ok(PathBuf::from(DEFAULT_SOCKET)),
                None => Err(Failure::new(
                    Code::Configuration,
                    format!("{}: faulty: see dialback check, or use --control", path.display()),
                )),
            },
            None => Ok(PathBuf::from(DEFAULT_SOCKET)),
        }
    }
}

/// Reads the command line and does what it says. Wrong usage has been told when this returns.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>) -> Result<(), Failure> {
    let args: Vec<OsString> = args.into_iter().collect();
    let program = match Program::try_parse_from(&args) {
        Ok(program) => program,
        Err(e) if args.get(1).is_some_and(|word| word == "scp") => {
            return told(&e, Code::ScriptUsage);
        }
        Err(e) => return told(&e, Code::Usage),
    };
    match program.command {
        Command::Demo(demo) => demo.run(),
        Command::Setup(setup) => setup.run(),
        Command::Serve(serve) => serve.run(),
        Command::Check(check) => check.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Status(status) => status.run(),
        Command::Lines(lines) => lines.run(),
        Command::Calls(calls) => calls.run(),
        Command::HangUp(hang_up) => hang_up.run(),
        Command::BusyOut(busy_out) => busy_out.run(),
        Command::Restore(restore) => restore.run(),
        Command::Reset(reset) => reset.run(),
        Command::Qualify(qualify) => qualify.run(),
        Command::Release(release) => release.run(),
        Command::Promise(promise) => promise.run(),
        Command::Reload(reload) => reload.run(),
        Command::Call(call) => call.run(),
        Command::Sessions(sessions) => sessions.run(),
        Command::Promises(promises) => promises.run(),
        Command::Top(top) => top.run(),
        Command::Web(web) => web.run(),
        Command::Log(log) => log.run(),
        Command::Policy(policy) => policy.run(),
        Command::User(users) => users.run(),
        Command::CallBack(call_back) => call_back.run(),
        Command::Callback(callback) => callback.run(),
        Command::Scp(scp) => scp.run(),
        Command::Dial(dial) => dial.run(),
        Command::Rehearse(rehearse) => rehearse.run(),
        Command::Prove(prove) => prove.run(),
        Command::Import(import) => import.run(),
        Command::Migrate(migrate) => migrate.run(),
        Command::Exchange(exchange) => exchange.run(),
        Command::Relay(relay) => relay.run(),
        Command::Audit(audit) => audit.run(),
        Command::Generate(generate) => generate.run(),
    }
}

/// The program under the name `callback`.
pub(crate) fn run_callback(args: impl IntoIterator<Item = OsString>) -> Result<(), Failure> {
    match callback::ByName::try_parse_from(args) {
        Ok(by_name) => by_name.callback.run(),
        Err(e) => told(&e, Code::Usage),
    }
}

/// Help and version are answers; everything else that clap says is wrong usage.
fn told(e: &clap::Error, wrong: Code) -> Result<(), Failure> {
    let printed = e.print();
    if e.use_stderr() {
        // There is nobody else to tell.
        drop(printed);
        return Err(Failure::silent(wrong));
    }
    drop(out::noted(printed.and_then(|()| io::stdout().flush())));
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Program::command().debug_assert();
        callback::ByName::command().debug_assert();
    }

    #[test]
    fn every_help_text_ends_with_examples() {
        let mut program = Program::command();
        let mut texts = vec![program.render_long_help().to_string()];
        texts.extend(program.get_subcommands_mut().map(|c| c.render_long_help().to_string()));
        for text in texts {
            assert!(text.contains("\nExamples:\n"), "{text}");
        }
    }
}

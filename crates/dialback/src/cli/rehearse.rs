//! `dialback rehearse`: a caller's script tried at the desk.

use std::path::PathBuf;

use clap::Args;

use super::DEFAULT_CONFIG;
use crate::exit::Failure;
use crate::rehearse::{self, Asked, Kind};

#[derive(Debug, Args)]
#[command(after_help = "\
Left the script with its line numbers and what is on the caller's screen, right what the server says and decides,
between them modems and exchange. The server is the real one, with your configuration and login.config; its modems,
the exchange and the programs of login.config are simulated, and time runs as fast as it can.
Exits with 0 if the callback came through, with 1 and the reason if it did not.

Examples:
  dialback rehearse /etc/chatscripts/provider --config dialback.toml
  dialback rehearse callback.scp --user mary --password-file secret --config dialback.toml
  dialback rehearse callback.scp --modem-init 'AT&F&C1'    what a modem that shows lost carrier makes of it
  dialback rehearse chat.txt -T 5550100 --caller-number 5550199 --json | jq -c .")]
pub(super) struct Rehearse {
    /// The script: chat's, or Windows' if its name ends with .scp
    #[arg(value_name = "SCRIPT")]
    script: PathBuf,
    /// The server's configuration
    #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
    /// What kind of script it is, where its name does not tell
    #[arg(long, value_name = "KIND")]
    kind: Option<Kind>,
    /// Who logs in: $USERID of a .scp script, and the only name that the simulated login lets in
    #[arg(long, value_name = "NAME", requires = "secret")]
    user: Option<String>,
    /// His password; everybody on this machine can read it here
    #[arg(long, value_name = "PASSWORD", group = "secret", requires = "user")]
    password: Option<String>,
    /// The file whose first line is his password
    #[arg(long, value_name = "FILE", group = "secret", requires = "user")]
    password_file: Option<PathBuf>,
    /// The caller's own telephone number [default: the one that the server calls]
    #[arg(long, value_name = "NUMBER")]
    caller_number: Option<String>,
    /// The number that Windows dials before a .scp script [default: the first line's]
    #[arg(long, value_name = "NUMBER")]
    server_number: Option<String>,
    /// What Windows says to the modem before a .scp script
    #[arg(long, value_name = "COMMAND", default_value = "AT&F&C0&D2S0=0")]
    modem_init: String,
    /// What the simulated shell prompts with
    #[arg(long, value_name = "TEXT", default_value = "$ ")]
    shell_prompt: String,
    /// chat's -T: the text for \T
    #[arg(short = 'T', value_name = "TEXT")]
    phone: Option<String>,
    /// chat's -U: the text for \U
    #[arg(short = 'U', value_name = "TEXT")]
    second_phone: Option<String>,
    /// chat's -E: $NAME is replaced from the environment
    #[arg(short = 'E')]
    environment: bool,
    /// chat's -t: seconds that a wait may take
    #[arg(short = 't', value_name = "SECONDS", default_value_t = proto::chat::DEFAULT_TIMEOUT)]
    timeout: i32,
    /// The seed of the server's random delays
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// JSON lines, the verdict last
    #[arg(long)]
    json: bool,
}

impl Rehearse {
    pub(super) fn run(self) -> Result<(), Failure> {
        rehearse::run(&Asked {
            script: self.script,
            config: self.config,
            kind: self.kind,
            user: self.user,
            password: self.password,
            password_file: self.password_file,
            caller_number: self.caller_number,
            server_number: self.server_number,
            modem_init: self.modem_init,
            shell_prompt: self.shell_prompt,
            phone: self.phone,
            second_phone: self.second_phone,
            environment: self.environment,
            timeout: self.timeout,
            seed: self.seed,
            json: self.json,
        })
    }
}

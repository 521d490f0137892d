//! `dialback web`'s command line; what is served is in `web`.

use std::net::SocketAddr;
use std::path::PathBuf;

use calls::config::web::{CURE, exposed};
use clap::{Args, Subcommand};
use sys::account::Account;
use sys::confine::Identity;

use super::DEFAULT_CONFIG;
use crate::config;
use crate::exit::{Code, Failure};
use crate::log::{self, Format};
use crate::out::{self, Palette};
use crate::web::{self, Setting};

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Serves the dashboard and the JSON API beside the running server, as [web] of the configuration says. Started as root
it becomes server.user and can open little more than the journal. It may be started and stopped at any time: no call
depends on it. The API's description is at /api/v1/openapi.json.

Examples:
  dialback web                                as [web] says; http://127.0.0.1:8080/ if it says nothing
  dialback web --listen 127.0.0.1:0           on a port that is free
  dialback web --check && systemctl restart dialback-web    after a certificate was renewed
  dialback web token ops                      make a token for orders, and the line for the file of tokens
  curl -s http://127.0.0.1:8080/api/v1/lines | jq -r '.[] | \"\\(.line) \\(.state)\"'"
)]
pub(super) struct Web {
    #[command(subcommand)]
    make: Option<Make>,
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
    /// Where to listen, in place of the configuration's
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Diagnostics from this level on: error, warn, info, debug, trace
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: String,
    /// Read the configuration, the tokens, the certificate and the key, say what is wrong, and serve nothing
    #[arg(long)]
    check: bool,
}

#[derive(Debug, Subcommand)]
enum Make {
    /// Make a token for orders
    #[command(after_help = "\
The token is shown once, on stdout. The file of tokens has its hash only; without --file its line is printed on stderr.

Examples:
  dialback web token ops                                  both on the screen
  dialback web token ops --file /etc/dialback/web-tokens  the line goes where it belongs")]
    Token {
        /// Whose it is: the name that the journal has beside his orders
        name: String,
        /// Add the line to this file, which is made with mode 0600 if it is not there
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

impl Web {
    pub(super) fn run(self) -> Result<(), Failure> {
        if let Some(Make::Token { name, file }) = &self.make {
            let (token, line) = web::make_token(name)?;
            match file {
                Some(file) => web::add_token(file, name, &line)?,
                None => out::error(line),
            }
            out::line(token);
            return Ok(());
        }
        log::start(Format::Text, &self.log_level).map_err(|e| Failure::new(Code::Usage, e))?;
        let read = config::read(&self.config);
        let Some(config) = read.config else {
            out::error_text(&read.rendered(Palette::stderr()));
            return Err(Failure::silent(Code::Configuration));
        };
        let calls::config::web::Web { listen, token_file, tls, behind_proxy, hosts, readers } =
            config.web;
        let listen = self.listen.unwrap_or(listen);
        if let Some(why) = exposed(listen, tls.is_some(), behind_proxy) {
            return Err(Failure::new(Code::Configuration, format!("{why}: {CURE}")));
        }
        let setting = Setting {
            listen,
            tls,
            behind_proxy,
            hosts,
            readers,
            token_file,
            control: config.server.control,
            state_dir: config.server.state_dir,
            anchors: crate::audit::Configured::of(&config.audit),
            currency: config.currency,
            identity: identity(&config.server.user)?,
        };
        if self.check {
            web::check(&setting)?;
            out::line("tokens, certificate and key are in order");
            return Ok(());
        }
        web::run(setting)
    }
}

/// Whom root becomes; `None`: we are not root, and stay who we are.
fn identity(user: &str) -> Result<Option<Identity>, Failure> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let system = |e: std::io::Error| Failure::new(Code::System, format!("looking up {user}: {e}"));
    match Account::named(user).map_err(system)? {
        Some(account) => {
            let groups = sys::account::groups_of(&account.name, account.gid).map_err(system)?;
            Ok(Some(Identity { uid: account.uid, gid: account.gid, groups }))
        }
        None => {
            tracing::warn!("there is no user \"{user}\": the dashboard runs as root");
            Ok(None)
        }
    }
}

//! The options of `dialback dial` that are about PPP; each of them, and `--ppp` itself, overwrites `[ppp]`.

use std::path::PathBuf;

use clap::Args;

use crate::dial::peer::{Draft, option};
use crate::dial::ppp::wishes::PppDraft;

#[derive(Debug, Args)]
#[command(next_help_heading = "PPP")]
pub(super) struct PppOptions {
    /// Speak PPP and make a network interface, in place of a terminal. --login is the name to prove then, and
    /// --callback the number to be called back at, or `admin` for the one that the server has stored
    #[arg(long)]
    ppp: bool,
    /// Take the password from this file of pppd's format (chap-secrets)
    #[arg(long, value_name = "FILE", requires = "ppp", conflicts_with_all = ["password_file", "ask_password"])]
    secrets: Option<PathBuf>,
    /// The server's name: another one gets no proof of ours
    #[arg(long, value_name = "NAME", requires = "ppp")]
    remote_name: Option<String>,
    /// The server has to prove its name too
    #[arg(long, requires = "ppp")]
    server_proves: bool,
    /// Send the password itself if the server wants it so (PAP)
    #[arg(long, requires = "ppp")]
    pap: bool,
    /// How to ask to be called back: cbcp, option-13 (RFC 1570) or either
    #[arg(long, value_name = "WAY", requires = "ppp")]
    callback_by: Option<String>,
    /// Without a callback hang up, in place of staying on the first call
    #[arg(long, requires = "ppp")]
    callback_required: bool,
    /// The interface's name; %d stands for a number
    #[arg(long, value_name = "NAME", requires = "ppp")]
    interface: Option<String>,
    /// The IPv4 address to ask for
    #[arg(long, value_name = "ADDRESS", requires = "ppp")]
    address: Option<String>,
    /// Lead everything through the interface that no other route takes
    #[arg(long, requires = "ppp")]
    default_route: bool,
    /// Write the name servers that the server tells to this file, until the end
    #[arg(long, value_name = "FILE", requires = "ppp", num_args = 0..=1, default_missing_value = "/etc/resolv.conf")]
    resolv_conf: Option<PathBuf>,
    /// Run this when the network is up, with pppd's arguments and environment
    #[arg(long, value_name = "PROGRAM", requires = "ppp")]
    ip_up: Option<PathBuf>,
    /// Run this when it is down
    #[arg(long, value_name = "PROGRAM", requires = "ppp")]
    ip_down: Option<PathBuf>,
    /// Keep what passes by PPP in this pcap file, headers of packets only, for `dialback calls --trace FILE`
    #[arg(long, value_name = "FILE", requires = "ppp")]
    capture: Option<PathBuf>,
    /// Hang up when nothing of use has passed for so long
    #[arg(long, value_name = "TIME", requires = "ppp")]
    idle: Option<String>,
    /// Hang up after so long
    #[arg(long, value_name = "TIME", requires = "ppp")]
    session: Option<String>,
}

/// Options that mean something else with PPP than without.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) callback: Option<String>,
    pub(super) wait: Option<String>,
    pub(super) login: Option<String>,
    pub(super) ask_password: bool,
    pub(super) password_file: Option<PathBuf>,
}

impl PppOptions {
    /// Whether PPP is to be spoken, by option or by file.
    pub(super) fn wanted(&self, draft: &Draft) -> bool {
        self.ppp || draft.ppp.is_some()
    }

    /// An option wins over the file.
    pub(super) fn overwrite(self, shared: Shared, draft: &mut Draft) {
        let ppp = draft.ppp.get_or_insert_with(PppDraft::default);
        let set = |place: &mut Option<_>, given: Option<String>| {
            if let Some(given) = given {
                *place = Some(option(given));
            }
        };
        set(&mut ppp.name, shared.login);
        set(&mut ppp.callback, shared.callback);
        set(&mut ppp.wait, shared.wait);
        set(&mut ppp.remote_name, self.remote_name);
        set(&mut ppp.callback_by, self.callback_by);
        set(&mut ppp.interface, self.interface);
        set(&mut ppp.address, self.address);
        set(&mut ppp.idle, self.idle);
        set(&mut ppp.session, self.session);
        if shared.ask_password || shared.password_file.is_some() || self.secrets.is_some() {
            ppp.ask_password = Some(shared.ask_password);
            ppp.password_file = shared.password_file;
            ppp.secrets = self.secrets;
        }
        for (place, given) in [
            (&mut ppp.resolv_conf, self.resolv_conf),
            (&mut ppp.ip_up, self.ip_up),
            (&mut ppp.ip_down, self.ip_down),
            (&mut ppp.capture, self.capture),
        ] {
            *place = given.or(place.take());
        }
        for (place, given) in [
            (&mut ppp.server_proves, self.server_proves),
            (&mut ppp.pap, self.pap),
            (&mut ppp.callback_required, self.callback_required),
            (&mut ppp.default_route, self.default_route),
        ] {
            *place = given.then_some(true).or(*place);
        }
    }
}

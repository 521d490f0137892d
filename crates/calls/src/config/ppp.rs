//! `[ppp]`: the secrets of those who prove their names by PPP.
//!
//! It does not know how a proof is checked (`service::ppp`), nor who may do what (`user`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::DeTable;

use super::capture::{self, Capture};
use super::decode::{Placed, Table};
use super::keys::{self, Section};
use super::login_config::LoginConfig;
use super::network::{self, Network};
use super::secrets::Secrets;
use super::sections::Draft as Whole;
use super::values::Fault;
use super::{Action, LineService};
use crate::diagnostic::{Diagnostic, Source};

type Faults = Vec<Diagnostic>;

/// The file for PAP, beside the one for CHAP.
pub(super) const PAP_SECRETS: &str = "pap-secrets";

/// `[ppp]`
#[derive(Clone, Debug)]
pub struct Ppp {
    /// Who may prove which name by which password.
    pub secrets: Secrets,
    /// What network a caller gets.
    pub network: Network,
    /// Callback by option 13 alone.
    pub rfc1570: Rfc1570,
    /// Whether the frames of calls are kept, and how.
    pub capture: Option<Capture>,
}

/// Which of option 13's own operations are taken (RFC 1570 §2.3). Neither, unless it is configured: both
/// decide before anybody knows who calls, which is why CBCP was invented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rfc1570 {
    /// Operation 0: the stored number of who authenticates.
    pub user: bool,
    /// Operation 3: a number that the caller gives.
    pub number: bool,
}

/// `[ppp]` as it is read.
pub(super) struct Draft {
    pub(super) secrets: Placed<PathBuf>,
    pub(super) network: network::Draft,
    pub(super) rfc1570: Rfc1570,
    pub(super) capture: Option<Capture>,
    /// The names of the keys that were written, rightly or wrongly.
    pub(super) written: Vec<String>,
}

/// `[ppp]`, if it is written.
pub(super) fn section(
    source: &Arc<Source>,
    tree: &DeTable<'_>,
    directory: &Path,
    faults: &mut Faults,
) -> Option<Draft> {
    let table = Table::new(source, Section::Ppp, tree.get("ppp")?, faults)?;
    table.unknown_keys(faults);
    table.required(&keys::PPP_SECRETS, faults);
    let secrets = table.parsed_if(&keys::PPP_SECRETS, faults, |path| match path {
        "" => Err(Fault::new("an empty path", "name the file")),
        path => Ok(directory.join(path)),
    });
    let network = network::read(&table, faults);
    let operations = table.list_if(&keys::PPP_RFC1570, faults, operation).unwrap_or_default();
    let has = |wanted| operations.iter().any(|operation| operation.value == wanted);
    let rfc1570 = Rfc1570 { user: has(Operation::User), number: has(Operation::Number) };
    let capture = capture::read(&table, faults);
    let written = table.table.keys().map(|key| key.get_ref().to_string()).collect();
    Some(Draft { secrets: secrets?, network, rfc1570, capture, written })
}

/// A word of `rfc1570`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    User,
    Number,
}

fn operation(text: &str) -> Result<Operation, Fault> {
    match text {
        "user" => Ok(Operation::User),
        "number" => Ok(Operation::Number),
        _ => Err(Fault::new(
            format!("\"{}\" is no operation of option 13 that is taken here", text.escape_debug()),
            "write \"user\" for operation 0, \"number\" for operation 3",
        )),
    }
}

/// An entry with the built-in PPP needs secrets to check proofs with.
pub(super) fn check_entries(draft: &Whole, login: &LoginConfig, faults: &mut Faults) {
    if draft.ppp.is_some() {
        return;
    }
    for line in &draft.lines {
        if let (LineService::Ppp, Some(at)) = (line.line.service, &line.service_at) {
            let message = "PPP without secrets: nobody could prove a name";
            let fault = Diagnostic::error(&draft.source, at.clone(), message);
            faults.push(fault.hint("write [ppp] with secrets = \"chap-secrets\""));
        }
    }
    for entry in &login.entries {
        if entry.entry.action == Action::Ppp {
            let message = "PPP without secrets: nobody could prove a name";
            let fault = Diagnostic::error(&login.source, entry.program_at.clone(), message);
            faults
                .push(fault.hint("write [ppp] with secrets = \"chap-secrets\" into dialback.toml"));
        }
    }
}

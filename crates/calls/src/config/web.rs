//! `[web]`: where the dashboard listens, and who is let in.
//!
//! It does not know what is served there, nor whether the files that are named exist.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::decode::{Placed, Table, preset};
use super::keys::web as keys;
use super::values::Fault;
use crate::diagnostic::Diagnostic;

/// `[web]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Who may give orders; `None`: nobody.
    pub token_file: Option<PathBuf>,
    /// TLS, if it is spoken here.
    pub tls: Option<Tls>,
    /// Whether a proxy before it speaks TLS.
    pub behind_proxy: bool,
    /// Names under which it may be asked, besides those of the address.
    pub hosts: Vec<String>,
    /// Who may look.
    pub readers: Readers,
}

/// The files of TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificates, PEM.
    pub certificate: PathBuf,
    /// The key, PEM; it may be the same file.
    pub key: PathBuf,
}

/// Who may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Whoever reaches the address.
    Anybody,
    /// Who has a token.
    Token,
}

/// What to do about [`exposed`].
pub const CURE: &str = "write tls_certificate, or behind_proxy = true where a proxy speaks TLS";

/// Why nobody may be let in from other machines with these settings, if it is so.
#[must_use]
pub fn exposed(listen: SocketAddr, tls: bool, behind_proxy: bool) -> Option<String> {
    (!listen.ip().is_loopback() && !tls && !behind_proxy).then(|| {
        format!("{listen} can be reached from other machines, and nothing there is encrypted")
    })
}

/// The keys of the section.
pub(super) fn web(table: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Web {
    let fallback = SocketAddr::from(([127, 0, 0, 1], 8080));
    let listen = table.parsed_if(&keys::LISTEN, faults, address);
    let listen = listen
        .unwrap_or_else(|| Placed::absent(preset(&keys::LISTEN, "").parse().unwrap_or(fallback)));
    let token_file = table.parsed_if(&keys::TOKEN_FILE, faults, absolute);
    let certificate = table.parsed_if(&keys::TLS_CERTIFICATE, faults, absolute);
    let key = table.parsed_if(&keys::TLS_KEY, faults, absolute);
    let behind_proxy = table.flag(&keys::BEHIND_PROXY, faults).value;
    let hosts = table.list_if(&keys::HOSTS, faults, host).unwrap_or_default();
    let readers = table.parsed_if(&keys::READERS, faults, readers);
    if let (None, Some(Placed { at: Some(at), .. })) = (&certificate, &key) {
        let message = "tls_key without tls_certificate";
        let hint = "write tls_certificate too, or leave both out";
        faults.push(Diagnostic::error(table.source, at.clone(), message).hint(hint));
    }
    if let Some(Placed { value: Readers::Token, at: Some(at) }) = &readers
        && table.get(keys::TOKEN_FILE.name).is_none()
    {
        let message =
            "readers = \"token\" without token_file: nobody has a token, so nobody could look";
        let hint = "write token_file too (dialback web token NAME makes a line for it), or readers = \"anybody\"";
        faults.push(Diagnostic::error(table.source, at.clone(), message).hint(hint));
    }
    if let Some(at) = &listen.at
        && let Some(why) = exposed(listen.value, certificate.is_some(), behind_proxy)
    {
        let message = format!("listen: {why}");
        faults.push(Diagnostic::error(table.source, at.clone(), message).hint(CURE));
    }
    Web {
        listen: listen.value,
        token_file: token_file.as_ref().map(|file| file.value.clone()),
        tls: certificate.map(|certificate| Tls {
            key: key.map_or_else(|| certificate.value.clone(), |key| key.value),
            certificate: certificate.value,
        }),
        behind_proxy,
        hosts: hosts.into_iter().map(|host| host.value).collect(),
        readers: readers.map_or(Readers::Anybody, |readers| readers.value),
    }
}

/// `127.0.0.1:8080`, `[::1]:8080`.
fn address(text: &str) -> Result<SocketAddr, Fault> {
    text.parse().map_err(|_| {
        Fault::new(
            format!("\"{}\" is not an IP address with a port", text.escape_debug()),
            "write for instance \"127.0.0.1:8080\" or \"[::1]:8080\"",
        )
    })
}

fn absolute(text: &str) -> Result<PathBuf, Fault> {
    if !text.starts_with('/') || text.contains('\0') {
        return Err(Fault::new(
            format!("\"{}\" is not an absolute path", text.escape_debug()),
            "begin it with a slash: the server works in /",
        ));
    }
    Ok(text.into())
}

/// A name as it stands in a URL, without a port.
fn host(text: &str) -> Result<String, Fault> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    if text.is_empty() || text.len() > 253 || !text.bytes().all(known) {
        return Err(Fault::new(
            format!("\"{}\" is not a host's name", text.escape_debug()),
            "write the name alone, without https:// and without a port",
        ));
    }
    Ok(text.to_ascii_lowercase())
}

fn readers(text: &str) -> Result<Readers, Fault> {
    match text {
        "anybody" => Ok(Readers::Anybody),
        "token" => Ok(Readers::Token),
        other => Err(Fault::new(
            format!("\"{}\" are no readers", other.escape_debug()),
            "write \"anybody\" or \"token\"",
        )),
    }
}

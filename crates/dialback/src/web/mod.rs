//! `dialback web`: a page that shows what goes on, and a JSON API with the same, in a process of its own.
//!
//! ```text
//!   browser ── HTTP, SSE ──► serve ─► guard ─┬─► page     HTML, whole without a script
//!   program ── HTTP, SSE ──►                 ├─► api      JSON (openapi.json)
//!                                            ├─► stream   what happens
//!                                            └─► orders ──────────────► control socket ──► the server
//!                              hub ◄── events, status ◄──────────────── control socket
//!                              history ◄── calls, stories, sums ◄────── journal.db, read only
//! ```
//!
//! It decides nothing about a caller, and has no secret of the configuration's: see docs/decisions. Assets are
//! in the program; there is no build step, and nothing comes from elsewhere.

mod api;
mod assets;
mod guard;
mod history;
mod hub;
mod orders;
mod page;
mod serve;
mod stream;
mod sums;
#[cfg(test)]
mod tests;
mod tokens;
mod unread;
mod view;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use calls::config::web::{Readers, Tls};
use sys::confine::{Identity, Reach};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::exit::{Code, Failure};
use guard::Sessions;
use history::History;
use hub::Hub;
pub(crate) use serve::accept;
use tokens::Tokens;

pub(crate) use tokens::{add as add_token, make as make_token};

/// Streams of events at once. Each costs a connection, and what happens is rendered once for all.
const STREAMS: usize = 64;

/// Reads of the store at once; more wait.
const READS: usize = 8;

/// What is served, and where.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// TLS, if it is spoken here.
    pub(crate) tls: Option<Tls>,
    /// Whether a proxy before it speaks TLS.
    pub(crate) behind_proxy: bool,
    /// Names under which it may be asked, besides those of the address.
    pub(crate) hosts: Vec<String>,
    /// Who may look.
    pub(crate) readers: Readers,
    /// Who may give orders.
    pub(crate) token_file: Option<PathBuf>,
    /// The server's control socket.
    pub(crate) control: PathBuf,
    /// Where the journal is.
    pub(crate) state_dir: PathBuf,
    /// What the journal is compared with.
    pub(crate) anchors: Option<crate::audit::Configured>,
    /// What tariffs are counted in.
    pub(crate) currency: String,
    /// Whom to become, if this is root.
    pub(crate) identity: Option<Identity>,
}

/// What every request needs.
#[derive(Debug)]
struct Site {
    hub: Arc<Hub>,
    history: History,
    sessions: Sessions,
    tokens: Tokens,
    streams: Arc<Semaphore>,
    control: PathBuf,
    currency: String,
    readers: Readers,
    hosts: Vec<String>,
    /// Browsers come by TLS, spoken here or by a proxy.
    tls: bool,
    behind_proxy: bool,
}

impl Site {
    /// Whether `host`, as the request has it, is a name of ours.
    fn is_ours(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        self.hosts.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

/// Reads tokens, certificate and key.
fn read(setting: &Setting) -> Result<(Tokens, Option<TlsAcceptor>), Failure> {
    let tokens = match &setting.token_file {
        Some(path) => Tokens::read(path)?,
        None => Tokens::default(),
    };
    Ok((tokens, setting.tls.as_ref().map(serve::tls).transpose()?))
}

/// Whether it would start, as far as its files go: for whoever has exchanged one of them and is about to restart it.
pub(crate) fn check(setting: &Setting) -> Result<(), Failure> {
    read(setting).map(drop)
}

/// Serves until SIGINT or SIGTERM.
pub(crate) fn run(setting: Setting) -> Result<(), Failure> {
    // Whatever only root can read or bind comes first, then rights are given up, then threads are started.
    let (tokens, tls) = read(&setting)?;
    let listener = serve::bind(setting.listen)?;
    if let Some(identity) = &setting.identity {
        sys::confine::become_user(identity)
            .and_then(|()| sys::confine::confine(&reach(&setting)))
            .map_err(|e| Failure::new(Code::System, format!("least privilege: {e}")))?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(READS)
        .build()
        .map_err(|e| Failure::new(Code::System, format!("starting the runtime: {e}")))?;
    let hub = Hub::start(&setting.control)
        .map_err(|e| Failure::new(Code::System, format!("starting a thread: {e}")))?;
    let mut hosts = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned()];
    hosts.push(match setting.listen {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    });
    hosts.extend(setting.hosts);
    let site = Arc::new(Site {
        hub,
        history: History::new(&setting.state_dir, setting.anchors),
        sessions: Sessions::default(),
        streams: Arc::new(Semaphore::new(STREAMS)),
        tokens,
        control: setting.control,
        currency: setting.currency,
        readers: setting.readers,
        hosts,
        tls: tls.is_some() || setting.behind_proxy,
        behind_proxy: setting.behind_proxy,
    });
    runtime.block_on(serve::serve(listener, tls, site))
}

/// Which files it may still open: the journal, and what the C library wants for the time of day. Nobody is called.
fn reach(setting: &Setting) -> Reach {
    let mut read = vec![setting.state_dir.clone()];
    // The socket is found again after a restart of the server.
    read.extend(setting.control.parent().map(PathBuf::from));
    // The file may be made later, or anew: its directory counts.
    read.extend(setting.anchors.as_ref().and_then(|own| own.file.parent()).map(PathBuf::from));
    read.extend(
        ["/etc/localtime", "/usr/share/zoneinfo", "/dev/urandom", "/proc/self"].map(PathBuf::from),
    );
    Reach { read, sealed: true, ..Reach::default() }
}

//! `dialback exchange`: a town with telephones, its modems on ptys and network ports, for any program.
//!
//! It opens the ports that the town's file names, runs the exchange in real time (or faster), prints what
//! happens, and lets an operator look and break things through a socket. What a modem or an exchange does is the
//! business of `sim`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sim::town::{Equipment, Town};
use sys::open_watch::OpenWatch;
use tokio::net::TcpListener;

use self::network::Kind;
use self::pty::PtyPort;
use self::switchboard::Switchboard;
use crate::exit::{Code, Failure};

pub(crate) mod console;
mod network;
mod pty;
pub(crate) mod switchboard;

/// Where a modem is to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A pty under this name; whether a lost carrier hangs it up.
    Pty { link: PathBuf, hangs_up: bool },
    /// A listening address.
    Rfc2217(String),
    /// A listening address.
    Tcp(String),
}

impl Place {
    /// Reads `pty:/run/town/alice`, `pty:/run/town/alice,hangup`, `rfc2217:127.0.0.1:7001`, `tcp:[::1]:7002`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| Err(format!("port {text:?}: {what}"));
        match text.split_once(':') {
            Some(("pty", rest)) => {
                let (link, hangs_up) = match rest.strip_suffix(",hangup") {
                    Some(link) => (link, true),
                    None => (rest, false),
                };
                if !link.starts_with('/') {
                    return wrong("a pty's name is an absolute path: pty:/run/town/alice");
                }
                Ok(Self::Pty { link: link.into(), hangs_up })
            }
            Some(("rfc2217", address)) => Ok(Self::Rfc2217(address.to_owned())),
            Some(("tcp", address)) => Ok(Self::Tcp(address.to_owned())),
            _ => wrong("write pty:PATH, rfc2217:ADDRESS:PORT or tcp:ADDRESS:PORT"),
        }
    }
}

/// Where a modem is found now that its port is open. As a line of text it is for people, as JSON for programs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Found {
    station: String,
    number: String,
    /// A device's path, or `rfc2217://host:port`, `tcp://host:port`: what dialback.toml wants.
    port: String,
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:<16} {:<16} {}", self.station, self.number, self.port)
    }
}

/// Switches a town on and opens all its ports. Within a runtime. Says where each modem is found.
pub(crate) async fn open(town: Town, seed: u64) -> Result<(Switchboard, Vec<Found>), Failure> {
    let mut modems = Vec::new();
    for station in &town.stations {
        if let Equipment::Modem(modem) = &station.equipment
            && !modem.port.is_empty()
        {
            let place = Place::parse(&modem.port).map_err(|e| {
                Failure::new(Code::Configuration, format!("station {}: {e}", station.name))
            })?;
            modems.push((Arc::<str>::from(station.name.as_str()), station.number.clone(), place));
        }
    }
    let board = Switchboard::start(town, seed);
    let opens = Arc::new(
        OpenWatch::start()
            .map_err(|e| Failure::new(Code::System, format!("starting inotify: {e}")))?,
    );
    let mut found = Vec::new();
    for (station, number, place) in modems {
        let port = match place {
            Place::Pty { link, hangs_up } => {
                make_directory(&link)?;
                let port = PtyPort::new(Arc::clone(&station), &link, hangs_up, &opens)
                    .map_err(|e| Failure::new(Code::System, format!("station {station}: {e}")))?;
                let (sockets, opens) = (board.sockets().clone(), Arc::clone(&opens));
                tokio::spawn(async move {
                    port.run(sockets).await;
                    drop(opens);
                });
                link.display().to_string()
            }
            Place::Rfc2217(address) => {
                let at = listen(&address, Kind::Rfc2217, &station, &board).await?;
                format!("rfc2217://{at}")
            }
            Place::Tcp(address) => {
                let at = listen(&address, Kind::Tcp, &station, &board).await?;
                format!("tcp://{at}")
            }
        };
        found.push(Found { station: station.to_string(), number, port });
    }
    Ok((board, found))
}

fn make_directory(link: &Path) -> Result<(), Failure> {
    let Some(directory) = link.parent() else { return Ok(()) };
    std::fs::create_dir_all(directory)
        .map_err(|e| Failure::new(Code::InputOutput, format!("{}: {e}", directory.display())))
}

async fn listen(
    address: &str,
    kind: Kind,
    station: &Arc<str>,
    board: &Switchboard,
) -> Result<std::net::SocketAddr, Failure> {
    let fault = |e: io::Error| {
        Failure::new(Code::Unavailable, format!("station {station}: listening on {address}: {e}"))
    };
    let listener = TcpListener::bind(address).await.map_err(fault)?;
    let at = listener.local_addr().map_err(fault)?;
    tokio::spawn(network::offer(listener, kind, Arc::clone(station), board.sockets().clone()));
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_says_where_its_modem_is_found() {
        let pty = |link: &str, hangs_up| Ok(Place::Pty { link: link.into(), hangs_up });
        for (text, place) in [
            ("pty:/run/town/alice", pty("/run/town/alice", false)),
            ("pty:/run/town/alice,hangup", pty("/run/town/alice", true)),
            ("rfc2217:127.0.0.1:7001", Ok(Place::Rfc2217("127.0.0.1:7001".to_owned()))),
            ("tcp:[::1]:7002", Ok(Place::Tcp("[::1]:7002".to_owned()))),
        ] {
            assert_eq!(Place::parse(text), place, "{text}");
        }
        for text in ["pty:alice", "serial:/dev/ttyS0", "7001", ""] {
            assert!(Place::parse(text).is_err(), "{text}");
        }
    }
}

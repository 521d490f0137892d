//! The town's console: a Unix socket through which an operator looks at the stations and breaks things.
//!
//! One JSON object a line, both ways:
//!
//! ```text
//! -> {"ask":"status"}
//! <- {"name":"office","number":"5550100","line":"on-hook",...}     one line for each station, then an empty one
//! -> {"ask":"fault","station":"office","fault":{"fault":"busy"},"times":{"next":2}}
//! <- {"done":true}                                                 or {"done":false,"why":"..."}
//! -> {"ask":"log"}
//! <- {"ms":1234,"event":"rings",...}                               each fact as it happens, without end
//! ```
//!
//! Whoever may open the socket may do all of it: a town harms nobody.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sim::exchange::fault::{Fault, Times};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::broadcast::error::RecvError;

use super::switchboard::Switchboard;
use crate::exit::{Code, Failure};

/// The longest request.
const REQUEST: u64 = 4096;

/// What an operator may want.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub(crate) enum Ask {
    /// Every station just now.
    Status,
    /// A fault set or taken away.
    Fault {
        /// The station's name.
        station: String,
        /// Which.
        fault: Fault,
        /// How often; `never` takes it away.
        #[serde(default)]
        times: Times,
    },
    /// What happens from now on.
    Log,
}

/// The answer to [`Ask::Fault`], and to what is not understood.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Done {
    /// Whether it was done.
    pub(crate) done: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
}

/// The console's socket. Its file goes away with it.
#[derive(Debug)]
pub(crate) struct Console {
    socket: UnixListener,
    path: PathBuf,
}

impl Console {
    /// Binds the socket; one that a crash left over is replaced, a living exchange's is not.
    pub(crate) fn bind(path: &Path) -> Result<Self, Failure> {
        let fault = |e: &io::Error| {
            Failure::new(
                Code::InputOutput,
                format!("{}: making the console's socket: {e}", path.display()),
            )
        };
        match std::os::unix::net::UnixStream::connect(path) {
            Ok(_) => {
                let text = format!("{}: another exchange has its console there", path.display());
                return Err(Failure::new(Code::TryLater, text));
            }
            Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => {
                std::fs::remove_file(path).map_err(|e| fault(&e))?;
            }
            Err(_) => {}
        }
        let socket = UnixListener::bind(path).map_err(|e| fault(&e))?;
        Ok(Self { socket, path: path.to_owned() })
    }

    /// Serves everybody who connects, until the runtime ends.
    pub(crate) async fn serve(self, board: Switchboard) {
        // A failing accept ends the console, not the town; whoever asks finds nobody.
        while let Ok((stream, _)) = self.socket.accept().await {
            let board = board.clone();
            tokio::spawn(async move {
                // The operator has gone.
                drop(attend(stream, &board).await);
            });
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

async fn attend(stream: UnixStream, board: &Switchboard) -> io::Result<()> {
    let (from, mut to) = stream.into_split();
    let mut from = BufReader::new(from);
    loop {
        let mut line = String::new();
        if (&mut from).take(REQUEST).read_line(&mut line).await? == 0 {
            return Ok(());
        }
        match serde_json::from_str(&line) {
            Ok(Ask::Status) => {
                for station in board.status().await {
                    say(&mut to, &station).await?;
                }
                to.write_all(b"\n").await?;
            }
            Ok(Ask::Fault { station, fault, times }) => {
                let why = board.fault(&station, fault, times).await.err();
                say(&mut to, &Done { done: why.is_none(), why }).await?;
            }
            Ok(Ask::Log) => return log(&mut to, board).await,
            Err(e) => {
                let why = Some(format!("not understood: {e}"));
                say(&mut to, &Done { done: false, why }).await?;
            }
        }
    }
}

async fn log(to: &mut OwnedWriteHalf, board: &Switchboard) -> io::Result<()> {
    let mut facts = board.watch();
    loop {
        match facts.recv().await {
            Ok(fact) => say(to, &fact).await?,
            Err(RecvError::Lagged(missed)) => {
                let why = Some(format!("{missed} facts were missed: read faster"));
                say(to, &Done { done: false, why }).await?;
            }
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}

async fn say(to: &mut OwnedWriteHalf, what: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    to.write_all(&line).await
}

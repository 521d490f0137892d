//! Modems of the simulated town on ptys, under stable names: for chat, minicom, mgetty, any program.
//!
//! ```text
//!   nobody has it open ──first open──► DTR up: bytes go both ways ──last close──► DTR down, if HUPCL is set
//!        the modem's bytes are lost meanwhile, as on a serial port
//! ```
//!
//! A pty has no control lines. What can be said without them is said: that the computer has the port open (DTR),
//! and, where asked for, that the carrier is lost: the terminal is hung up, unless CLOCAL is set, as the kernel
//! does it for a serial port.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::termios::ControlModes;
use sys::async_fd::AsyncPty;
use sys::open_watch::OpenWatch;
use sys::pty::{Pty, StableName};
use sys::tty::{Carrier, Flow, LineSettings, Tty};
use tokio::sync::watch;

use crate::port::sim::{Cable, FromModem, Sockets, ToModem};

/// Bytes that a program may be ahead of its modem.
const AHEAD: usize = 1024;

/// A modem's pty.
#[derive(Debug)]
pub(super) struct PtyPort {
    station: Arc<str>,
    master: AsyncPty,
    /// Held open: a master whose slave nobody has reads as ended.
    slave: Tty,
    opened: watch::Receiver<i64>,
    hangs_up: bool,
    _name: StableName,
}

impl PtyPort {
    /// Makes a pty and gives it its name. `hangs_up`: a lost carrier hangs the terminal up.
    pub(super) fn new(
        station: Arc<str>,
        link: &PathBuf,
        hangs_up: bool,
        opens: &OpenWatch,
    ) -> Result<Self, String> {
        let pty = Pty::open().map_err(|e| e.to_string())?;
        // A program that does not set the terminal up at all gets the bytes as they are.
        let settings = LineSettings {
            speed: 115_200,
            flow: Flow::None,
            carrier: Carrier::Watch,
            hang_up_on_close: true,
        };
        pty.slave().set(&settings).map_err(|e| e.to_string())?;
        let path = pty.slave().path().to_owned();
        let opened =
            opens.add(&path).map_err(|e| format!("{}: watching it: {e}", path.display()))?;
        let name = StableName::new(link, &path).map_err(|e| e.to_string())?;
        let (master, slave) = pty.into_halves();
        let master = AsyncPty::new(master).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Self { station, master, slave, opened, hangs_up, _name: name })
    }

    /// Carries bytes between pty and modem until the exchange ends.
    pub(super) async fn run(mut self, sockets: Sockets) {
        while let Ok(cable) = sockets.plug(&self.station, true).await {
            if let Err(e) = self.carry(cable).await {
                tracing::error!("{}: {}: {e}", self.station, self.slave.path().display());
                return;
            }
        }
    }

    /// One cable's life.
    async fn carry(&mut self, mut cable: Cable) -> io::Result<()> {
        let mut out: Vec<u8> = Vec::new();
        let mut ahead = 0;
        let mut dcd = cable.signals.dcd;
        let mut is_open = false;
        self.opened.mark_changed();
        loop {
            let mut bytes = [0; AHEAD];
            tokio::select! {
                changed = self.opened.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    let now = *self.opened.borrow_and_update() > 0;
                    if now && !is_open {
                        // What came for nobody is not for him who comes now.
                        out.clear();
                        self.slave.discard_input().map_err(io::Error::other)?;
                        drop(cable.to.send(ToModem::Dtr(true)));
                    } else if is_open && !now && self.hangs_up_on_close()? {
                        drop(cable.to.send(ToModem::Dtr(false)));
                    }
                    is_open = now;
                }
                read = self.master.read_some(&mut bytes), if ahead < AHEAD => {
                    let n = read?;
                    if n == 0 {
                        return Err(io::Error::other("the pty is gone"));
                    }
                    ahead += n;
                    let bytes = bytes.get(..n).unwrap_or_default().to_vec();
                    drop(cable.to.send(ToModem::Bytes(bytes)));
                }
                written = self.master.write_some(&out), if !out.is_empty() => {
                    out.drain(..written?);
                }
                said = cable.from.recv(), if out.is_empty() => match said {
                    Some(FromModem::Bytes(_)) if !is_open => {}
                    Some(FromModem::Bytes(bytes)) => out = bytes,
                    Some(FromModem::Taken(n)) => ahead = ahead.saturating_sub(n),
                    Some(FromModem::Signals(signals)) => {
                        if dcd && !signals.dcd && self.hangs_up && is_open {
                            self.hang_up()?;
                        }
                        dcd = signals.dcd;
                    }
                    Some(FromModem::Drained) => {}
                    None => return Ok(()),
                },
            }
        }
    }

    fn hangs_up_on_close(&self) -> io::Result<bool> {
        Ok(rustix::termios::tcgetattr(&self.slave)?.control_modes.contains(ControlModes::HUPCL))
    }

    /// The carrier is lost: hangs the terminal up, unless its program does not want that.
    fn hang_up(&mut self) -> io::Result<()> {
        if rustix::termios::tcgetattr(&self.slave)?.control_modes.contains(ControlModes::CLOCAL) {
            return Ok(());
        }
        let path = self.slave.path().to_owned();
        self.slave.revoke().map_err(io::Error::other)?;
        // Hung up, ours is no good either. The new one is counted as an opening, and the old one as its close.
        self.slave = Tty::open(path).map_err(io::Error::other)?;
        self.slave.leave_settings();
        Ok(())
    }
}

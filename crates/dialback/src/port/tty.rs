//! A modem on a local terminal: `/dev/ttyS0`, `/dev/ttyUSB0`, or a pty, which has no control lines.
//!
//! A change of DCD is told by a thread asleep in the kernel where the driver can; where it can't, the kernel's
//! own hang-up (CLOCAL off) does, and then the terminal is opened anew.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use calls::config::PortSpec;
use proto::signals::Signals;
use sys::async_fd::AsyncTty;
use sys::signals::{Driven, ModemLineWatch, ModemLines, SignalFault, drive};
use sys::tty::{Carrier, Flow, LineSettings, Tty, Unsent as TtyUnsent, time_to_send};

use super::Settings;
use super::wire::{Heard, READ_ROOM, Unsent};

/// A terminal on its way to a program.
#[derive(Debug)]
pub(crate) struct HandedOver {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Which it is: the path may lead elsewhere by the time it is opened again.
    pub(crate) device: u64,
}

/// An open terminal.
#[derive(Debug)]
pub(crate) struct TtyWire {
    tty: AsyncTty,
    path: PathBuf,
    settings: LineSettings,
    watch: Option<ModemLineWatch>,
    /// As told last; `None` on a pty.
    signals: Option<Signals>,
    changed: bool,
}

impl TtyWire {
    pub(super) fn open(settings: &Settings) -> Result<Self, String> {
        let PortSpec::Tty(path) = &settings.spec else {
            return Err("not a terminal".to_owned());
        };
        let line = LineSettings {
            speed: settings.speed,
            flow: if settings.hardware_flow { Flow::RtsCts } else { Flow::None },
            carrier: Carrier::Ignore,
            hang_up_on_close: true,
        };
        Self::open_with(path.clone(), line)
    }

    fn open_with(path: PathBuf, settings: LineSettings) -> Result<Self, String> {
        let tty = Tty::open(&path).map_err(|e| e.to_string())?;
        tty.set(&settings).map_err(|e| e.to_string())?;
        let signals = match drive(&tty, Driven::Dtr, true) {
            Ok(()) => Some(ModemLines::read(&tty).map_err(|e| named(&path, &e))?),
            Err(SignalFault::NoControlLines) => None,
            Err(fault) => return Err(named(&path, &fault)),
        };
        let watch = match ModemLineWatch::start(&tty) {
            Ok(watch) => Some(watch),
            Err(SignalFault::NoControlLines) => None,
            Err(fault) => return Err(named(&path, &fault)),
        };
        let tty = AsyncTty::new(tty).map_err(|e| format!("{}: {e}", path.display()))?;
        let signals = signals.map(translated);
        Ok(Self { tty, path, settings, watch, signals, changed: false })
    }

    pub(super) fn signals(&self) -> Option<Signals> {
        self.signals
    }

    pub(super) async fn wait(&mut self, read: bool, write: bool) {
        let Self { tty, watch, signals, changed, .. } = self;
        tokio::select! {
            // An error shows when it is read or written.
            r = tty.readable(), if read => drop(r),
            r = tty.writable(), if write => drop(r),
            lines = next_change(watch) => match lines {
                Some(lines) => {
                    let now = translated(lines);
                    // A ring's pulse is over when it is told.
                    *changed = true;
                    *signals = Some(now);
                }
                // Unplugged or hung up: reading says so.
                None => *watch = None,
            },
        }
    }

    pub(super) fn hear(&mut self, may_read: bool) -> Vec<Heard> {
        let mut all = Vec::new();
        let mut room = [0; READ_ROOM];
        if may_read {
            match self.tty.try_read(&mut room) {
                Ok(0) => return self.hung_up(),
                Ok(count) => {
                    all.push(Heard::Bytes(room.get(..count).unwrap_or_default().to_vec()));
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => {
                    all.push(Heard::Lost(format!("{}: {e}", self.path.display())));
                    return all;
                }
            }
        }
        // After the bytes: what the modem said before its carrier fell was said before.
        if std::mem::take(&mut self.changed) {
            all.extend(self.signals.map(Heard::Signals));
        }
        all
    }

    /// The kernel has hung the terminal up. If the device is still there this was the carrier.
    fn hung_up(&mut self) -> Vec<Heard> {
        match self.reopen() {
            Ok(()) => match self.signals {
                Some(signals) => vec![Heard::Signals(signals)],
                None => vec![Heard::Lost(format!("{}: hung up", self.path.display()))],
            },
            Err(why) => vec![Heard::Lost(why)],
        }
    }

    /// Opens the terminal anew: after a hang-up every read of the old one ends at once.
    fn reopen(&mut self) -> Result<(), String> {
        let settings = LineSettings { carrier: Carrier::Ignore, ..self.settings };
        // The old one first: its drop puts settings back that would then be the new one's.
        let fresh = Self::open_with(self.path.clone(), settings)?;
        let old = std::mem::replace(self, fresh);
        let mut old_tty = old.tty.into_inner();
        old_tty.leave_settings();
        drop(old_tty);
        Ok(())
    }

    pub(super) fn offer(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tty.try_write(bytes)
    }

    pub(super) fn unsent(&mut self) -> Unsent {
        match self.tty.get().unsent() {
            Ok(TtyUnsent::Nothing) | Err(_) => Unsent::Nothing,
            Ok(TtyUnsent::InTransmitter) => Unsent::LookIn(self.time_of(1)),
            Ok(TtyUnsent::Queued(bytes)) => Unsent::LookIn(self.time_of(bytes)),
        }
    }

    fn time_of(&self, bytes: u32) -> Duration {
        // A modem may hold us up for longer than the bytes take: then it is asked a hundred times a
        // second at most.
        time_to_send(bytes, self.settings.speed).max(Duration::from_millis(10))
    }

    pub(super) fn set_dtr(&mut self, up: bool) -> Result<(), String> {
        match drive(self.tty.get(), Driven::Dtr, up) {
            Ok(()) | Err(SignalFault::NoControlLines) => Ok(()),
            Err(fault) => Err(named(&self.path, &fault)),
        }
    }

    pub(super) fn send_break(&self) -> Result<(), String> {
        self.tty.get().send_break().map_err(|e| e.to_string())
    }

    pub(super) fn set_speed(&mut self, speed: u32) -> Result<(), String> {
        self.settings.speed = speed;
        self.tty.get().set(&self.settings).map_err(|e| e.to_string())
    }

    pub(super) fn flush(&mut self) {
        // A terminal that is gone has nothing to forget.
        drop(self.tty.get().discard_input());
        drop(self.tty.get().discard_output());
    }

    pub(super) fn carrier_matters(&mut self, matters: bool) -> Result<(), String> {
        self.settings.carrier = if matters { Carrier::Watch } else { Carrier::Ignore };
        self.tty.get().set_carrier(self.settings.carrier).map_err(|e| e.to_string())?;
        // A fall just before would never be told: see `set_carrier`.
        if matters && let Ok(lines) = ModemLines::read(self.tty.get()) {
            let now = translated(lines);
            self.changed |= self.signals != Some(now);
            self.signals = Some(now);
        }
        Ok(())
    }

    /// For a program: only where the kernel can hang it up, which needs control lines.
    pub(super) fn hand_over(&mut self) -> Result<HandedOver, String> {
        if self.signals.is_none() {
            return Err("the port has no control lines".to_owned());
        }
        self.carrier_matters(true)?;
        Ok(HandedOver { path: self.path.clone(), device: self.tty.get().device() })
    }

    /// From a program: it may have been hung up, and its settings are the program's.
    pub(super) fn take_back(&mut self) -> Vec<Heard> {
        match self.reopen() {
            Ok(()) => {
                self.flush();
                self.signals.map(Heard::Signals).into_iter().collect()
            }
            Err(why) => vec![Heard::Lost(why)],
        }
    }
}

#[cfg(test)]
impl TtyWire {
    /// A pty that is taken for a port with control lines, as no machine has them that runs tests.
    pub(super) fn pretend_control_lines(&mut self) {
        self.signals = Some(Signals { dcd: true, dsr: true, cts: true, ri: false });
    }
}

async fn next_change(watch: &mut Option<ModemLineWatch>) -> Option<ModemLines> {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

fn translated(lines: ModemLines) -> Signals {
    Signals { dcd: lines.dcd, dsr: lines.dsr, cts: lines.cts, ri: lines.ri }
}

fn named(path: &std::path::Path, fault: &SignalFault) -> String {
    format!("{}: {fault}", path.display())
}

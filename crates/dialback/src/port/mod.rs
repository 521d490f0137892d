//! Ports: the byte paths to the modems. One small task each, fed with orders, telling inputs.
//!
//! ```text
//!              orders (in order)                                  ┌ tty      a local terminal
//!   the loop ─────────────────────►  task ── queue ──►  Wire  ────┼ rfc2217  a terminal server's port
//!      ▲                              │                           ├ tcp      plain bytes over TCP
//!      └── Input::Port ◄──────────────┘                           └ sim      a modem of the embedded exchange
//! ```
//!
//! Orders are carried out one after the other, each done before the next begins, with two exceptions, without
//! which a modem that takes no bytes could not be got rid of: `Close` forgets everything before it, `Flush`
//! forgets the bytes before it.
//!
//! An idle port costs its task and a registered descriptor; bytes are read into the stack, nothing is polled.
//! It deliberately does not know what the bytes say, nor whether a call is on the line.

pub(crate) mod gauge;
mod lock;
mod pace;
mod rfc2217;
pub(crate) mod sim;
mod task;
mod tcp;
#[cfg(test)]
mod tests;
mod tty;
mod wire;

use std::path::PathBuf;

use calls::config::{Line, PortSpec};
use calls::vocabulary::{Input, LineId, PortOutput};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

pub(crate) use gauge::Gauge;
pub(crate) use lock::LockWatches;
pub(crate) use tty::HandedOver;
pub(crate) use wire::{Heard, Unsent, Wire};

/// How a port is to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where.
    pub(crate) spec: PortSpec,
    /// Between us and the modem, in bit/s.
    pub(crate) speed: u32,
    /// RTS/CTS.
    pub(crate) hardware_flow: bool,
}

impl Settings {
    /// A configured line's.
    pub(crate) fn of(line: &Line) -> Self {
        let Line { port, speed, hardware_flow, .. } = line;
        Self { spec: port.clone(), speed: *speed, hardware_flow: *hardware_flow }
    }
}

/// What a port's task is told.
#[derive(Debug)]
enum Order {
    /// By the core.
    Do(PortOutput),
    /// The next `Open` is with these.
    Set(Settings),
    /// Hand the terminal to a program, as soon as everything before is done: the task reads it no more.
    HandOver(oneshot::Sender<Result<HandedOver, String>>),
    /// The program is gone: the terminal is the task's again.
    TakeBack,
    /// A lock file of the directory has changed.
    LockChanged(sys::lock::LockState),
}

/// What all ports share.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// To the loop. Bounded: a port that has much to tell waits until the loop has listened.
    pub(crate) inputs: mpsc::Sender<Input>,
    /// Where UUCP locks are.
    pub(crate) lock_dir: PathBuf,
    /// Who tells of other programs' locks.
    pub(crate) locks: LockWatches,
    /// Who has root's rights, where we have not.
    pub(crate) launcher: Option<crate::launcher::Client>,
    /// Where `sim:` ports are plugged in, if there is an exchange.
    pub(crate) sim: Option<sim::Sockets>,
}

/// The loop's end of a port.
#[derive(Debug)]
pub(crate) struct Port {
    settings: Settings,
    orders: mpsc::UnboundedSender<Order>,
    task: JoinHandle<()>,
    /// Bytes that wait for the modem.
    pub(crate) to_modem: Gauge,
    /// Bytes that wait for the program on the line; while there are many the port is not read.
    pub(crate) to_program: Gauge,
}

impl Port {
    /// Starts the port's task. It does nothing before it is told `Open`.
    pub(crate) fn start(id: LineId, settings: Settings, around: &Surroundings) -> Self {
        let (orders, told) = mpsc::unbounded_channel();
        let to_modem = Gauge::default();
        let to_program = Gauge::default();
        let device = match &settings.spec {
            PortSpec::Tty(path) => Some(path.clone()),
            PortSpec::Rfc2217 { .. } | PortSpec::Tcp { .. } | PortSpec::Sim(_) => None,
        };
        if let Some(device) = &device {
            // Weak: the port's end is when the loop drops its handle, not when the watch does.
            let orders = orders.downgrade();
            around.locks.watch(device, move |state| {
                orders
                    .upgrade()
                    .is_some_and(|orders| orders.send(Order::LockChanged(state)).is_ok())
            });
        }
        let lock = device.map(|device| lock::Locker::new(around.lock_dir.clone(), device));
        let task = task::Task::new(
            id,
            settings.clone(),
            lock,
            around.clone(),
            told,
            (to_modem.clone(), to_program.clone()),
        );
        let task = tokio::spawn(task.run());
        Self { settings, orders, task, to_modem, to_program }
    }

    /// Tells the port what the core wants of it.
    pub(crate) fn tell(&self, output: PortOutput) {
        if let PortOutput::Send(bytes) = &output {
            self.to_modem.add(bytes.len());
        }
        self.order(Order::Do(output));
    }

    /// From the next `Open` on it is opened with these.
    pub(crate) fn set(&mut self, settings: Settings) {
        if self.settings != settings {
            self.settings = settings.clone();
            self.order(Order::Set(settings));
        }
    }

    /// Whether `settings` are for the same kind of port at the same place, so that the task can go on.
    pub(crate) fn same_place(&self, settings: &Settings) -> bool {
        self.settings.spec == settings.spec
    }

    /// Asks for the terminal itself, for a program. The answer is an error where the port has no control
    /// lines: the program needs a pty then.
    pub(crate) fn hand_over(&self) -> oneshot::Receiver<Result<HandedOver, String>> {
        let (tell, told) = oneshot::channel();
        self.order(Order::HandOver(tell));
        told
    }

    /// To be called when the program that had the terminal is gone.
    pub(crate) fn taker_back(&self) -> impl FnOnce() + Send + 'static {
        let orders = self.orders.downgrade();
        move || {
            if let Some(orders) = orders.upgrade() {
                drop(orders.send(Order::TakeBack));
            }
        }
    }

    /// Lets the port go: what was ordered is still done, then it is closed. Gives the end of that.
    pub(crate) fn finish(self) -> JoinHandle<()> {
        self.task
    }

    fn order(&self, order: Order) {
        // The task ends only when this end is dropped, or by a panic, which has been reported.
        drop(self.orders.send(order));
    }
}

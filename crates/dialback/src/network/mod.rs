//! The networks of calls: a task each, with the interface, its packets, and the scripts that are told of it.
//!
//! ```text
//!   the loop ── Set, Packet, Remove ──► task ◄──► TUN device          read while few bytes wait for the modem
//!      ▲    ── Script ──────────────────┼──────► scripts, one after the other
//!      └── Input::Network ◄─────────────┘
//! ```
//!
//! What the modem cannot take yet stays in the interface's own queue, which is short: the kernel drops the
//! newest when it is full, senders notice, and go slower. Nothing is dropped here, and nothing piles up here.
//!
//! It does not know PPP, nor why an interface is made.

mod interface;
pub(crate) mod script;

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;

use calls::vocabulary::{CallId, Input, NetworkInput, NetworkOutput, Script};
use sys::async_fd::AsyncTun;
use sys::tun::Tun;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub(crate) use self::interface::{Device, remove, set};
use crate::launcher::Client;
use crate::port::{Gauge, Port, Surroundings};

/// Bytes that may wait for the modem before the interface is not read: two packets, so that the line is busy
/// while the next is fetched. More would only be waited for: 2 KiB are half a second at 33600 bit/s.
const WAITING: usize = 2 * 1024;

/// The longest packet: the most that `mtu` can be.
const LONGEST: usize = 16 * 1024;

/// The loop's end of a call's network.
#[derive(Debug)]
pub(crate) struct Network {
    orders: mpsc::UnboundedSender<NetworkOutput>,
    /// Packets that wait for the interface; while there are many the port is not read.
    to_network: Gauge,
    task: JoinHandle<()>,
}

impl Network {
    /// The network of a call on a port. There is no interface before it is told `Set`.
    pub(crate) fn start(call: CallId, port: &Port, around: &Surroundings) -> Self {
        let (orders, told) = mpsc::unbounded_channel();
        let to_network = port.to_program.clone();
        let task = Task {
            call,
            inputs: around.inputs.clone(),
            launcher: around.launcher.clone(),
            to_modem: port.to_modem.clone(),
            to_network: to_network.clone(),
            device: None,
            scripts: VecDeque::new(),
        };
        Self { orders, to_network, task: tokio::spawn(task.run(told)) }
    }

    /// Tells it what the core wants.
    pub(crate) fn tell(&self, output: NetworkOutput) {
        let bytes = match &output {
            NetworkOutput::Packet(packet) => packet.len(),
            NetworkOutput::Set(_) | NetworkOutput::Remove | NetworkOutput::Script(_) => 0,
        };
        self.to_network.add(bytes);
        if self.orders.send(output).is_err() {
            self.to_network.sub(bytes);
        }
    }

    /// The call is over. The interface goes at once; scripts are still run. Gives the end of that.
    pub(crate) fn finish(self) -> JoinHandle<()> {
        self.task
    }
}

struct Task {
    call: CallId,
    inputs: mpsc::Sender<Input>,
    /// Who makes interfaces and runs scripts, where we may not.
    launcher: Option<Client>,
    to_modem: Gauge,
    to_network: Gauge,
    device: Option<(AsyncTun, interface::Applied)>,
    /// The first one runs.
    scripts: VecDeque<Script>,
}

/// What woke the task.
enum Woken {
    Order(Option<NetworkOutput>),
    Readable,
    Fewer,
    Script(Result<(), String>),
}

impl Task {
    async fn run(mut self, mut orders: mpsc::UnboundedReceiver<NetworkOutput>) {
        let mut room = vec![0; LONGEST];
        let mut running = None;
        loop {
            if running.is_none() {
                running = self.scripts.front().cloned().map(|next| self.start_script(next));
            }
            let reading = self.to_modem.is_at_most(WAITING);
            let woken = tokio::select! {
                order = orders.recv() => Woken::Order(order),
                () = readable(self.device.as_ref()), if reading => Woken::Readable,
                () = self.to_modem.at_most(WAITING), if !reading => Woken::Fewer,
                ended = script::ended(&mut running) => Woken::Script(ended),
            };
            match woken {
                Woken::Order(Some(order)) => self.carry_out(order).await,
                Woken::Order(None) => break,
                Woken::Readable => self.read(&mut room).await,
                Woken::Fewer => {}
                Woken::Script(ended) => {
                    running = None;
                    self.script_ended(ended).await;
                }
            }
        }
        self.remove().await;
        while let Some(next) = self.scripts.front().cloned() {
            let mut running = Some(running.take().unwrap_or_else(|| self.start_script(next)));
            let ended = script::ended(&mut running).await;
            self.script_ended(ended).await;
        }
    }

    fn start_script(&self, script: Script) -> script::Running {
        match &self.launcher {
            Some(launcher) => script::Running::Remote(launcher.script(script)),
            None => script::start(&script),
        }
    }

    async fn carry_out(&mut self, order: NetworkOutput) {
        match order {
            NetworkOutput::Set(wanted) => self.set(*wanted).await,
            NetworkOutput::Packet(packet) => {
                self.to_network.sub(packet.len());
                self.write(&packet).await;
            }
            NetworkOutput::Remove => self.remove().await,
            NetworkOutput::Script(script) => self.scripts.push_back(*script),
        }
    }

    /// On a thread: the kernel takes its time to make interfaces and to take them away.
    async fn set(&mut self, wanted: calls::vocabulary::Interface) {
        if let Some(launcher) = self.launcher.clone() {
            return self.have_set(&launcher, wanted).await;
        }
        let before =
            self.device.take().map(|(tun, applied)| Device { tun: tun.into_inner(), applied });
        let made = tokio::task::spawn_blocking(move || set(before, &wanted)).await;
        let made = made.unwrap_or_else(|e| Err(format!("the thread that makes it: {e}")));
        let registered = made.and_then(|device| {
            let name = device.tun.name().to_owned();
            let tun = AsyncTun::new(device.tun).map_err(|e| format!("{name}: {e}"))?;
            Ok((name, (tun, device.applied)))
        });
        match registered {
            Ok((interface, device)) => {
                self.device = Some(device);
                self.tell(NetworkInput::Ready { interface }).await;
            }
            Err(why) => self.tell(NetworkInput::Failed(why)).await,
        }
    }

    /// The same where another process has the right to: it keeps the interface too, and can change it.
    async fn have_set(&mut self, launcher: &Client, wanted: calls::vocabulary::Interface) {
        let adopt = |fd: OwnedFd| {
            let tun = Tun::adopt(fd).map_err(|e| e.to_string())?;
            AsyncTun::new(tun).map_err(|e| e.to_string())
        };
        let made = launcher.interface(self.call, wanted).await;
        let made = made.and_then(|(name, fd)| match self.device.take() {
            Some(device) => Ok((name, device)),
            None => Ok((name, (adopt(fd)?, interface::Applied::default()))),
        });
        match made {
            Ok((interface, device)) => {
                self.device = Some(device);
                self.tell(NetworkInput::Ready { interface }).await;
            }
            Err(why) => {
                self.device = None;
                launcher.no_interface(self.call);
                self.tell(NetworkInput::Failed(why)).await;
            }
        }
    }

    async fn remove(&mut self) {
        if let Some(launcher) = &self.launcher {
            self.device = None;
            return launcher.no_interface(self.call);
        }
        if let Some((tun, applied)) = self.device.take() {
            let device = Device { tun: tun.into_inner(), applied };
            // A panic has been reported.
            drop(tokio::task::spawn_blocking(move || remove(device)).await);
        }
    }

    /// A packet into the network. The kernel takes it or drops it, as a network may; what it says of an
    /// interface that was deleted or taken down wakes nobody who waits for packets, so it is heard here.
    async fn write(&mut self, packet: &[u8]) {
        let Some((tun, _)) = &self.device else { return };
        let Err(e) = tun.write_packet(packet) else { return };
        tracing::debug!(call = self.call.0, "a packet of {} octets: {e}", packet.len());
        let deleted = rustix::io::Errno::from_io_error(&e) == Some(rustix::io::Errno::BADFD);
        if deleted || e.kind() == io::ErrorKind::BrokenPipe {
            self.gone(&e.to_string()).await;
        }
    }

    /// There is no interface any more, and that was not ours to want.
    async fn gone(&mut self, why: &str) {
        let Some((tun, _)) = &self.device else { return };
        let why = format!("{}: {why}", tun.get().name());
        self.remove().await;
        self.tell(NetworkInput::Gone(why)).await;
    }

    /// One packet: the modem decides when there is room for the next.
    async fn read(&mut self, room: &mut [u8]) {
        let Some((tun, _)) = &self.device else { return };
        let gone = match tun.try_read(room) {
            Ok(0) => "it was taken down".to_owned(),
            Ok(count) => {
                let packet = room.get(..count).unwrap_or_default().to_vec();
                return self.tell(NetworkInput::Packet(packet)).await;
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return,
            Err(e) => e.to_string(),
        };
        self.gone(&gone).await;
    }

    async fn script_ended(&mut self, ended: Result<(), String>) {
        let Some(script) = self.scripts.pop_front() else { return };
        if let Err(reason) = ended {
            let script = script.program;
            self.tell(NetworkInput::ScriptFailed { script, reason }).await;
        }
    }

    async fn tell(&self, news: NetworkInput) {
        // The loop has gone: nobody to tell.
        drop(self.inputs.send(Input::Network(self.call, news)).await);
    }
}

async fn readable(device: Option<&(AsyncTun, interface::Applied)>) {
    match device {
        // It fails only when the runtime ends.
        Some((tun, _)) => drop(tun.readable().await),
        None => std::future::pending().await,
    }
}

//! The server's end of the socket to the launcher: one task that asks and hears, and a handle for everybody else.
//!
//! ```text
//!   programs, ports, reload ── Order ──►  task  ══ SOCK_SEQPACKET ══  launcher
//!                           ◄── news ──
//! ```
//!
//! When the launcher has ended, everything that waits for it ends too, and [`Client::gone`] says so. It deliberately
//! does not know what the launcher allows.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use calls::vocabulary::{CallId, ExitStatus, Grounds, Interface, Script};
use sys::packets::{AsyncPackets, Packet, Packets};
use sys::pty::PtyMaster;
use tokio::sync::{mpsc, oneshot, watch};

use super::protocol::{Answer, How, Request, Session, Terminal, written};
use crate::audit::{Anchor, Told};
use crate::config::{Kept, Read, read_kept};

/// The largest configuration that is taken: some files of a megabyte, as JSON numbers.
const KEPT_LIMIT: u64 = 64 * 1024 * 1024;

/// A way to ask the launcher.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    orders: mpsc::UnboundedSender<Order>,
    next: Arc<AtomicU64>,
    gone: watch::Receiver<bool>,
}

/// A program that the launcher has started.
#[derive(Debug)]
pub(crate) struct Remote {
    session: Session,
    pid: u32,
    /// Where it sits.
    pub(crate) terminal: PathBuf,
    /// What did not work at its start.
    pub(crate) warnings: Vec<String>,
    news: mpsc::UnboundedReceiver<News>,
    ended: Option<ExitStatus>,
    client: Client,
}

/// An interface's name and descriptor, or why there is none.
type Made = Result<(String, OwnedFd), String>;

/// What is heard of a session.
#[derive(Debug)]
enum News {
    Started { pid: u32, terminal: PathBuf, warnings: Vec<String>, master: Option<OwnedFd> },
    Ended(How),
}

#[derive(Debug)]
enum Order {
    Say(Request),
    Start { session: Session, request: Request, news: mpsc::UnboundedSender<News> },
    Configuration(oneshot::Sender<io::Result<Kept>>),
    Vacate(PathBuf, oneshot::Sender<Option<String>>),
    Anchor(Anchor, oneshot::Sender<Told>),
    Interface(u64, Interface, oneshot::Sender<Made>),
    Script(u64, Script, oneshot::Sender<Option<String>>),
}

/// The configuration, before there is a runtime, with the launcher's process.
pub(super) fn first_configuration(packets: &Packets, path: &Path) -> io::Result<(Read, u32)> {
    packets.send(&written(&Request::Configuration {}), &[])?;
    let packet = packets.receive()?.ok_or_else(|| io::Error::other("the launcher has ended"))?;
    let Answer::Configuration { launcher } = serde_json::from_slice(&packet.bytes)? else {
        return Err(io::Error::other("the launcher says something strange"));
    };
    Ok((read_kept(path, &kept(packet)?), launcher))
}

fn kept(packet: Packet) -> io::Result<Kept> {
    let file = packet.fds.into_iter().next();
    let file = file.ok_or_else(|| io::Error::other("no configuration came with the answer"))?;
    let mut text = Vec::new();
    std::fs::File::from(file).take(KEPT_LIMIT).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

impl Client {
    /// Starts the task. Within a runtime.
    pub(crate) fn start(packets: Packets) -> io::Result<Self> {
        let packets = AsyncPackets::new(packets)?;
        let (orders, told) = mpsc::unbounded_channel();
        let (tell_gone, gone) = watch::channel(false);
        let task = Task {
            packets,
            orders: told,
            outgoing: VecDeque::new(),
            sessions: BTreeMap::new(),
            readings: VecDeque::new(),
            vacations: VecDeque::new(),
            anchors: VecDeque::new(),
            interfaces: BTreeMap::new(),
            scripts: BTreeMap::new(),
        };
        tokio::spawn(async move {
            task.run().await;
            // Everybody may have gone before.
            let _nobody = tell_gone.send(true);
        });
        Ok(Self { orders, next: Arc::new(AtomicU64::new(1)), gone })
    }

    /// Waits until the launcher has ended.
    pub(crate) async fn gone(&self) {
        let mut gone = self.gone.clone();
        // The task's end is the launcher's.
        let _closed = gone.wait_for(|gone| *gone).await;
    }

    /// Has a program started. With [`Terminal::Pty`] its master comes with the answer.
    pub(crate) async fn program(
        &self,
        grounds: Grounds,
        terminal: Terminal,
    ) -> Result<(Remote, Option<PtyMaster>), String> {
        let session = Session(self.next.fetch_add(1, Ordering::Relaxed));
        let (tell, mut news) = mpsc::unbounded_channel();
        let request = Request::Start { session, grounds, terminal };
        self.order(Order::Start { session, request, news: tell });
        match news.recv().await {
            Some(News::Started { pid, terminal, warnings, master }) => {
                let master = master.map(PtyMaster::adopt).transpose().map_err(|e| e.to_string())?;
                let client = self.clone();
                let ended = None;
                Ok((Remote { session, pid, terminal, warnings, news, ended, client }, master))
            }
            Some(News::Ended(How::NotStarted(why))) => Err(why),
            Some(News::Ended(How::Exited(_) | How::Killed(_) | How::Unknown)) => {
                Err("it ended before it was started".to_owned())
            }
            None => Err("the launcher has ended".to_owned()),
        }
    }

    /// Has the configuration read again.
    pub(crate) async fn configuration(&self, path: PathBuf) -> Read {
        let (tell, told) = oneshot::channel();
        self.order(Order::Configuration(tell));
        match told.await {
            Ok(Ok(kept)) => {
                let read = tokio::task::spawn_blocking(move || read_kept(&path, &kept)).await;
                read.unwrap_or_else(|_| Read { config: None, diagnostics: Vec::new() })
            }
            Ok(Err(e)) => {
                tracing::error!("the configuration from the launcher: {e}");
                Read { config: None, diagnostics: Vec::new() }
            }
            Err(_) => Read { config: None, diagnostics: Vec::new() },
        }
    }

    /// Has everybody thrown out who still has a line's terminal open, before it is opened.
    pub(crate) async fn vacate(&self, port: PathBuf) -> Option<String> {
        let (tell, told) = oneshot::channel();
        self.order(Order::Vacate(port, tell));
        told.await.ok().flatten()
    }

    /// Has a call's interface made or changed. Its name, and its descriptor.
    pub(crate) async fn interface(
        &self,
        call: CallId,
        wanted: Interface,
    ) -> Result<(String, OwnedFd), String> {
        let (tell, told) = oneshot::channel();
        self.order(Order::Interface(call.0, wanted, tell));
        told.await.unwrap_or_else(|_| Err("the launcher has ended".to_owned()))
    }

    /// Has a call's interface let go.
    pub(crate) fn no_interface(&self, call: CallId) {
        self.order(Order::Say(Request::NoInterface { call: call.0 }));
    }

    /// Has a script run. What comes is its end, and what was wrong with it.
    pub(crate) fn script(&self, script: Script) -> oneshot::Receiver<Option<String>> {
        let (tell, told) = oneshot::channel();
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.order(Order::Script(number, script, tell));
        told
    }

    /// Has it written down where the journal ends.
    pub(crate) async fn anchor(&self, anchor: Anchor) -> Told {
        let (tell, told) = oneshot::channel();
        self.order(Order::Anchor(anchor, tell));
        // The launcher's end is told elsewhere.
        told.await.unwrap_or(Told::Failed)
    }

    fn order(&self, order: Order) {
        // The launcher has ended: whoever waits for an answer is told by the end of his channel.
        drop(self.orders.send(order));
    }
}

impl Remote {
    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for its end. Cancel safe.
    pub(crate) async fn wait(&mut self) -> ExitStatus {
        if let Some(ended) = self.ended {
            return ended;
        }
        let ended = match self.news.recv().await {
            Some(News::Ended(How::Exited(status))) => ExitStatus::Code(status),
            Some(News::Ended(How::Killed(signal))) => ExitStatus::Signal(signal),
            Some(News::Ended(How::Unknown | How::NotStarted(_)) | News::Started { .. }) | None => {
                ExitStatus::Code(-1)
            }
        };
        self.ended = Some(ended);
        ended
    }

    /// Asks it to end (SIGHUP).
    pub(crate) fn hang_up(&self) {
        self.client.order(Order::Say(Request::HangUp { session: self.session }));
    }

    /// Makes it end (SIGKILL).
    pub(crate) fn kill(&self) {
        self.client.order(Order::Say(Request::Kill { session: self.session }));
    }
}

struct Task {
    packets: AsyncPackets,
    orders: mpsc::UnboundedReceiver<Order>,
    /// Not sent yet. Sending must not keep from hearing: the other side may wait for just that.
    outgoing: VecDeque<Vec<u8>>,
    sessions: BTreeMap<Session, mpsc::UnboundedSender<News>>,
    /// Who waits for a configuration, in the order of asking.
    readings: VecDeque<oneshot::Sender<io::Result<Kept>>>,
    /// Who waits for a terminal that is nobody's, in the order of asking.
    vacations: VecDeque<oneshot::Sender<Option<String>>>,
    /// Who waits for an anchor, in the order of asking.
    anchors: VecDeque<oneshot::Sender<Told>>,
    /// Who waits for a call's interface.
    interfaces: BTreeMap<u64, oneshot::Sender<Made>>,
    /// Who waits for a script's end.
    scripts: BTreeMap<u64, oneshot::Sender<Option<String>>>,
}

impl Task {
    async fn run(mut self) {
        loop {
            let outgoing = self.outgoing.front();
            tokio::select! {
                packet = self.packets.receive() => match packet {
                    Ok(Some(packet)) => self.hear(packet),
                    Ok(None) => return,
                    Err(e) => {
                        tracing::error!("hearing the launcher: {e}");
                        return;
                    }
                },
                sent = send(&self.packets, outgoing) => match sent {
                    Ok(()) => drop(self.outgoing.pop_front()),
                    Err(e) => {
                        tracing::error!("asking the launcher: {e}");
                        return;
                    }
                },
                order = self.orders.recv() => match order {
                    Some(order) => self.ask(order),
                    None => return,
                },
            }
        }
    }

    fn ask(&mut self, order: Order) {
        let request = match order {
            Order::Say(request) => request,
            Order::Start { session, request, news } => {
                self.sessions.insert(session, news);
                request
            }
            Order::Configuration(tell) => {
                self.readings.push_back(tell);
                Request::Configuration {}
            }
            Order::Vacate(port, tell) => {
                self.vacations.push_back(tell);
                Request::Vacate { port }
            }
            Order::Interface(call, wanted, tell) => {
                self.interfaces.insert(call, tell);
                Request::Interface { call, wanted }
            }
            Order::Script(number, script, tell) => {
                self.scripts.insert(number, tell);
                Request::Script { number, script }
            }
            Order::Anchor(anchor, tell) => {
                self.anchors.push_back(tell);
                Request::Anchor { anchor }
            }
        };
        self.outgoing.push_back(written(&request));
    }

    fn hear(&mut self, packet: Packet) {
        let answer = match serde_json::from_slice::<Answer>(&packet.bytes) {
            Ok(answer) => answer,
            Err(e) => return tracing::error!("the launcher says something strange: {e}"),
        };
        match answer {
            Answer::Configuration { .. } => {
                if let Some(tell) = self.readings.pop_front() {
                    drop(tell.send(kept(packet)));
                }
            }
            Answer::Started { session, pid, terminal, warnings } => {
                let master = packet.fds.into_iter().next();
                let news = News::Started { pid, terminal, warnings, master };
                let heard = self.sessions.get(&session).is_some_and(|tell| tell.send(news).is_ok());
                if !heard {
                    // Whoever asked for it has gone: so has the line.
                    self.outgoing.push_back(written(&Request::Kill { session }));
                }
            }
            Answer::Ended { session, how } => {
                if let Some(tell) = self.sessions.remove(&session) {
                    drop(tell.send(News::Ended(how)));
                }
            }
            Answer::Interface { call, name } => {
                let fd = packet.fds.into_iter().next();
                let made = name.and_then(|name| {
                    fd.map(|fd| (name, fd))
                        .ok_or_else(|| "no interface came with its name".to_owned())
                });
                if let Some(tell) = self.interfaces.remove(&call) {
                    drop(tell.send(made));
                }
            }
            Answer::ScriptEnded { number, fault } => {
                if let Some(tell) = self.scripts.remove(&number) {
                    drop(tell.send(fault));
                }
            }
            Answer::Anchored { told } => {
                if let Some(tell) = self.anchors.pop_front() {
                    let _nobody = tell.send(told);
                }
            }
            Answer::Vacated { fault, .. } => {
                if let Some(tell) = self.vacations.pop_front() {
                    drop(tell.send(fault));
                }
            }
        }
    }
}

async fn send(packets: &AsyncPackets, first: Option<&Vec<u8>>) -> io::Result<()> {
    match first {
        Some(bytes) => packets.send(bytes).await,
        None => std::future::pending().await,
    }
}

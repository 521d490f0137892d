//! One port at work: the queue of orders, the open wire, and the inputs that come of both.
//!
//! ```text
//!            Open               it is open: Opened             HandOver
//!   Closed ─────────► Opening ───────────────────────► Open ─────────────► With a program
//!     ▲                  │ Lost                          │ ▲                     │
//!     └──────────────────┴──────── Close, Lost ──────────┘ └───── TakeBack ──────┘
//! ```

use std::collections::VecDeque;
use std::pin::Pin;

use calls::vocabulary::{Input, LineId, PortInput, PortOutput};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::gauge::Gauge;
use super::lock::{LENT_RECHECK, Locker};
use super::wire::{Heard, Unsent, Wire};
use super::{Order, Settings, Surroundings};

/// A port's task.
pub(super) struct Task {
    id: LineId,
    settings: Settings,
    /// Only local terminals have one.
    lock: Option<Locker>,
    around: Surroundings,
    orders: mpsc::UnboundedReceiver<Order>,
    to_modem: Gauge,
    to_program: Gauge,
    /// Not carried out yet.
    queue: VecDeque<Order>,
    /// Of the `Send` at the front of the queue: how many of its bytes have left.
    sent: usize,
    state: State,
    /// When to look again whether everything has left.
    look_again: Option<Instant>,
}

type OpeningFuture = Pin<Box<dyn Future<Output = Result<Wire, String>> + Send>>;

enum State {
    Closed,
    Opening(OpeningFuture),
    Open(Wire),
    /// A program has the terminal: it is not read, but its carrier is watched.
    WithProgram(Wire),
}

/// Why the task woke.
enum Woken {
    Order(Order),
    /// The loop has dropped its end.
    Gone,
    Opened(Result<Wire, String>),
    Wire,
    /// Something may be possible now that was not.
    Again,
    /// The line has been lent for long.
    Relook,
}

/// What became of an order.
enum Done {
    Yes,
    /// It goes back to the front of the queue.
    NotYet(Order),
}

/// The loop has gone: so does the task.
struct LoopGone;

impl Task {
    pub(super) fn new(
        id: LineId,
        settings: Settings,
        lock: Option<Locker>,
        around: Surroundings,
        orders: mpsc::UnboundedReceiver<Order>,
        (to_modem, to_program): (Gauge, Gauge),
    ) -> Self {
        Self {
            id,
            settings,
            lock,
            around,
            orders,
            to_modem,
            to_program,
            queue: VecDeque::new(),
            sent: 0,
            state: State::Closed,
            look_again: None,
        }
    }

    /// A task whose port is open already.
    #[cfg(test)]
    pub(super) fn with(mut self, wire: Wire) -> Self {
        self.state = State::Open(wire);
        self
    }

    pub(super) async fn run(mut self) {
        loop {
            if self.work().await.is_err() {
                return self.close();
            }
            // No buffer outlives its use on an idle line.
            if self.queue.is_empty() {
                self.queue = VecDeque::new();
            }
            let done = match self.wait().await {
                Woken::Order(order) => self.accept(order).await,
                Woken::Gone => return self.close(),
                Woken::Opened(result) => self.opened(result).await,
                Woken::Wire => self.hear().await,
                Woken::Again => Ok(()),
                Woken::Relook => {
                    let news = self.lock.as_mut().and_then(Locker::look_again);
                    self.tell_all(news).await
                }
            };
            if done.is_err() {
                return self.close();
            }
        }
    }

    /// Waits for the next thing that can move the port.
    async fn wait(&mut self) -> Woken {
        let reading = self.to_program.is_low();
        let writing = matches!(self.queue.front(), Some(Order::Do(PortOutput::Send(_))));
        let lent = self.lock.as_ref().is_some_and(Locker::is_lent);
        let look_again = self.look_again.take();
        tokio::select! {
            biased;
            order = self.orders.recv() => order.map_or(Woken::Gone, Woken::Order),
            woken = at_the_wire(&mut self.state, reading, writing) => woken,
            () = self.to_program.low(), if !reading => Woken::Again,
            () = until(look_again) => Woken::Again,
            () = tokio::time::sleep(LENT_RECHECK), if lent => Woken::Relook,
        }
    }

    /// Puts an order where it belongs.
    async fn accept(&mut self, order: Order) -> Result<(), LoopGone> {
        match &order {
            Order::Do(PortOutput::Close) => {
                // Whatever was still to be done was to be done on the port that is closed now; but a lock
                // stays as it was ordered.
                let keep = |order: &Order| {
                    matches!(
                        order,
                        Order::Do(PortOutput::Claim | PortOutput::Release) | Order::Set(_)
                    )
                };
                self.forget(|order| !keep(order));
                // Opening is given up, also if it is being waited for.
                if matches!(self.state, State::Opening(_)) {
                    self.state = State::Closed;
                }
            }
            Order::Do(PortOutput::Flush) => {
                self.forget(|order| matches!(order, Order::Do(PortOutput::Send(_))));
            }
            Order::LockChanged(now) => {
                let open = matches!(self.state, State::Open(_));
                let news = self.lock.as_mut().and_then(|lock| lock.changed(now, open));
                return self.tell_all(news).await;
            }
            Order::Do(_) | Order::Set(_) | Order::HandOver(_) | Order::TakeBack => {}
        }
        self.queue.push_back(order);
        Ok(())
    }

    fn forget(&mut self, which: impl Fn(&Order) -> bool) {
        let mut first = true;
        let sent = std::mem::take(&mut self.sent);
        let to_modem = &self.to_modem;
        self.queue.retain(|order| {
            let gone = if std::mem::take(&mut first) { sent } else { 0 };
            let keep = !which(order);
            if let Order::Do(PortOutput::Send(bytes)) = order
                && !keep
            {
                to_modem.sub(bytes.len().saturating_sub(gone));
            }
            keep
        });
    }

    /// Carries out what can be done now.
    async fn work(&mut self) -> Result<(), LoopGone> {
        while let Some(order) = self.queue.pop_front() {
            match self.carry_out(order).await? {
                Done::Yes => {}
                Done::NotYet(order) => {
                    self.queue.push_front(order);
                    break;
                }
            }
        }
        Ok(())
    }

    async fn carry_out(&mut self, order: Order) -> Result<Done, LoopGone> {
        if matches!(self.state, State::Opening(_)) {
            return Ok(Done::NotYet(order));
        }
        match order {
            Order::Do(PortOutput::Send(bytes)) => return self.send(bytes).await,
            Order::Do(PortOutput::Drain) => return self.drain().await,
            Order::Do(PortOutput::Open) => self.open().await?,
            Order::Do(PortOutput::Close) => self.close(),
            Order::Do(PortOutput::Claim) => {
                // Only local terminals are shared with other programs.
                let answer = self.lock.as_mut().map_or(PortInput::Claimed, Locker::claim);
                self.tell(answer).await?;
            }
            Order::Do(PortOutput::Release) => {
                if let Some(lock) = &mut self.lock {
                    lock.release();
                }
            }
            Order::Do(PortOutput::Dtr(up)) => self.set(|wire| wire.set_dtr(up)).await?,
            Order::Do(PortOutput::Speed(speed)) => self.set(|wire| wire.set_speed(speed)).await?,
            Order::Do(PortOutput::CarrierMatters(matters)) => {
                self.set(|wire| wire.carrier_matters(matters)).await?;
            }
            Order::Do(PortOutput::Flush) => {
                self.set(|wire| {
                    wire.flush();
                    Ok(())
                })
                .await?;
            }
            Order::Set(settings) => self.settings = settings,
            Order::HandOver(tell) => {
                // Whoever asked may have gone: then the terminal stays ours.
                if let Err(Ok(_)) = tell.send(self.hand_over()) {
                    self.take_back().await?;
                }
            }
            Order::TakeBack => self.take_back().await?,
            Order::LockChanged(_) => {}
        }
        Ok(Done::Yes)
    }

    async fn open(&mut self) -> Result<(), LoopGone> {
        match &self.state {
            State::Closed => {
                let opening = Wire::open(self.settings.clone(), self.around.clone());
                self.state = State::Opening(Box::pin(opening));
                Ok(())
            }
            State::Open(wire) | State::WithProgram(wire) => {
                let signals = wire.signals();
                self.tell(PortInput::Opened { signals }).await
            }
            State::Opening(_) => Ok(()),
        }
    }

    async fn opened(&mut self, result: Result<Wire, String>) -> Result<(), LoopGone> {
        match result {
            Ok(wire) => {
                let signals = wire.signals();
                self.state = State::Open(wire);
                self.tell(PortInput::Opened { signals }).await
            }
            Err(why) => self.lost(why).await,
        }
    }

    fn close(&mut self) {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Open(wire) | State::WithProgram(wire) => wire.close(),
            State::Closed | State::Opening(_) => {}
        }
    }

    async fn lost(&mut self, why: String) -> Result<(), LoopGone> {
        self.state = State::Closed;
        self.tell(PortInput::Lost(why)).await
    }

    async fn send(&mut self, bytes: Vec<u8>) -> Result<Done, LoopGone> {
        while let State::Open(wire) = &mut self.state
            && let Some(rest) = bytes.get(self.sent..).filter(|rest| !rest.is_empty())
        {
            match wire.offer(rest) {
                Ok(count) => {
                    self.sent += count;
                    self.to_modem.sub(count);
                }
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {
                    return Ok(Done::NotYet(Order::Do(PortOutput::Send(bytes))));
                }
                Err(e) => self.lost(format!("the port takes no more bytes: {e}")).await?,
            }
        }
        // Where the port is closed the rest goes nowhere.
        self.to_modem.sub(bytes.len().saturating_sub(self.sent));
        self.sent = 0;
        Ok(Done::Yes)
    }

    async fn drain(&mut self) -> Result<Done, LoopGone> {
        let State::Open(wire) = &mut self.state else { return Ok(Done::Yes) };
        match wire.unsent() {
            Unsent::Nothing => {
                self.tell(PortInput::Drained).await?;
                return Ok(Done::Yes);
            }
            Unsent::LookIn(time) => self.look_again = Some(Instant::now() + time),
            Unsent::Told => {}
        }
        Ok(Done::NotYet(Order::Do(PortOutput::Drain)))
    }

    async fn set(
        &mut self,
        what: impl FnOnce(&mut Wire) -> Result<(), String>,
    ) -> Result<(), LoopGone> {
        match &mut self.state {
            State::Open(wire) | State::WithProgram(wire) => match what(wire) {
                Ok(()) => Ok(()),
                Err(why) => self.lost(why).await,
            },
            State::Closed | State::Opening(_) => Ok(()),
        }
    }

    fn hand_over(&mut self) -> Result<super::HandedOver, String> {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Open(mut wire) => {
                let handed = match wire.as_tty() {
                    Some(tty) => tty.hand_over(),
                    None => Err("the port is not a local terminal".to_owned()),
                };
                self.state = match &handed {
                    Ok(_) => State::WithProgram(wire),
                    Err(_) => State::Open(wire),
                };
                handed
            }
            other @ (State::Closed | State::Opening(_) | State::WithProgram(_)) => {
                self.state = other;
                Err("the port is not open".to_owned())
            }
        }
    }

    async fn take_back(&mut self) -> Result<(), LoopGone> {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::WithProgram(mut wire) => {
                let news = wire.as_tty().map(super::tty::TtyWire::take_back);
                self.state = State::Open(wire);
                self.tell_heard(news.unwrap_or_default()).await
            }
            other @ (State::Closed | State::Opening(_) | State::Open(_)) => {
                self.state = other;
                Ok(())
            }
        }
    }

    /// Reads what there is.
    async fn hear(&mut self) -> Result<(), LoopGone> {
        let heard = match &mut self.state {
            State::Open(wire) => wire.hear(self.to_program.is_low()),
            State::WithProgram(wire) => wire.hear(false),
            State::Closed | State::Opening(_) => Vec::new(),
        };
        self.tell_heard(heard).await
    }

    async fn tell_heard(&mut self, heard: Vec<Heard>) -> Result<(), LoopGone> {
        for heard in heard {
            match heard {
                Heard::Bytes(bytes) => self.tell(PortInput::Bytes(bytes)).await?,
                Heard::Signals(signals) => self.tell(PortInput::Signals(signals)).await?,
                Heard::Lost(why) => return self.lost(why).await,
            }
        }
        Ok(())
    }

    async fn tell_all(&mut self, news: Option<PortInput>) -> Result<(), LoopGone> {
        match news {
            Some(news) => self.tell(news).await,
            None => Ok(()),
        }
    }

    async fn tell(&mut self, what: PortInput) -> Result<(), LoopGone> {
        self.around.inputs.send(Input::Port(self.id, what)).await.map_err(|_| LoopGone)
    }
}

async fn at_the_wire(state: &mut State, reading: bool, writing: bool) -> Woken {
    match state {
        State::Closed => std::future::pending().await,
        State::Opening(opening) => {
            let opened = opening.await;
            Woken::Opened(opened)
        }
        State::Open(wire) => {
            wire.wait(reading, writing).await;
            Woken::Wire
        }
        State::WithProgram(wire) => {
            wire.wait(false, false).await;
            Woken::Wire
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

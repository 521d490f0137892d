//! What everybody who watches is told, asked of the server once for all of them.
//!
//! ```text
//!   control socket ── events ────► thread ──┐
//!   control socket ── standing ──► thread ──┴──► one loop ──► news, rendered once ──► every watcher
//!                     (while somebody watches)
//! ```
//!
//! The server says how things stand and what stands otherwise; nothing is asked again and again. While nobody watches
//! there is no subscription, and the server looks for no changes. When the server is gone, that is told, and it is
//! looked for again.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use calls::status::Status;
use calls::vocabulary::{Entry, Seq, Wall};
use serde::Serialize;
use tokio::sync::broadcast;

use super::view::Standing;
use crate::control::{Ask, Client, ClientFault, Ender, Heard, WhichEvents, standing as pushed};
use crate::log::{LinesOfCalls, Tone, told};
use crate::store::Which;

/// News that a watcher may be behind before he is told everything anew.
const BEHIND: usize = 1024;
/// Entries that a page begins with.
const RECENT: usize = 100;
/// Between two looks for a server that is gone.
const GONE: Duration = Duration::from_secs(1);

/// Something that watchers are told, as the stream has it.
#[derive(Clone, Debug)]
pub(super) struct News {
    /// `entry`, `change`, `snapshot` or `server`.
    pub(super) event: &'static str,
    /// Of an entry its place.
    pub(super) id: Option<Seq>,
    /// JSON.
    pub(super) data: Arc<str>,
}

/// An entry as people are told it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Told {
    /// The entry's place.
    pub(super) seq: Seq,
    /// When.
    pub(super) at: Wall,
    /// When, in words.
    pub(super) time: String,
    /// On which line; `-` if on none.
    pub(super) line: String,
    /// The call, or else the promise; `-` if there is neither.
    pub(super) id: String,
    /// What happened.
    pub(super) text: String,
    /// `plain`, `good`, `notice` or `bad`.
    pub(super) tone: &'static str,
    /// The entry as the journal has it.
    pub(super) entry: serde_json::Value,
}

impl Told {
    /// This entry, after those before it.
    pub(super) fn of(lines: &mut LinesOfCalls, entry: &Entry) -> Self {
        let said = told(lines, entry);
        Self {
            seq: entry.seq,
            at: entry.at,
            time: said.time,
            line: said.line,
            id: said.id,
            text: said.text,
            tone: tone(said.tone),
            entry: serde_json::to_value(entry).unwrap_or_default(),
        }
    }

    /// Nothing yet: what the page's script fills in.
    pub(super) fn none() -> Self {
        Self {
            seq: Seq(0),
            at: Wall::default(),
            time: String::new(),
            line: String::new(),
            id: String::new(),
            text: String::new(),
            tone: tone(Tone::Plain),
            entry: serde_json::Value::Null,
        }
    }

    /// For the stream.
    pub(super) fn news(&self) -> News {
        News { event: "entry", id: Some(self.seq), data: json(self) }
    }
}

/// The name of a tone.
pub(super) const fn tone(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "plain",
        Tone::Good => "good",
        Tone::Notice => "notice",
        Tone::Bad => "bad",
    }
}

fn json(value: &impl Serialize) -> Arc<str> {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned()).into()
}

/// What is known of the server, without asking it.
#[derive(Debug)]
struct Known {
    standing: Option<Standing>,
    recent: VecDeque<Told>,
    /// The last entry that was told.
    head: Seq,
    /// Why the server can't be asked, if it can't.
    gone: Option<String>,
}

/// What wakes the loop. News carry the number of their subscription: those of one that is over count no more.
enum Woken {
    Happened(u64, Box<Entry>),
    /// The next entries were missed.
    Missed(u64),
    Stands(u64, pushed::News),
    /// A subscription is over; why, if the server did not just go.
    Over(u64, Option<ClientFault>),
    /// The first watcher has come, or the last has gone.
    Watchers,
}

/// A subscription to what happens, until it is dropped.
struct Listening {
    number: u64,
    _ender: Ender,
}

/// A subscription to how things stand, until it is dropped.
struct Subscribed {
    number: u64,
    status: Box<Status>,
    _ender: Ender,
}

/// The one place that asks.
#[derive(Debug)]
pub(super) struct Hub {
    socket: PathBuf,
    known: Mutex<Known>,
    news: broadcast::Sender<News>,
    watchers: AtomicUsize,
    /// How many there were.
    subscriptions: AtomicU64,
    wake: Mutex<Sender<Woken>>,
}

/// Somebody who watches, until this is dropped.
#[derive(Debug)]
pub(super) struct Watcher {
    hub: Arc<Hub>,
    /// What is told.
    pub(super) news: broadcast::Receiver<News>,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if self.hub.watchers.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.hub.woken_by_watchers();
        }
    }
}

impl Hub {
    /// Starts to listen to the server at this socket.
    pub(super) fn start(socket: &Path) -> std::io::Result<Arc<Self>> {
        let (wake, woken) = channel();
        let hub = Arc::new(Self {
            socket: socket.to_owned(),
            known: Mutex::new(Known {
                standing: None,
                recent: VecDeque::new(),
                head: Seq(0),
                gone: None,
            }),
            news: broadcast::channel(BEHIND).0,
            watchers: AtomicUsize::new(0),
            subscriptions: AtomicU64::new(0),
            wake: Mutex::new(wake.clone()),
        });
        let own = Arc::clone(&hub);
        std::thread::Builder::new().name("hub".to_owned()).spawn(move || own.run(&wake, &woken))?;
        Ok(hub)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // What is in it is whole after every statement.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to watch.
    pub(super) fn watch(self: &Arc<Self>) -> Watcher {
        let watcher = Watcher { hub: Arc::clone(self), news: self.news.subscribe() };
        if self.watchers.fetch_add(1, Ordering::Relaxed) == 0 {
            self.woken_by_watchers();
        }
        watcher
    }

    fn woken_by_watchers(&self) {
        let wake = self.wake.lock().unwrap_or_else(PoisonError::into_inner);
        // The loop ends with the program.
        drop(wake.send(Woken::Watchers));
    }

    /// How things stand, asked now. Blocks.
    pub(super) fn standing(&self) -> Result<Standing, ClientFault> {
        Ok(Standing::from(&*Client::connect(&self.socket)?.status()?))
    }

    /// Waits until all that was told so far can be read from the store. A server that is gone has nothing more
    /// to write. Blocks.
    pub(super) fn settled(&self) {
        // It answers such a question from the store, when all before it is there.
        let asked = Client::connect(&self.socket).and_then(|mut c| c.calls(0, Which::default()));
        drop(asked);
    }

    /// For those who begin to watch: how everything stood when it was asked last.
    /// `None`: it has not been asked yet, and will be told when it has.
    pub(super) fn snapshot(&self) -> Option<News> {
        let known = self.known();
        let standing = |standing| News { event: "snapshot", id: None, data: json(standing) };
        known
            .gone
            .as_ref()
            .map(|why| server_gone(why))
            .or_else(|| known.standing.as_ref().map(standing))
    }

    /// The last entries, oldest first.
    pub(super) fn recent(&self, count: usize) -> Vec<Told> {
        let known = self.known();
        let skip = known.recent.len().saturating_sub(count);
        known.recent.iter().skip(skip).cloned().collect()
    }

    /// The last entry that was told.
    pub(super) fn head(&self) -> Seq {
        self.known().head
    }

    fn tell(&self, news: News) {
        // Nobody may watch.
        drop(self.news.send(news));
    }

    fn run(&self, wake: &Sender<Woken>, woken: &Receiver<Woken>) {
        let mut lines = LinesOfCalls::default();
        loop {
            let over = self
                .recognise()
                .and_then(|()| self.listen(wake))
                .and_then(|events| self.attend(events, wake, woken, &mut lines));
            let why = match over {
                Ok(()) => "the server has stopped".to_owned(),
                Err(fault) => fault.to_string(),
            };
            let news = {
                let mut known = self.known();
                let news = (known.gone.as_ref() != Some(&why)).then(|| server_gone(&why));
                known.gone = Some(why);
                known.standing = None;
                news
            };
            news.into_iter().for_each(|news| self.tell(news));
            // What was still to be heard from it is in the journal.
            let again = Instant::now() + GONE;
            while woken.recv_timeout(again.saturating_duration_since(Instant::now())).is_ok() {}
        }
    }

    /// The server's last entry.
    fn last_written(&self) -> Result<Option<Seq>, ClientFault> {
        let ask = Ask::Events {
            after: None,
            since_ms: None,
            last: Some(1),
            until_now: true,
            which: WhichEvents::default(),
        };
        let mut events = Client::connect(&self.socket)?.events(ask)?;
        let mut last = None;
        while let Some(heard) = events.hear().transpose()? {
            if let Heard::Entry(entry) = heard {
                last = Some(entry.seq);
            }
        }
        Ok(last)
    }

    /// A server that was gone may have come again with a journal that was begun anew, or restored: what was told of the
    /// one before is not of this one.
    fn recognise(&self) -> Result<(), ClientFault> {
        let head = self.known().head;
        if head > Seq(0) && self.last_written()?.is_none_or(|last| last < head) {
            let mut known = self.known();
            known.head = Seq(0);
            known.recent.clear();
        }
        Ok(())
    }

    /// Begins to hear of what happens.
    fn listen(&self, wake: &Sender<Woken>) -> Result<Listening, ClientFault> {
        let head = self.known().head;
        let recent = u32::try_from(RECENT).unwrap_or(u32::MAX);
        let ask = Ask::Events {
            after: (head > Seq(0)).then_some(head.0),
            since_ms: None,
            last: (head == Seq(0)).then_some(recent),
            until_now: false,
            which: WhichEvents::default(),
        };
        let mut events = Client::connect(&self.socket)?.events(ask)?;
        let (number, ender, wake) = (self.number(), events.ender()?, wake.clone());
        self.spawn("events", move || {
            let last = loop {
                match events.hear() {
                    Some(Ok(Heard::Entry(entry))) => {
                        if wake.send(Woken::Happened(number, Box::new(entry))).is_err() {
                            return;
                        }
                    }
                    Some(Ok(Heard::Missed(_))) => break Woken::Missed(number),
                    Some(Err(fault)) => break Woken::Over(number, Some(fault)),
                    None => break Woken::Over(number, None),
                }
            };
            drop(wake.send(last));
        })?;
        Ok(Listening { number, _ender: ender })
    }

    /// The next subscription's.
    fn number(&self) -> u64 {
        self.subscriptions.fetch_add(1, Ordering::Relaxed)
    }

    /// The server can be asked.
    fn is_there(&self) {
        self.known().gone = None;
        self.tell(News { event: "server", id: None, data: r#"{"running":true}"#.into() });
    }

    fn spawn(&self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), ClientFault> {
        let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(run);
        spawned
            .map(drop)
            .map_err(|source| ClientFault::Broken { path: self.socket.clone(), source })
    }

    /// Begins to hear how things stand.
    fn subscribe(&self, wake: &Sender<Woken>) -> Result<Subscribed, ClientFault> {
        let (status, mut standing) = Client::connect(&self.socket)?.standing()?;
        let (number, ender, wake) = (self.number(), standing.ender()?, wake.clone());
        self.spawn("standing", move || {
            let over = loop {
                match standing.hear() {
                    Some(Ok(news)) => {
                        if wake.send(Woken::Stands(number, news)).is_err() {
                            return;
                        }
                    }
                    Some(Err(fault)) => break Some(fault),
                    None => break None,
                }
            };
            drop(wake.send(Woken::Over(number, over)));
        })?;
        Ok(Subscribed { number, status, _ender: ender })
    }

    /// Until the server is gone.
    fn attend(
        &self,
        mut events: Listening,
        wake: &Sender<Woken>,
        woken: &Receiver<Woken>,
        lines: &mut LinesOfCalls,
    ) -> Result<(), ClientFault> {
        let mut there = false;
        let mut subscribed: Option<Subscribed> = None;
        loop {
            let watched = self.watchers.load(Ordering::Relaxed) > 0;
            let new = match watched && subscribed.is_none() {
                true => Some(self.subscribe(wake)?),
                false => None,
            };
            if !there {
                self.is_there();
                there = true;
            }
            if let Some(new) = new {
                self.stands(Standing::from(&*new.status));
                subscribed = Some(new);
            } else if !watched {
                subscribed = None;
                self.known().standing = None;
            }
            // One by one, at the pace at which the server tells them: a state that passes is told as well.
            let Ok(what) = woken.recv() else { return Ok(()) };
            let of = subscribed.as_mut();
            match what {
                Woken::Happened(number, entry) if number == events.number => {
                    self.happened(lines, &entry);
                }
                // The journal has them: it is listened to anew from the last that was told on.
                Woken::Missed(number) if number == events.number => events = self.listen(wake)?,
                Woken::Stands(number, news) => {
                    if let Some(of) = of.filter(|of| of.number == number) {
                        news.apply(&mut of.status);
                        self.stands(Standing::from(&*of.status));
                    }
                }
                Woken::Over(number, why)
                    if number == events.number || of.is_some_and(|of| of.number == number) =>
                {
                    return why.map_or(Ok(()), Err);
                }
                Woken::Happened(..) | Woken::Missed(_) | Woken::Over(..) | Woken::Watchers => {}
            }
        }
    }

    fn happened(&self, lines: &mut LinesOfCalls, entry: &Entry) {
        let told = Told::of(lines, entry);
        let news = told.news();
        {
            let mut known = self.known();
            known.head = known.head.max(entry.seq);
            if known.recent.len() == RECENT {
                known.recent.pop_front();
            }
            known.recent.push_back(told);
        }
        self.tell(news);
    }

    fn stands(&self, standing: Standing) {
        let news = {
            let mut known = self.known();
            let news = match &known.standing {
                None => Some(News { event: "snapshot", id: None, data: json(&standing) }),
                Some(before) => standing.change(before).map(|change| News {
                    event: "change",
                    id: None,
                    data: json(&change),
                }),
            };
            known.standing = Some(standing);
            news
        };
        news.into_iter().for_each(|news| self.tell(news));
    }
}

fn server_gone(why: &str) -> News {
    let data = serde_json::json!({ "running": false, "why": why });
    News { event: "server", id: None, data: data.to_string().into() }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    /// Answers one request for events: an entry of each of these places, and then `last`, if there is any. Gives the
    /// request, and the connection, which goes on.
    fn answer(server: &UnixListener, places: &[u64], last: &str) -> (String, UnixStream) {
        let (mut client, _) = server.accept().unwrap();
        let mut asked = String::new();
        BufReader::new(client.try_clone().unwrap()).read_line(&mut asked).unwrap();
        let mut said = vec![r#""answer":"listening""#.to_owned()];
        let entry = |seq| {
            format!(
                r#""answer":"event","entry":{{"seq":{seq},"at":{{"unix_ms":0}},"event":"server-stopped"}}"#
            )
        };
        said.extend(places.iter().map(entry));
        said.extend((!last.is_empty()).then(|| last.to_owned()));
        for text in said {
            writeln!(client, r#"{{"dialback":1,"id":1,{text}}}"#).unwrap();
        }
        (asked, client)
    }

    #[test]
    fn what_was_missed_is_fetched_from_the_journal_in_its_place() {
        let place = std::env::temp_dir().join(format!("dialback-hub-{}", std::process::id()));
        let server = UnixListener::bind(&place).unwrap();
        let hub = Hub::start(&place).unwrap();
        let mut news = hub.news.subscribe();
        let (first, _held) = answer(&server, &[5], r#""answer":"missed","count":2"#);
        let (second, _held) = answer(&server, &[6, 7, 8], "");
        assert!(first.contains(r#""last":100"#), "{first}");
        assert!(second.contains(r#""after":5"#), "{second}");
        let mut told = Vec::new();
        while told.last() != Some(&Seq(8)) {
            told.extend(news.blocking_recv().unwrap().id);
        }
        assert_eq!(told, [Seq(5), Seq(6), Seq(7), Seq(8)]);
        std::fs::remove_file(place).unwrap();
    }

    #[test]
    fn of_a_journal_that_was_begun_anew_everything_is_told_anew() {
        let place = std::env::temp_dir().join(format!("dialback-hub-anew-{}", std::process::id()));
        let server = UnixListener::bind(&place).unwrap();
        let hub = Hub::start(&place).unwrap();
        let mut news = hub.news.subscribe();
        let (_, held) = answer(&server, &[500], "");
        while news.blocking_recv().unwrap().id != Some(Seq(500)) {}
        // It comes again with another journal.
        drop(held);
        let (head, _held) = answer(&server, &[2], r#""answer":"no-more""#);
        assert!(head.contains(r#""last":1,"until_now":true"#), "{head}");
        let (again, _held) = answer(&server, &[1, 2], "");
        assert!(again.contains(r#""after":null,"last":100"#), "{again}");
        while news.blocking_recv().unwrap().id != Some(Seq(2)) {}
        assert_eq!(hub.head(), Seq(2));
        let recent: Vec<Seq> = hub.recent(10).iter().map(|told| told.seq).collect();
        assert_eq!(recent, [Seq(1), Seq(2)], "of the journal that is there");
        std::fs::remove_file(place).unwrap();
    }
}

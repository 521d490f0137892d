//! `GET /api/v1/events`: what happens, as server-sent events, for as long as somebody listens.
//!
//! ```text
//!   entry     id = its place in the journal: a browser that comes back sends it as Last-Event-ID
//!   snapshot  how everything stands, first of all, and again for who was too slow
//!   change    what stands otherwise than before
//!   server    whether the server runs
//!   missed    so many entries before the next one are left out: there were too many
//! ```

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use calls::vocabulary::Seq;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::Site;
use super::api::{Fault, blocking};
use super::guard::Actor;
use super::hub::{News, Told};
use crate::log::LinesOfCalls;

/// Entries read at a time for who comes back.
const PAGE: u32 = 500;
/// Entries that are told to who comes back, at most.
const RESUMED: u64 = 10_000;
/// A connection without a word is cut by some proxies after half a minute.
const BEAT: Duration = Duration::from_secs(15);
/// Pieces that wait for a slow reader; behind that the news waits, and then he begins anew.
const WAITING: usize = 64;

/// The handler.
pub(super) async fn events(
    State(site): State<Arc<Site>>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let seat = Arc::clone(&site.streams).try_acquire_owned().map_err(|_| {
        let what = "too many are listening already";
        Fault::new(StatusCode::SERVICE_UNAVAILABLE, "too-many", what)
    })?;
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let (to, body) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        // Who listened has gone.
        let _gone = tokio::select! {
            gone = feed(&site, last.map(Seq), &to) => gone,
            () = dismissed(&site, &actor, &headers) => Err(Gone),
        };
        drop(seat);
    });
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    let proxies = [("x-accel-buffering", "no")];
    Ok((kind, proxies, Body::from_stream(ReceiverStream::new(body))).into_response())
}

/// Comes back when who listens may not look any more: he has logged out, or his session is over.
async fn dismissed(site: &Site, actor: &Actor, headers: &HeaderMap) {
    loop {
        tokio::time::sleep(BEAT).await;
        if !site.still_admits(actor, headers) {
            return;
        }
    }
}

type To = mpsc::Sender<Result<Bytes, Infallible>>;

/// Nobody listens any more.
struct Gone;

async fn say(to: &To, news: &News) -> Result<(), Gone> {
    let id = news.id.map(|seq| format!("id: {}\n", seq.0)).unwrap_or_default();
    // JSON on one line, as serde writes it.
    let text = format!("event: {}\n{id}data: {}\n\n", news.event, news.data);
    to.send(Ok(text.into())).await.map_err(|_| Gone)
}

async fn stands(site: &Site, to: &To) -> Result<(), Gone> {
    match site.hub.snapshot() {
        Some(news) => say(to, &news).await,
        None => Ok(()),
    }
}

async fn feed(site: &Arc<Site>, last: Option<Seq>, to: &To) -> Result<(), Gone> {
    // Listens before it looks, so that nothing falls between.
    let mut watcher = site.hub.watch();
    to.send(Ok("retry: 1000\n\n".into())).await.map_err(|_| Gone)?;
    // Of a journal that was begun anew, or restored, the head may be lower than what was seen of the one before.
    let head = site.hub.head();
    let mut told = last.filter(|last| *last <= head).unwrap_or(head);
    told = catch_up(site, told, to).await?;
    stands(site, to).await?;
    loop {
        let news = tokio::select! {
            news = watcher.news.recv() => news,
            () = tokio::time::sleep(BEAT) => {
                to.send(Ok(": still here\n\n".into())).await.map_err(|_| Gone)?;
                continue;
            }
            () = to.closed() => return Err(Gone),
        };
        match news {
            Ok(News { id: Some(seq), .. }) if seq <= told => {}
            Ok(news) => {
                told = news.id.unwrap_or(told);
                say(to, &news).await?;
            }
            Err(RecvError::Lagged(_)) => {
                // What is still kept for him is older than what he is told now.
                watcher.news = watcher.news.resubscribe();
                told = catch_up(site, told, to).await?;
                stands(site, to).await?;
            }
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}

/// Entries between the last that was told and now.
async fn catch_up(site: &Arc<Site>, last: Seq, to: &To) -> Result<Seq, Gone> {
    let head = site.hub.head();
    let mut told = last;
    let missed = head.0.saturating_sub(last.0).saturating_sub(RESUMED);
    if missed > 0 {
        let data = format!(r#"{{"count":{missed}}}"#).into();
        say(to, &News { event: "missed", id: None, data }).await?;
        told = Seq(last.0 + missed);
    }
    let mut lines = LinesOfCalls::default();
    while told < head {
        let site = Arc::clone(site);
        let page = blocking(move || {
            site.hub.settled();
            Ok(site.history.entries(told, PAGE)?)
        });
        // What can't be read now is told by the API, with the reason.
        let Ok(page) = page.await else { return Ok(told) };
        if page.is_empty() {
            return Ok(told);
        }
        for entry in page {
            told = entry.seq;
            say(to, &Told::of(&mut lines, &entry).news()).await?;
        }
    }
    Ok(told)
}

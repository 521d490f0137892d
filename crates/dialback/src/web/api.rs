//! The JSON API, version 1. What it answers is described in `openapi.json`, which a test holds it to.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use calls::record::Record;
use calls::vocabulary::{CallId, Entry};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::history::{Checked, records, subject};
use super::hub::Told;
use super::{Site, orders, stream};
use crate::audit::Verdict;
use crate::control::{Asked, Client, ClientFault, FailureCode};
use crate::log::LinesOfCalls;
use crate::store::{StoreFault, Which};

/// What the API answers, for programs.
const OPENAPI: &str = include_str!("openapi.json");

/// Records on a page, unless somebody wants another number, and at most.
const PAGE: u32 = 50;
const PAGE_LIMIT: u32 = 1000;

/// Every route of the API.
pub(super) fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/api/v1/openapi.json", get(openapi))
        .route("/api/v1/status", get(status))
        .route("/api/v1/lines", get(lines))
        .route("/api/v1/lines/{line}/{order}", post(orders::line))
        .route("/api/v1/promises", get(promises))
        .route("/api/v1/promises/{promise}/{order}", post(orders::promise))
        .route("/api/v1/callbacks", post(orders::call_back))
        .route("/api/v1/sessions", get(sessions))
        .route("/api/v1/calls", get(calls_page))
        .route("/api/v1/calls/{id}", get(story))
        .route("/api/v1/events", get(stream::events))
        .route("/api/v1/sums", get(sums))
        .route("/api/v1/policy/explain", get(explain))
        .route("/api/v1/audit", get(audit))
        .route("/api/{*rest}", axum::routing::any(nothing))
}

async fn nothing() -> Fault {
    Fault::new(StatusCode::NOT_FOUND, "not-found", "there is no such thing: see openapi.json")
}

/// Why there is no answer.
#[derive(Debug, Serialize)]
pub(super) struct Fault {
    #[serde(skip)]
    status: StatusCode,
    /// For programs.
    code: &'static str,
    /// For people.
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// Nobody knows who asks.
    pub(super) fn unknown(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "no-token", message)
    }

    pub(super) fn no_such_order() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no-such-order", "there is no such order")
    }

    pub(super) fn is_unknown(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<ClientFault> for Fault {
    fn from(fault: ClientFault) -> Self {
        let (status, code) = match &fault {
            ClientFault::NotRunning { .. } | ClientFault::Broken { .. } => {
                (StatusCode::SERVICE_UNAVAILABLE, "not-running")
            }
            ClientFault::Forbidden { .. } | ClientFault::Garbled { .. } => {
                (StatusCode::BAD_GATEWAY, "not-understood")
            }
            ClientFault::Refused { code, .. } => match code {
                FailureCode::BadRequest => (StatusCode::BAD_REQUEST, "bad-request"),
                FailureCode::NotPermitted => (StatusCode::FORBIDDEN, "not-permitted"),
                FailureCode::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            },
        };
        Self::new(status, code, fault.to_string())
    }
}

impl From<StoreFault> for Fault {
    fn from(fault: StoreFault) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "no-journal", fault.to_string())
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status = self.status;
        let mut answer = (status, Json(self)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let scheme = header::HeaderValue::from_static("Bearer realm=\"dialback\"");
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        answer
    }
}

/// An answer in JSON.
#[derive(Debug)]
pub(super) struct Json<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
            Err(e) => (StatusCode::INTERNAL_SERVER_ERROR, e.to_string()).into_response(),
        }
    }
}

/// Reading blocks; the loop must not. The runtime bounds how many do at once.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(e) => {
            Err(Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", format!("reading: {e}")))
        }
    }
}

/// The query of an address. What is empty was not filled in.
pub(super) fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Fault> {
    let filled: Vec<&str> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.ends_with('='))
        .collect();
    let bad = |what: String| Fault::new(StatusCode::BAD_REQUEST, "bad-request", what);
    let uri: Uri =
        format!("/?{}", filled.join("&")).parse().map_err(|_| bad("bad query".into()))?;
    Query::try_from_uri(&uri).map(|Query(asked)| asked).map_err(|e| bad(e.body_text()))
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

async fn status(State(site): State<Arc<Site>>) -> Result<Response, Fault> {
    let standing = blocking(move || Ok(site.hub.standing()?)).await?;
    Ok(Json(standing).into_response())
}

async fn lines(State(site): State<Arc<Site>>) -> Result<Response, Fault> {
    let standing = blocking(move || Ok(site.hub.standing()?)).await?;
    Ok(Json(standing.lines).into_response())
}

async fn promises(State(site): State<Arc<Site>>) -> Result<Response, Fault> {
    let standing = blocking(move || Ok(site.hub.standing()?)).await?;
    Ok(Json(standing.promises).into_response())
}

/// Which calls somebody wants to see.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    pub(super) line: Option<String>,
    pub(super) user: Option<String>,
    pub(super) number: Option<String>,
    pub(super) cause: Option<String>,
    /// `30m`, `12h`, `7d` ago, or a date, or a date and time.
    pub(super) since: Option<String>,
    pub(super) until: Option<String>,
    pub(super) limit: Option<u32>,
    /// Only calls before this one: `c12`.
    pub(super) before: Option<String>,
}

/// A time in the past, in ms since 1970.
pub(super) fn past(name: &str, text: Option<&str>) -> Result<Option<i64>, Fault> {
    text.map(crate::cli::since).transpose().map_err(|fault| {
        Fault::new(StatusCode::BAD_REQUEST, "bad-request", format!("{name}: {fault}"))
    })
}

impl Filter {
    pub(super) fn which(&self) -> Result<Which, Fault> {
        let bad = |what: String| Fault::new(StatusCode::BAD_REQUEST, "bad-request", what);
        let cause = self.cause.clone().map(|word| {
            serde_json::from_value(serde_json::Value::String(word.clone()))
                .map_err(|_| bad(format!("{word}: there is no such cause")))
        });
        let before = self.before.as_deref().map(|id| {
            let digits = id.strip_prefix('c').unwrap_or(id);
            let id = digits.parse().map(CallId);
            id.map_err(|_| bad(format!("before: {digits} is no call: they look like c12")))
        });
        Ok(Which {
            line: self.line.clone(),
            name: self.user.clone(),
            number: self.number.clone(),
            cause: cause.transpose()?,
            since_ms: past("since", self.since.as_deref())?,
            until_ms: past("until", self.until.as_deref())?,
            before: before.transpose()?,
            whole_sessions: false,
        })
    }

    pub(super) fn limit(&self) -> u32 {
        self.limit.unwrap_or(PAGE).clamp(1, PAGE_LIMIT)
    }
}

/// A page of records, newest first.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    pub(super) calls: Vec<Record>,
    /// `before` of the next page, if there may be one.
    pub(super) next: Option<String>,
}

/// Reads a page. Blocks.
pub(super) fn page(site: &Site, filter: &Filter) -> Result<Page, Fault> {
    let which = filter.which()?;
    let limit = filter.limit();
    site.hub.settled();
    let mut calls = site.history.calls(limit + 1, &which)?;
    let more = calls.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if more {
        calls.pop();
    }
    let next = calls.last().filter(|_| more).map(|record| record.call.to_string());
    Ok(Page { calls, next })
}

async fn calls_page(State(site): State<Arc<Site>>, uri: Uri) -> Result<Response, Fault> {
    let filter: Filter = query(&uri)?;
    Ok(Json(blocking(move || page(&site, &filter)).await?).into_response())
}

async fn sessions(State(site): State<Arc<Site>>, uri: Uri) -> Result<Response, Fault> {
    let filter: Filter = query(&uri)?;
    let which = filter.which()?;
    let found = blocking(move || {
        site.hub.settled();
        Ok(site.history.sessions(filter.limit().min(200), &which)?)
    });
    Ok(Json(found.await?).into_response())
}

/// Both legs, and everything that happened on them and between them.
#[derive(Debug, Serialize)]
pub(super) struct Story {
    /// The calls, in order.
    pub(super) calls: Vec<Record>,
    /// What happened, in order.
    pub(super) entries: Vec<Told>,
}

impl Story {
    fn of(entries: &[Entry]) -> Self {
        let mut lines = LinesOfCalls::default();
        let mut calls = records(entries);
        calls.sort_by_key(|record| record.call);
        Self { calls, entries: entries.iter().map(|entry| Told::of(&mut lines, entry)).collect() }
    }
}

/// Reads the story around a call, session or promise. Blocks.
pub(super) fn read_story(site: &Site, id: &str) -> Result<Story, Fault> {
    let Some(of) = subject(id) else {
        let what = "is no id: they look like c12, s7 or p3";
        return Err(Fault::new(StatusCode::BAD_REQUEST, "bad-request", format!("{id}: {what}")));
    };
    site.hub.settled();
    let entries = site.history.story(of)?;
    if entries.is_empty() {
        let what = "the journal knows nothing of it";
        return Err(Fault::new(StatusCode::NOT_FOUND, "not-found", format!("{id}: {what}")));
    }
    Ok(Story::of(&entries))
}

async fn story(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Result<Response, Fault> {
    Ok(Json(blocking(move || read_story(&site, &id)).await?).into_response())
}

/// Of which time sums are wanted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Span {
    pub(super) since: Option<String>,
    pub(super) until: Option<String>,
}

/// Sums up. Blocks.
pub(super) fn read_sums(site: &Site, span: &Span) -> Result<super::sums::Sums, Fault> {
    let from = past("since", span.since.as_deref())?;
    let to = past("until", span.until.as_deref())?;
    site.hub.settled();
    // What begins in this very millisecond counts.
    let now = crate::clock::wall().unix_ms + 1;
    Ok(site.history.sums(from, to.unwrap_or(now).min(now))?)
}

async fn sums(State(site): State<Arc<Site>>, uri: Uri) -> Result<Response, Fault> {
    let span: Span = query(&uri)?;
    Ok(Json(blocking(move || read_sums(&site, &span)).await?).into_response())
}

/// Asks the server's rules. Blocks.
pub(super) fn read_explanation(site: &Site, asked: Asked) -> Result<serde_json::Value, Fault> {
    Ok(Client::connect(&site.control)?.explain(asked)?)
}

async fn explain(State(site): State<Arc<Site>>, uri: Uri) -> Result<Response, Fault> {
    let asked: Asked = query(&uri)?;
    Ok(Json(blocking(move || read_explanation(&site, asked)).await?).into_response())
}

/// Whether the journal is what was written.
#[derive(Debug, Serialize)]
struct Audit {
    /// When that was looked at (ms since 1970).
    checked_ms: i64,
    /// Whether nothing is wrong.
    whole: bool,
    /// Why it could not be looked at, if it could not.
    failed: Option<String>,
    /// What was found.
    verdict: Option<Verdict>,
}

/// The last verification of the journal, or a new one: one at a time, on one thread, however many ask.
pub(super) async fn read_audit(site: Arc<Site>) -> Result<Checked, Fault> {
    let one = Arc::clone(&site.history.verifying).lock_owned().await;
    // The lock goes with the work: who asked may be gone before it is done.
    let work = move || {
        let checked = site.history.verified();
        drop(one);
        Ok(checked)
    };
    blocking(work).await
}

async fn audit(State(site): State<Arc<Site>>) -> Result<Response, Fault> {
    let checked = read_audit(site).await?;
    let (verdict, failed) = match checked.verdict {
        Ok(verdict) => (Some(verdict), None),
        Err(why) => (None, Some(why)),
    };
    let whole = verdict.as_ref().is_some_and(|verdict| verdict.faults.is_empty());
    Ok(Json(Audit { checked_ms: checked.at_ms, whole, failed, verdict }).into_response())
}

/// As it stands in an address.
pub(super) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let written = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(written).collect()
}

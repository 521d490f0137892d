//! Calls: the table with its filters, and the story of one.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::calls::record::Record;
use ::calls::vocabulary::{CallId, Cause, Leg};
use axum::extract::{Extension, Path, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::{dash, failed, framed, lasted, moment, overview};
use crate::log::cause_words;
use crate::web::Site;
use crate::web::api::{self, Filter, Story, blocking};
use crate::web::guard::Actor;

/// Causes in the filter, in the order of their kinds.
const CAUSES: [Cause; 22] = [
    Cause::Callback,
    Cause::UserRequest,
    Cause::LostCarrier,
    Cause::LostService,
    Cause::IdleTimeout,
    Cause::SessionTimeout,
    Cause::AdminReset,
    Cause::AdminReboot,
    Cause::PortError,
    Cause::NasError,
    Cause::ServiceUnavailable,
    Cause::UserError,
    Cause::Busy,
    Cause::NoAnswer,
    Cause::NoDialtone,
    Cause::NoCarrier,
    Cause::Barred,
    Cause::Glare,
    Cause::TooSoon,
    Cause::Abandoned,
    Cause::Screened,
    Cause::Stuck,
];

/// `GET /parts/calls`: the table of the first page by itself, for its script.
pub(super) async fn part(
    State(site): State<Arc<Site>>,
    Extension(actor): Extension<Actor>,
) -> Response {
    let filter = Filter { limit: Some(overview::CALLS), ..Filter::default() };
    match blocking(move || api::page(&site, &filter)).await {
        Ok(page) => table(&page.calls).into_string().into_response(),
        Err(fault) => failed(&actor, &fault),
    }
}

/// `GET /calls`
pub(super) async fn list(
    State(site): State<Arc<Site>>,
    Extension(actor): Extension<Actor>,
    uri: Uri,
) -> Response {
    let read = api::query::<Filter>(&uri).map(|filter| {
        let asked = filter.clone();
        (filter, blocking(move || api::page(&site, &asked)))
    });
    let (filter, page) = match read {
        Ok((filter, page)) => (filter, page.await),
        Err(fault) => return failed(&actor, &fault),
    };
    let first = filter.before.is_none();
    let content = html! {
        h1 { "Calls" }
        (filters(&filter))
        @match &page {
            Ok(page) => {
                div #calls data-src=[first.then(|| uri.to_string())] data-on="ended" {
                    (table(&page.calls))
                }
                p .pages {
                    @if !first { a href=(address(&filter, None)) { "Newest" } }
                    @if let Some(next) = &page.next { a rel="next" href=(address(&filter, Some(next))) { "Older" } }
                }
            }
            Err(fault) => { p .fault role="alert" { (fault.message) } }
        }
    };
    let mut response = framed(&actor, "/calls", "Calls", &content);
    if let Err(fault) = &page {
        *response.status_mut() = fault.status();
    }
    response
}

/// The address of another page of the same calls.
fn address(filter: &Filter, before: Option<&str>) -> String {
    let limit = filter.limit.map(|limit| limit.to_string());
    let parts = [
        ("line", filter.line.as_deref()),
        ("user", filter.user.as_deref()),
        ("number", filter.number.as_deref()),
        ("cause", filter.cause.as_deref()),
        ("since", filter.since.as_deref()),
        ("until", filter.until.as_deref()),
        ("limit", limit.as_deref()),
        ("before", before),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", api::encoded(value?))))
        .collect();
    format!("/calls?{}", parts.join("&"))
}

fn filters(filter: &Filter) -> Markup {
    let field = |name: &str, label: &str, value: &Option<String>, hint: &str| {
        html! {
            label { span { (label) }
                input name=(name) value=[value.as_deref()] placeholder=(hint) autocomplete="off"; }
        }
    };
    html! {
        form .filters method="get" action="/calls" role="search" aria-label="Calls" {
            (field("user", "User", &filter.user, "alice"))
            (field("line", "Line", &filter.line, "main"))
            (field("number", "Number ends in", &filter.number, "0199"))
            label { span { "Ended" }
                select name="cause" {
                    option value="" { "for any cause" }
                    @for cause in CAUSES {
                        @let word = word(cause);
                        option value=(word) selected[filter.cause.as_deref() == Some(word.as_str())] {
                            (cause_words(cause))
                        }
                    }
                }
            }
            (field("since", "Since", &filter.since, "12h, 7d, a date"))
            (field("until", "Until", &filter.until, "2026-11-23"))
            button type="submit" { "Show" }
        }
    }
}

/// A cause for programs.
fn word(cause: Cause) -> String {
    let word = serde_json::to_value(cause).unwrap_or_default();
    word.as_str().unwrap_or_default().to_owned()
}

/// Whether it ended as it should, for the eye.
fn tone(cause: Option<Cause>) -> &'static str {
    match cause {
        None => "plain",
        Some(Cause::UserRequest | Cause::Callback) => "good",
        Some(
            Cause::Busy
            | Cause::NoAnswer
            | Cause::Abandoned
            | Cause::Screened
            | Cause::IdleTimeout
            | Cause::SessionTimeout
            | Cause::AdminReset
            | Cause::AdminReboot
            | Cause::Glare
            | Cause::ServiceUnavailable
            | Cause::UserError,
        ) => "notice",
        Some(
            Cause::LostCarrier
            | Cause::LostService
            | Cause::PortError
            | Cause::NasError
            | Cause::NoDialtone
            | Cause::NoCarrier
            | Cause::Barred
            | Cause::TooSoon
            | Cause::Stuck,
        ) => "bad",
    }
}

const fn way(leg: Leg) -> (&'static str, &'static str) {
    match leg {
        Leg::Request => ("in", "came in"),
        Leg::Return => ("out", "went out"),
    }
}

/// Calls as a table.
pub(super) fn table(calls: &[Record]) -> Markup {
    html! {
        @if calls.is_empty() { p { "No calls." } }
        @else {
            div .scroll role="region" aria-label="Table of calls" tabindex="0" {
                table .calls {
                    thead { tr {
                        th scope="col" { "Call" } th scope="col" { "Began" } th scope="col" { "Line" }
                        th scope="col" { "Way" } th scope="col" { "Name" } th scope="col" { "Number" }
                        th scope="col" { "Speed" } th scope="col" { "Online" } th scope="col" { "End" }
                    } }
                    tbody { @for record in calls { (row(record)) } }
                }
            }
        }
    }
}

fn row(record: &Record) -> Markup {
    let number = match record.leg {
        Leg::Request => record.caller_id.as_deref(),
        Leg::Return => record.number.as_deref(),
    };
    html! {
        tr {
            th scope="row" { a href=(format!("/calls/{}", record.call)) { (record.call) } }
            td .when { (moment(record.began)) }
            td .line { (record.line) }
            td .way { (way(record.leg).0) }
            td .name { (dash(record.name.as_deref())) }
            td .to { (dash(number)) }
            td .figure .speed { @match record.speed { Some(speed) => { (speed) } None => { "–" } } }
            td .figure .online { (lasted(record.online_ms)) }
            td .ended { span .end data-tone=(tone(record.cause)) { (record.cause.map_or("–", cause_words)) } }
        }
    }
}

/// `GET /calls/{id}`
pub(super) async fn story(
    State(site): State<Arc<Site>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Response {
    let asked = id.clone();
    let currency = site.currency.clone();
    match blocking(move || api::read_story(&site, &asked)).await {
        Ok(story) => {
            let open = story.calls.iter().any(|record| record.ended.is_none());
            let content = html! {
                h1 { "The story of " (id) }
                div #story data-src=[open.then(|| format!("/calls/{id}"))] data-on="*" {
                    (told(&story, &currency))
                }
            };
            framed(&actor, "/calls", &format!("Call {id}"), &content)
        }
        Err(fault) => failed(&actor, &fault),
    }
}

fn told(story: &Story, currency: &str) -> Markup {
    // What happened, under the call that it happened on, in the order of the first of each.
    let first_ms = story.entries.first().map_or(0, |told| told.at.unix_ms);
    let mut parts: Vec<(Option<CallId>, Vec<usize>)> = Vec::new();
    for (place, told) in story.entries.iter().enumerate() {
        let call = told.entry.get("call").and_then(serde_json::Value::as_u64).map(CallId);
        match parts.last_mut() {
            Some((under, places)) if *under == call => places.push(place),
            _ => parts.push((call, vec![place])),
        }
    }
    let records: BTreeMap<CallId, &Record> =
        story.calls.iter().map(|record| (record.call, record)).collect();
    html! {
        div .legs {
            @for record in &story.calls { (leg(record, currency)) }
        }
        @for (call, places) in &parts {
            section .part {
                h2 {
                    @match call.and_then(|call| records.get(&call)) {
                        Some(record) => { (record.call) " " (way(record.leg).1) " on " (record.line) }
                        None => { "Between the calls" }
                    }
                }
                ol .events {
                    @for place in places {
                        @if let Some(told) = story.entries.get(*place) {
                            @let since = u64::try_from(told.at.unix_ms - first_ms).unwrap_or(0);
                            li data-tone=(told.tone) {
                                time datetime=(super::zulu(told.at.unix_ms)) title=(told.time) { "+" (lasted(since)) }
                                span .what { (told.text) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn leg(record: &Record, currency: &str) -> Markup {
    let number = match record.leg {
        Leg::Request => ("From", record.caller_id.as_deref()),
        Leg::Return => ("To", record.number.as_deref()),
    };
    let waited = record.connected.map(|at| at.unix_ms - record.began.unix_ms);
    html! {
        article .leg data-leg=(way(record.leg).0) aria-label=(format!("{} {}", record.call, way(record.leg).1)) {
            h2 { (record.call) " " (way(record.leg).1) }
            dl {
                dt { "Line" } dd { (record.line) }
                dt { "Began" } dd { (moment(record.began)) }
                dt { (number.0) } dd { (dash(number.1)) }
                dt { "Name" } dd { (dash(record.name.as_deref())) }
                dt { "Connected" } dd {
                    @match waited {
                        Some(waited) => { "after " (lasted(u64::try_from(waited).unwrap_or(0))) }
                        None => { "–" }
                    }
                }
                dt { "Modem's report" } dd { @if record.connect.is_empty() { "–" } @else { "CONNECT " (record.connect) } }
                @if let Some(action) = &record.action { dt { "Service" } dd { (action) } }
                @if let Some(rule) = &record.rule { dt { "Decided by" } dd { (rule) } }
                @if let Some(promise) = &record.promise { dt { "Promise" } dd { (promise) } }
                dt { "Online" } dd { (lasted(record.online_ms)) }
                dt { "Bytes in, out" } dd { (record.bytes_in) ", " (record.bytes_out) }
                @if let Some(charge) = &record.charge {
                    dt { "Cost" } dd {
                        @match charge.cost {
                            Some(cost) => { (::calls::money::shown(cost)) " " (currency) " for " (charge.minutes) " min" }
                            None => { "no tariff for " (charge.class) " numbers, " (charge.minutes) " min" }
                        }
                    }
                }
                dt { "End" } dd { span .end data-tone=(tone(record.cause)) {
                    (record.cause.map_or("it is not over", cause_words))
                } }
            }
        }
    }
}

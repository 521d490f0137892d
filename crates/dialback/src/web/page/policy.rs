//! Policy: what the rules would say, as a form; and whether the journal is what was written.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::{failed, framed, local, moment};
use crate::control::Asked;
use crate::web::Site;
use crate::web::api::{self, blocking};
use crate::web::guard::Actor;

/// The form as browsers send it: what is empty was not filled in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    user: Option<String>,
    number: Option<String>,
    line: Option<String>,
    from: Option<String>,
    at: Option<String>,
    service: Option<String>,
    unproved: Option<bool>,
}

/// `GET /policy`
pub(super) async fn page(
    State(site): State<Arc<Site>>,
    Extension(actor): Extension<Actor>,
    uri: Uri,
) -> Response {
    let wanted: Wanted = match api::query(&uri) {
        Ok(wanted) => wanted,
        Err(fault) => return failed(&actor, &fault),
    };
    let explanation = match &wanted.user {
        None => None,
        Some(user) => {
            let asked = Asked {
                user: user.clone(),
                number: wanted.number.clone(),
                line: wanted.line.clone(),
                from: wanted.from.clone(),
                at: wanted.at.clone(),
                service: wanted.service.clone(),
                unproved: wanted.unproved.unwrap_or(false),
            };
            Some(blocking(move || api::read_explanation(&site, asked)).await)
        }
    };
    let content = html! {
        h1 { "Policy" }
        p { "Would this caller be called back, and what does every rule say?" }
        (form(&wanted))
        @match &explanation {
            None => {}
            Some(Ok(explanation)) => { (explained(explanation)) }
            Some(Err(fault)) => { p .fault role="alert" { (fault.message) } }
        }
    };
    let mut response = framed(&actor, "/policy", "Policy", &content);
    if let Some(Err(fault)) = &explanation {
        *response.status_mut() = fault.status();
    }
    response
}

fn form(wanted: &Wanted) -> Markup {
    let field = |name: &str, label: &str, value: &Option<String>, hint: &str, required: bool| {
        html! {
            label { span { (label) }
                input name=(name) value=[value.as_deref()] placeholder=(hint) autocomplete="off" required[required]; }
        }
    };
    html! {
        form .filters method="get" action="/policy" aria-label="Who calls" {
            (field("user", "Name", &wanted.user, "alice", true))
            (field("number", "Number", &wanted.number, "5550199", false))
            (field("line", "On line", &wanted.line, "main", false))
            (field("from", "Caller ID", &wanted.from, "5550142", false))
            (field("at", "When", &wanted.at, "2026-11-23T22:00", false))
            label { span { "For" }
                select name="service" {
                    @for (word, name) in [("", "what is usual"), ("login", "login"), ("ppp", "PPP")] {
                        option value=(word) selected[wanted.service.as_deref().unwrap_or_default() == word] { (name) }
                    }
                }
            }
            label .check {
                input type="checkbox" name="unproved" value="true" checked[wanted.unproved.unwrap_or(false)];
                span { "does not prove the name" }
            }
            button type="submit" { "Explain" }
        }
    }
}

fn explained(explanation: &serde_json::Value) -> Markup {
    let text = |key: &str| explanation.get(key).and_then(|v| v.as_str()).unwrap_or_default();
    let list = |key: &str| {
        let list = explanation.get(key).and_then(|v| v.as_array()).cloned().unwrap_or_default();
        list.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    let approved = explanation.get("approved").and_then(serde_json::Value::as_bool) == Some(true);
    let steps =
        explanation.get("considered").and_then(|v| v.as_array()).cloned().unwrap_or_default();
    html! {
        section #explanation aria-labelledby="verdict" {
            h2 #verdict { span .end data-tone=(if approved { "good" } else { "bad" }) {
                @if approved { "Approved by " (text("rule")) } @else { "Refused by " (text("rule")) }
            } }
            @if approved {
                p { (list("numbers").join(", then ")) " is dialled on " (list("lines").join(", or ")) "." }
            } @else { p { (text("reason")) } }
            @for line in list("before") { p { (line) } }
            @for line in list("standing") { p { (line) } }
            @if !steps.is_empty() {
                div .scroll role="region" aria-label="Every rule" tabindex="0" {
                    table {
                        thead { tr { th scope="col" { "Rule" } th scope="col" { "Verdict" } th scope="col" { "Because" } } }
                        tbody {
                            @for step in &steps {
                                @let verdict = step.get("verdict").and_then(|v| v.as_str()).unwrap_or_default();
                                @let tone = match verdict { "passes" => "good", "refuses" => "bad", _ => "aside" };
                                tr data-tone=(tone) {
                                    th scope="row" { code { (step.get("rule").and_then(|v| v.as_str()).unwrap_or_default()) } }
                                    td { span .end data-tone=(tone) { (verdict) } }
                                    td { (step.get("because").and_then(|v| v.as_str()).unwrap_or_default()) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// `GET /audit`
pub(super) async fn audit(
    State(site): State<Arc<Site>>,
    Extension(actor): Extension<Actor>,
) -> Response {
    let checked = match api::read_audit(site).await {
        Ok(checked) => checked,
        Err(fault) => return failed(&actor, &fault),
    };
    let content = html! {
        h1 { "Audit" }
        @match &checked.verdict {
            Err(why) => { p .fault role="alert" { "The journal can't be looked at: " (why) } }
            Ok(verdict) => {
                p { span .end data-tone=(if verdict.faults.is_empty() { "good" } else { "bad" }) {
                    @if verdict.faults.is_empty() { "Each entry follows from the one before it." }
                    @else { "The journal is not what was written." }
                } }
                @for fault in &verdict.faults { p .fault role="alert" { (fault) } }
                dl .facts {
                    dt { "Entries" } dd { (verdict.entries) }
                    @if let Some((seq, ms)) = verdict.first { dt { "First" } dd { "#" (seq) ", " (moment(local(ms))) } }
                    @if let Some((seq, ms)) = verdict.last { dt { "Last" } dd { "#" (seq) ", " (moment(local(ms))) } }
                    dt { "Its hash" } dd { code { (verdict.head) } }
                    dt { "Anchors" } dd {
                        @if verdict.anchors == 0 { "none were compared: a journal cut off at its end would not show" }
                        @else { (verdict.anchors) @if verdict.anchors == 1 { " is" } @else { " are" } " in the chain" }
                    }
                }
            }
        }
        p { "Looked at " (moment(local(checked.at_ms))) ", all of it. It is read again at most once a minute." }
    };
    framed(&actor, "/audit", "Audit", &content)
}

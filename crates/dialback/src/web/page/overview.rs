//! The first page: lines as tiles, promises with their countdown, the last calls, what happens.

use std::sync::Arc;

use ::calls::status::{Budget, BudgetUnit};
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};

use super::{calls, dash, failed, framed, lasted, order};
use crate::web::Site;
use crate::web::api::{Fault, Filter, blocking};
use crate::web::guard::Actor;
use crate::web::hub::Told;
use crate::web::view::{Line, Promise, Standing};

/// Events that the page begins with.
const EVENTS: usize = 40;
/// Calls on it.
pub(super) const CALLS: u32 = 12;

/// `GET /`
pub(super) async fn page(
    State(site): State<Arc<Site>>,
    Extension(actor): Extension<Actor>,
) -> Response {
    let read = Arc::clone(&site);
    let read = blocking(move || {
        let filter = Filter { limit: Some(CALLS), ..Filter::default() };
        // One of both may be had without the other.
        Ok((read.hub.standing(), crate::web::api::page(&read, &filter)))
    });
    let (standing, calls) = match read.await {
        Ok(read) => read,
        Err(fault) => return failed(&actor, &fault),
    };
    let standing = standing.map_err(Fault::from);
    let recent = site.hub.recent(EVENTS);
    let content = html! {
        h1 .hidden { "Lines, promises and events" }
        (notices(standing.as_ref()))
        @match &standing {
            Ok(standing) => { (lines(&actor, standing)) }
            Err(_) => { (lines(&actor, &Standing::default())) }
        }
        div .pair {
            div {
                (budgets(standing.as_ref().map_or(&[], |standing| &standing.budgets), &site.currency))
                (promises(&actor, standing.as_ref().ok().map(|standing| standing.promises.as_slice())))
                section aria-labelledby="calls-title" {
                    h2 #calls-title { "Last calls" }
                    div #calls data-src="/parts/calls" data-on="ended" {
                        @match &calls {
                            Ok(page) => { (calls::table(&page.calls)) }
                            Err(fault) => { p .fault { (fault.message) } }
                        }
                    }
                    p { a href="/calls" { "All calls" } }
                }
            }
            section aria-labelledby="events-title" {
                h2 #events-title { "What happens" }
                ol #events .events reversed {
                    @for told in recent.iter().rev() { (event(told)) }
                }
                template #event-template { (event(&Told::none())) }
            }
        }
    };
    let mut response = framed(&actor, "/", "Lines", &content);
    if standing.is_err() {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}

/// `GET /parts/standing`: what of the first page is neither a line nor a promise, for its script.
pub(super) async fn part(
    State(site): State<Arc<Site>>,
    Extension(actor): Extension<Actor>,
) -> Response {
    let currency = site.currency.clone();
    match blocking(move || Ok(site.hub.standing()?)).await {
        Ok(standing) => {
            let part = html! {
                (notices(Ok(&standing)))
                (budgets(&standing.budgets, &currency))
            };
            Html(part.into_string()).into_response()
        }
        Err(fault) => failed(&actor, &fault),
    }
}

/// What is wrong with all of it.
fn notices(standing: Result<&Standing, &Fault>) -> Markup {
    html! {
        div #notices data-src="/parts/standing" data-on="standing" {
            @match standing {
                Err(fault) => { p .fault role="alert" { (fault.message) } }
                Ok(standing) => {
                    @if standing.stopping { p .fault { "The server is stopping: no new call is taken." } }
                    @if let Some(fault) = &standing.store_fault {
                        p .fault role="alert" {
                            "The journal can't be written, so no callback is promised: " (fault)
                        }
                    }
                    @for held in &standing.quarantine {
                        p .fault { (held.number) " is not called: strangers answered there." }
                    }
                }
            }
        }
    }
}

/// What may be spent today, and how far it is; nothing where there is no limit.
fn budgets(budgets: &[Budget], currency: &str) -> Markup {
    let shown = |unit: BudgetUnit, amount: u32| match unit {
        BudgetUnit::Hundredths => ::calls::money::shown(amount),
        BudgetUnit::Minutes | BudgetUnit::Calls => amount.to_string(),
    };
    let unit = |unit: BudgetUnit| match unit {
        BudgetUnit::Hundredths => currency,
        BudgetUnit::Minutes => "min",
        BudgetUnit::Calls => "calls",
    };
    html! {
        section #budgets data-src="/parts/standing" data-on="standing" aria-label="Budgets of today" {
            @if !budgets.is_empty() {
                h2 { "Budgets of today" }
                ul .budgets {
                    @for budget in budgets {
                        @let used = budget.spent >= budget.limit;
                        @let tone = if used { "bad" } else if budget.is_nearly_spent() { "notice" } else { "plain" };
                        li data-tone=(tone) {
                            span .of { (budget.of) }
                            span .figure {
                                (shown(budget.unit, budget.spent)) " of " (shown(budget.unit, budget.limit)) " " (unit(budget.unit))
                                @if used { ": used up" } @else if budget.is_nearly_spent() { ": nearly used up" }
                            }
                            svg .gauge viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
                                rect width=(share(budget)) height="10" {}
                            }
                        }
                    }
                }
            }
        }
    }
}

/// How much of a budget is used, in thousandths.
fn share(budget: &Budget) -> u64 {
    let thousandths = u64::from(budget.spent) * 1000;
    thousandths.checked_div(u64::from(budget.limit)).unwrap_or(1000).min(1000)
}

fn lines(actor: &Actor, standing: &Standing) -> Markup {
    html! {
        section aria-labelledby="lines-title" data-at=(standing.at.unix_ms) #standing {
            div .heading {
                h2 #lines-title { "Lines" }
                ul #totals .totals aria-label="Lines by state" {
                    @for (state, count) in standing.totals() {
                        li data-state=(state) { b { (count) } " " (state) }
                    }
                }
            }
            ul #lines .tiles {
                @for line in &standing.lines { (tile(actor, standing.at.unix_ms, line)) }
            }
            template #line-template { (tile(actor, 0, &Line::none())) }
        }
    }
}

/// A line. The script fills in the same: whatever has `data-field` is its.
fn tile(actor: &Actor, now_ms: i64, line: &Line) -> Markup {
    let call = line.call.as_ref();
    let for_ms = u64::try_from(now_ms - line.since_ms).unwrap_or(0);
    let who = call.map(|call| call.who.as_str()).unwrap_or_default();
    html! {
        li .tile tabindex="-1" data-line=(line.line) data-state=(line.state) {
            div .row {
                h3 data-field="line" { (line.line) }
                span .number data-field="number" { (line.number.as_deref().unwrap_or_default()) }
            }
            div .row {
                span .state data-field="state" { (line.state) }
                span .for data-since=(line.since_ms) { (lasted(for_ms)) }
            }
            p .on {
                a data-field="call" href=[call.map(|call| format!("/calls/{}", call.call))] {
                    @if let Some(call) = call { (call.call) }
                }
                " " span data-field="who" { (who) }
            }
            p .detail data-field="detail" { (line.detail.as_deref().unwrap_or_default()) }
            @if let Actor::Session { .. } = actor {
                details .orders {
                    summary { "Orders" span .hidden { " for line " span data-field="line" { (line.line) } } }
                    @for (name, label) in [
                        ("hangup", "Hang up"), ("busy-out", "Busy out"),
                        ("restore", "Restore"), ("reset", "Reset"),
                    ] { (order(actor, name, ("line", &line.line), label)) }
                }
            }
        }
    }
}

/// Those that are owed; `None`: nobody knows, because the server does not answer.
fn promises(actor: &Actor, known: Option<&[Promise]>) -> Markup {
    let promises = known.unwrap_or_default();
    html! {
        section aria-labelledby="promises-title" {
            h2 #promises-title tabindex="-1" { "Promised callbacks" }
            p #no-promises hidden[known.is_none() || !promises.is_empty()] { "Nobody is owed a callback." }
            div .scroll role="region" aria-label="Table of promises" tabindex="0" hidden[promises.is_empty()] {
                table #promises .stacked {
                    thead { tr {
                        th scope="col" { "Promise" } th scope="col" { "User" } th scope="col" { "Number" }
                        th scope="col" { "State" } th scope="col" { "Due in" } th scope="col" { "Tries" }
                        @if let Actor::Session { .. } = actor { th scope="col" { "Orders" } }
                    } }
                    tbody { @for promise in promises { (promised(actor, promise)) } }
                }
            }
            template #promise-template { (promised(actor, &Promise::none())) }
            @if let Actor::Session { csrf, .. } = actor {
                form .entry method="post" action="/orders" data-order="call-back" {
                    input type="hidden" name="csrf" value=(csrf);
                    input type="hidden" name="order" value="call-back";
                    label for="user" { "Call back the user" }
                    input #user name="user" autocomplete="off";
                    label for="number" { "at the number" }
                    input #number name="number" inputmode="tel" autocomplete="off" aria-describedby="call-back-how";
                    button type="submit" { "Call" }
                    small #call-back-how {
                        "A user alone is called where the policy has it; a number alone is called as it is."
                    }
                }
            }
        }
    }
}

fn promised(actor: &Actor, promise: &Promise) -> Markup {
    let id = promise.promise.to_string();
    html! {
        tr data-promise=(id) {
            th scope="row" { a data-field="promise" href=(format!("/calls/{id}")) { (id) } }
            td data-field="user" { (promise.user) }
            td data-field="number" { (promise.numbers.join(", ")) }
            td { span .state data-field="state" data-state=(promise.state) { (promise.state) } }
            td .figure data-due=[promise.due_ms] {
                @match promise.due_ms {
                    Some(due) => { (lasted(u64::try_from(due - crate::clock::wall().unix_ms).unwrap_or(0))) }
                    None => { (dash(None)) }
                }
            }
            td .figure data-field="tries" { (promise.failed) "/" (promise.tries) }
            @if let Actor::Session { .. } = actor {
                td .orders {
                    (order(actor, "now", ("promise", &id), "Call now"))
                    (order(actor, "cancel", ("promise", &id), "Cancel"))
                }
            }
        }
    }
}

fn event(told: &Told) -> Markup {
    // Today's events are the rule: the day is in the time's title.
    let time = told.time.split_once(' ').map_or(told.time.as_str(), |(_, time)| time);
    html! {
        li data-tone=(told.tone) {
            time data-field="time" title=(told.time) { (time) }
            span .where data-field="line" { (named(&told.line)) }
            a data-field="id" href=[has_story(&told.id).then(|| format!("/calls/{}", told.id))] { (named(&told.id)) }
            span .what data-field="text" { (told.text) }
        }
    }
}

/// Nothing, where there is no line or no call.
fn named(text: &str) -> &str {
    if text == "-" { "" } else { text }
}

fn has_story(id: &str) -> bool {
    crate::web::history::subject(id).is_some()
}

//! The pages: what each shows is in its own file; here is the frame around all of them.
//!
//! Every page is whole as the server sends it; the script only keeps it up to date. Text from callers, modems
//! and files reaches HTML through `maud` alone, which escapes all of it.

mod calls;
mod charts;
mod login;
mod overview;
mod policy;

use std::sync::Arc;

use ::calls::vocabulary::{Reply, Wall};
use axum::Router;
use axum::extract::Extension;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use maud::{DOCTYPE, Markup, html};

use super::api::Fault;
use super::guard::Actor;
use super::{Site, assets, orders};
use crate::clock;

/// Every page.
pub(super) fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/", get(overview::page))
        .route("/calls", get(calls::list))
        .route("/calls/{id}", get(calls::story))
        .route("/parts/calls", get(calls::part))
        .route("/parts/standing", get(overview::part))
        .route("/charts", get(charts::page))
        .route("/policy", get(policy::page))
        .route("/audit", get(policy::audit))
        .route("/login", get(login::page).post(login::enter))
        .route("/logout", post(login::leave))
        .route("/orders", post(orders::by_form))
}

/// The rooms, in the order of the navigation.
const ROOMS: [(&str, &str); 5] = [
    ("/", "Lines"),
    ("/calls", "Calls"),
    ("/charts", "Charts"),
    ("/policy", "Policy"),
    ("/audit", "Audit"),
];

/// A whole page. `room` is its address in the navigation.
pub(super) fn framed(actor: &Actor, room: &str, title: &str, content: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · dialback" }
                link rel="icon" href=(assets::address("icon.svg"));
                link rel="stylesheet" href=(assets::address("style.css"));
                script src=(assets::address("theme.js")) {}
                script src=(assets::address("app.js")) defer {}
            }
            body {
                a .skip href="#main" { "Skip to the content" }
                header .top {
                    a .mark href="/" { "dialback" }
                    nav aria-label="Pages" {
                        @for (address, name) in ROOMS {
                            a href=(address) aria-current=[(address == room).then_some("page")] { (name) }
                        }
                    }
                    div .tools {
                        span #server .server role="status" {}
                        button #theme type="button" .quiet hidden { "Dark" }
                        (entry(actor))
                    }
                }
                // It is there before it has a word: what appears with its text is not read out.
                p #answer .answer role="status" {}
                main #main tabindex="-1" { (content) }
                p #said .hidden aria-live="polite" {}
            }
        }
    };
    let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (html, page.into_string()).into_response()
}

/// Who is logged in, or the way there.
fn entry(actor: &Actor) -> Markup {
    html! {
        @match actor {
            Actor::Session { name, csrf } => {
                form method="post" action="/logout" {
                    input type="hidden" name="csrf" value=(csrf);
                    button .quiet type="submit" title="Log out" { (name) ", log out" }
                }
            }
            Actor::Token(name) => { span { (name) } }
            Actor::Reader => { a .quiet href="/login" { "Log in" } }
        }
    }
}

/// A page that says why there is nothing on it.
pub(super) fn failed(actor: &Actor, fault: &Fault) -> Response {
    let content = html! {
        h1 { "That did not work" }
        p .fault role="alert" { (fault.message) }
        p { a href="/" { "Back to the lines" } }
    };
    let mut response = framed(actor, "", "Fault", &content);
    *response.status_mut() = fault.status();
    response
}

/// What the server said to an order, for browsers without a script.
pub(super) fn answered(actor: &Actor, reply: &Reply) -> Response {
    let (status, text) = match reply {
        Reply::Done => (StatusCode::OK, "Done.".to_owned()),
        Reply::Promised { promise, code } => {
            let code = code.as_ref().map(|code| {
                format!(" Whoever answers is asked for the code {code}: tell it to the user.")
            });
            let code = code.unwrap_or_default();
            (StatusCode::OK, format!("The callback is promised: {promise}.{code}"))
        }
        Reply::Refused { reason, .. } => (StatusCode::CONFLICT, format!("Refused: {reason}")),
    };
    let content = html! {
        h1 { "The order" }
        p { (text) }
        p { a href="/" { "Back to the lines" } }
    };
    let mut response = framed(actor, "", "Order", &content);
    *response.status_mut() = status;
    response
}

/// What is shown at addresses where nothing is.
pub(super) async fn nothing(Extension(actor): Extension<Actor>) -> Response {
    let what = "There is nothing at this address.";
    failed(&actor, &Fault::new(StatusCode::NOT_FOUND, "not-found", what))
}

/// Local time as it was where it was written.
fn moment(at: Wall) -> Markup {
    html! { time datetime=(zulu(at.unix_ms)) { (clock::written_short(at)) } }
}

/// The same of milliseconds, in the local time of then: summer time may have begun or ended since.
fn local(unix_ms: i64) -> Wall {
    let then = jiff::Timestamp::from_millisecond(unix_ms).ok();
    let offset = then.map(|then| jiff::tz::TimeZone::system().to_offset(then).seconds());
    Wall { unix_ms, offset_s: offset.unwrap_or_else(|| clock::wall().offset_s) }
}

/// `2026-11-22T18:06:18.123Z`
fn zulu(unix_ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(unix_ms);
    time.map_or_else(|_| String::new(), |time| format!("{time:.3}"))
}

/// How long something took.
fn lasted(ms: u64) -> String {
    clock::lasted(std::time::Duration::from_millis(ms))
}

/// `a: b` or a dash.
fn dash(text: Option<&str>) -> &str {
    text.filter(|text| !text.is_empty()).unwrap_or("–")
}

/// An order as a form with one button, for who may give one.
fn order(actor: &Actor, order: &str, about: (&str, &str), label: &str) -> Markup {
    html! {
        @if let Actor::Session { csrf, .. } = actor {
            form method="post" action="/orders" data-order=(order) {
                input type="hidden" name="csrf" value=(csrf);
                input type="hidden" name="order" value=(order);
                input type="hidden" name=(about.0) value=(about.1);
                button type="submit" { (label) }
            }
        }
    }
}

//! Logging in with a token, and out.

use std::sync::Arc;

use axum::extract::{Extension, Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use calls::config::web::Readers;
use maud::html;
use serde::Deserialize;

use super::{failed, framed};
use crate::web::Site;
use crate::web::api::Fault;
use crate::web::guard::{Actor, cookie, onward};

/// `GET /login`
pub(super) async fn page(
    State(site): State<Arc<Site>>,
    Extension(actor): Extension<Actor>,
    Query(way): Query<Way>,
) -> Response {
    form(&site, &actor, &way.to, None)
}

/// Where to go on to.
#[derive(Deserialize)]
pub(super) struct Way {
    #[serde(default)]
    to: String,
}

fn form(site: &Site, actor: &Actor, to: &str, fault: Option<&str>) -> Response {
    let content = html! {
        h1 { "Log in" }
        @if let Some(fault) = fault { p .fault role="alert" { (fault) } }
        @if site.tokens.is_empty() {
            p {
                "No orders are taken here: there is no file of tokens. Make one with "
                code { "dialback web token NAME" } " and name it as " code { "token_file" } "."
            }
        } @else {
            p {
                "Who has a token may give orders: hang up, busy out, call back. "
                @match site.readers {
                    Readers::Anybody => { "Everybody else may look." }
                    Readers::Token => { "Only who has one may look." }
                }
            }
            form .entry method="post" action="/login" {
                input type="hidden" name="to" value=(onward(to));
                label for="token" { "Token" }
                input #token type="password" name="token" autocomplete="current-password" required;
                button type="submit" { "Log in" }
            }
        }
    };
    framed(actor, "/login", "Log in", &content)
}

/// What the form says.
#[derive(Deserialize)]
pub(super) struct Shown {
    token: String,
    #[serde(default)]
    to: String,
}

/// `POST /login`
pub(super) async fn enter(
    State(site): State<Arc<Site>>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    Form(shown): Form<Shown>,
) -> Response {
    // Another page could log a browser in as somebody it knows, and see what is ordered then.
    let foreign = headers
        .get("sec-fetch-site")
        .is_some_and(|site| site == "cross-site" || site == "same-site");
    let owner = site.tokens.owner(&shown.token).filter(|_| !foreign);
    let Some(name) = owner else {
        let mut response = form(&site, &actor, &shown.to, Some("That token is nobody's."));
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        return response;
    };
    match site.sessions.begin(name) {
        Ok(id) => {
            let keep = [(header::SET_COOKIE, cookie(Some(&id), site.tls))];
            (keep, Redirect::to(onward(&shown.to))).into_response()
        }
        Err(e) => {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            failed(&actor, &Fault::new(status, "failed", e.to_string()))
        }
    }
}

/// What the button says.
#[derive(Deserialize)]
pub(super) struct Leaving {
    csrf: String,
}

/// `POST /logout`
pub(super) async fn leave(
    State(site): State<Arc<Site>>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    Form(leaving): Form<Leaving>,
) -> Response {
    if !actor.wrote(&leaving.csrf) {
        let what = "the form is not of this session: load the page again";
        return failed(&actor, &Fault::new(StatusCode::FORBIDDEN, "csrf", what));
    }
    site.sessions.end(&headers, site.tls);
    let forget = [(header::SET_COOKIE, cookie(None, site.tls))];
    (forget, Redirect::to("/")).into_response()
}

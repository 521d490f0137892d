//! Orders: by the API with a token, by the page's forms with its session. Each goes to the server over the
//! control socket, signed, and is journalled there.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Form, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use calls::vocabulary::{CallbackOrder, Command, PromiseId, Reply};
use serde::Deserialize;

use super::api::{Fault, Json as Answer, blocking};
use super::guard::{Actor, Peer, signature};
use super::{Site, page};
use crate::control::Client;

/// What who has none is told.
const TOKEN: &str = "orders need a token: Authorization: Bearer dialback-...";

/// What an order is about.
#[derive(Debug)]
pub(super) enum About {
    /// A line, by name.
    Line(String),
    /// A promise.
    Promise(PromiseId),
    /// Numbers to call, on these lines.
    Numbers(Vec<String>, Vec<String>),
    /// A user to call, at his own number or at this one.
    User(String, Option<String>),
}

/// The command that these words mean.
fn command(order: &str, about: About, who: String) -> Option<Command> {
    Some(match (order, about) {
        ("hangup", About::Line(line)) => Command::HangUp { who, line },
        ("busy-out", About::Line(line)) => Command::BusyOut { who, line },
        ("restore", About::Line(line)) => Command::Restore { who, line },
        ("reset", About::Line(line)) => Command::Reset { who, line },
        ("cancel", About::Promise(promise)) => Command::Withdraw { who, promise },
        ("now", About::Promise(promise)) => Command::Hurry { who, promise },
        ("call-back", About::Numbers(numbers, lines)) => {
            Command::Callback(CallbackOrder { who, lines, numbers, ..CallbackOrder::default() })
        }
        ("call-back", About::User(user, number)) => Command::CallUser { who, user, number },
        (_, About::Line(_) | About::Promise(_) | About::Numbers(..) | About::User(..)) => {
            return None;
        }
    })
}

async fn give(site: &Arc<Site>, command: Command) -> Result<Reply, Fault> {
    let site = Arc::clone(site);
    blocking(move || {
        let mut client = Client::connect(&site.control)?;
        Ok(client.command(command)?)
    })
    .await
}

/// A no of the server's is an answer, but not a success.
fn answer(reply: Reply) -> Response {
    let status = match &reply {
        Reply::Done | Reply::Promised { .. } => StatusCode::OK,
        Reply::Refused { .. } => StatusCode::CONFLICT,
    };
    (status, Answer(reply)).into_response()
}

/// What an order by the API comes with.
pub(super) type With = (State<Arc<Site>>, Extension<Actor>, Extension<Peer>, HeaderMap);

async fn by_token(
    (State(site), Extension(actor), Extension(peer), headers): With,
    order: &str,
    about: About,
) -> Result<Response, Fault> {
    let name = match actor {
        Actor::Token(name) => name,
        Actor::Reader | Actor::Session { .. } => {
            return Err(Fault::unknown(TOKEN));
        }
    };
    let who = signature(&name, peer, &headers, site.behind_proxy);
    let command = command(order, about, who).ok_or_else(Fault::no_such_order)?;
    give(&site, command).await.map(answer)
}

/// `POST /api/v1/lines/{line}/{order}`
pub(super) async fn line(
    Path((line, order)): Path<(String, String)>,
    with: With,
) -> Result<Response, Fault> {
    by_token(with, &order, About::Line(line)).await
}

/// `POST /api/v1/promises/{promise}/{order}`
pub(super) async fn promise(
    Path((promise, order)): Path<(String, String)>,
    with: With,
) -> Result<Response, Fault> {
    let id = promise_id(&promise)?;
    by_token(with, &order, About::Promise(id)).await
}

fn promise_id(text: &str) -> Result<PromiseId, Fault> {
    let digits = text.strip_prefix('p').and_then(|digits| digits.parse().ok());
    digits.map(PromiseId).ok_or_else(|| {
        let what = "is no promise: they look like p12";
        Fault::new(StatusCode::BAD_REQUEST, "bad-request", format!("{text}: {what}"))
    })
}

/// Whom to call back: numbers, or a user.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallBack {
    #[serde(default)]
    numbers: Vec<String>,
    #[serde(default)]
    lines: Vec<String>,
    user: Option<String>,
    number: Option<String>,
}

impl CallBack {
    /// What it is about, if it says one thing.
    fn about(self) -> Result<About, &'static str> {
        match (self.user, self.number) {
            (None, None) if !self.numbers.is_empty() => {
                Ok(About::Numbers(self.numbers, self.lines))
            }
            (Some(user), number) if self.numbers.is_empty() && self.lines.is_empty() => {
                Ok(About::User(user, number))
            }
            (None | Some(_), None | Some(_)) => Err(
                "say whom: \"numbers\" and perhaps \"lines\", or \"user\" and perhaps \"number\"",
            ),
        }
    }
}

/// `POST /api/v1/callbacks`
pub(super) async fn call_back(
    state: State<Arc<Site>>,
    actor: Extension<Actor>,
    peer: Extension<Peer>,
    headers: HeaderMap,
    body: Result<Json<CallBack>, axum::extract::rejection::JsonRejection>,
) -> Result<Response, Fault> {
    let with = (state, actor, peer, headers);
    let about = match body {
        Ok(Json(body)) => body.about().map_err(str::to_owned),
        Err(e) => Err(e.body_text()),
    };
    match (about, &with.1.0) {
        // Who may not order anything is told that first.
        (Err(_), Actor::Reader | Actor::Session { .. }) => Err(Fault::unknown(TOKEN)),
        (Err(what), Actor::Token(_)) => {
            Err(Fault::new(StatusCode::BAD_REQUEST, "bad-request", what))
        }
        (Ok(about), _) => by_token(with, "call-back", about).await,
    }
}

/// The page's form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    csrf: String,
    order: String,
    #[serde(default)]
    line: Option<String>,
    #[serde(default)]
    promise: Option<String>,
    #[serde(default)]
    number: Option<String>,
    #[serde(default)]
    user: Option<String>,
}

/// `POST /orders`: the page's forms.
pub(super) async fn by_form(
    State(site): State<Arc<Site>>,
    Extension(actor): Extension<Actor>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Form(form): Form<Written>,
) -> Response {
    let wants_json = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("application/json"));
    let given = by_session(&site, &actor, peer, &headers, form).await;
    match (wants_json, given) {
        (true, Ok(reply)) => answer(reply),
        (true, Err(fault)) => fault.into_response(),
        (false, Ok(reply)) => page::answered(&actor, &reply),
        (false, Err(fault)) => page::failed(&actor, &fault),
    }
}

async fn by_session(
    site: &Arc<Site>,
    actor: &Actor,
    peer: Peer,
    headers: &HeaderMap,
    form: Written,
) -> Result<Reply, Fault> {
    let Actor::Session { name, .. } = actor else {
        return Err(Fault::unknown("log in with a token first"));
    };
    if !actor.wrote(&form.csrf) {
        let what = "the form is not of this session: load the page again";
        return Err(Fault::new(StatusCode::FORBIDDEN, "csrf", what));
    }
    // A field that was left empty is sent as one.
    let number = form.number.filter(|text| !text.trim().is_empty());
    let user = form.user.filter(|text| !text.trim().is_empty());
    let about = match (form.line, form.promise, user, number) {
        (Some(line), None, None, None) => About::Line(line),
        (None, Some(promise), None, None) => About::Promise(promise_id(&promise)?),
        (None, None, None, Some(number)) => About::Numbers(vec![number], Vec::new()),
        (None, None, Some(user), number) => About::User(user, number),
        (None, None, None, None) if form.order == "call-back" => {
            let what = "say whom: a user, a number, or both";
            return Err(Fault::new(StatusCode::BAD_REQUEST, "bad-request", what));
        }
        _ => return Err(Fault::no_such_order()),
    };
    let who = signature(name, peer, headers, site.behind_proxy);
    let command = command(&form.order, about, who).ok_or_else(Fault::no_such_order)?;
    give(site, command).await
}

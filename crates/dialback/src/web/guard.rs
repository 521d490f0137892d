//! Who asks, and whether he may: host, token or session, CSRF; and the headers that each answer carries.
//!
//! ```text
//!   request ─► host is ours? ─► token? session? ─► may he look? ─► the room he wants ─► headers ─► answer
//!                │ 421            │ 401               │ 401, or the page to log in
//! ```
//!
//! Orders by the API need a token in the request itself: a browser sends none by itself, so no other page can
//! give one. Orders by the page need its session and the word that stands in its forms.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use calls::config::web::Readers;
use subtle::ConstantTimeEq;

use super::Site;
use super::api::{Fault, encoded};
use super::tokens::{hex, random};
use crate::exit::Failure;

/// How long a browser may give orders without the token being shown again.
const SESSION: Duration = Duration::from_secs(12 * 3600);
/// Sessions at once; the oldest goes first.
const SESSIONS: usize = 64;
/// How long an answer may take; streams have no end and begin at once.
const ANSWER: Duration = Duration::from_secs(45);

/// The cookie of a session. The prefix binds it to this host, where TLS is spoken.
const COOKIE: &str = "dialback";
const COOKIE_OF_TLS: &str = "__Host-dialback";

/// Who may give orders, as long as it is known.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Session>>);

#[derive(Clone, Debug)]
struct Session {
    name: String,
    csrf: String,
    until: Instant,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Actor {
    /// Somebody who may look.
    Reader,
    /// Whose token was in the request.
    Token(String),
    /// Who has logged in by the page.
    Session {
        /// His name.
        name: String,
        /// What stands in his forms.
        csrf: String,
    },
}

/// Where the request came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

impl Sessions {
    /// A new session; gives the cookie's value.
    pub(super) fn begin(&self, name: &str) -> Result<String, Failure> {
        let id = hex(&random()?);
        let csrf = hex(&random()?);
        let until = Instant::now() + SESSION;
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| session.until > Instant::now());
        if sessions.len() >= SESSIONS {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.until);
            if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
                sessions.remove(&oldest);
            }
        }
        sessions.insert(id.clone(), Session { name: name.to_owned(), csrf, until });
        Ok(id)
    }

    /// Ends it.
    pub(super) fn end(&self, headers: &HeaderMap, tls: bool) {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|id, _| !cookies(headers, tls).any(|value| value == id));
    }

    fn of(&self, headers: &HeaderMap, tls: bool) -> Option<Session> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The key is 256 bits of chance: how long it takes to find none tells nothing.
        let found = cookies(headers, tls).find_map(|value| sessions.get(value));
        found.filter(|session| session.until > Instant::now()).cloned()
    }
}

/// The values of our cookie. By TLS only that with the prefix counts: another host can't have set it.
fn cookies(headers: &HeaderMap, tls: bool) -> impl Iterator<Item = &str> {
    let own = if tls { COOKIE_OF_TLS } else { COOKIE };
    let all = headers.get_all(header::COOKIE).into_iter();
    all.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';')).filter_map(
        move |pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == own).then_some(value)
        },
    )
}

/// What makes a browser keep the session, or forget it.
pub(super) fn cookie(value: Option<&str>, tls: bool) -> String {
    let (name, secure) = if tls { (COOKIE_OF_TLS, "; Secure") } else { (COOKIE, "") };
    let age = value.map_or(0, |_| SESSION.as_secs());
    let value = value.unwrap_or_default();
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}{secure}")
}

impl Actor {
    /// Whether the page's form is his own.
    pub(super) fn wrote(&self, csrf: &str) -> bool {
        match self {
            Self::Session { csrf: own, .. } => own.as_bytes().ct_eq(csrf.as_bytes()).into(),
            Self::Reader | Self::Token(_) => false,
        }
    }
}

/// Under which name an order is given: `ops (web, 192.0.2.7)`.
pub(super) fn signature(name: &str, peer: Peer, headers: &HeaderMap, behind_proxy: bool) -> String {
    let last = headers.get_all("x-forwarded-for").into_iter().next_back();
    let last = last.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    // Only a proxy's word counts, and of several the last: the others are the client's own.
    let from: IpAddr = last.filter(|_| behind_proxy).unwrap_or(peer.0.ip());
    format!("{name} (web, {from})")
}

/// Looks at each request before, and at each answer behind, whatever is between.
pub(super) async fn guard(
    State(site): State<Arc<Site>>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let api = path.starts_with("/api/");
    let wanted = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    // A script that follows to the page to log in would take it for what it asked for.
    let scripted = fetched(request.headers());
    let answer = match admitted(&site, &request, &path) {
        Ok(actor) => {
            request.extensions_mut().insert(actor);
            match tokio::time::timeout(ANSWER, next.run(request)).await {
                Ok(answer) => answer,
                Err(_) => {
                    let what = "the answer took too long: ask for less of it";
                    Fault::new(StatusCode::SERVICE_UNAVAILABLE, "too-slow", what).into_response()
                }
            }
        }
        Err(fault) if fault.is_unknown() && !api && !scripted => {
            Redirect::to(&login_for(&wanted)).into_response()
        }
        Err(fault) => fault.into_response(),
    };
    dressed(answer, &path, site.tls)
}

impl Site {
    /// Whether who was admitted would be again: a session may have ended since.
    pub(super) fn still_admits(&self, actor: &Actor, headers: &HeaderMap) -> bool {
        match (self.readers, actor) {
            (Readers::Token, Actor::Session { .. }) => {
                self.sessions.of(headers, self.tls).is_some()
            }
            (Readers::Token, Actor::Reader | Actor::Token(_)) | (Readers::Anybody, _) => true,
        }
    }
}

/// The page to log in at, which leads on to what was wanted.
fn login_for(wanted: &str) -> String {
    match onward(wanted) {
        "/" => "/login".to_owned(),
        to => format!("/login?to={}", encoded(to)),
    }
}

/// Where one may be sent after logging in: a place of ours, or else the first page. Browsers read `//host` and `/\host` as
/// another host, and pass over tabs and line ends on the way.
pub(super) fn onward(to: &str) -> &str {
    let is_ours = to.starts_with('/')
        && !to.starts_with("//")
        && to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && !to.starts_with("/login");
    if is_ours { to } else { "/" }
}

/// Whether a page's script asks, and not a person who goes there. Older browsers don't say.
fn fetched(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-mode").is_some_and(|mode| mode != "navigate")
}

fn admitted(site: &Site, request: &Request, path: &str) -> Result<Actor, Fault> {
    let headers = request.headers();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !site.is_ours(host) {
        let what = "this is not a name under which it may be asked: see hosts in [web]";
        return Err(Fault::new(StatusCode::MISDIRECTED_REQUEST, "wrong-host", what));
    }
    let bearer = headers.get(header::AUTHORIZATION).map(|value| {
        let value = value.to_str().unwrap_or_default();
        let (scheme, token) = value.split_once(' ').unwrap_or_default();
        if scheme.eq_ignore_ascii_case("bearer") { token } else { "" }
    });
    let actor = match bearer {
        Some(token) => match site.tokens.owner(token) {
            Some(name) => Actor::Token(name.to_owned()),
            None => return Err(Fault::unknown("the token is nobody's")),
        },
        None => match site.sessions.of(headers, site.tls) {
            Some(Session { name, csrf, .. }) => Actor::Session { name, csrf },
            None => Actor::Reader,
        },
    };
    let open = path == "/login" || path.starts_with("/assets/");
    match (site.readers, &actor) {
        (Readers::Token, Actor::Reader) if !open => {
            Err(Fault::unknown("only who has a token may look"))
        }
        (Readers::Token | Readers::Anybody, _) => Ok(actor),
    }
}

/// Nothing but our own files, nowhere else, and nobody's cache.
const HEADERS: [(&str, &str); 8] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ("cache-control", "no-store"),
];

fn dressed(mut answer: Response, path: &str, tls: bool) -> Response {
    let headers = answer.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if path.starts_with("/assets/") {
        // Its address has the version in it.
        let for_ever = HeaderValue::from_static("public, max-age=31536000, immutable");
        headers.insert(header::CACHE_CONTROL, for_ever);
    }
    if tls {
        let value = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    answer
}

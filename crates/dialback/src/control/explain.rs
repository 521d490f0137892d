//! A client's question to the rules, asked of the running server's own configuration and counters.

use calls::config::user::Service;
use calls::policy::explain::{Question, time};
use calls::policy::{Counters, Marked};
use calls::server::Server;
use calls::vocabulary::Wall;
use jiff::tz::TimeZone;

use super::Asked;

/// The answer as JSON; or why there is none, for people.
pub(crate) fn explained(
    server: &Server,
    asked: &Asked,
    now: Wall,
) -> Result<serde_json::Value, String> {
    let at = match &asked.at {
        None => now,
        Some(text) => {
            let zone = server.config().server.time_zone.as_ref();
            let zone = zone.map_or_else(TimeZone::system, |zone| zone.time_zone().clone());
            time(text, &zone)?
        }
    };
    let service = match asked.service.as_deref() {
        None => None,
        Some(word) => Some(
            [Service::Login, Service::Ppp]
                .into_iter()
                .find(|service| service.word() == word)
                .ok_or_else(|| {
                    format!("\"{}\" is no service: login or ppp", word.escape_debug())
                })?,
        ),
    };
    let explanation = server.explain(&Question {
        user: &asked.user,
        number: asked.number.as_deref(),
        line: asked.line.as_deref(),
        from: asked.from.as_deref(),
        at,
        service,
        proves: !asked.unproved,
        // The server puts its own in their place.
        counters: Counters::default(),
        marked: Marked::default(),
    });
    serde_json::to_value(explanation).map_err(|e| format!("writing JSON: {e}"))
}

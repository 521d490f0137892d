//! Charts: each a table of its values, with the bars drawn beside them as SVG.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Response;
use maud::{Markup, html};

use super::{failed, framed, lasted, local, moment};
use crate::clock;
use crate::web::Site;
use crate::web::api::{self, Span, blocking};
use crate::web::guard::Actor;
use crate::web::sums::{Column, Sums};

/// Spans that are offered.
const SPANS: [(&str, &str); 5] =
    [("24h", "a day"), ("7d", "a week"), ("30d", "a month"), ("365d", "a year"), ("", "all")];

/// The span that is shown unless another is asked for.
const USUAL: &str = "24h";

/// A day. Columns of whole days have no time in their labels.
const DAY_MS: i64 = 24 * 3_600_000;

/// Bars of users, at most.
const USERS: usize = 12;

/// `GET /charts`
pub(super) async fn page(
    State(site): State<Arc<Site>>,
    Extension(actor): Extension<Actor>,
    uri: Uri,
) -> Response {
    let asked = match api::query::<Span>(&uri) {
        Ok(asked) => asked,
        Err(fault) => return failed(&actor, &fault),
    };
    let all = uri.query().is_some_and(|query| query.contains("since="));
    let since = asked.since.clone().or_else(|| (!all).then(|| USUAL.to_owned()));
    let span = Span { since: since.clone(), until: asked.until };
    let currency = site.currency.clone();
    let sums = match blocking(move || api::read_sums(&site, &span)).await {
        Ok(sums) => sums,
        Err(fault) => return failed(&actor, &fault),
    };
    let content = html! {
        h1 { "Charts" }
        ul .spans aria-label="Span" {
            @for (word, name) in SPANS {
                @let chosen = since.as_deref().unwrap_or_default() == word;
                li { a href=(format!("/charts?since={word}")) aria-current=[chosen.then_some("true")] { (name) } }
            }
        }
        div #charts .charts data-src=(uri) data-on="ended" { (charts(&sums, &currency)) }
    };
    framed(&actor, "/charts", "Charts", &content)
}

fn charts(sums: &Sums, currency: &str) -> Markup {
    let share = |part: u64| (part * 100).checked_div(sums.calls).unwrap_or(0);
    html! {
        dl .numbers {
            div { dt { "Calls" } dd #sum-calls { (sums.calls) } }
            div { dt { "Came in" } dd #sum-requests { (sums.requests) } }
            div { dt { "Went out" } dd #sum-returns { (sums.returns) } }
            div { dt { "Connected" } dd { (share(sums.connected)) " %" } }
            div { dt { "Online" } dd { (lasted(sums.online_ms)) } }
            div { dt { "Median wait" } dd { (lasted(u64::try_from(sums.waits.median_ms).unwrap_or(0))) } }
        }
        @if let Some(cut) = sums.cut_ms {
            p .wide { "Older calls than those from " (moment(local(cut))) " on are not summed here: the journal has them." }
        }
        (columns(sums))
        (bars("causes", "What ended calls", "Cause", sums.causes.iter().map(|ends| Bar {
            label: ends.words.to_owned(), value: ends.count, shown: ends.count.to_string(),
        })))
        (bars("speeds", "Speeds of connections", "bit/s", sums.speeds.iter().map(|speed| Bar {
            label: speed.speed.map_or_else(|| "not told".to_owned(), |speed| speed.to_string()),
            value: speed.count, shown: speed.count.to_string(),
        })))
        (bars("waits", "Wait from hang-up to the callback's dialling", "At most", sums.waits.buckets.iter().map(|bucket| Bar {
            label: bucket.up_to_ms.map_or_else(
                || "longer".to_owned(),
                |ms| format!("up to {}", lasted(u64::try_from(ms).unwrap_or(0)).replace(".0s", "s").replace("m00s", " min")),
            ),
            value: bucket.count, shown: bucket.count.to_string(),
        })))
        (bars("money", &format!("What return calls have cost, {}", if currency.is_empty() { "by user" } else { currency }), "User",
            sums.money.users.iter().take(USERS).map(|payer| Bar {
                label: payer.user.clone(), value: payer.spent.cost,
                shown: format!("{} ({} min)", ::calls::money::shown(payer.spent.cost), payer.spent.minutes),
            })))
        @if sums.money.unknown > 0 {
            p { (sums.money.unknown) " answered calls went to numbers without a tariff." }
        }
    }
}

/// One bar with its words.
struct Bar {
    label: String,
    value: u64,
    shown: String,
}

/// Bars as a table: who can't see them reads the figures.
fn bars(id: &str, title: &str, head: &str, bars: impl Iterator<Item = Bar>) -> Markup {
    let bars: Vec<Bar> = bars.collect();
    let most = bars.iter().map(|bar| bar.value).max().unwrap_or(0).max(1);
    html! {
        section .chart id=(format!("chart-{id}")) {
            h2 { (title) }
            @if bars.iter().all(|bar| bar.value == 0) { p .none { "Nothing yet." } }
            @else {
                table .bars {
                    caption .hidden { (title) }
                    thead .hidden { tr { th scope="col" { (head) } th scope="col" { "Figure" } th scope="col" { "Bar" } } }
                    tbody {
                        @for bar in &bars {
                            tr {
                                th scope="row" { (bar.label) }
                                td .figure { (bar.shown) }
                                td .bar aria-hidden="true" {
                                    svg viewBox="0 0 1000 10" preserveAspectRatio="none" focusable="false" {
                                        rect width=(bar.value * 1000 / most) height="10" {}
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Calls by time: columns, stacked, with the same figures as a table.
fn columns(sums: &Sums) -> Markup {
    let most = sums.columns.iter().map(|column| column.requests + column.returns).max();
    let most = most.unwrap_or(0).max(1);
    let count = u64::try_from(sums.columns.len()).unwrap_or(1).max(1);
    let hour = sums.column_ms == 3_600_000;
    let timed = sums.column_ms % DAY_MS != 0;
    let title = if hour {
        "Calls per hour".to_owned()
    } else {
        format!("Calls per {} hours", sums.column_ms / 3_600_000)
    };
    let height = |value: u64| value * 200 / most;
    let spoken =
        format!("{title}: {count} columns, at most {most}. The table below has the figures.");
    html! {
        section .chart .wide #chart-columns {
            h2 { (title) }
            svg .columns viewBox=(format!("0 0 {} 200", count * 20)) preserveAspectRatio="none" role="img" aria-label=(spoken) {
                @for (place, column) in (0u64..).zip(&sums.columns) {
                    @let x = place * 20 + 2;
                    @let (one, two) = (height(column.requests), height(column.returns));
                    g {
                        rect .in x=(x) y=(200 - one) width="16" height=(one) {}
                        rect .out x=(x) y=(200 - one - two) width="16" height=(two) {}
                    }
                }
            }
            p .legend aria-hidden="true" {
                span { (sums.columns.first().map(|column| label(column, timed)).unwrap_or_default()) }
                span { (sums.columns.last().map(|column| label(column, timed)).unwrap_or_default()) }
            }
            p .legend .keys aria-hidden="true" {
                span { i .in {} " came in" } span { i .out {} " went out" } span { "highest column: " (most) }
            }
            details {
                summary { "Figures" }
                table {
                    caption .hidden { (title) }
                    thead { tr { th scope="col" { "From" } th scope="col" { "Came in" } th scope="col" { "Went out" } } }
                    tbody {
                        @for column in &sums.columns {
                            tr { th scope="row" { (label(column, timed)) } td .figure { (column.requests) } td .figure { (column.returns) } }
                        }
                    }
                }
            }
        }
    }
}

/// When a column begins.
fn label(column: &Column, timed: bool) -> String {
    let text = clock::written_short(local(column.from_ms));
    let (day, time) = text.split_once(' ').unwrap_or((text.as_str(), ""));
    match timed {
        true => format!("{day} {}", time.get(..5).unwrap_or(time)),
        false => day.to_owned(),
    }
}

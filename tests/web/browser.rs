//! The pages in Chromium: a callback runs while the page is open.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};

use crate::rig::Rig;
use crate::webdriver::{Browser, missing};

/// Where screens are kept for people to look at.
pub(crate) fn screens(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/screens").join(name)
}

const DESKTOP: (u32, u32) = (1280, 800);
const PHONE: (u32, u32) = (390, 844);

/// axe-core, which ./run-tests fetches from npm and checks.
fn axe(test: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/axe/package/axe.min.js");
    match std::fs::read_to_string(&path) {
        Ok(script) => Some(script),
        Err(e) => {
            let gone = format!("{}: {e}", path.display());
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{test}: needs {gone}");
            println!("{test}: accessibility is not looked at, because {gone}");
            None
        }
    }
}

/// Nothing that WCAG 2.1 AA asks for is missing on this page.
fn accessible(browser: &Browser, axe: Option<&str>, page: &str) {
    let Some(axe) = axe else { return };
    // By the developer tools, past the page's own policy on scripts.
    browser.tools("Runtime.evaluate", &json!({ "expression": axe }));
    let found = browser.run_to_its_end(
        "const done = arguments[arguments.length - 1];
         axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] })
            .then((r) => done(r.violations.map((v) => [v.id, v.help, v.nodes.map((n) => n.html + n.failureSummary)])));",
    );
    assert_eq!(found, json!([]), "{page}: {found:#}");
}

/// What the tile of each line has shown since the page was opened.
const WATCH: &str = "
    window.opened = Math.random();
    window.seen = { main: [], second: [] };
    for (const line of ['main', 'second']) {
        const tile = document.querySelector(`[data-line=${line}]`);
        new MutationObserver(() => window.seen[line].push(tile.dataset.state))
            .observe(tile, { attributes: true, attributeFilter: ['data-state'] });
    }
    return window.opened;";

#[test]
fn a_callback_is_seen_on_the_open_page_and_told_as_a_story_and_in_sums() {
    let test = "the dashboard in a browser";
    if missing(test) {
        return;
    }
    let axe = axe(test);
    let rig = Rig::start();
    let browser = Browser::start();
    let home = format!("http://{}/", rig.address);
    browser.look(DESKTOP, "light");
    browser.go(&home);
    browser.until("return document.querySelector('#server').textContent === 'live'");
    let opened = browser.run(WATCH);

    let mut caller = rig.caller();
    caller.say("ATDT5550100\r", "ogin: ");
    browser.until("return document.querySelector('[data-line=main]').dataset.state === 'online'");
    caller.say("fixed\r", "NO CARRIER");
    browser.until("return document.querySelector('[data-promise=p1] [data-due]') !== null");
    browser.picture(&screens("desktop-light.png"));
    accessible(&browser, axe.as_deref(), "the first page, a promise on it");
    caller.until("RING");
    caller.say("ATA\r", "ogin: ");
    browser.until("return document.querySelector('[data-line=second]').dataset.state === 'online'");
    browser.look(PHONE, "dark");
    browser.picture(&screens("phone-dark.png"));
    caller.say("hello\r", "hello from a program");
    caller.until("NO CARRIER");
    browser.until("return document.querySelectorAll('#calls tbody tr').length === 2");
    browser.until("return document.querySelector('[data-line=second]').dataset.state === 'idle'");

    browser
        .until("return document.querySelector('#budgets').innerText.includes('0.25 of 0.50 EUR')");
    browser.picture(&screens("budget-phone-dark.png"));
    accessible(&browser, axe.as_deref(), "the first page with a budget, on a phone");

    assert_eq!(browser.run("return window.opened"), opened, "it was not loaded anew");
    let seen = browser.run("return window.seen");
    let in_order = |line: &str, wanted: &[&str]| {
        let seen: Vec<&str> =
            seen[line].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let mut rest = seen.iter();
        let all = wanted.iter().all(|state| rest.any(|other| other == state));
        assert!(all, "{line}: {wanted:?} in {seen:?}");
    };
    // Hanging up is over in some milliseconds at the town's speed, and is seen all the same.
    in_order("main", &["answering", "online", "hanging-up", "idle"]);
    in_order("second", &["dialling", "online", "hanging-up", "idle"]);

    story_and_sums(&browser, &rig, axe.as_deref());
    orders(&browser, &rig, axe.as_deref());
}

fn story_and_sums(browser: &Browser, rig: &Rig, axe: Option<&str>) {
    let page = |path: &str| format!("http://{}{path}", rig.address);
    browser.look(DESKTOP, "light");
    browser.go(&page("/calls/c1"));
    let story = browser.run("return document.querySelector('main').innerText");
    let story = story.as_str().unwrap();
    for wanted in [
        "c1 came in",
        "c2 went out",
        "hung up to call back",
        "the caller was done",
        "CONNECT 33600",
        "promised p1",
        "login.config:1",
        "0.25 EUR for 1 min",
    ] {
        assert!(story.contains(wanted), "{wanted}: {story}");
    }
    assert_eq!(browser.run("return document.querySelectorAll('.leg').length"), 2);
    browser.picture(&screens("story-light.png"));
    accessible(browser, axe, "a story");

    browser.go(&page("/charts"));
    let sum = |id: &str| browser.run(&format!("return document.querySelector('{id}').textContent"));
    assert_eq!(
        (sum("#sum-calls"), sum("#sum-requests"), sum("#sum-returns")),
        (json!("2"), json!("1"), json!("1"))
    );
    let figures = |chart: &str| {
        let script = format!(
            "return [...document.querySelectorAll('#chart-{chart} tbody tr')]
                .map((row) => [...row.querySelectorAll('th, .figure')].map((cell) => cell.textContent))"
        );
        browser.run(&script)
    };
    let columns = figures("columns");
    let total = |place: usize| -> u64 {
        let rows = columns.as_array().unwrap();
        rows.iter().map(|row| row[place].as_str().unwrap().parse::<u64>().unwrap()).sum()
    };
    assert_eq!((total(1), total(2)), (1, 1), "{columns}");
    assert_eq!(figures("causes").as_array().unwrap().len(), 2);
    assert_eq!(figures("speeds"), json!([["33600", "2"]]));
    assert_eq!(figures("money"), json!([["fixed", "0.25 (1 min)"]]));
    browser.picture(&screens("charts-light.png"));
    accessible(browser, axe, "charts");
    for (size, scheme, name) in
        [(DESKTOP, "dark", "charts-dark.png"), (PHONE, "light", "charts-phone.png")]
    {
        browser.look(size, scheme);
        browser.picture(&screens(name));
    }
    accessible(browser, axe, "charts on a phone");
    browser.look(DESKTOP, "dark");
    for (path, name) in [
        ("/calls", "calls-dark.png"),
        ("/policy?user=fixed", "policy-dark.png"),
        ("/audit", "audit-dark.png"),
    ] {
        browser.go(&page(path));
        browser.picture(&screens(name));
        accessible(browser, axe, path);
    }
}

/// Refused without a token, done with one.
fn orders(browser: &Browser, rig: &Rig, axe: Option<&str>) {
    let home = format!("http://{}/", rig.address);
    browser.go(&home);
    assert_eq!(browser.run("return document.querySelectorAll('form[data-order]').length"), 0);
    let refused = browser.run_to_its_end(
        "const done = arguments[arguments.length - 1];
         fetch('/api/v1/lines/main/busy-out', { method: 'POST' }).then((answer) => done(answer.status));",
    );
    assert_eq!(refused, 401, "an order without a token");
    browser.go(&format!("{home}login"));
    accessible(browser, axe, "the page to log in");
    browser.run(&format!(
        "document.querySelector('#token').value = '{}';
         document.querySelector('.entry').requestSubmit();",
        rig.token
    ));
    browser.until(
        "return document.querySelector('[data-line=main] form[data-order=busy-out]') !== null",
    );
    browser.until("return document.querySelector('#server').textContent === 'live'");
    accessible(browser, axe, "the first page with orders");
    browser.run(
        "document.querySelector('[data-line=main] details').open = true;
         document.querySelector('[data-line=main] form[data-order=busy-out] button').click();",
    );
    browser.until("return document.querySelector('#answer').textContent.includes('done')");
    browser
        .until("return document.querySelector('[data-line=main]').dataset.state === 'busied-out'");
    browser.until(
        "return document.querySelector('#events').innerText.includes('ops (web, 127.0.0.1)')",
    );
    browser.picture(&screens("orders-dark.png"));
    browser.look(PHONE, "light");
    browser.picture(&screens("phone-light.png"));
}

/// Ten thousand calls, written as the server writes them, are on disk before anything is started.
#[test]
fn the_first_paint_comes_within_300_ms_and_the_page_stays_small_with_ten_thousand_calls_in_the_store()
 {
    if missing("the first paint") {
        return;
    }
    let rig = Rig::start();
    fill(&rig, 10_000);
    let browser = Browser::start();
    browser.look(DESKTOP, "light");
    let home = format!("http://{}/", rig.address);
    // What is measured is the page, and neither the browser's own first steps nor what else a machine does: of five the
    // best.
    browser.go(&home);
    let mut paints: Vec<f64> = (0..5)
        .map(|_| {
            browser.go(&home);
            browser.until(
                "return performance.getEntriesByName('first-contentful-paint').length === 1",
            );
            assert_eq!(
                browser.run("return document.querySelectorAll('#calls tbody tr').length"),
                12
            );
            let paint = browser
                .run("return performance.getEntriesByName('first-contentful-paint')[0].startTime");
            paint.as_f64().unwrap()
        })
        .collect();
    paints.sort_by(f64::total_cmp);
    let began = Instant::now();
    let sums = rig.get("/api/v1/sums").json();
    println!("first paint {paints:?} ms; sums of {} calls in {:?}", sums["calls"], began.elapsed());
    assert_eq!(sums["calls"], 10_000);
    assert!(paints[0] < 300.0, "{paints:?} ms");
    // Ten thousand calls in the store are not on the page.
    let page = rig.get("/").body.len();
    assert!(page < 32 * 1024, "the page has {page} octets");
}

/// Puts records of past calls into the store.
fn fill(rig: &Rig, count: i64) {
    let mut store = rusqlite::Connection::open(rig.folder.join("state/journal.db")).unwrap();
    store.busy_timeout(crate::http::PATIENCE).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_millis()).unwrap();
    let transaction = store.transaction().unwrap();
    for call in 1..=count {
        let began = now - (count - call) * 5_000;
        let (leg, cause) =
            if call % 2 == 0 { ("return", "user-request") } else { ("request", "callback") };
        let record = json!({
            "call": call, "session": (call + 1) / 2, "line": "main", "leg": leg,
            "began": { "unix_ms": began, "offset_s": 0 }, "connected": { "unix_ms": began + 900, "offset_s": 0 },
            "ended": { "unix_ms": began + 4_000, "offset_s": 0 }, "caller_id": "5550199", "number": "5550100",
            "connect": "33600", "speed": 33600, "name": "alice", "action": "callback", "status": null,
            "promise": null, "rule": "login.config:1", "cause": cause, "total_ms": 4_000, "online_ms": 3_100,
            "bytes_in": 100, "bytes_out": 2_000,
        });
        transaction
            .execute(
                "INSERT INTO records (call, line, ended, record) VALUES (?1, 'main', ?2, ?3)",
                (call, began + 4_000, record.to_string()),
            )
            .unwrap();
    }
    transaction.commit().unwrap();
}

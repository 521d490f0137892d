//! Pages with much on them, with nothing on them, and without a server: everything is on the page, nothing is cut.

use serde_json::json;

use crate::browser::screens;
use crate::rig::Rig;
use crate::webdriver::{Browser, missing};

/// Forty lines, as the stream tells of them: names, states and users of every length.
const FORTY: &str = "
    const states = ['idle', 'online', 'ringing', 'faulted', 'busied-out', 'dialling', 'hanging-up', 'measuring'];
    const user = 'a-user-whose-name-nobody-wanted-to-type-but-somebody-had-to@branch-office.example.org';
    const at = { unix_ms: Date.now(), offset_s: 0 };
    const lines = Array.from({ length: 40 }, (_, n) => {
        const state = states[n % states.length];
        const who = `out · ${n % 3 ? 'alice' : user} · 33600/ARQ/V34/LAPM/V42BIS`;
        return {
            line: n % 7 ? `line-${n}` : `the-line-of-the-branch-office-behind-the-hill-${n}`,
            number: '+49891234567' + n, state, since_ms: at.unix_ms - n * 100000,
            detail: state === 'faulted' ? 'the modem does not answer: no OK within 2.0s, tried 3 times' : null,
            call: state === 'online' ? { call: n, who } : null,
        };
    });
    const promises = [1, 2, 3].map((n) => ({
        promise: n, user: n === 2 ? user : 'alice', numbers: ['+4989123456789', '+4930987654321'].slice(0, n),
        state: 'waiting', failed: n, tries: 3, due_ms: at.unix_ms + n * 60000,
    }));
    stands({ at, lines, promises }, true);";

/// Nothing is wider than the window, and no text of a tile or a cell is wider than what it stands in.
fn fits(browser: &Browser, what: &str) {
    let wide = browser.run(
        "const wide = [...document.querySelectorAll('.tile p, .calls td, .stacked td, h1:not(.hidden), h2, .budgets li')]
             .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0)
             .map((one) => one.outerHTML.slice(0, 160));
         if (document.documentElement.scrollWidth > innerWidth) wide.push(`the page: ${document.documentElement.scrollWidth}`);
         return wide;",
    );
    assert_eq!(wide, json!([]), "{what}");
}

#[test]
fn forty_lines_and_long_names_fit_on_every_window_and_a_server_that_has_gone_is_told() {
    if missing("the dashboard's layout") {
        return;
    }
    let mut rig = Rig::start();
    let browser = Browser::start();
    let home = format!("http://{}/", rig.address);
    for (size, scheme, name) in [
        ((1440, 900), "light", "forty-1440.png"),
        ((1280, 800), "dark", "forty-desktop-dark.png"),
        ((390, 844), "light", "forty-phone.png"),
    ] {
        browser.look(size, scheme);
        browser.go(&home);
        browser.until("return document.querySelector('#server').textContent === 'live'");
        fits(&browser, "nothing has happened yet");
        browser.run(FORTY);
        assert_eq!(browser.run("return document.querySelectorAll('.tile').length"), 40, "{name}");
        browser.picture(&screens(name));
        fits(&browser, name);
    }
    for path in ["calls", "charts", "policy", "audit"] {
        browser.go(&format!("{home}{path}"));
        fits(&browser, path);
    }
    browser.picture(&screens("empty-phone.png"));

    browser.look((1440, 900), "dark");
    browser.go(&home);
    browser.until("return document.querySelector('#server').textContent === 'live'");
    rig.end_server();
    browser.until("return document.querySelector('#server').textContent === 'server not running'");
    browser.go(&home);
    browser.until("return document.querySelector('#notices .fault') !== null");
    let said = browser.run("return document.querySelector('main').innerText");
    assert!(!said.as_str().unwrap().contains("Nobody is owed"), "who knows? {said}");
    browser.picture(&screens("gone-1440.png"));
}

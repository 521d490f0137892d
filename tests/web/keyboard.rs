//! The pages by the keyboard alone, and without a script.

use serde_json::{Value, json};

use crate::rig::Rig;
use crate::webdriver::{Browser, missing};

/// Keys that are pressed: name, what they type, their number.
const TAB: (&str, &str, u32) = ("Tab", "", 9);
const ENTER: (&str, &str, u32) = ("Enter", "\r", 13);
const SPACE: (&str, &str, u32) = (" ", " ", 32);

/// More stops than any of these pages has.
const STOPS: usize = 80;

fn press(browser: &Browser, (key, text, number): (&str, &str, u32)) {
    for kind in ["keyDown", "keyUp"] {
        let mut event =
            json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": number });
        if kind == "keyDown" && !text.is_empty() {
            event["text"] = json!(text);
        }
        browser.tools("Input.dispatchKeyEvent", &event);
    }
}

/// Presses Tab until a script says that the right thing has the focus.
fn tab_to(browser: &Browser, is_it: &str) {
    for _ in 0..STOPS {
        press(browser, TAB);
        if browser.run(&format!("const at = document.activeElement; return {is_it}")) == json!(true)
        {
            return;
        }
    }
    panic!("Tab never comes to {is_it}");
}

fn ready(browser: &Browser, rig: &Rig) {
    browser.go(&format!("http://{}/", rig.address));
    browser.until("return document.querySelector('#server').textContent === 'live'");
}

/// Every control is reached, in the order of the page, and shows that it has the focus.
fn every_stop(browser: &Browser) {
    browser.run(
        "window.controls = [...document.querySelectorAll('a[href], button, input, select, summary')]
             .filter((one) => one.type !== 'hidden' && one.checkVisibility());
         window.stops = [];",
    );
    for _ in 0..STOPS {
        press(browser, TAB);
        let stop = browser.run(
            "const at = document.activeElement;
             if (at === document.body || window.stops.includes(at)) return null;
             const before = window.stops.at(-1);
             window.stops.push(at);
             const style = getComputedStyle(at);
             return {
                 what: at.outerHTML.slice(0, 120),
                 seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
                 after: !before || Boolean(before.compareDocumentPosition(at) & Node.DOCUMENT_POSITION_FOLLOWING),
             };",
        );
        if stop == Value::Null {
            break;
        }
        assert_eq!((&stop["seen"], &stop["after"]), (&json!(true), &json!(true)), "{stop}");
    }
    let first = browser.run("return window.stops[0].className");
    assert_eq!(first, "skip", "the way past the navigation comes first");
    let missed = browser.run(
        "return window.controls.filter((one) => !window.stops.includes(one)).map((one) => one.outerHTML)",
    );
    assert_eq!(missed, json!([]), "not reached by Tab");
}

#[test]
fn a_line_is_hung_up_by_the_keyboard_alone_and_the_focus_stays_where_it_is() {
    if missing("the dashboard by keyboard") {
        return;
    }
    let rig = Rig::start();
    let browser = Browser::start();
    browser.look((1440, 900), "light");
    browser.go(&format!("http://{}/login", rig.address));
    tab_to(&browser, "at.id === 'token'");
    browser.tools("Input.insertText", &json!({ "text": rig.token }));
    press(&browser, ENTER);
    browser.until("return document.querySelector('[data-line=main] form') !== null");
    ready(&browser, &rig);
    every_stop(&browser);

    ready(&browser, &rig);
    press(&browser, TAB);
    press(&browser, ENTER);
    assert_eq!(browser.run("return location.hash"), "#main", "the way past the navigation");

    let mut caller = rig.caller();
    caller.say("ATDT5550100\r", "ogin: ");
    browser.until("return document.querySelector('[data-line=main]').dataset.state === 'online'");
    tab_to(&browser, "at.matches('[data-line=main] summary')");
    press(&browser, SPACE);
    browser.until("return document.querySelector('[data-line=main] details').open");
    let hang_up = "at.matches('[data-line=main] [data-order=hangup] button')";
    tab_to(&browser, hang_up);
    press(&browser, ENTER);
    caller.until("NO CARRIER");
    browser.until("return document.querySelector('#answer').textContent.includes('done')");
    browser.until("return document.querySelector('[data-line=main]').dataset.state === 'idle'");
    let stays = format!("const at = document.activeElement; return {hang_up}");
    assert_eq!(browser.run(&stays), true, "the focus after the line was drawn anew");
    browser.picture(&crate::browser::screens("keyboard-1440.png"));

    // The table of calls comes anew from the server when a call ends.
    browser.until("return document.querySelectorAll('#calls tbody tr').length === 1");
    tab_to(&browser, "at.matches('#calls a[href=\"/calls/c1\"]')");
    caller.is_nobody("nosuch");
    browser.until("return document.querySelectorAll('#calls tbody tr').length === 2");
    assert_eq!(
        browser.run("return document.activeElement.getAttribute('href')"),
        "/calls/c1",
        "the focus after the table was drawn anew"
    );
    // What is read out by itself is these three, and none of them is what changes all the time.
    let live = browser.run(
        "return [...document.querySelectorAll('[aria-live], [role=status], [role=alert], [role=log]')]
             .map((one) => one.id)",
    );
    assert_eq!(live, json!(["server", "answer", "said"]));
}

#[test]
fn without_a_script_every_page_has_its_text_and_the_rules_can_be_asked() {
    if missing("the dashboard without a script") {
        return;
    }
    let rig = Rig::start();
    let mut stream = rig.listen(None);
    rig.caller().is_nobody("nosuch");
    stream.until("ended");
    let browser = Browser::start();
    browser.look((1440, 900), "dark");
    browser.tools("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    let home = format!("http://{}", rig.address);
    let text = || {
        let found = browser.tools(
            "Runtime.evaluate",
            &json!({ "expression": "document.querySelector('main').innerText", "returnByValue": true }),
        );
        found["result"]["value"].as_str().unwrap_or_default().to_owned()
    };
    for (path, wanted) in [
        ("/", &["main", "second", "Nobody is owed a callback", "nosuch", "is ready"][..]),
        ("/calls", &["c1", "nosuch"]),
        ("/calls/c1", &["c1 came in", "nosuch"]),
        ("/charts", &["Calls per hour", "came in"]),
        ("/audit", &["Each entry follows"]),
    ] {
        browser.go(&format!("{home}{path}"));
        let shown = text();
        for word in wanted {
            assert!(shown.contains(word), "{path}: {word}: {shown}");
        }
    }
    let script = browser.tools(
        "Runtime.evaluate",
        &json!({ "expression": "document.querySelector('#theme').hidden", "returnByValue": true }),
    );
    assert_eq!(script["result"]["value"], true, "no script of ours has run");
    browser.go(&format!("{home}/policy"));
    tab_to_name(&browser);
    browser.tools("Input.insertText", &json!({ "text": "fixed" }));
    press(&browser, ENTER);
    let deadline = std::time::Instant::now() + crate::http::PATIENCE;
    while !text().contains("login.config:1") {
        assert!(std::time::Instant::now() < deadline, "no explanation: {}", text());
        crate::webdriver::pause();
    }
}

/// Past the navigation to the first field of the form.
fn tab_to_name(browser: &Browser) {
    for _ in 0..STOPS {
        press(browser, TAB);
        let at = browser.tools(
            "Runtime.evaluate",
            &json!({ "expression": "document.activeElement.name", "returnByValue": true }),
        );
        if at["result"]["value"] == "user" {
            return;
        }
    }
    panic!("Tab never comes to the form");
}

//! A browser as a client of WebDriver (W3C): as much as these tests need.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::{PATIENCE, request};

/// What a browser is made of, in Debian's packages chromium and chromium-driver.
const DRIVER: &str = "/usr/bin/chromedriver";
const CHROMIUM: &str = "/usr/bin/chromium";

/// Whether there is no browser.
pub(crate) fn missing(test: &str) -> bool {
    is_missing(test, &[DRIVER, CHROMIUM])
}

/// Whether one of these programs is missing. Then the test says so in print; with `CI=true` that is a failure.
pub(crate) fn is_missing(test: &str, programs: &[&str]) -> bool {
    let gone: Vec<&str> =
        programs.iter().copied().filter(|path| !Path::new(path).exists()).collect();
    if gone.is_empty() {
        return false;
    }
    let gone = gone.join(", ");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{test}: needs {gone}");
    println!("{test}: not run, because {gone} is missing");
    true
}

/// A browser with one window.
pub(crate) struct Browser {
    driver: Child,
    address: String,
    session: String,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let path = format!("/session/{}", self.session);
        request(&self.address, "DELETE", &path, &[], "");
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}

impl Browser {
    pub(crate) fn start() -> Self {
        // The port is free a moment ago; chromedriver can't take one by itself and say which.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let driver = Command::new(DRIVER)
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let address = format!("127.0.0.1:{port}");
        let deadline = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(&address).is_err() {
            assert!(Instant::now() < deadline, "chromedriver does not listen");
            pause();
        }
        let mut browser = Self { driver, address, session: String::new() };
        let options = json!({
            "binary": CHROMIUM,
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--force-device-scale-factor=1", "--hide-scrollbars"],
        });
        let wanted =
            json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options } } });
        let session = browser.ask("POST", "/session", &wanted);
        browser.session = session["sessionId"].as_str().unwrap().to_owned();
        browser
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let headers = [("Content-Type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = request(&self.address, method, path, &headers, &body);
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
        answer.json()["value"].clone()
    }

    fn on(&self, method: &str, what: &str, body: &Value) -> Value {
        self.ask(method, &format!("/session/{}/{what}", self.session), body)
    }

    /// A command of the developer tools.
    pub(crate) fn tools(&self, command: &str, params: &Value) -> Value {
        self.on("POST", "goog/cdp/execute", &json!({ "cmd": command, "params": params }))
    }

    pub(crate) fn go(&self, url: &str) {
        self.on("POST", "url", &json!({ "url": url }));
    }

    /// Runs a script in the page, and gives what it returns.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.on("POST", "execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The same for one that calls its last argument when it is done.
    pub(crate) fn run_to_its_end(&self, script: &str) -> Value {
        self.on("POST", "execute/async", &json!({ "script": script, "args": [] }))
    }

    /// Waits until a script returns true.
    pub(crate) fn until(&self, script: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.run(script) != json!(true) {
            let page = self.run("return document.body.innerText");
            assert!(Instant::now() < deadline, "in vain: {script}\n{page}");
            pause();
        }
    }

    /// A window of this size, light or dark.
    pub(crate) fn look(&self, (width, height): (u32, u32), scheme: &str) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.tools("Emulation.setDeviceMetricsOverride", &size);
        let scheme = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.tools("Emulation.setEmulatedMedia", &json!({ "features": scheme }));
    }

    /// What the window shows, as a PNG file.
    pub(crate) fn picture(&self, path: &Path) {
        let shot = self.tools("Page.captureScreenshot", &json!({ "format": "png" }));
        let data = shot["data"].as_str().unwrap();
        let png = data_encoding::BASE64.decode(data.as_bytes()).unwrap();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, png).unwrap();
    }
}

/// Between two questions to a browser, which has no other way to be waited for.
pub(crate) fn pause() {
    std::thread::park_timeout(Duration::from_millis(50));
}

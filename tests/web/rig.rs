//! A town with modems, a server on two of them, and the dashboard beside it: three processes of the built program.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::caller::Caller;
use crate::http::{self, Answer, Stream};

/// How much faster than telephones the town is. Each state of a line still lasts long enough to be seen.
const SCALE: u32 = 8;

/// The program.
pub(crate) fn dialback() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dialback"));
    command.stdin(Stdio::null());
    command
}

/// A process that ends with us.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// All of it.
pub(crate) struct Rig {
    _processes: Vec<Running>,
    pub(crate) folder: PathBuf,
    /// Where the dashboard listens.
    pub(crate) address: String,
    /// Lets orders through.
    pub(crate) token: String,
    caller: String,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self._processes.clear();
        drop(fs::remove_dir_all(&self.folder));
    }
}

impl Rig {
    /// Ready for calls.
    pub(crate) fn start() -> Self {
        Self::with("", |_| ())
    }

    /// With more in `[web]`, where `{folder}` is the folder, which is prepared before anything is started.
    pub(crate) fn with(web: &str, prepare: impl FnOnce(&Path)) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("dialback-web-{}-{count}", std::process::id()));
        fs::create_dir_all(folder.join("locks")).unwrap();
        prepare(&folder);
        let (exchange, ports) = exchange(&folder);
        let token = configure(&folder, &ports, web);
        let config = folder.join("dialback.toml");
        let mut serve = dialback()
            .args(["serve", "--log", "json", "--config"])
            .arg(&config)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(serve.stderr.take().unwrap()).lines().map_while(Result::ok);
        for _ in 0..2 {
            assert!(said.any(|line| line.contains("line-ready")), "a line did not come up");
        }
        // It goes on to be read, or the server's log would fill the pipe.
        std::thread::spawn(move || said.for_each(drop));
        let (web, address) = dashboard(&config);
        Self {
            _processes: vec![web, Running(serve), exchange],
            folder,
            address,
            token,
            caller: ports[2].clone(),
        }
    }

    /// The server ends; the dashboard and the town go on.
    pub(crate) fn end_server(&mut self) {
        drop(self._processes.remove(1));
    }

    pub(crate) fn caller(&self) -> Caller {
        Caller::plug_in(&self.caller)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        http::request(&self.address, "GET", path, &[], "")
    }

    /// An order, with the token.
    pub(crate) fn order(&self, path: &str, body: &str) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        http::request(&self.address, "POST", path, &headers, body)
    }

    pub(crate) fn listen(&self, after: Option<u64>) -> Stream {
        match after {
            Some(after) => Stream::open(&self.address, &[("Last-Event-ID", &after.to_string())]),
            None => Stream::open(&self.address, &[]),
        }
    }
}

/// `dialback web`, and where it listens.
fn dashboard(config: &Path) -> (Running, String) {
    let mut web =
        dialback().args(["web", "--config"]).arg(config).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(web.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_end().trim_end_matches('/').rsplit('/').next().unwrap().to_owned();
    (Running(web), address)
}

fn exchange(folder: &Path) -> (Running, Vec<String>) {
    let mut town = format!("time_scale = {SCALE}\n");
    for (name, number, port) in [
        ("office", "5550100", "rfc2217"),
        ("second", "5550101", "rfc2217"),
        ("alice", "5550199", "tcp"),
    ] {
        town.push_str(&format!(
            "[[station]]\nname = \"{name}\"\nnumber = \"{number}\"\nport = \"{port}:127.0.0.1:0\"\n"
        ));
    }
    let path = folder.join("town.toml");
    fs::write(&path, town).unwrap();
    let mut exchange = dialback()
        .args(["exchange", "--quiet", "--ports", "--config"])
        .arg(&path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(exchange.stdout.take().unwrap()).lines().map_while(Result::ok);
    let ports: Vec<String> = said
        .take(3)
        .map(|line| {
            let last = line.split_whitespace().last().unwrap_or_default().to_owned();
            last.split_once("://").map(|(_, address)| address.to_owned()).unwrap()
        })
        .collect();
    (Running(exchange), ports)
}

/// Writes the configuration; gives a token that lets orders through.
fn configure(folder: &Path, ports: &[String], web: &str) -> String {
    let root = folder.display();
    let web = web.replace("{folder}", &root.to_string());
    let made = dialback().args(["web", "token", "ops"]).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    let private = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    };
    private("tokens", &text(&made.stderr));
    private(
        "login.config",
        "fixed - - /usr/sbin/callback 5550199\nhello - - /bin/echo hello from a program\n\
         * - - /bin/false\n",
    );
    let mut config = format!(
        r#"
[server]
state_dir = "{root}/state"
control = "{root}/control.sock"
login_config = "{root}/login.config"
lock_dir = "{root}/locks"
issue = ""
user = "root"
stop_grace = "1s"

[callback]
delay = "3s"
jitter = "0s"
soonest_connect = "0s"

[site]
currency = "EUR"

[[tariff]]
per_minute = "0.25"

[[budget]]
cost = "0.50"

[web]
listen = "127.0.0.1:0"
token_file = "{root}/tokens"
{web}
"#
    );
    for (name, port, number) in [("main", &ports[0], "5550100"), ("second", &ports[1], "5550101")] {
        config.push_str(&format!(
            "[[line]]\nname = \"{name}\"\nport = \"rfc2217://{port}\"\nnumber = \"{number}\"\nhold_time = \"0s\"\n"
        ));
    }
    fs::write(folder.join("dialback.toml"), config).unwrap();
    text(&made.stdout)
}

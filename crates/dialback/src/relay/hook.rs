//! One delivery to a hook: a program that is run, or a web address that is posted to.
//!
//! Both get the same JSON. A program's environment has nothing of ours but `DIALBACK_*`; what is posted can be
//! signed: `Dialback-Signature: t=SECONDS,v1=HEX`, where HEX is HMAC-SHA256 of `SECONDS.BODY` under the secret, so
//! that nobody can make one up or use an old one again.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use calls::config::relay::{Act, Hook};
use calls::vocabulary::Entry;
use hmac::{Hmac, KeyInit, Mac};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use sys::files::{Trust, open_trusted};
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::ledger::Delivery;
use super::tls;
use crate::log::Fields;

/// A hook's secret is read up to here: HMAC makes nothing better of more.
const MAX_SECRET: u64 = 4096;

/// What is delivered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Parcel {
    /// The same for each try: `pager/1234`. Whoever gets one twice can know it by this.
    pub(crate) delivery: String,
    /// `plain`, `notice`, `warning` or `alert`.
    pub(crate) severity: String,
    /// The event in words.
    pub(crate) text: String,
    /// What it is about: `line`, `call`, `session`, `promise`, `user`, ...
    pub(crate) names: BTreeMap<String, String>,
    /// The entry of the journal.
    pub(crate) entry: serde_json::Value,
}

impl Parcel {
    /// What a receiver gets of an entry.
    pub(crate) fn of(receiver: &str, entry: &Entry, fields: &Fields) -> Self {
        let severity = serde_json::to_value(fields.severity).unwrap_or_default();
        Self {
            delivery: format!("{receiver}/{}", entry.seq.0),
            severity: severity.as_str().unwrap_or_default().to_owned(),
            text: fields.text.clone(),
            names: fields
                .names
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            entry: serde_json::to_value(entry).unwrap_or_default(),
        }
    }

    fn event(&self) -> &str {
        self.entry.get("event").and_then(serde_json::Value::as_str).unwrap_or_default()
    }
}

/// How a delivery went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It has arrived.
    Arrived,
    /// It may arrive another time.
    Failed(String),
    /// It will never arrive.
    Hopeless(String),
}

/// What delivers to one hook. Made once for each worker.
#[derive(Debug)]
pub(crate) struct Messenger {
    hook: Hook,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Run(Vec<String>),
    Post { agent: Box<Agent>, url: Address, secret: Option<Secret> },
}

/// A web address. Whoever knows that of a chat's hook may post to it, so it is told without its path, its query and
/// what stands before an `@`.
struct Address(String);

impl Address {
    /// `https://hooks.example.org`
    fn shown(&self) -> String {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("", &self.0));
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = host.rsplit('@').next().unwrap_or_default();
        format!("{scheme}://{host}")
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown())
    }
}

/// Has no `Debug` that shows it.
struct Secret(Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Messenger {
    /// Reads the secret, and sets TLS up.
    pub(crate) fn new(hook: &Hook) -> Result<Self, String> {
        let way = match &hook.act {
            Act::Run(words) => Way::Run(words.clone()),
            Act::Post { url, secret } => {
                let secret = secret.as_deref().map(secret_of).transpose()?;
                let agent = Box::new(agent(url, hook.timeout)?);
                Way::Post { agent, url: Address(url.clone()), secret }
            }
        };
        Ok(Self { hook: hook.clone(), way })
    }

    /// Delivers once. Blocks, for the hook's `timeout` at most.
    pub(crate) fn deliver(&self, delivery: &Delivery) -> Outcome {
        let Ok(parcel) = serde_json::from_str::<Parcel>(&delivery.entry) else {
            return Outcome::Hopeless("it was written by another version".to_owned());
        };
        match &self.way {
            Way::Run(words) => {
                let environment = environment(&parcel, delivery.tries);
                match run(words, &environment, delivery.entry.as_bytes(), self.hook.timeout) {
                    Ok(()) => Outcome::Arrived,
                    Err(why) => Outcome::Failed(why),
                }
            }
            Way::Post { agent, url, secret } => {
                let now_s = super::now_ms() / 1000;
                post(agent, url, secret.as_ref(), &parcel, delivery.entry.as_bytes(), now_s)
            }
        }
    }
}

fn secret_of(path: &Path) -> Result<Secret, String> {
    let file = open_trusted(path, Trust::Credential)
        .map_err(|e| format!("{e}: the hook's secret stands there"))?;
    let mut text = Vec::new();
    let read = file.take(MAX_SECRET + 1).read_to_end(&mut text);
    read.map_err(|e| format!("{}: {e}", path.display()))?;
    let fault = |what: &str| Err(format!("{}: {what}", path.display()));
    if text.len() as u64 > MAX_SECRET {
        return fault("a secret of more than 4096 octets: is it the right file?");
    }
    while text.last().is_some_and(u8::is_ascii_whitespace) {
        text.pop();
    }
    match text.len() {
        0..16 => {
            fault(&format!("a secret of {} octets can be guessed: write 16 or more", text.len()))
        }
        _ => Ok(Secret(text)),
    }
}

fn agent(url: &str, timeout: Duration) -> Result<Agent, String> {
    let mut config = Agent::config_builder()
        .timeout_global(Some(timeout))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .proxy(None)
        .user_agent(concat!("dialback/", env!("CARGO_PKG_VERSION")));
    if url.starts_with("https://") {
        let roots = tls::roots(None)?;
        let roots =
            roots.iter().map(|root| Certificate::from_der(root).to_owned()).collect::<Vec<_>>();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(tls::provider())
            .build();
        config = config.tls_config(tls);
    }
    Ok(config.build().into())
}

fn post(
    agent: &Agent,
    url: &Address,
    secret: Option<&Secret>,
    parcel: &Parcel,
    body: &[u8],
    now_s: i64,
) -> Outcome {
    let mut request = agent
        .post(&url.0)
        .header("Content-Type", "application/json")
        .header("Dialback-Delivery", &parcel.delivery)
        .header("Dialback-Event", parcel.event());
    if let Some(secret) = secret {
        request = request.header("Dialback-Signature", signature(secret, now_s, body));
    }
    let place = url.shown();
    match request.send(body) {
        Ok(response) => match response.status().as_u16() {
            200..300 => Outcome::Arrived,
            // What it says of the request will be true of the next one too; these three it says of itself.
            status @ 400..500 if ![408, 425, 429].contains(&status) => {
                Outcome::Hopeless(format!("{place} answers {status}"))
            }
            status => Outcome::Failed(format!("{place} answers {status}")),
        },
        // It would name the whole address.
        Err(ureq::Error::BadUri(_)) => Outcome::Failed(format!("{place}: not a web address")),
        Err(e) => Outcome::Failed(format!("{place}: {e}")),
    }
}

fn signature(secret: &Secret, now_s: i64, body: &[u8]) -> String {
    use std::fmt::Write as _;
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&secret.0) else { return String::new() };
    mac.update(now_s.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    let mut text = format!("t={now_s},v1=");
    for byte in mac.finalize().into_bytes() {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn environment(parcel: &Parcel, tries: u32) -> Vec<(String, String)> {
    let mut environment = vec![
        (
            "PATH".to_owned(),
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
        ),
        ("LANG".to_owned(), "C.UTF-8".to_owned()),
        ("DIALBACK_DELIVERY".to_owned(), parcel.delivery.clone()),
        ("DIALBACK_EVENT".to_owned(), parcel.event().to_owned()),
        ("DIALBACK_SEVERITY".to_owned(), parcel.severity.clone()),
        ("DIALBACK_TEXT".to_owned(), parcel.text.clone()),
        ("DIALBACK_TRY".to_owned(), (tries + 1).to_string()),
    ];
    for (name, value) in &parcel.names {
        environment.push((format!("DIALBACK_{}", name.to_ascii_uppercase()), value.clone()));
    }
    environment
}

/// Runs a program with this on its standard input. What it says goes where the relay's messages go.
pub(crate) fn run(
    words: &[String],
    environment: &[(String, String)],
    input: &[u8],
    timeout: Duration,
) -> Result<(), String> {
    let [program, arguments @ ..] = words else { return Err("there is no program".to_owned()) };
    let said = |e: std::io::Error| format!("{program}: {e}");
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        // Of its own, so that it can be killed with all that it has started.
        .process_group(0)
        .spawn()
        .map_err(said)?;
    let pid = Pid::from_child(&child);
    let ended = match (pidfd_open(pid, PidfdFlags::empty()), child.stdin.take()) {
        (Ok(handle), pipe) => attend(&handle, pipe, input, timeout),
        (Err(e), _) => Err(e.into()),
    };
    if !matches!(ended, Ok(true)) {
        // It may have gone just now.
        let _gone = kill_process_group(pid, Signal::KILL);
    }
    let status = child.wait().map_err(said)?;
    match ended {
        Ok(true) if status.success() => Ok(()),
        Ok(true) => Err(format!("{program}: {status}")),
        Ok(false) => Err(format!("{program}: did not end within {timeout:?} and was killed")),
        Err(e) => Err(said(e)),
    }
}

/// Feeds a process as fast as it reads, until it ends; whether it did in time. What it has not read by then is nobody's,
/// also where a process that it has started keeps the pipe.
fn attend(
    handle: &OwnedFd,
    mut pipe: Option<ChildStdin>,
    mut input: &[u8],
    timeout: Duration,
) -> std::io::Result<bool> {
    if let Some(pipe) = &pipe {
        rustix::io::ioctl_fionbio(pipe, true)?;
    }
    let until = std::time::Instant::now() + timeout;
    loop {
        if input.is_empty() {
            pipe = None;
        }
        let left = until.saturating_duration_since(std::time::Instant::now());
        let left = Timespec::try_from(left).map_err(std::io::Error::other)?;
        let end = PollFd::new(handle, PollFlags::IN);
        let seen = match &pipe {
            Some(pipe) => {
                let mut both = [end, PollFd::new(pipe, PollFlags::OUT)];
                poll(&mut both, Some(&left)).map(|_| both.map(|fd| !fd.revents().is_empty()))
            }
            None => {
                let mut one = [end];
                poll(&mut one, Some(&left)).map(|ready| [ready > 0, false])
            }
        };
        match (seen, &mut pipe) {
            (Ok([true, _]), _) => return Ok(true),
            (Ok([false, true]), Some(to)) => match to.write(input) {
                Ok(written) => input = input.get(written..).unwrap_or_default(),
                Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                // It has read enough, and may close.
                Err(_) => pipe = None,
            },
            (Ok([false, _]), _) => return Ok(false),
            (Err(rustix::io::Errno::INTR), _) => {}
            (Err(e), _) => return Err(e.into()),
        }
    }
}

#[cfg(test)]
mod tests;

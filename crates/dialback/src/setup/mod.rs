//! `dialback setup`: finds modems, asks who they are, proposes lines, and writes them after showing them.
//!
//! ```text
//!   places (serial devices) ─► ask (AT at each speed, then proto's interview) ─► text (tables of lines) ─► shown ─► written
//! ```
//!
//! A configuration that is there is only ever added to, and is whole at every instant: the new one is written beside it,
//! read as the server would read it, and put in its place.

mod ask;
mod places;
mod text;

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use calls::config::{Config, PortSpec, parse_port};
use serde_json::json;

pub(crate) use self::ask::{Found, Told, ask_all};
use self::text::Proposal;
use crate::config;
use crate::exit::{Code, Failure};
use crate::out::{self, Ink, Palette};

/// What the command line asks for.
#[derive(Debug)]
pub(crate) struct Wish {
    /// Ask here; empty: at all serial devices.
    pub(crate) ports: Vec<String>,
    pub(crate) config: PathBuf,
    pub(crate) lock_dir: PathBuf,
    pub(crate) yes: bool,
    /// Only look.
    pub(crate) json: bool,
}

/// Looks, asks, shows and writes.
pub(crate) fn run(wish: &Wish) -> Result<(), Failure> {
    let there = present(&wish.config)?;
    let ports = candidates(wish, there.as_ref());
    if ports.is_empty() {
        return Err(Failure::new(
            Code::Failed,
            "no serial device is left to ask: plug a modem in, or name a terminal server's port with --port",
        ));
    }
    let found = asked_all(&ports, wish)?;
    if wish.json {
        return Ok(());
    }
    let proposals: Vec<Proposal> =
        ports.iter().zip(&found).filter_map(|((port, _), found)| proposal(port, found)).collect();
    if proposals.is_empty() {
        return Err(Failure::new(
            Code::Failed,
            "no modem answered: is it switched on, and its cable a modem cable with all lines? \
             `dialback doctor` looks at the rest",
        ));
    }
    let (text, login_config) = compose(wish, there.as_ref(), &proposals);
    let whole = match &there {
        Some(_) => read(&wish.config)? + &text,
        None => text.clone(),
    };
    show(wish, there.is_some(), &text, login_config.as_deref());
    if !wish.yes && !agreed()? {
        out::line("Nothing was written.");
        return Ok(());
    }
    write(wish, &whole, login_config.as_deref())
}

/// The configuration that is there, if one is.
fn present(path: &Path) -> Result<Option<Config>, Failure> {
    if !path.exists() {
        return Ok(None);
    }
    let read = config::read(path);
    match read.config {
        Some(config) => Ok(Some(config)),
        None => Err(Failure::new(
            Code::Configuration,
            format!("{}: faulty: mend it first (dialback check)", path.display()),
        )),
    }
}

/// Ports worth asking that have no line yet, as the configuration would name them.
fn candidates(wish: &Wish, there: Option<&Config>) -> Vec<(String, PortSpec)> {
    let taken = |port: &PortSpec| {
        there.is_some_and(|config| config.lines.iter().any(|line| same(&line.port, port)))
    };
    let named: Vec<String> = if wish.ports.is_empty() {
        places::find(Path::new("/")).iter().map(|path| path.display().to_string()).collect()
    } else {
        wish.ports.clone()
    };
    named
        .into_iter()
        .filter_map(|name| parse_port(&name).ok().map(|port| (name, port)))
        .filter(|(name, port)| {
            let taken = taken(port);
            if taken {
                out::error(format_args!("{name}: has a line already"));
            }
            !taken
        })
        .collect()
}

/// Whether two names lead to the same device or place.
fn same(one: &PortSpec, other: &PortSpec) -> bool {
    match (one, other) {
        (PortSpec::Tty(one), PortSpec::Tty(other)) => {
            let device = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
            device(one) == device(other)
        }
        (one, other) => one == other,
    }
}

/// Asks at all ports at once, and tells of each as soon as it is known.
fn asked_all(ports: &[(String, PortSpec)], wish: &Wish) -> Result<Vec<Found>, Failure> {
    let json = wish.json;
    let progress = !json && io::stderr().is_terminal();
    let told = move |name: &str, what: Told<'_>| match what {
        Told::Going(what) if progress => out::error(format_args!("{name}: {what}")),
        Told::Going(_) => {}
        Told::Found(found) => tell(name, found, json),
    };
    ask_all(ports.to_vec(), &wish.lock_dir, told)
        .map_err(|e| Failure::new(Code::System, format!("setup: {e}")))
}

/// What was found on a port, in one line.
fn tell(name: &str, found: &Found, json: bool) {
    if json {
        out::line(as_json(name, found));
        return;
    }
    let palette = Palette::stdout();
    let (ink, what) = match found {
        Found::Modem { identity, speed, .. } => {
            let who = if identity.name.is_empty() { "a modem" } else { &identity.name };
            (Ink::Green, format!("{who}, at {speed} bit/s: profile {}", identity.profile))
        }
        Found::Mute => (Ink::Dim, "nobody answers AT: no modem, or switched off".to_owned()),
        Found::InUse(why) => (Ink::Yellow, format!("left alone: {why}")),
        Found::Closed(why) => (Ink::Yellow, why.clone()),
    };
    out::line(format_args!("{name}: {}", palette.paint(ink, &what)));
}

fn as_json(name: &str, found: &Found) -> serde_json::Value {
    match found {
        Found::Modem { identity, speed, carrier, lines } => json!({
            "port": name,
            "found": "modem",
            "name": identity.name,
            "profile": identity.profile,
            "because": identity.because,
            "speed": speed,
            "tells_caller": identity.tells_caller,
            "caller_id": identity.caller_id,
            "fax": identity.fax,
            "answers_by_itself": identity.answers_by_itself,
            "carrier": carrier,
            "control_lines": lines,
        }),
        Found::Mute => json!({"port": name, "found": "nobody"}),
        Found::InUse(why) => json!({"port": name, "found": "in-use", "why": why}),
        Found::Closed(why) => json!({"port": name, "found": "closed", "why": why}),
    }
}

fn proposal(port: &str, found: &Found) -> Option<Proposal> {
    match found {
        Found::Modem { identity, speed, carrier, lines } => Some(Proposal {
            port: port.to_owned(),
            speed: *speed,
            identity: (**identity).clone(),
            carrier: *carrier,
            lines: *lines,
        }),
        Found::Mute | Found::InUse(_) | Found::Closed(_) => None,
    }
}

/// The text to write, and the login.config to write beside it if there is none.
fn compose(
    wish: &Wish,
    there: Option<&Config>,
    proposals: &[Proposal],
) -> (String, Option<PathBuf>) {
    match there {
        Some(config) => {
            let taken: Vec<String> = config.lines.iter().map(|line| line.name.clone()).collect();
            (text::lines(proposals, &text::names(&taken, proposals.len())), None)
        }
        None => {
            let login_config = wish.config.with_file_name("login.config");
            let whole = text::whole(proposals, &text::names(&[], proposals.len()), &login_config);
            (whole, (!login_config.exists()).then_some(login_config))
        }
    }
}

fn show(wish: &Wish, added: bool, text: &str, login_config: Option<&Path>) {
    let palette = Palette::stdout();
    let head = |what: &str, path: &Path| {
        out::line(palette.paint(Ink::Cyan, &format!("\n--- {what}{}", path.display())));
    };
    head(if added { "at the end of " } else { "" }, &wish.config);
    out::line(text.trim());
    if let Some(path) = login_config {
        head("", path);
        out::line(text::LOGIN_CONFIG.trim());
    }
    out::line("");
}

/// Asks the person at the terminal.
fn agreed() -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new(
            Code::Usage,
            "nothing was written: there is nobody to ask; add --yes to write it",
        ));
    }
    out::error_text("Write it? [y/N] ");
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|e| Failure::new(Code::InputOutput, format!("standard input: {e}")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path)
        .map_err(|e| Failure::new(Code::InputOutput, format!("{}: {e}", path.display())))
}

/// Writes the new configuration beside the old one, reads it as the server would, and puts it in its place.
fn write(wish: &Wish, whole: &str, login_config: Option<&Path>) -> Result<(), Failure> {
    let failed = |path: &Path, e: &io::Error| {
        Failure::new(Code::InputOutput, format!("{}: {e}", path.display()))
    };
    if let Some(folder) = wish.config.parent() {
        fs::create_dir_all(folder).map_err(|e| failed(folder, &e))?;
    }
    if let Some(path) = login_config {
        create(path, text::LOGIN_CONFIG).map_err(|e| failed(path, &e))?;
    }
    let mut name = wish.config.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = wish.config.with_file_name(name);
    // What an earlier run left when it was interrupted.
    match fs::remove_file(&new) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed(&new, &e)),
        Ok(()) | Err(_) => {}
    }
    create(&new, whole).map_err(|e| failed(&new, &e))?;
    if let Ok(old) = fs::metadata(&wish.config) {
        // A server that is not root reads it by its group. Owner first: a change of owner takes bits away.
        chown(&new, Some(old.uid()), Some(old.gid())).map_err(|e| failed(&new, &e))?;
        let mode = old.permissions().mode();
        fs::set_permissions(&new, fs::Permissions::from_mode(mode))
            .map_err(|e| failed(&new, &e))?;
    }
    let checked = config::read(&new);
    let rendered = checked.rendered(Palette::stdout());
    if !rendered.is_empty() {
        out::line(rendered.trim_end());
    }
    if checked.config.is_none() {
        return Err(Failure::new(
            Code::Configuration,
            format!("{}: the server could not run with it; it was not put in place", new.display()),
        ));
    }
    fs::rename(&new, &wish.config).map_err(|e| failed(&wish.config, &e))?;
    let config = wish.config.display();
    out::line(format_args!(
        "Written: {config}. Next: dialback check --config {config}, then start or reload the server."
    ));
    Ok(())
}

/// A new file for root's eyes only, on the disk when this returns.
fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_new_file_is_whose_the_old_one_was() {
        let folder = std::env::temp_dir().join(format!("dialback-setup-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let config = folder.join("dialback.toml");
        fs::write(folder.join("login.config"), "* - - /bin/true\n").unwrap();
        fs::set_permissions(folder.join("login.config"), fs::Permissions::from_mode(0o600))
            .unwrap();
        fs::write(&config, "").unwrap();
        fs::set_permissions(&config, fs::Permissions::from_mode(0o640)).unwrap();
        // Only root gives files away; for others the groups are the same, and the test shows the mode alone.
        let root = rustix::process::geteuid().is_root();
        let group = if root { 12345 } else { rustix::process::getegid().as_raw() };
        chown(&config, None, Some(group)).unwrap();
        let wish = Wish {
            ports: Vec::new(),
            config: config.clone(),
            lock_dir: "/var/lock".into(),
            yes: true,
            json: false,
        };
        write(&wish, "[server]\nlogin_config = \"login.config\"\n", None).unwrap();
        let seen = fs::metadata(&config).unwrap();
        fs::remove_dir_all(folder).unwrap();
        assert_eq!((seen.gid(), seen.mode() & 0o777), (group, 0o640));
    }
}

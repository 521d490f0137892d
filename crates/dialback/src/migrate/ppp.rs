//! pppd on dial-in lines: its options and secrets as `[ppp]` and users, where the built-in PPP can do what they ask for;
//! otherwise pppd stays, a program like any other, and the options that keep it are told.
//!
//! Options come from options, options.ttyX of each line, the entries' arguments, and the files that `file` names.

use std::path::Path;

use super::lines::Lines;
use super::login::Login;
use super::options::Wanted;
use super::{Asked, Kind, NewFile, Place, Remarks};
use crate::import::pppd::words;

/// How deep `file` may lead.
const DEEPEST: usize = 8;

/// What becomes of pppd.
#[derive(Debug, Default)]
pub(super) struct Ppp {
    pub(super) is_built_in: bool,
    pub(super) wanted: Wanted,
    /// Users with an address of their own.
    pub(super) addresses: Vec<(String, String)>,
    /// Scripts that there are: key and path.
    pub(super) scripts: Vec<(&'static str, String)>,
    /// The secrets files.
    pub(super) files: Vec<NewFile>,
}

/// Reads what pppd reads.
pub(super) fn read(asked: &Asked, lines: &Lines, login: &Login, remarks: &mut Remarks) -> Ppp {
    let entries: Vec<_> = login.entries().filter(|entry| entry.is_pppd()).collect();
    let mut ppp = Ppp::default();
    let Some(first) = entries.first() else {
        return ppp;
    };
    let mut files = vec![asked.ppp.join("options")];
    files.extend(
        lines
            .all
            .iter()
            .map(|line| asked.ppp.join(format!("options.{}", line.tty.replace('/', ".")))),
    );
    for file in &files {
        let mut all = Vec::new();
        options_of(asked, file, 0, &mut all, remarks);
        ppp.wanted.take(all);
    }
    for entry in &entries {
        let mut all = Vec::new();
        let mut args = entry.args.iter();
        while let Some(word) = args.next() {
            if word == "file" {
                let file = args.next().map(String::as_str).unwrap_or_default();
                options_of(asked, Path::new(file), 0, &mut all, remarks);
            } else {
                all.push((entry.place.clone(), word.clone()));
            }
        }
        ppp.wanted.take(all);
    }
    if ppp.wanted.local.is_none() || ppp.wanted.pool.is_empty() {
        let why = "no address for callers stands in options or in options.ttyX".to_owned();
        ppp.wanted.blockers.push((
            Place::file(&asked.ppp.join("options")),
            "addresses".to_owned(),
            why,
        ));
    }
    if !ppp.wanted.blockers.is_empty() {
        for (place, what, why) in &ppp.wanted.blockers {
            let kind = if what == "noauth" { Kind::Weak } else { Kind::Changed };
            remarks.add(place.clone(), kind, what.clone(), format!("{why}: pppd serves PPP as before, with its own files; PPP callers can't be called back"));
        }
        return ppp;
    }
    ppp.secrets(asked, remarks);
    if ppp.files.is_empty() {
        let why = "there is no secret that callers could prove: pppd serves PPP as before";
        remarks.add(Place::file(&asked.ppp.join("chap-secrets")), Kind::Changed, "secrets", why);
        return ppp;
    }
    ppp.is_built_in = true;
    let why = "the built-in PPP serves the callers, over a TUN device: CHAP, MS-CHAP 2 and PAP as there are secrets, and callback by CBCP for users with numbers. ppp interfaces are named dialback0, dialback1";
    remarks.add(first.place.clone(), Kind::Changed, "pppd", why);
    for (key, script) in [("ip_up", "ip-up"), ("ip_down", "ip-down")] {
        let path = asked.ppp.join(script);
        if asked.root.owner(&path).is_some_and(|(_, mode)| mode & 0o100 != 0) {
            ppp.scripts.push((key, path.display().to_string()));
        }
    }
    ppp
}

/// The words of an options file, and of those that it names.
fn options_of(
    asked: &Asked,
    path: &Path,
    depth: usize,
    all: &mut Vec<(Place, String)>,
    remarks: &mut Remarks,
) {
    let Some(text) = asked.root.text(path) else { return };
    let read = match words(&text) {
        Ok(read) => read,
        Err(why) => {
            remarks.add(Place::file(path), Kind::Decide, "options", format!("{why}: not read"));
            return;
        }
    };
    let mut read = read.into_iter();
    while let Some((line, word)) = read.next() {
        if word == "file" && depth < DEEPEST {
            let file = read.next().map(|(_, file)| file).unwrap_or_default();
            options_of(asked, Path::new(&file), depth + 1, all, remarks);
        } else {
            all.push((Place::line(path, line), word));
        }
    }
}

/// Whether bytes were not UTF-8 when the line was read.
fn is_spoiled(line: &str) -> bool {
    line.contains(char::REPLACEMENT_CHARACTER)
}

impl Ppp {
    /// chap-secrets and pap-secrets, without what is for our own calls to others.
    fn secrets(&mut self, asked: &Asked, remarks: &mut Remarks) {
        for name in ["chap-secrets", "pap-secrets"] {
            let path = asked.ppp.join(name);
            let Some(text) = asked.root.text(&path) else { continue };
            let mut lines = Vec::new();
            let mut usable = false;
            for (number, line) in (1..).zip(text.lines()) {
                let place = Place::line(&path, number);
                match self.secret(line, &place, remarks) {
                    Some(line) => {
                        usable |= !line.trim_start().starts_with('#') && !line.trim().is_empty();
                        lines.push(line);
                    }
                    None if is_spoiled(line) => {
                        // Half of a secret is one's too.
                        let client = line.split_whitespace().next().unwrap_or_default();
                        lines.push(format!("# {client}"));
                    }
                    None => lines.push(format!("# {line}")),
                }
            }
            let text = if usable { lines.join("\n") + "\n" } else { String::new() };
            self.files.push(NewFile { name: name.to_owned(), text, secret: true });
        }
        // chap-secrets is what [ppp] names, so it has to be there, if only empty.
        self.files.retain(|file| !file.text.is_empty() || file.name == "chap-secrets");
        if self.files.iter().all(|file| file.text.is_empty()) {
            self.files.clear();
        } else if !self.files.iter().any(|file| file.name == "chap-secrets") {
            let name = "chap-secrets".to_owned();
            self.files.push(NewFile { name, text: String::new(), secret: true });
        }
    }

    /// A line as it goes into our file; `None`: left out.
    fn secret(&mut self, line: &str, place: &Place, remarks: &mut Remarks) -> Option<String> {
        let Ok(words) = words(line) else { return Some(line.to_owned()) };
        let words: Vec<&str> = words.iter().map(|(_, word)| word.as_str()).collect();
        let [client, server, secret, rest @ ..] = words.as_slice() else {
            return Some(line.to_owned());
        };
        let who = format!("{client}'s secret");
        if is_spoiled(line) {
            let why = "it is not UTF-8, in which all our files are: left out; write it anew, as its user types it";
            remarks.add(place.clone(), Kind::Decide, who, why);
            return None;
        }
        if let [address] = rest {
            match *address {
                "*" => {}
                "-" => {
                    let why = "no address is allowed, so that pppd lets nobody in by it: left out";
                    remarks.add(place.clone(), Kind::Changed, who, why);
                    return None;
                }
                address if address.parse::<std::net::Ipv4Addr>().is_ok() && *client != "*" => {
                    self.addresses.push(((*client).to_owned(), address.to_owned()));
                }
                address => {
                    let why = format!(
                        "the addresses {address} are not kept for this name: it gets one of the pool"
                    );
                    remarks.add(place.clone(), Kind::Changed, who.clone(), why);
                }
            }
        }
        if secret.is_empty() {
            let why = "the empty secret lets everybody in who gives this name: left out";
            remarks.add(place.clone(), Kind::Safer, who, why);
            return None;
        }
        match &self.wanted.name {
            Some(name) if server == name => {
                let quoted =
                    |word: &str| format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""));
                Some(format!("{}\t*\t{}", quoted(client), quoted(secret)))
            }
            Some(_) if *server != "*" => {
                let why = format!("it is for {server} and not for this server: left out");
                remarks.add(place.clone(), Kind::Gone, who, why);
                None
            }
            Some(_) | None => Some(line.to_owned()),
        }
    }
}

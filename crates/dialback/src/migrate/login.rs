//! login.config, line by line: as it is wherever it can be, and otherwise so that callers get what they got from mgetty.
//!
//! mgetty is lenient where it should not be: what it skips, cuts or takes for something else is written down here as
//! what it did. It does not know lines and numbers; `mend` looks after those.

use std::path::PathBuf;

use super::lines::Lines;
use super::ppp::Ppp;
use super::{Asked, Kind, Place, Remarks};

/// The most arguments that mgetty hands to a program.
const MOST_ARGUMENTS: usize = 9;

/// A callback entry.
#[derive(Debug)]
pub(super) struct CallbackEntry {
    pub(super) place: Place,
    pub(super) same: bool,
    pub(super) elsewhere: bool,
    pub(super) asks: bool,
}

/// A piece of the file.
#[derive(Debug)]
pub(super) enum Piece {
    /// Comments and empty lines, as they are.
    Text(String),
    Entry(Entry),
}

/// An entry.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) place: Place,
    /// As it stands in the file.
    raw: String,
    name: String,
    /// Version 2's column.
    flag: Option<String>,
    /// userid, utmp entry.
    user: String,
    utmp: String,
    pub(super) program: String,
    pub(super) args: Vec<String>,
    changed: bool,
}

/// The file.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) path: PathBuf,
    pub(super) pieces: Vec<Piece>,
    two: bool,
    /// Version 1 as it came, version 2 as it goes.
    converted: bool,
    pub(super) callbacks: Vec<CallbackEntry>,
    /// The new text.
    pub(super) text: String,
}

/// Reads login.config.
pub(super) fn read(asked: &Asked, lines: &Lines, remarks: &mut Remarks) -> Login {
    let path = lines.login_config.clone();
    let mut login = Login {
        path: path.clone(),
        pieces: Vec::new(),
        two: false,
        converted: false,
        callbacks: Vec::new(),
        text: String::new(),
    };
    let place = Place::file(&path);
    let Some(text) = asked.root.text(&path) else {
        let why = "there is no such file, and mgetty gives everybody /bin/login: an entry says so here, because a missing file keeps dialback from starting";
        remarks.add(place, Kind::Safer, "login.config", why);
        return login;
    };
    if let Some((uid, mode)) = asked.root.owner(&path) {
        let own = rustix::process::geteuid().as_raw();
        if (uid != 0 && uid != own) || mode & 0o077 != 0 {
            let why = format!(
                "mode {mode:04o}, user {uid}: mgetty ignores the file for that and gives everybody /bin/login; its entries count from now on"
            );
            remarks.add(place.clone(), Kind::Safer, "login.config", why);
        }
    }
    let why = "a faulty, missing or open file keeps dialback from starting; mgetty falls back to /bin/login for everybody";
    remarks.add(place, Kind::Safer, "login.config", why);
    login.cut(&text, remarks);
    login.loops(remarks);
    login
}

impl Login {
    /// The pieces of the text.
    fn cut(&mut self, text: &str, remarks: &mut Remarks) {
        let mut lines = (1..).zip(text.lines());
        while let Some((number, line)) = lines.next() {
            let bare = line.trim_start();
            if bare.is_empty() || bare.starts_with('#') {
                self.pieces.push(Piece::Text(line.to_owned()));
                continue;
            }
            let (mut raw, mut whole) = (line.to_owned(), line.to_owned());
            while whole.ends_with('\\')
                && let Some((_, next)) = lines.next()
            {
                whole.pop();
                whole.push_str(next);
                raw = format!("{raw}\n{next}");
            }
            let place = Place::line(&self.path, number);
            let words: Vec<&str> = whole.split_whitespace().collect();
            match words.as_slice() {
                ["!version", version] if matches!(*version, "1" | "2") => {
                    self.two = *version == "2";
                    self.pieces.push(Piece::Text(raw));
                }
                words => match self.entry(words, &raw, &place, remarks) {
                    Some(entry) => self.pieces.push(Piece::Entry(entry)),
                    None => {
                        let why =
                            "mgetty skips this line, which makes no sense; it stays as a comment";
                        remarks.add(place, Kind::Safer, words.join(" "), why);
                        self.pieces.push(Piece::Text(commented(&raw)));
                    }
                },
            }
        }
    }

    fn entry(
        &self,
        words: &[&str],
        raw: &str,
        place: &Place,
        remarks: &mut Remarks,
    ) -> Option<Entry> {
        let (name, flag, rest) = match (self.two, words) {
            (true, [name, flag, rest @ ..]) => (name, Some((*flag).to_owned()), rest),
            (false, [name, rest @ ..]) => (name, None, rest),
            (_, _) => return None,
        };
        let [user, utmp, program, args @ ..] = rest else { return None };
        if name.starts_with('!') {
            return None;
        }
        let mut entry = Entry {
            place: place.clone(),
            raw: raw.to_owned(),
            name: (*name).to_owned(),
            flag,
            user: (*user).to_owned(),
            utmp: (*utmp).to_owned(),
            program: (*program).to_owned(),
            args: args.iter().map(|&word| word.to_owned()).collect(),
            changed: false,
        };
        if let Some(flag) = &mut entry.flag
            && !matches!(flag.as_str(), "Y" | "N" | "-")
        {
            let why = "mgetty takes anything but Y and N for both: written as -";
            remarks.add(place.clone(), Kind::Changed, format!("{name} {flag}"), why);
            "-".clone_into(flag);
            entry.changed = true;
        }
        if !entry.is_callback() && entry.args.len() > MOST_ARGUMENTS {
            let cut = entry.args.split_off(MOST_ARGUMENTS);
            let why = format!(
                "mgetty drops arguments behind the ninth (\"{}\"): left out here too",
                cut.join(" ")
            );
            remarks.add(place.clone(), Kind::Changed, entry.program.clone(), why);
            entry.changed = true;
        }
        if entry.is_callback() {
            entry.tidy_callback(remarks);
        } else if entry.user != "-" {
            let why = "the program gets the user's own groups; mgetty leaves it root's supplementary groups";
            remarks.add(place.clone(), Kind::Safer, format!("{name}, user {}", entry.user), why);
        }
        Some(entry)
    }

    /// Callback entries that would call back for ever.
    fn loops(&mut self, remarks: &mut Remarks) {
        let endless = |entry: &Entry| entry.is_callback() && entry.name.bytes().all(|b| b == b'*');
        let any = self.entries().any(|entry| endless(entry) && entry.flag.as_deref() != Some("N"));
        if any && !self.two {
            self.converted = true;
        }
        for piece in &mut self.pieces {
            let Piece::Entry(entry) = piece else { continue };
            if endless(entry) && entry.flag.as_deref() != Some("N") {
                let why = "mgetty calls every name back, also on the return call, so that nobody ever logs in: the entry counts on calls that come in only (N)";
                remarks.add(entry.place.clone(), Kind::Safer, entry.name.clone(), why);
                entry.flag = Some("N".to_owned());
                entry.changed = true;
            }
        }
        let found: Vec<CallbackEntry> =
            self.entries().filter(|entry| entry.is_callback()).map(Entry::callback).collect();
        self.callbacks = found;
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Entry(entry) => Some(entry),
            Piece::Text(_) => None,
        })
    }

    /// Whether a name that nothing else takes finds an entry on this leg.
    fn is_complete(&self, leg: &str) -> bool {
        self.entries().any(|entry| {
            entry.name.bytes().all(|b| b == b'*')
                && matches!(entry.flag.as_deref(), None | Some("-"))
                    | (entry.flag.as_deref() == Some(leg))
        })
    }
}

impl Entry {
    fn base(&self) -> &str {
        self.program.rsplit('/').next().unwrap_or_default()
    }

    fn is_callback(&self) -> bool {
        self.base() == "callback"
    }

    pub(super) fn is_pppd(&self) -> bool {
        self.base() == "pppd"
    }

    /// What callback would dial of what the caller sent, and options that only a shell has a use for.
    fn tidy_callback(&mut self, remarks: &mut Remarks) {
        let before = self.args.len();
        self.args.retain(|word| !matches!(word.as_str(), "@" | "\\I" | "\\Y" | "-V"));
        if self.args.len() != before {
            let why = "what a caller sent is not dialled: the words @, \\I and \\Y are left out, and he is asked for his number";
            remarks.add(self.place.clone(), Kind::Safer, self.name.clone(), why);
            self.changed = true;
        }
        if self.user != "-" || self.utmp != "-" {
            "-".clone_into(&mut self.user);
            "-".clone_into(&mut self.utmp);
            self.changed = true;
        }
    }

    fn callback(&self) -> CallbackEntry {
        let (mut same, mut elsewhere, mut numbers) = (false, false, 0);
        let mut rest = self.args.iter();
        while let Some(word) = rest.next() {
            match word.strip_prefix('-').map(|letters| (letters.chars().next(), letters.len())) {
                Some((Some('l'), length)) => {
                    elsewhere = true;
                    if length == 1 {
                        rest.next();
                    }
                }
                Some((Some('x' | 'm' | 's'), 1)) => drop(rest.next()),
                Some((Some(_), _)) => same |= word.contains('S'),
                Some((None, _)) | None => numbers += 1,
            }
        }
        CallbackEntry { place: self.place.clone(), same, elsewhere, asks: numbers == 0 }
    }

    fn words(&self, two: bool) -> String {
        let mut words = vec![self.name.as_str()];
        if two {
            words.push(self.flag.as_deref().unwrap_or("-"));
        }
        words.extend([self.user.as_str(), &self.utmp, &self.program]);
        words.extend(self.args.iter().map(String::as_str));
        words.join("\t")
    }
}

fn commented(raw: &str) -> String {
    raw.lines().map(|line| format!("# {line}")).collect::<Vec<_>>().join("\n")
}

/// Writes the file anew.
pub(super) fn write(mut login: Login, ppp: &Ppp, remarks: &mut Remarks) -> Login {
    let two = login.two || login.converted;
    let mut lines = Vec::new();
    if login.converted {
        lines.push("!version 2".to_owned());
    }
    let mut header = login.converted;
    for piece in &mut login.pieces {
        match piece {
            Piece::Text(text) => {
                // A version line can stand only once.
                if !(header && text.trim_start().starts_with("!version")) {
                    lines.push(text.clone());
                }
            }
            Piece::Entry(entry) => {
                header = true;
                if entry.is_pppd() && ppp.is_built_in {
                    "/usr/sbin/dialback-ppp".clone_into(&mut entry.program);
                    entry.args.clear();
                    "-".clone_into(&mut entry.user);
                    "-".clone_into(&mut entry.utmp);
                    entry.changed = true;
                }
                if entry.changed {
                    lines.push(commented(&entry.raw));
                }
                let verbatim = !entry.changed && !login.converted;
                lines.push(if verbatim { entry.raw.clone() } else { entry.words(two) });
            }
        }
    }
    if !login.is_complete("N") || !login.is_complete("Y") {
        let flag = if two { "\t-" } else { "" };
        lines.push("# mgetty gives a name that no entry matches to /bin/login. Without this line it is turned away.".to_owned());
        lines.push(format!("*{flag}\t-\t-\t/bin/login @"));
        let why = "a name without an entry is turned away here, and gets /bin/login from mgetty: an entry at the end does the same; take it out if only the others shall be served";
        remarks.add(Place::file(&login.path), Kind::Weak, "names without an entry", why);
    }
    login.text = lines.join("\n") + "\n";
    login
}

//! `dialback migrate`: a running mgetty's files, and those of its callback and pppd, as a configuration of ours; and
//! for each setting that is not simply taken over, where it stood, what became of it, and why.
//!
//! ```text
//!   inittab, units ──► gettys ─┐
//!   mgetty.config ─────────────┼─► lines ─┐
//!   callback.config ───────────┘          ├─► dialback.toml ─► accepted by `check`, or mended until it is
//!   login.config ─► entries ──► ppp ──────┘   login.config, dialin.config, issue, secrets: copies
//! ```
//!
//! The rule is: callers notice nothing. Where mgetty was weak in a way that callers depend on, the weakness is kept and
//! told; where nobody can depend on it, it is gone and that is told too. It writes no files.

mod callback;
mod gettys;
mod lines;
mod login;
mod mend;
mod options;
mod ppp;
mod reader;
mod sheet;

use std::path::{Path, PathBuf};

use serde::Serialize;

/// The largest file that is read (1 MiB): nobody's is larger, and a device must not fill the memory.
const MAX_FILE: u64 = 1024 * 1024;

/// Where the old files are.
#[derive(Debug)]
pub(crate) struct Asked {
    /// What stands before every path: a mounted disk, a backup.
    pub(crate) root: Root,
    /// mgetty's directory.
    pub(crate) mgetty: PathBuf,
    /// pppd's directory.
    pub(crate) ppp: PathBuf,
    /// init's table.
    pub(crate) inittab: PathBuf,
    /// systemd's directories of units, the strongest first.
    pub(crate) units: Vec<PathBuf>,
    /// Ports that mgetty serves though nothing tells.
    pub(crate) ports: Vec<String>,
}

/// A file system, or a copy of one below a directory.
#[derive(Clone, Debug)]
pub(crate) struct Root(pub(crate) PathBuf);

impl Root {
    fn below(&self, path: &Path) -> PathBuf {
        self.0.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// A file's text, bounded; bytes that are not UTF-8 stand in comments mostly.
    fn text(&self, path: &Path) -> Option<String> {
        use std::io::Read as _;
        let below = self.below(path);
        if !std::fs::metadata(&below).ok()?.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        std::fs::File::open(below).ok()?.take(MAX_FILE).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Why something that is there can't be read whole: a mistake would follow from taking it for missing, or its
    /// beginning for all of it.
    fn unreadable(&self, path: &Path) -> Option<String> {
        let length = std::fs::File::open(self.below(path)).and_then(|file| file.metadata());
        match length.map(|seen| seen.len()) {
            Ok(0..=MAX_FILE) => None,
            Ok(_) => Some("larger than 1 MiB: is it what its name says?".to_owned()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(e) => Some(format!("{e}: run it as root")),
        }
    }

    /// What is in a directory, sorted by name.
    fn list(&self, path: &Path) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.below(path)) else { return Vec::new() };
        let mut all: Vec<PathBuf> =
            entries.flatten().map(|entry| path.join(entry.file_name())).collect();
        all.sort();
        all
    }

    fn is_directory(&self, path: &Path) -> bool {
        self.below(path).is_dir()
    }

    /// Whose a file is, and its permission bits.
    fn owner(&self, path: &Path) -> Option<(u32, u32)> {
        use std::os::unix::fs::MetadataExt as _;
        let seen = std::fs::metadata(self.below(path)).ok()?;
        Some((seen.uid(), seen.mode() & 0o7777))
    }
}

/// A place in an old file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Place {
    pub(crate) file: String,
    /// From 1; 0 for the file as a whole.
    pub(crate) line: usize,
}

impl Place {
    fn line(file: &Path, line: usize) -> Self {
        Self { file: file.display().to_string(), line }
    }

    fn file(file: &Path) -> Self {
        Self::line(file, 0)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

/// What a remark is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// Somebody has to decide something.
    Decide,
    /// Kept as mgetty had it, though weak.
    Weak,
    /// mgetty was weak here, and dialback is not.
    Safer,
    /// It means something slightly different.
    Changed,
    /// There is no counterpart.
    Gone,
}

impl Kind {
    /// All of them, in the order in which they are told.
    pub(crate) const ALL: [Self; 5] =
        [Self::Decide, Self::Weak, Self::Safer, Self::Changed, Self::Gone];

    /// The heading over remarks of this kind.
    pub(crate) const fn heading(self) -> &'static str {
        match self {
            Self::Decide => "to be decided by you",
            Self::Weak => "kept as it was, though weak",
            Self::Safer => "safer than it was",
            Self::Changed => "a little different",
            Self::Gone => "without a counterpart",
        }
    }
}

/// Something that was not simply taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Remark {
    pub(crate) kind: Kind,
    #[serde(flatten)]
    pub(crate) place: Place,
    /// What stands there.
    pub(crate) what: String,
    /// What became of it, and why.
    pub(crate) why: String,
}

/// All remarks so far.
#[derive(Debug, Default)]
struct Remarks(Vec<Remark>);

impl Remarks {
    /// One more, if it is not there already.
    fn add(&mut self, place: Place, kind: Kind, what: impl Into<String>, why: impl Into<String>) {
        let remark = Remark { kind, place, what: what.into(), why: why.into() };
        if !self.0.contains(&remark) {
            self.0.push(remark);
        }
    }
}

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewFile {
    /// Its name in the new directory.
    pub(crate) name: String,
    pub(crate) text: String,
    /// Whether it holds passwords, which are not shown.
    pub(crate) secret: bool,
}

/// What became of it all.
#[derive(Debug)]
pub(crate) struct Migrated {
    /// The files to write, dialback.toml first.
    pub(crate) files: Vec<NewFile>,
    pub(crate) remarks: Vec<Remark>,
    /// The lines: name, port, and how to stop what holds it now.
    pub(crate) lines: Vec<(String, String, Option<String>)>,
    /// What `check` still says: errors if nobody can mend them.
    pub(crate) diagnostics: Vec<calls::diagnostic::Diagnostic>,
}

/// Reads the old files and writes the new ones, in memory.
pub(crate) fn migrate(asked: &Asked) -> Result<Migrated, String> {
    let root = &asked.root;
    let mut remarks = Remarks::default();
    let of_mgetty = ["mgetty.config", "login.config", "dialin.config", "callback.config"];
    let of_pppd = ["options", "chap-secrets", "pap-secrets"];
    let paths = of_mgetty.map(|name| asked.mgetty.join(name)).into_iter();
    for path in paths.chain(of_pppd.map(|name| asked.ppp.join(name))) {
        if let Some(why) = root.unreadable(&path) {
            return Err(format!("{}: {why}", path.display()));
        }
    }
    let mut gettys = gettys::of_inittab(root, &asked.inittab, &mut remarks);
    gettys.extend(gettys::of_units(root, &asked.units, &mut remarks));
    let mut lines = lines::read(asked, &gettys, &mut remarks)?;
    let login = login::read(asked, &lines, &mut remarks);
    let ppp = ppp::read(asked, &lines, &login, &mut remarks);
    let login = login::write(login, &ppp, &mut remarks);
    let callback = callback::read(asked, &login, &mut lines, &mut remarks);
    let screening = lines::screening(asked, &mut lines, &mut remarks);
    let mut files = vec![NewFile {
        name: "dialback.toml".to_owned(),
        text: sheet::write(&lines, &login, &callback, &ppp, screening.is_some()),
        secret: false,
    }];
    files.push(NewFile { name: "login.config".to_owned(), text: login.text, secret: false });
    if let Some(text) = screening {
        files.push(NewFile { name: "dialin.config".to_owned(), text, secret: false });
    }
    if let Some(text) = lines.issue.clone() {
        files.push(NewFile { name: "issue".to_owned(), text, secret: false });
    }
    files.extend(ppp.files);
    let diagnostics = mend::until_accepted(&mut files, &mut remarks);
    let mut remarks = remarks.0;
    remarks.sort_by(|one, other| (one.kind, &one.place).cmp(&(other.kind, &other.place)));
    let lines = lines
        .all
        .iter()
        .map(|line| (line.name.clone(), line.port.clone(), line.stop.clone()))
        .collect();
    Ok(Migrated { files, remarks, lines, diagnostics })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of these files of a mgetty with pppd.
    fn migrated(files: &[(&str, &[u8])]) -> Result<Migrated, String> {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let root =
            std::env::temp_dir().join(format!("dialback-migrate-{}-{count}", std::process::id()));
        let usual: [(&str, &[u8]); 3] = [
            ("etc/mgetty/mgetty.config", b"port ttyS0\n"),
            (
                "etc/mgetty/login.config",
                b"/AutoPPP/ - a_ppp /usr/sbin/pppd file /etc/ppp/options\n",
            ),
            ("etc/ppp/options", b"10.0.0.1:10.0.0.2\n"),
        ];
        for (name, text) in usual.iter().chain(files) {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let asked = Asked {
            root: Root(root.clone()),
            mgetty: "/etc/mgetty".into(),
            ppp: "/etc/ppp".into(),
            inittab: "/etc/inittab".into(),
            units: Vec::new(),
            ports: Vec::new(),
        };
        let migrated = migrate(&asked);
        std::fs::remove_dir_all(root).unwrap();
        migrated
    }

    #[test]
    fn a_file_that_is_too_long_is_not_cut() {
        let long = "# a comment\n".repeat(100_000) + "alice * secretword *\n";
        let told = migrated(&[("etc/ppp/chap-secrets", long.as_bytes())]).unwrap_err();
        assert!(told.starts_with("/etc/ppp/chap-secrets: larger than 1 MiB"), "{told}");
    }

    #[test]
    fn a_secret_that_is_not_utf_8_is_told_and_not_changed_in_silence() {
        let secrets = b"alice * w\xf6rd *\nbob * secretword *\n";
        let migrated = migrated(&[("etc/ppp/chap-secrets", secrets)]).unwrap();
        let file = migrated.files.iter().find(|file| file.name == "chap-secrets").unwrap();
        assert_eq!(file.text, "# alice\nbob * secretword *\n");
        let remark =
            migrated.remarks.iter().find(|remark| remark.what == "alice's secret").unwrap();
        assert!(remark.kind == Kind::Decide && remark.why.contains("UTF-8"), "{remark:?}");
    }
}

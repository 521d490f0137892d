//! Writing a new configuration: nothing that exists is overwritten, and the package's own waiting one (it has no line) is
//! moved aside, to `NAME.before`.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::exit::{Code, Failure};
use crate::migrate::NewFile;
use crate::out;

/// Whether somebody at a terminal says yes; without a terminal nobody does, and that is told.
pub(super) fn agreed(directory: &Path) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        out::error("nothing is written: --yes writes without asking");
        return Ok(false);
    }
    out::error_text(&format!("Write this to {}? [y/N] ", directory.display()));
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|e| Failure::new(Code::InputOutput, format!("the terminal: {e}")))?;
    let yes = matches!(answer.trim(), "y" | "Y" | "yes");
    if !yes {
        out::error("nothing is written");
    }
    Ok(yes)
}

/// Writes all of the files, or none; what was moved aside. Each is on the disk, under a name of its own, before
/// the first gets its name: a disk that is full leaves the directory as it was.
pub(super) fn write(directory: &Path, files: &[NewFile]) -> Result<Vec<PathBuf>, Failure> {
    let aside = room_for(directory, files)?;
    std::fs::create_dir_all(directory).map_err(|e| failed(directory, &e))?;
    let mut placing = Placing::default();
    let placed = placing.all(directory, files, &aside);
    if let Err((path, e)) = placed {
        let undone = placing.undo();
        let what = format!("{}: {e}: {undone}", path.display());
        return Err(Failure::new(Code::InputOutput, what));
    }
    placing.forget_staged();
    Ok(aside.iter().map(|path| before(path)).collect())
}

/// What has been done so far, so that it can be undone.
#[derive(Debug, Default)]
struct Placing {
    /// Files that are whole and do not have their names.
    staged: Vec<PathBuf>,
    /// Files that were there, under their own names.
    aside: Vec<PathBuf>,
    /// New files that have their names.
    named: Vec<PathBuf>,
}

/// Where it failed, and why.
type Stopped = (PathBuf, std::io::Error);

impl Placing {
    fn all(
        &mut self,
        directory: &Path,
        files: &[NewFile],
        aside: &[PathBuf],
    ) -> Result<(), Stopped> {
        for file in files {
            let path = directory.join(&file.name);
            // login.config and secrets must be closed to others; the rest is no secret.
            let open = matches!(file.name.as_str(), "dialback.toml" | "issue" | "dialin.config");
            self.stage(&path, &file.text, if open { 0o644 } else { 0o600 })
                .map_err(|e| (path, e))?;
        }
        for path in aside {
            std::fs::rename(path, before(path)).map_err(|e| (path.clone(), e))?;
            self.aside.push(path.clone());
        }
        for file in files {
            let path = directory.join(&file.name);
            // A link and not a renaming: what has come there meanwhile is not overwritten.
            std::fs::hard_link(staged(&path), &path).map_err(|e| (path.clone(), e))?;
            self.named.push(path);
        }
        std::fs::File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(|e| (directory.to_owned(), e))
    }

    /// Writes a file beside its place, down to the disk.
    fn stage(&mut self, path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
        let staged = staged(path);
        // Of a run that was killed.
        match std::fs::remove_file(&staged) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
            Ok(()) | Err(_) => {}
        }
        let mut new =
            std::fs::File::options().write(true).create_new(true).mode(mode).open(&staged)?;
        self.staged.push(staged);
        new.write_all(text.as_bytes())?;
        new.sync_all()
    }

    /// As it was; what can't be undone is named.
    fn undo(mut self) -> String {
        let mut left = Vec::new();
        for path in self.named.drain(..) {
            if std::fs::remove_file(&path).is_err() {
                left.push(path);
            }
        }
        for path in self.aside.drain(..) {
            let moved = before(&path);
            if std::fs::rename(&moved, &path).is_err() {
                left.push(moved);
            }
        }
        self.forget_staged();
        if left.is_empty() {
            return "nothing is written".to_owned();
        }
        let left: Vec<String> = left.iter().map(|path| path.display().to_string()).collect();
        format!("and this could not be undone: {}", left.join(", "))
    }

    /// What is left of them is in the way of nothing: the next run takes it away.
    fn forget_staged(&mut self) {
        for path in self.staged.drain(..) {
            drop(std::fs::remove_file(path));
        }
    }
}

/// A file's name while it is being written.
fn staged(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.new"))
}

fn before(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}.before", path.display()))
}

/// What has to go aside; a failure if something is in the way that is not the package's.
fn room_for(directory: &Path, files: &[NewFile]) -> Result<Vec<PathBuf>, Failure> {
    let there = |path: &PathBuf| path.symlink_metadata().is_ok();
    let taken: Vec<PathBuf> =
        files.iter().map(|file| directory.join(&file.name)).filter(there).collect();
    let Some(first) = taken.first() else { return Ok(taken) };
    let refused = |path: &Path| {
        let what = format!(
            "{}: is there already, and nothing is overwritten: move it away, or name another directory with --out",
            path.display()
        );
        Failure::new(Code::InputOutput, what)
    };
    if !waits(&directory.join("dialback.toml")) {
        return Err(refused(first));
    }
    match taken.iter().find(|path| there(&before(path))) {
        Some(path) => Err(refused(&before(path))),
        None => Ok(taken),
    }
}

/// Whether a configuration has no line, as the package installs it.
fn waits(path: &Path) -> bool {
    let table =
        std::fs::read_to_string(path).ok().and_then(|text| text.parse::<toml::Table>().ok());
    table.is_some_and(|table| !table.contains_key("line"))
}

fn failed(path: &Path, e: &std::io::Error) -> Failure {
    Failure::new(Code::InputOutput, format!("{}: {e}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(there: &[(&str, &str)], wanted: Result<usize, &str>) {
        let directory = std::env::temp_dir().join(format!("dialback-new-{}", rand()));
        std::fs::create_dir_all(&directory).unwrap();
        for (name, text) in there {
            std::fs::write(directory.join(name), text).unwrap();
        }
        let file =
            |name: &str| NewFile { name: name.to_owned(), text: "new".to_owned(), secret: false };
        let files = [file("dialback.toml"), file("login.config")];
        let written = write(&directory, &files);
        for (name, text) in there {
            let kept = |name: String| std::fs::read_to_string(directory.join(name)).ok();
            let text = Some((*text).to_owned());
            assert!(
                kept((*name).to_owned()) == text || kept(format!("{name}.before")) == text,
                "{name} is kept"
            );
        }
        std::fs::remove_dir_all(&directory).unwrap();
        match (written, wanted) {
            (Ok(aside), Ok(count)) => assert_eq!(aside.len(), count),
            (Err(failure), Err(word)) => assert!(failure.to_string().contains(word), "{failure}"),
            (written, wanted) => panic!("{written:?} is not {wanted:?}"),
        }
    }

    /// What is in the directory: names and texts.
    fn listed(directory: &Path) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| {
                let text = std::fs::read_to_string(entry.path()).unwrap();
                (entry.file_name().into_string().unwrap(), text)
            })
            .collect();
        all.sort();
        all
    }

    #[test]
    fn all_files_are_written_or_the_directory_is_as_it_was() {
        let directory = std::env::temp_dir().join(format!("dialback-new-{}", rand()));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("dialback.toml"), "[server]\n").unwrap();
        let file =
            |name: &str| NewFile { name: name.to_owned(), text: "new".to_owned(), secret: false };
        // A file that can't be written, as the one at which the disk is full; and one in whose place another is.
        let long = "x".repeat(300);
        let before = listed(&directory);
        for last in [&long, "login.config"] {
            let files = [file("dialback.toml"), file("login.config"), file(last)];
            let failure = write(&directory, &files).unwrap_err();
            assert!(failure.to_string().ends_with(": nothing is written"), "{failure}");
            assert_eq!(listed(&directory), before);
        }
        // So the next run is not in its own way; what a run that was killed has left neither.
        std::fs::write(staged(&directory.join("login.config")), "half").unwrap();
        write(&directory, &[file("dialback.toml"), file("login.config")]).unwrap();
        let names: Vec<String> = listed(&directory).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["dialback.toml", "dialback.toml.before", "login.config"]);
        std::fs::remove_dir_all(&directory).unwrap();
    }

    fn rand() -> String {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        format!("{}-{count}", std::process::id())
    }

    #[test]
    fn nothing_that_exists_is_overwritten() {
        check(&[], Ok(0));
        check(&[("dialback.toml", "[server]\n"), ("login.config", "* - - /bin/login @\n")], Ok(2));
        check(&[("dialback.toml", "[[line]]\nname = \"a\"\n")], Err("is there already"));
        check(&[("login.config", "* - - /bin/login @\n")], Err("login.config: is there already"));
        check(&[("dialback.toml", "not TOML")], Err("is there already"));
        check(
            &[("dialback.toml", "[server]\n"), ("dialback.toml.before", "older")],
            Err("dialback.toml.before: is there"),
        );
    }
}

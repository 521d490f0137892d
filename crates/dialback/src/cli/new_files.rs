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

/// Writes the files; what was moved aside.
pub(super) fn write(directory: &Path, files: &[NewFile]) -> Result<Vec<PathBuf>, Failure> {
    let aside = room_for(directory, files)?;
    std::fs::create_dir_all(directory).map_err(|e| failed(directory, &e))?;
    for path in &aside {
        std::fs::rename(path, before(path)).map_err(|e| failed(path, &e))?;
    }
    for file in files {
        let path = directory.join(&file.name);
        // login.config and secrets must be closed to others; the rest is no secret.
        let open = matches!(file.name.as_str(), "dialback.toml" | "issue" | "dialin.config");
        std::fs::File::options()
            .write(true)
            .create_new(true)
            .mode(if open { 0o644 } else { 0o600 })
            .open(&path)
            .and_then(|mut new| new.write_all(file.text.as_bytes()))
            .map_err(|e| failed(&path, &e))?;
    }
    Ok(aside.iter().map(|path| before(path)).collect())
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

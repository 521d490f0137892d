//! Where mgetty is started: lines of inittab(5) and inittab.d, and units of systemd with their drop-ins.
//!
//! ```text
//!   S0:23:respawn:/sbin/mgetty -x 4 ttyS0            ─┐
//!   mgetty@.service + mgetty@ttyS0.service (a link)  ─┼─► device, options, place
//!   modem.service: ExecStart=/sbin/mgetty ttyUSB0    ─┘
//! ```
//!
//! It does not know what the options mean.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::reader::{device, logical_lines, mgetty_options, shell_words};
use super::{Kind, Place, Remarks, Root};
use crate::unit_name::unescaped;

/// A mgetty on a device.
#[derive(Clone, Debug)]
pub(super) struct Getty {
    pub(super) tty: String,
    /// Its options as keywords.
    pub(super) settings: Vec<(&'static str, String)>,
    pub(super) place: Place,
    /// How to stop it.
    pub(super) stop: String,
}

/// The gettys of an inittab and of the files `*.tab` in inittab.d beside it.
pub(super) fn of_inittab(root: &Root, inittab: &Path, remarks: &mut Remarks) -> Vec<Getty> {
    let mut files = vec![inittab.to_owned()];
    let more = PathBuf::from(format!("{}.d", inittab.display()));
    files.extend(
        root.list(&more).into_iter().filter(|path| path.extension().is_some_and(|e| e == "tab")),
    );
    let mut all = Vec::new();
    for file in files {
        let Some(text) = root.text(&file) else { continue };
        for (line, text) in logical_lines(&text) {
            let place = Place::line(&file, line);
            let mut fields = text.splitn(4, ':');
            let (id, action) =
                (fields.next().unwrap_or_default(), fields.nth(1).unwrap_or_default());
            let Some(process) = fields.next() else { continue };
            let words = shell_words(process);
            let Some(found) = command(&words) else { continue };
            if action == "off" {
                remarks.add(place, Kind::Gone, id, "the entry is off: its line is left out");
                continue;
            }
            let stop = format!("put # before line {line} of {}, then: telinit q", file.display());
            all.extend(getty(found, place, stop, remarks));
        }
    }
    all
}

/// The gettys of systemd's units: those of a template that are enabled, and all other units that start mgetty.
pub(super) fn of_units(root: &Root, directories: &[PathBuf], remarks: &mut Remarks) -> Vec<Getty> {
    let mut units: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut enabled: BTreeSet<String> = BTreeSet::new();
    for directory in directories {
        for path in root.list(directory) {
            let name = file_name(&path);
            if name.ends_with(".wants") || name.ends_with(".requires") {
                enabled.extend(root.list(&path).iter().map(|link| file_name(link)));
            } else if name.ends_with(".service") && !root.is_directory(&path) {
                // The first directory counts: /etc before /lib.
                units.entry(name).or_insert(path);
            }
        }
    }
    let mut all = Vec::new();
    let mut instances: BTreeSet<String> = enabled.clone();
    instances.extend(units.keys().cloned());
    for instance in instances {
        let template = match instance.split_once('@') {
            Some((stem, _)) => format!("{stem}@.service"),
            None => instance.clone(),
        };
        let Some(path) = units.get(&instance).or_else(|| units.get(&template)) else { continue };
        let Some((place, words)) = exec_start(root, directories, path, &instance, &template) else {
            continue;
        };
        let words: Vec<String> = words.iter().map(|word| specified(word, &instance)).collect();
        let Some(found) = command(&words) else { continue };
        if instance.contains("@.") {
            if !enabled.iter().any(|one| one.starts_with(instance.trim_end_matches(".service"))) {
                remarks.add(place, Kind::Gone, &instance, "a template that is enabled for no port");
            }
            continue;
        }
        if !enabled.contains(&instance) {
            remarks.add(
                place.clone(),
                Kind::Decide,
                &instance,
                "the unit is not enabled: is the line in use? if not, take its [[line]] out",
            );
        }
        // A shell would take the backslash of an escape away.
        let quote = if instance.contains('\\') { "'" } else { "" };
        let stop = format!("systemctl disable --now {quote}{instance}{quote}");
        all.extend(getty(found, place, stop, remarks));
    }
    all
}

/// The last ExecStart= of a unit and of its drop-ins; an empty one forgets those before it.
fn exec_start(
    root: &Root,
    directories: &[PathBuf],
    unit: &Path,
    instance: &str,
    template: &str,
) -> Option<(Place, Vec<String>)> {
    let mut files = vec![unit.to_owned()];
    let mut drop_ins: BTreeMap<String, PathBuf> = BTreeMap::new();
    for name in [template, instance] {
        for directory in directories.iter().rev() {
            for path in root.list(&directory.join(format!("{name}.d"))) {
                if path.extension().is_some_and(|extension| extension == "conf") {
                    drop_ins.insert(file_name(&path), path);
                }
            }
        }
    }
    files.extend(drop_ins.into_values());
    let mut found = None;
    for file in files {
        for (line, text) in logical_lines(&root.text(&file).unwrap_or_default()) {
            let Some((key, value)) = text.split_once('=') else { continue };
            if key.trim() == "ExecStart" {
                let value = value.trim().trim_start_matches(['-', '@', '+', '!', ':']);
                let words = shell_words(value);
                found = (!words.is_empty()).then(|| (Place::line(&file, line), words));
            }
        }
    }
    found
}

/// A word of a unit with the specifiers that come from the unit's name (systemd.unit(5)): `%i` is the instance as it is
/// written, `%I` is unescaped. Others stay as they are.
fn specified(word: &str, unit: &str) -> String {
    let name = unit.strip_suffix(".service").unwrap_or(unit);
    let (prefix, instance) = name.split_once('@').unwrap_or((name, ""));
    let mut whole = String::with_capacity(word.len());
    let mut letters = word.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            whole.push(letter);
            continue;
        }
        match letters.next() {
            Some('i') => whole.push_str(instance),
            Some('I') => whole.push_str(&unescaped(instance)),
            Some('p') => whole.push_str(prefix),
            Some('P') => whole.push_str(&unescaped(prefix)),
            Some('n') => whole.push_str(unit),
            Some('N') => whole.push_str(name),
            Some('%') => whole.push('%'),
            other => {
                whole.push('%');
                whole.extend(other);
            }
        }
    }
    whole
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A program of the family, and its words.
#[derive(Clone, Copy)]
struct Found<'w> {
    program: &'w str,
    words: &'w [String],
}

/// The words behind the name of a program of mgetty's, if it is one.
fn command(words: &[String]) -> Option<Found<'_>> {
    let at = words
        .iter()
        .position(|word| matches!(word.rsplit('/').next(), Some("mgetty" | "vgetty")))?;
    Some(Found { program: words.get(at)?, words: words.get(at + 1..)? })
}

fn getty(found: Found<'_>, place: Place, stop: String, remarks: &mut Remarks) -> Option<Getty> {
    let (settings, operands) = mgetty_options(found.words);
    let Some(tty) = operands.first() else {
        remarks.add(place, Kind::Gone, "mgetty", "it is started without a device: left out");
        return None;
    };
    if found.program.ends_with("vgetty") {
        let why = "vgetty answers people too (voice mail), which dialback does not: the line answers modems only";
        remarks.add(place.clone(), Kind::Gone, "vgetty", why);
    }
    if let Some(tag) = operands.get(1) {
        remarks.add(
            place.clone(),
            Kind::Gone,
            tag,
            "an entry of gettydefs: speed and term are all that was taken from it",
        );
    }
    Some(Getty { tty: device(tty).to_owned(), settings, place, stop })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The device that mgetty is started on, and how it is stopped, where this instance of `mgetty@.service` is enabled.
    fn check(instance: &str, exec: &str, device: &str, stop: &str) {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("dialback-units-{}-{count}", std::process::id()));
        let wants = folder.join("getty.target.wants");
        std::fs::create_dir_all(&wants).unwrap();
        let unit = folder.join("mgetty@.service");
        std::fs::write(&unit, format!("[Service]\nExecStart={exec}\n")).unwrap();
        std::os::unix::fs::symlink(&unit, wants.join(instance)).unwrap();
        let mut remarks = Remarks::default();
        let all = of_units(&Root(folder.clone()), &[PathBuf::from("/")], &mut remarks);
        std::fs::remove_dir_all(&folder).unwrap();
        let told: Vec<_> = all.iter().map(|one| (one.tty.as_str(), one.stop.as_str())).collect();
        assert_eq!(told, [(device, stop)], "{instance} {exec}");
    }

    #[test]
    fn the_name_of_an_instance_is_read_as_systemd_reads_it() {
        let disable = |instance: &str| format!("systemctl disable --now {instance}");
        for (instance, exec, device) in [
            ("mgetty@ttyS0.service", "/sbin/mgetty %i", "ttyS0"),
            ("mgetty@ttyS0.service", "/sbin/mgetty %I", "ttyS0"),
            ("mgetty@dev-ttyUSB0.service", "/sbin/mgetty /%I", "ttyUSB0"),
            ("mgetty@serial-modem.service", "/sbin/mgetty %I", "serial/modem"),
            // %i is not unescaped.
            ("mgetty@tty-modem.service", "/sbin/mgetty /dev/%i", "tty-modem"),
            ("mgetty@ttyS0.service", "/sbin/mgetty -m '\"\" AT%%I0 OK' %i", "ttyS0"),
            ("mgetty@ttyS0.service", "/sbin/mgetty /dev/%%i", "%i"),
            ("mgetty@ttyS0.service", "/sbin/%p %i", "ttyS0"),
        ] {
            check(instance, exec, device, &disable(instance));
        }
        for (instance, exec, device) in [
            (
                r"mgetty@serial-by\x2did-usb\x2dACME.service",
                "/sbin/mgetty %I",
                "serial/by-id/usb-ACME",
            ),
            (r"mgetty@a\x3ab\xc3\xa9.service", "/sbin/mgetty %I", "a:bé"),
            // Not two digits: systemd takes no such name, so it stays as it is.
            (r"mgetty@a\x2z.service", "/sbin/mgetty %I", r"a\x2z"),
            (r"mgetty@a\x2db.service", "/sbin/mgetty %i", r"a\x2db"),
        ] {
            // A shell would take the backslash away.
            check(instance, exec, device, &disable(&format!("'{instance}'")));
        }
    }
}

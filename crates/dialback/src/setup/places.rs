//! Where modems may be on this machine: serial devices that exist, by the name that stays.
//!
//! It reads `/dev` and `/sys` below a root that the caller gives, and opens no device.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Kernel names of serial devices with which modems come.
const KINDS: [&str; 3] = ["ttyACM", "ttyUSB", "ttyS"];

/// Devices that are worth asking, each by its name in `/dev/serial/by-id` where it has one: `/dev/ttyUSB0` may be
/// another modem after the next start.
pub(crate) fn find(root: &Path) -> Vec<PathBuf> {
    let stable = stable_names(root);
    let mut found = Vec::new();
    for kind in KINDS {
        let mut names: Vec<(usize, String)> = entries(&root.join("dev"))
            .into_iter()
            .filter_map(|name| Some((name.strip_prefix(kind)?.parse().ok()?, name)))
            .filter(|(_, name)| kind != "ttyS" || is_real(root, name))
            .collect();
        names.sort();
        found.extend(names.into_iter().map(|(_, name)| {
            stable.get(&name).cloned().unwrap_or_else(|| Path::new("/dev").join(name))
        }));
    }
    found
}

/// Kernel name to stable name.
fn stable_names(root: &Path) -> BTreeMap<String, PathBuf> {
    let folder = root.join("dev/serial/by-id");
    let named = entries(&folder).into_iter().filter_map(|name| {
        let target = fs::read_link(folder.join(&name)).ok()?;
        let kernel = target.file_name()?.to_string_lossy().into_owned();
        Some((kernel, Path::new("/dev/serial/by-id").join(name)))
    });
    named.collect()
}

/// Whether there is a chip behind `/dev/ttyS3`: the kernel makes more names than ports. Type 0 is none
/// (serial_core.h, PORT_UNKNOWN).
fn is_real(root: &Path, name: &str) -> bool {
    let kind = fs::read_to_string(root.join("sys/class/tty").join(name).join("type"));
    kind.is_ok_and(|kind| kind.trim() != "0")
}

/// Names in a folder; none where there is no such folder.
fn entries(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_that_exist_are_found_by_the_name_that_stays() {
        let root = std::env::temp_dir().join(format!("dialback-places-{}", std::process::id()));
        for (name, text) in [
            ("dev/ttyS0", ""),
            ("dev/ttyS1", ""),
            ("dev/ttyS4", ""),
            ("dev/ttyUSB1", ""),
            ("dev/ttyUSB10", ""),
            ("dev/ttyUSB2", ""),
            ("dev/ttyACM0", ""),
            ("dev/ttyprintk", ""),
            ("dev/tty1", ""),
            ("sys/class/tty/ttyS0/type", "4\n"),
            ("sys/class/tty/ttyS1/type", "0\n"),
        ] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        fs::create_dir_all(root.join("dev/serial/by-id")).unwrap();
        let link = root.join("dev/serial/by-id/usb-USRobotics_Modem-if00");
        std::os::unix::fs::symlink("../../ttyACM0", link).unwrap();
        let found: Vec<String> =
            find(&root).iter().map(|path| path.display().to_string()).collect();
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(
            found,
            [
                "/dev/serial/by-id/usb-USRobotics_Modem-if00",
                "/dev/ttyUSB1",
                "/dev/ttyUSB2",
                "/dev/ttyUSB10",
                "/dev/ttyS0",
            ]
        );
    }
}

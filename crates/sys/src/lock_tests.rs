//! Real files and real processes.

use super::*;
use crate::testing::{Dir, Sleeper};
use std::process::Command;

const TTY: &str = "/dev/ttyUSB0";

fn path(dir: &Dir) -> PathBuf {
    dir.path("LCK..ttyUSB0")
}

/// The pid of a process that is gone.
fn dead_pid() -> u32 {
    let mut child = Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    child.id()
}

#[test]
fn names_follow_debians_rule_and_two_names_of_a_device_are_one_lock() {
    let dir = Dir::new("lock-names");
    std::os::unix::fs::symlink("/dev/null", dir.path("modem")).unwrap();
    let by_id = dir.path("modem");
    let table: [(&Path, &str); 5] = [
        (Path::new("/dev/ttyUSB0"), "LCK..ttyUSB0"),
        (Path::new("/dev/pts/300000"), "LCK..pts_300000"),
        (Path::new("/dev/null"), "LCK..null"),
        (&by_id, "LCK..null"),
        (Path::new("/nowhere/line"), "LCK..nowhere_line"),
    ];
    for (device, name) in table {
        assert_eq!(lock_name(device), name);
    }
}

#[test]
fn a_lock_holds_our_pid_in_ten_columns_and_goes_when_dropped() {
    let dir = Dir::new("lock");
    let lock = Lock::take(dir.root(), Path::new(TTY)).unwrap();
    let text = std::fs::read_to_string(path(&dir)).unwrap();
    assert_eq!(text, format!("{:>10}\n", std::process::id()));
    assert_eq!(std::fs::read_dir(dir.root()).unwrap().count(), 1, "no temporary file is left");
    let fault = Lock::take(dir.root(), Path::new(TTY)).unwrap_err();
    assert!(matches!(fault, LockFault::Held { holder: Holder { ours: true, .. }, .. }), "{fault}");
    drop(lock);
    assert_eq!(state(dir.root(), Path::new(TTY)).unwrap(), LockState::Free);
    Lock::take(dir.root(), Path::new(TTY)).unwrap();
}

#[test]
fn a_living_process_keeps_its_lock_and_is_named() {
    let dir = Dir::new("lock-held");
    let holder = Sleeper::start();
    for text in [
        format!("{:>10}\n", holder.id()).into_bytes(),
        format!("{}", holder.id()).into_bytes(),
        format!("{:>10} minicom mary\n", holder.id()).into_bytes(),
        holder.id().to_ne_bytes().to_vec(),
    ] {
        std::fs::write(path(&dir), &text).unwrap();
        let fault = Lock::take(dir.root(), Path::new(TTY)).unwrap_err().to_string();
        let words = format!("in use by sleep (pid {})", holder.id());
        assert!(fault.contains(&words), "{fault}");
        assert_eq!(std::fs::read(path(&dir)).unwrap(), text, "it is left as it was");
    }
}

#[test]
fn stale_locks_are_taken_over_in_both_writings() {
    let dir = Dir::new("lock-stale");
    let pid = dead_pid();
    for text in [format!("{pid:>10}\n").into_bytes(), pid.to_ne_bytes().to_vec()] {
        std::fs::write(path(&dir), &text).unwrap();
        assert_eq!(state(dir.root(), Path::new(TTY)).unwrap(), LockState::Stale { pid });
        let lock = Lock::take(dir.root(), Path::new(TTY)).unwrap();
        assert_eq!(std::fs::read_dir(dir.root()).unwrap().count(), 1);
        drop(lock);
    }
}

#[test]
fn a_left_over_with_our_own_pid_is_not_ours() {
    let dir = Dir::new("lock-container");
    std::fs::write(path(&dir), format!("{:>10}\n", std::process::id())).unwrap();
    Lock::take(dir.root(), Path::new(TTY)).unwrap();
}

#[test]
fn what_no_lock_program_writes_is_never_removed() {
    let dir = Dir::new("lock-odd");
    let target = dir.path("victim");
    std::fs::write(&target, "precious").unwrap();
    let table: [(&str, &dyn Fn()); 5] = [
        ("it is a symbolic link", &|| std::os::unix::fs::symlink(&target, path(&dir)).unwrap()),
        ("no process number", &|| std::fs::write(path(&dir), "").unwrap()),
        ("no process number", &|| std::fs::write(path(&dir), "-1\n").unwrap()),
        ("no process number", &|| std::fs::write(path(&dir), "         0\n").unwrap()),
        ("not a regular file", &|| {
            rustix::fs::mkfifoat(rustix::fs::CWD, path(&dir), 0o600.into()).unwrap();
        }),
    ];
    for (words, make) in table {
        make();
        let fault = Lock::take(dir.root(), Path::new(TTY)).unwrap_err().to_string();
        assert!(fault.contains(words), "{fault}");
        assert!(std::fs::symlink_metadata(path(&dir)).is_ok(), "{words}: it is still there");
        std::fs::remove_file(path(&dir)).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
}

#[test]
fn dropping_leaves_a_lock_that_somebody_else_has_overwritten() {
    let dir = Dir::new("lock-overwritten");
    let lock = Lock::take(dir.root(), Path::new(TTY)).unwrap();
    let other = Sleeper::start();
    std::fs::write(path(&dir), format!("{:>10}\n", other.id())).unwrap();
    drop(lock);
    assert!(path(&dir).exists());
}

#[test]
fn a_missing_directory_is_told_in_words() {
    let fault = Lock::take(Path::new("/nowhere"), Path::new(TTY)).unwrap_err().to_string();
    assert!(fault.starts_with("/nowhere: opening the lock directory"), "{fault}");
}

#[test]
fn one_of_many_wins_a_stale_lock() {
    let dir = Dir::new("lock-race");
    let pid = dead_pid();
    for _ in 0..20 {
        std::fs::write(path(&dir), format!("{pid:>10}\n")).unwrap();
        let taken: Vec<_> = std::thread::scope(|scope| {
            let take = || Lock::take(dir.root(), Path::new(TTY));
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap().ok()).collect()
        });
        assert_eq!(taken.len(), 1);
    }
}

#[test]
fn moving_aside_puts_back_a_lock_that_is_not_the_one_that_was_seen() {
    let dir = Dir::new("lock-put-back");
    std::fs::write(path(&dir), "new\n").unwrap();
    let fd = open_directory(dir.root()).unwrap();
    move_aside(&fd, "LCK..ttyUSB0", u64::MAX).unwrap();
    assert_eq!(std::fs::read_to_string(path(&dir)).unwrap(), "new\n");
    assert_eq!(std::fs::read_dir(dir.root()).unwrap().count(), 1);
}

#[test]
fn a_stale_lock_that_may_not_be_removed_says_what_to_do() {
    let fault = LockFault::LeftOver { path: "/var/lock/LCK..ttyS0".into(), pid: 812, owner: 1000 };
    assert_eq!(
        fault.to_string(),
        "/var/lock/LCK..ttyS0: left over by process 812, which has ended; only its owner (uid 1000) or root may \
         remove it from /var/lock, which is sticky: as root, rm /var/lock/LCK..ttyS0"
    );
}

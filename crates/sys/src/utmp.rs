//! Who is on which line, for `who`, `last` and the accounting: utmp and wtmp through the C library.
//!
//! ```text
//!   (getty) LOGIN ──login program──> USER ──session over──> DEAD
//! ```
//!
//! Best effort by nature: some systems have no such files any more. Every function says what went wrong and
//! the caller goes on. The C library locks the files and may wait for a second or so: not for a worker of
//! the runtime.
//!
//! It deliberately does not know lastlog, which the login program writes, nor the caller's session.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::time::{ClockId, clock_gettime};

/// Where the records go.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Files {
    /// The present sessions.
    pub utmp: PathBuf,
    /// All sessions there have been; not created if missing, so removing it turns it off.
    pub wtmp: PathBuf,
}

impl Default for Files {
    fn default() -> Self {
        Self { utmp: PathBuf::from("/var/run/utmp"), wtmp: PathBuf::from("/var/log/wtmp") }
    }
}

/// What a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Stage {
    /// A login program asks for a password (`LOGIN_PROCESS`).
    Login,
    /// A user is on (`USER_PROCESS`).
    User,
    /// The session is over (`DEAD_PROCESS`).
    Dead,
}

/// One record. Texts longer than the file's fields are cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// What it says.
    pub stage: Stage,
    /// The session's process.
    pub pid: u32,
    /// The terminal, with or without `/dev/`.
    pub tty: &'a Path,
    /// The user's name; `LOGIN` by custom while nobody is known yet.
    pub user: &'a str,
    /// Where he comes from: by custom of dial-in the modem's CONNECT text, or the caller's number.
    pub host: &'a str,
}

/// The C library's position in the file is one for the whole process.
static C_LIBRARY: Mutex<()> = Mutex::new(());

unsafe extern "C" {
    // glibc, utmpx.h; the libc crate does not declare it.
    fn updwtmpx(file: *const libc::c_char, record: *const libc::utmpx);
}

/// Writes `record` to both files.
///
/// # Errors
/// What the C library says about utmp. wtmp gives no answer, by its interface.
pub fn write(files: &Files, record: &Record<'_>) -> io::Result<()> {
    let utmp = CString::new(files.utmp.as_os_str().as_bytes())?;
    let wtmp = CString::new(files.wtmp.as_os_str().as_bytes())?;
    let entry = entry(record);
    let _alone = C_LIBRARY.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: a NUL-terminated name that the C library copies.
    if unsafe { libc::utmpxname(utmp.as_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the lock above makes us the only user of the C library's position.
    unsafe { libc::setutxent() };
    // SAFETY: the entry is complete; the result is only compared with null.
    let written = unsafe { libc::pututxline(&raw const entry) };
    let fault = io::Error::last_os_error();
    // SAFETY: as setutxent.
    unsafe { libc::endutxent() };
    // SAFETY: both pointers live until the call returns.
    unsafe { updwtmpx(wtmp.as_ptr(), &raw const entry) };
    if written.is_null() {
        return Err(io::Error::new(
            fault.kind(),
            format!("{}: writing the session's record: {fault}", files.utmp.display()),
        ));
    }
    Ok(())
}

fn entry(record: &Record<'_>) -> libc::utmpx {
    // SAFETY: utmpx is integers and arrays of them; all zero is a valid empty record.
    let mut entry: libc::utmpx = unsafe { std::mem::zeroed() };
    entry.ut_type = match record.stage {
        Stage::Login => libc::LOGIN_PROCESS,
        Stage::User => libc::USER_PROCESS,
        Stage::Dead => libc::DEAD_PROCESS,
    };
    entry.ut_pid = i32::try_from(record.pid).unwrap_or(0);
    let tty = record.tty.strip_prefix("/dev").unwrap_or(record.tty).as_os_str().as_bytes();
    fill(&mut entry.ut_line, tty);
    // The id tells records of different lines apart. Four bytes: the line's last four, as every getty does.
    fill(&mut entry.ut_id, tty.get(tty.len().saturating_sub(4)..).unwrap_or(tty));
    match record.stage {
        Stage::Login | Stage::User => {
            fill(&mut entry.ut_user, record.user.as_bytes());
            fill(&mut entry.ut_host, record.host.as_bytes());
        }
        // last(1) takes a record without a name on the line for its end.
        Stage::Dead => {}
    }
    entry.ut_session = entry.ut_pid;
    let now = clock_gettime(ClockId::Realtime);
    // The file keeps 32 bits of seconds on every machine that shares it with 32-bit programs; past 2106
    // the records say 1970 and nothing else breaks.
    entry.ut_tv.tv_sec = fit(now.tv_sec);
    entry.ut_tv.tv_usec = fit(now.tv_nsec / 1000);
    entry
}

/// A number in whatever width this machine's record has.
fn fit<T: TryFrom<i64> + Default>(number: i64) -> T {
    T::try_from(number).unwrap_or_default()
}

fn fill(field: &mut [libc::c_char], text: &[u8]) {
    // Control bytes have no place in what `who` prints on an operator's terminal.
    let printable = text.iter().map(|byte| if byte.is_ascii_control() { b'?' } else { *byte });
    for (place, byte) in field.iter_mut().zip(printable) {
        *place = byte.cast_signed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Dir;

    fn records(path: &Path) -> Vec<(i16, i32, String, String, String)> {
        let bytes = std::fs::read(path).unwrap();
        let size = size_of::<libc::utmpx>();
        assert_eq!(bytes.len() % size, 0);
        let text = |field: &[u8]| String::from_utf8_lossy(field).trim_end_matches('\0').to_owned();
        let at = |of: usize, len: usize| of..of + len;
        use std::mem::offset_of;
        bytes
            .chunks(size)
            .map(|one| {
                let kind = i16::from_ne_bytes(one[..2].try_into().unwrap());
                let pid = offset_of!(libc::utmpx, ut_pid);
                (
                    kind,
                    i32::from_ne_bytes(one[at(pid, 4)].try_into().unwrap()),
                    text(&one[at(offset_of!(libc::utmpx, ut_line), 32)]),
                    text(&one[at(offset_of!(libc::utmpx, ut_user), 32)]),
                    text(&one[at(offset_of!(libc::utmpx, ut_host), 64)]),
                )
            })
            .collect()
    }

    #[test]
    fn a_session_has_one_place_in_utmp_and_three_records_in_wtmp() {
        let dir = Dir::new("utmp");
        let files = Files { utmp: dir.path("utmp"), wtmp: dir.path("wtmp") };
        std::fs::write(&files.utmp, "").unwrap();
        std::fs::write(&files.wtmp, "").unwrap();
        let tty = Path::new("/dev/ttyUSB0");
        let record = |stage, user| Record { stage, pid: 4711, tty, user, host: "33600\r" };
        write(&files, &record(Stage::Login, "LOGIN")).unwrap();
        write(&files, &record(Stage::User, "mary")).unwrap();
        let on = (libc::USER_PROCESS, 4711, "ttyUSB0".into(), "mary".into(), "33600?".into());
        assert_eq!(records(&files.utmp), [on]);
        write(&files, &record(Stage::Dead, "mary")).unwrap();
        let over = (libc::DEAD_PROCESS, 4711, "ttyUSB0".into(), String::new(), String::new());
        assert_eq!(records(&files.utmp), [over]);
        let kinds: Vec<_> = records(&files.wtmp).iter().map(|one| one.0).collect();
        assert_eq!(kinds, [libc::LOGIN_PROCESS, libc::USER_PROCESS, libc::DEAD_PROCESS]);
    }

    #[test]
    fn a_missing_utmp_is_told_in_words() {
        let dir = Dir::new("no-utmp");
        let files = Files { utmp: dir.path("none/utmp"), wtmp: dir.path("none/wtmp") };
        let tty = Path::new("/dev/ttyUSB0");
        let record = Record { stage: Stage::Login, pid: 1, tty, user: "LOGIN", host: "" };
        let fault = write(&files, &record).unwrap_err();
        assert!(fault.to_string().contains("none/utmp"), "{fault}");
    }
}

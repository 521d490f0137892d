//! Captures on disk: one pcap file a PPP call, written by a thread of its own.
//!
//! ```text
//!   loop ── CaptureOutput (bounded) ──► thread ──► DIRECTORY/c12.pcap, 0600
//!                                          └─► the oldest go
//! ```
//!
//! A capture is for looking at afterwards: a call never waits for it, and one that cannot be written is told of
//! once and given up. What is in it is decided by the core.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::SystemTime;

use calls::vocabulary::CaptureOutput;

/// Orders that may wait for the disk: some seconds of a thousand lines that all negotiate at once.
const WAITING: usize = 4096;

/// Files given up that are remembered: more than calls that are captured at once.
const GIVEN_UP: usize = 1024;

/// The writer of captures; it has a thread from the first order on.
#[derive(Debug, Default)]
pub(crate) struct Captures {
    thread: Option<Thread>,
}

#[derive(Debug)]
struct Thread {
    orders: SyncSender<CaptureOutput>,
    handle: JoinHandle<()>,
    /// Whether the disk was told of as too slow.
    told: bool,
}

impl Captures {
    /// Carries an order out, some time.
    pub(crate) fn write(&mut self, order: CaptureOutput) {
        if self.thread.is_none() {
            match Thread::start() {
                Ok(thread) => self.thread = Some(thread),
                Err(e) => tracing::error!("starting the writer of captures: {e}"),
            }
        }
        let Some(thread) = &mut self.thread else { return };
        match thread.orders.try_send(order) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) if !thread.told => {
                thread.told = true;
                tracing::warn!("the disk is too slow for captures: they have gaps");
            }
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }

    /// Writes what is waiting.
    pub(crate) fn finish(self) {
        if let Some(Thread { orders, handle, told: _ }) = self.thread {
            drop(orders);
            // A panic has been reported.
            drop(handle.join());
        }
    }
}

impl Thread {
    fn start() -> io::Result<Self> {
        let (orders, waiting) = sync_channel(WAITING);
        let handle = std::thread::Builder::new()
            .name("captures".to_owned())
            .spawn(move || carry_out(&waiting))?;
        Ok(Self { orders, handle, told: false })
    }
}

fn carry_out(orders: &Receiver<CaptureOutput>) {
    let mut given_up = GivenUp::default();
    for order in orders {
        let (file, done) = match &order {
            CaptureOutput::Begin { file, keep } => {
                given_up.forget(file);
                (file, begin(file, *keep))
            }
            CaptureOutput::Append { file, .. } if given_up.has(file) => continue,
            CaptureOutput::Append { file, octets } => (file, append(file, octets)),
        };
        if let Err(e) = done {
            tracing::warn!("{}: {e}: the call is not captured", file.display());
            given_up.add(file.clone());
        }
    }
}

/// Files that could not be written, the latest last: of them nothing more is said. Nobody tells when a call is over, so
/// the oldest are forgotten.
#[derive(Debug, Default)]
struct GivenUp(VecDeque<PathBuf>);

impl GivenUp {
    fn has(&self, file: &Path) -> bool {
        self.0.iter().any(|given_up| given_up == file)
    }

    fn forget(&mut self, file: &Path) {
        self.0.retain(|given_up| given_up != file);
    }

    fn add(&mut self, file: PathBuf) {
        if self.0.len() >= GIVEN_UP {
            self.0.pop_front();
        }
        self.0.push_back(file);
    }
}

fn begin(file: &Path, keep: u32) -> io::Result<()> {
    let directory = file.parent().unwrap_or(Path::new("/"));
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    // The file of another call with this number, from before the journal was lost; or a link that somebody
    // has laid for us.
    match fs::remove_file(file) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        Ok(()) | Err(_) => {}
    }
    File::options().write(true).create_new(true).mode(0o600).open(file)?;
    let mut captures = list(directory)?;
    let most = usize::try_from(keep).unwrap_or(usize::MAX);
    captures.truncate(captures.len().saturating_sub(most));
    for (_, old) in captures {
        // Somebody else may have been quicker.
        drop(fs::remove_file(old));
    }
    Ok(())
}

fn append(file: &Path, octets: &[u8]) -> io::Result<()> {
    let no_link = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    File::options().append(true).custom_flags(no_link).open(file)?.write_all(octets)
}

/// The captures in a directory, oldest first. Other files there are nobody's business.
pub(crate) fn list(directory: &Path) -> io::Result<Vec<(SystemTime, PathBuf)>> {
    let mut captures = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix('c')?.strip_suffix(".pcap"));
        let Some(number) = number.and_then(|number| number.parse::<u64>().ok()) else { continue };
        let seen = entry.metadata()?;
        if seen.is_file() {
            captures.push((seen.modified()?, number, entry.path()));
        }
    }
    captures.sort();
    Ok(captures.into_iter().map(|(time, _, path)| (time, path)).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn captured(orders: Vec<CaptureOutput>) {
        let mut captures = Captures::default();
        for order in orders {
            captures.write(order);
        }
        captures.finish();
    }

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("dialback-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        path
    }

    #[test]
    fn files_are_for_their_owner_only_and_the_oldest_go() {
        let directory = folder("captures");
        let file = |call: u32| directory.join(format!("c{call}.pcap"));
        let mut orders = Vec::new();
        for call in [3, 4, 11, 12] {
            orders.push(CaptureOutput::Begin { file: file(call), keep: 3 });
            orders.push(CaptureOutput::Append { file: file(call), octets: b"abc".to_vec() });
            orders.push(CaptureOutput::Append { file: file(call), octets: b"de".to_vec() });
        }
        captured(orders);
        let left: BTreeSet<PathBuf> =
            list(&directory).unwrap().into_iter().map(|(_, path)| path).collect();
        assert_eq!(left, [file(4), file(11), file(12)].into());
        assert_eq!(fs::read(file(12)).unwrap(), b"abcde");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file(12)), mode(&directory)), (0o600, 0o700));
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn files_given_up_are_forgotten_with_their_next_beginning_or_when_there_are_too_many() {
        let file = |call: usize| PathBuf::from(format!("/captures/c{call}.pcap"));
        let mut given_up = GivenUp::default();
        for call in 0..GIVEN_UP + 3 {
            given_up.add(file(call));
        }
        assert_eq!(given_up.0.len(), GIVEN_UP);
        assert!(!given_up.has(&file(2)) && given_up.has(&file(3)));
        given_up.forget(&file(3));
        assert!(!given_up.has(&file(3)));
    }

    #[test]
    fn a_call_s_number_used_again_begins_its_file_anew_and_links_are_not_followed() {
        let directory = folder("captures-again");
        fs::create_dir(&directory).unwrap();
        let (file, target) = (directory.join("c1.pcap"), directory.join("target"));
        fs::write(&target, "precious").unwrap();
        std::os::unix::fs::symlink(&target, &file).unwrap();
        let begin = || CaptureOutput::Begin { file: file.clone(), keep: 9 };
        let append = || CaptureOutput::Append { file: file.clone(), octets: b"x".to_vec() };
        captured(vec![begin(), append(), begin(), append()]);
        assert_eq!(fs::read(&file).unwrap(), b"x");
        assert_eq!(fs::read(&target).unwrap(), b"precious");
        fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink(&target, &file).unwrap();
        captured(vec![append()]);
        assert_eq!(fs::read(&target).unwrap(), b"precious");
        fs::remove_dir_all(directory).unwrap();
    }
}

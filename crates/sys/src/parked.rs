//! A thread that sleeps in one blocking system call, and can be stopped all the same.
//!
//! `TIOCMIWAIT` has no time-out and closing the port does not wake it. What does wake it is a signal whose
//! disposition has no `SA_RESTART`: the call then fails with `EINTR`.
//!
//! ```text
//!   running turn ──Again::Yes──> running turn ...      stop: flag up, then signal until it has ended
//!        └───────Again::No / flag up──> ended          (one signal could arrive just before the call)
//! ```
//!
//! It deliberately does not know which call its thread sleeps in.

use std::io;
use std::os::unix::thread::JoinHandleExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Once};
use std::thread::JoinHandle;
use std::time::Duration;

/// Whether a turn wants to be followed by another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Run the next turn.
    Yes,
    /// The thread has nothing left to wait for.
    No,
}

/// The time between two wake-up signals while stopping: the first nearly always does it.
const WAKE_EVERY: Duration = Duration::from_millis(5);

/// A running thread of this kind; stopped and joined when dropped.
#[derive(Debug)]
pub struct Parked {
    stop: Arc<AtomicBool>,
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Parked {
    /// Starts a thread that runs `turn` again and again. Each turn may block in a system call, and must
    /// come back when that call fails with `EINTR`.
    ///
    /// # Errors
    /// No more threads, or no free real-time signal.
    pub fn start(name: &str, mut turn: impl FnMut() -> Again + Send + 'static) -> io::Result<Self> {
        install_wake_signal()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let (tell_end, ended) = channel::<()>();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // Dropped at the end of the thread, also if a turn panics.
            let _tell_end = tell_end;
            while !stopping.load(Ordering::Acquire) && turn() == Again::Yes {}
        })?;
        Ok(Self { stop, ended, thread: Some(thread) })
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.stop.store(true, Ordering::Release);
        loop {
            wake(&thread);
            match self.ended.recv_timeout(WAKE_EVERY) {
                // The signal came before the system call: once more.
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        // A panic of the turn has been reported by the panic hook already.
        let _panicked = thread.join();
    }
}

/// The signal that wakes: far from the ends of the range, which libraries and debuggers use.
fn wake_signal() -> i32 {
    libc::SIGRTMIN() + 7
}

fn wake(thread: &JoinHandle<()>) {
    // SAFETY: the handle is not joined yet, so its pthread_t is valid, and the signal has a disposition
    // that does nothing (install_wake_signal ran before the thread began).
    let _ended_already = unsafe { libc::pthread_kill(thread.as_pthread_t(), wake_signal()) };
}

extern "C" fn nothing(_signal: i32) {}

fn install_wake_signal() -> io::Result<()> {
    static INSTALLED: Once = Once::new();
    static FAILED: AtomicBool = AtomicBool::new(false);
    INSTALLED.call_once(|| {
        // SAFETY: an all-zero sigaction is valid: no flags (so no SA_RESTART), empty mask.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = nothing as extern "C" fn(i32) as usize;
        // SAFETY: the structure is complete and its function is async-signal-safe: it does nothing.
        let failed =
            unsafe { libc::sigaction(wake_signal(), &raw const action, std::ptr::null_mut()) };
        FAILED.store(failed != 0, Ordering::Release);
    });
    if FAILED.load(Ordering::Acquire) {
        return Err(io::Error::other("the wake-up signal cannot be set"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_asleep_in_the_kernel_ends_when_it_is_dropped() {
        let (reader, _writer) = rustix::pipe::pipe().unwrap();
        let (tell, told) = channel();
        let parked = Parked::start("test", move || {
            tell.send("about to sleep").unwrap();
            let mut byte = [0_u8; 1];
            // A plain read without a retry, as an ioctl would be.
            match rustix::io::read(&reader, &mut byte) {
                Err(rustix::io::Errno::INTR) => Again::Yes,
                other => panic!("the pipe has a writer and no bytes: {other:?}"),
            }
        })
        .unwrap();
        told.recv().unwrap();
        drop(parked);
        assert!(told.recv().is_err(), "the thread is gone, and its sender with it");
    }

    #[test]
    fn a_thread_with_nothing_left_to_wait_for_ends_by_itself() {
        let mut turns = 0;
        let parked = Parked::start("test", move || {
            turns += 1;
            if turns == 3 { Again::No } else { Again::Yes }
        })
        .unwrap();
        assert!(parked.ended.recv().is_err());
    }
}

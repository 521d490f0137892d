//! Sockets that a service manager has opened for us (sd_listen_fds(3)): numbers from 3 on, told by two variables.
//!
//! It deliberately does not know what they are for.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::net::{AddressFamily, SocketType, sockopt};

/// The number of the first one (`SD_LISTEN_FDS_START`).
const FIRST: i32 = 3;

/// What is taken once is owned by whoever has it.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The one listening stream socket of the Unix domain that was passed, from the values of `LISTEN_PID` and
/// `LISTEN_FDS`; `None`: nothing was passed to this process. From now on no program that is started inherits it. Only
/// the first call gets it.
///
/// # Errors
/// Something else was passed, or more.
pub fn control_socket(
    for_pid: Option<&str>,
    count: Option<&str>,
) -> io::Result<Option<std::os::unix::net::UnixListener>> {
    let ours = for_pid.and_then(|pid| pid.parse().ok()) == Some(std::process::id());
    let count = count.and_then(|count| count.parse::<u32>().ok()).unwrap_or(0);
    if !ours || count == 0 || TAKEN.swap(true, Ordering::Relaxed) {
        return Ok(None);
    }
    // SAFETY: the manager says that this number is a socket that it has opened for this process, and it is taken once.
    let socket = unsafe { OwnedFd::from_raw_fd(FIRST) };
    let is_it = count == 1
        && sockopt::socket_domain(&socket)? == AddressFamily::UNIX
        && sockopt::socket_type(&socket)? == SocketType::STREAM
        && sockopt::socket_acceptconn(&socket)?;
    if !is_it {
        let message = "the service manager passes something else than one listening Unix socket";
        return Err(io::Error::other(message));
    }
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    Ok(Some(socket.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_for_this_process_is_not_taken() {
        let us = std::process::id().to_string();
        for (pid, count) in [(None, Some("1")), (Some("1"), Some("1")), (Some(us.as_str()), None)] {
            assert!(control_socket(pid, count).unwrap().is_none(), "{pid:?} {count:?}");
        }
    }
}

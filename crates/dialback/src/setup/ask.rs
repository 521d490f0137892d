//! Asking what is on a port: opened at one speed after the other until somebody answers `AT`, then interviewed.
//!
//! It knows nothing of configurations, and leaves the port as it was found.

use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use calls::config::PortSpec;
use proto::at::identity::{Identity, identify};
use proto::at::interview::{Interview, Step};
use proto::time::Instant;
use tokio::sync::Semaphore;

use crate::dial::line::Line;
use crate::dial::outcome::Outcome;
use crate::port::{Heard, Settings};

/// The speeds that are tried, the likeliest first. A modem takes the speed of the `AT` that it hears; 2400 and 9600 are
/// for those that do not.
const SPEEDS: [u32; 4] = [115_200, 38_400, 9_600, 2_400];

/// No interview takes as long; a modem that babbles without end is none.
const LIMIT: Duration = Duration::from_secs(90);

/// Ports that are asked at once: each is some open files.
const AT_ONCE: usize = 128;

/// What was found on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A modem, at this speed.
    Modem {
        /// Who it is.
        identity: Box<Identity>,
        /// Port speed (bit/s) at which it answered.
        speed: u32,
        /// DCD is up, and there is no call.
        carrier: bool,
        /// Whether the port has control lines.
        lines: bool,
    },
    /// Nobody answered `AT`, at any speed.
    Mute,
    /// Somebody else uses it. For people.
    InUse(String),
    /// It can't be opened. For people.
    Closed(String),
}

/// What is told while modems are asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Told<'a> {
    /// What goes on. For people.
    Going(&'a str),
    /// What was found in the end.
    Found(&'a Found),
}

/// Asks at all these ports, which have names, at once: a mute one takes all speeds, and a rack of them must not take as
/// often that long. What was found comes back in the same order.
pub(crate) fn ask_all(
    ports: Vec<(String, PortSpec)>,
    lock_dir: &Path,
    told: impl Fn(&str, Told<'_>) + Copy + 'static,
) -> io::Result<Vec<Found>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = tokio::task::LocalSet::new();
    let room = Rc::new(Semaphore::new(AT_ONCE));
    runtime.block_on(tasks.run_until(async {
        let asked: Vec<_> = ports
            .into_iter()
            .map(|(name, port)| {
                let (lock_dir, room) = (lock_dir.to_owned(), Rc::clone(&room));
                tokio::task::spawn_local(async move {
                    let _seat = room.acquire().await;
                    let going = |what: String| told(&name, Told::Going(&what));
                    let found = ask(&port, &lock_dir, going).await;
                    told(&name, Told::Found(&found));
                    found
                })
            })
            .collect();
        let mut found = Vec::new();
        for task in asked {
            found.push(task.await.map_err(io::Error::other)?);
        }
        Ok(found)
    }))
}

/// Asks. `told` hears what goes on.
async fn ask(port: &PortSpec, lock_dir: &Path, told: impl Fn(String)) -> Found {
    // The speed of bare bytes over TCP is the terminal server's business.
    let speeds = if matches!(port, PortSpec::Tcp { .. }) { 1 } else { SPEEDS.len() };
    for speed in SPEEDS.into_iter().take(speeds) {
        told(format!("asking at {speed} bit/s"));
        // Without flow control: a cable without CTS must not keep us from asking.
        let settings = Settings { spec: port.clone(), speed, hardware_flow: false };
        let line = match Line::at(settings, lock_dir).await {
            Ok(line) => line,
            Err((Outcome::PortLocked, why)) => return Found::InUse(why),
            Err((_, why)) => return Found::Closed(why),
        };
        match tokio::time::timeout(LIMIT, interview(line, &told)).await {
            Ok(Ok(Some((identity, carrier, lines)))) => {
                return Found::Modem { identity: Box::new(identity), speed, carrier, lines };
            }
            Ok(Ok(None)) => {}
            Ok(Err(why)) => return Found::Closed(why),
            Err(_) => return Found::Closed("what is there never stops talking".to_owned()),
        }
    }
    Found::Mute
}

/// Who is there, whether DCD is up, and whether the port has control lines; `None`: nobody.
async fn interview(
    mut line: Line,
    told: &impl Fn(String),
) -> Result<Option<(Identity, bool, bool)>, String> {
    let mut interview = Interview::start(now());
    loop {
        while let Some(step) = interview.poll() {
            match step {
                Step::Send(bytes) => line.send(&bytes),
                Step::Progress(1) => told("a modem answers".to_owned()),
                Step::Progress(_) => {}
                Step::Mute => {
                    line.close();
                    return Ok(None);
                }
                Step::Done(answers) => {
                    let signals = line.signals();
                    let carrier = signals.is_some_and(|signals| signals.dcd);
                    let lines = signals.is_some();
                    line.close();
                    return Ok(Some((identify(&answers, lines), carrier, lines)));
                }
            }
        }
        let wait = interview.deadline().map_or(LIMIT, |deadline| deadline.at - now());
        tokio::select! {
            () = line.wait() => {}
            () = tokio::time::sleep(wait) => {}
        }
        for heard in line.hear(true) {
            match heard {
                Heard::Bytes(bytes) => interview.receive(now(), &bytes),
                Heard::Signals(_) => {}
                Heard::Lost(why) => return Err(why),
            }
        }
        interview.tick(now());
    }
}

/// What time it is, for the interview.
fn now() -> Instant {
    Instant::from_micros(sys::clock::monotonic_micros())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;
    use std::sync::{Arc, Barrier};

    use super::*;

    /// A modem that says nothing until all of them are asked, and then OK to everything.
    fn modem(all: &Arc<Barrier>) -> PortSpec {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let tcp_port = listener.local_addr().unwrap().port();
        let all = Arc::clone(all);
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            all.wait();
            let asked = BufReader::new(stream.try_clone().unwrap());
            for _ in asked.split(b'\r').map_while(Result::ok) {
                if stream.write_all(b"\r\nOK\r\n").is_err() {
                    return;
                }
            }
        });
        PortSpec::Tcp { host: "127.0.0.1".to_owned(), tcp_port }
    }

    #[test]
    fn a_rack_of_modems_is_asked_at_once() {
        let all = Arc::new(Barrier::new(5));
        let ports = (0..5).map(|n| (format!("port{n}"), modem(&all))).collect();
        let found = ask_all(ports, Path::new("/run/lock"), |_, _| {}).unwrap();
        assert_eq!(found.len(), 5);
        assert!(found.iter().all(|found| matches!(found, Found::Modem { .. })), "{found:?}");
    }
}

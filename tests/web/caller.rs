//! Somebody with a modem on a TCP port of the town's.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// No step of a call takes as long on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(40);

pub(crate) struct Caller {
    modem: TcpStream,
    heard: Vec<u8>,
}

impl Caller {
    pub(crate) fn plug_in(address: &str) -> Self {
        let modem = TcpStream::connect(address).unwrap();
        modem.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let mut caller = Self { modem, heard: Vec::new() };
        caller.say("ATZ\r", "OK");
        caller
    }

    /// Says something, and waits for the answer; what came before it is forgotten.
    pub(crate) fn say(&mut self, text: &str, wanted: &str) {
        self.modem.write_all(text.as_bytes()).unwrap();
        self.until(wanted);
    }

    pub(crate) fn until(&mut self, wanted: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.heard.windows(wanted.len()).position(|w| w == wanted.as_bytes());
            if let Some(at) = found {
                self.heard.drain(..at + wanted.len());
                return;
            }
            let mut bytes = [0; 512];
            match self.modem.read(&mut bytes) {
                Ok(n) if n > 0 => self.heard.extend_from_slice(&bytes[..n]),
                Err(e)
                    if e.kind() == std::io::ErrorKind::WouldBlock && Instant::now() < deadline => {}
                other => panic!(
                    "waiting for {wanted:?}: {other:?}; heard {:?}",
                    String::from_utf8_lossy(&self.heard)
                ),
            }
        }
    }

    /// Calls, says this name, and is thrown out.
    pub(crate) fn is_nobody(&mut self, name: &str) {
        self.say("ATDT5550100\r", "ogin: ");
        self.say(&format!("{name}\r"), "NO CARRIER");
    }
}

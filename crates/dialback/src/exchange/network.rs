//! Modems of the simulated town on the network: RFC 2217 and plain TCP.
//!
//! One client at a time has a modem, as one computer has a serial cable; a second one is turned away at once.
//! While a client is connected DTR is up, unless RFC 2217 says otherwise; when it goes, DTR falls.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use proto::telnet::comport::PortSettings;
use proto::telnet::server::{ComPortServer, Output};
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::port::sim::{Cable, FromModem, Sockets, ToModem};

/// Bytes that a client may be ahead of its modem.
const AHEAD: usize = 1024;

/// Bytes for a client that does not read: beyond this its modem waits.
const BEHIND: usize = 4096;

/// Between two tries to accept a connection when the first failed.
const AFTER_A_FAULT: Duration = Duration::from_millis(100);

/// How a modem is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Telnet with the com port option.
    Rfc2217,
    /// Bytes as they are.
    Tcp,
}

/// Offers the modem `station` to whoever connects, until the runtime ends.
pub(super) async fn offer(listener: TcpListener, kind: Kind, station: Arc<str>, sockets: Sockets) {
    let cable = Arc::new(Semaphore::new(1));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(e) => {
                // Out of descriptors, most likely. No event tells when somebody has closed one.
                tracing::warn!("{station}: accepting a connection: {e}");
                tokio::time::sleep(AFTER_A_FAULT).await;
                continue;
            }
        };
        let Ok(taken) = Arc::clone(&cable).try_acquire_owned() else {
            tracing::warn!("{station}: a second client was turned away: one has the modem already");
            continue;
        };
        let (station, sockets) = (Arc::clone(&station), sockets.clone());
        tokio::spawn(async move {
            if let Err(e) = serve(stream, kind, &station, &sockets).await {
                tracing::debug!("{station}: {e}");
            }
            drop(taken);
        });
    }
}

/// What stands between the two: nothing, or telnet.
enum Wire {
    Plain,
    Telnet(Box<ComPortServer>),
}

/// One client's time with a modem. Ends when either goes.
async fn serve(stream: TcpStream, kind: Kind, station: &str, sockets: &Sockets) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let Ok(mut cable) = sockets.plug(station, true).await else { return Ok(()) };
    let mut wire = match kind {
        Kind::Tcp => Wire::Plain,
        Kind::Rfc2217 => {
            let signature = format!("dialback exchange, {station}");
            let machine = ComPortServer::new(&signature, PortSettings::default(), cable.signals);
            Wire::Telnet(Box::new(machine))
        }
    };
    say(&cable, ToModem::Dtr(true))?;
    let mut out = Vec::new();
    let mut ahead = 0;
    carry_out(&mut wire, &cable, &mut out, &mut ahead)?;
    loop {
        let mut interest = Interest::ERROR;
        if ahead < AHEAD {
            interest |= Interest::READABLE;
        }
        if !out.is_empty() {
            interest |= Interest::WRITABLE;
        }
        tokio::select! {
            ready = stream.ready(interest) => {
                let ready = ready?;
                if ready.is_error() {
                    return Ok(());
                }
                if ready.is_writable() && !out.is_empty() {
                    match stream.try_write(&out) {
                        Ok(n) => drop(out.drain(..n)),
                        Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                        Err(e) => return Err(e),
                    }
                }
                if ready.is_readable() {
                    let mut bytes = [0; AHEAD];
                    match stream.try_read(&mut bytes) {
                        Ok(0) => return Ok(()),
                        Ok(n) => take(&mut wire, &cable, bytes.get(..n).unwrap_or_default(), &mut ahead)?,
                        Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                        Err(e) => return Err(e),
                    }
                }
            }
            said = cable.from.recv(), if out.len() < BEHIND => match (said, &mut wire) {
                (None, _) => return Ok(()),
                (Some(FromModem::Taken(n)), _) => ahead = ahead.saturating_sub(n),
                (Some(FromModem::Drained), _) | (Some(FromModem::Signals(_)), Wire::Plain) => {}
                (Some(FromModem::Bytes(bytes)), Wire::Plain) => out.extend_from_slice(&bytes),
                (Some(FromModem::Bytes(bytes)), Wire::Telnet(machine)) => machine.write(&bytes),
                (Some(FromModem::Signals(signals)), Wire::Telnet(machine)) => machine.signals(signals),
            },
        }
        carry_out(&mut wire, &cable, &mut out, &mut ahead)?;
    }
}

/// Takes what the client sent.
fn take(wire: &mut Wire, cable: &Cable, bytes: &[u8], ahead: &mut usize) -> io::Result<()> {
    match wire {
        Wire::Plain => {
            *ahead += bytes.len();
            say(cable, ToModem::Bytes(bytes.to_vec()))
        }
        Wire::Telnet(machine) => {
            machine.receive(bytes);
            Ok(())
        }
    }
}

/// Does what the telnet machine wants.
fn carry_out(
    wire: &mut Wire,
    cable: &Cable,
    out: &mut Vec<u8>,
    ahead: &mut usize,
) -> io::Result<()> {
    let Wire::Telnet(machine) = wire else { return Ok(()) };
    while let Some(output) = machine.poll() {
        match output {
            Output::Wire(bytes) => out.extend_from_slice(&bytes),
            Output::Data(bytes) => {
                *ahead += bytes.len();
                say(cable, ToModem::Bytes(bytes))?;
            }
            Output::Baud(speed) => say(cable, ToModem::Speed(speed))?,
            Output::Dtr(on) => say(cable, ToModem::Dtr(on))?,
            // Taken together they are "this computer reads just now".
            Output::Rts(ready) | Output::MaySend(ready) => say(cable, ToModem::Ready(ready))?,
            Output::Break(true) => say(cable, ToModem::Break)?,
            // A virtual modem has no bits on its cable, and nothing waits in it that could be purged.
            Output::Break(false)
            | Output::ComPort(_)
            | Output::DataBits(_)
            | Output::Parity(_)
            | Output::StopBits(_)
            | Output::Flow(_)
            | Output::Purge(_)
            | Output::Signature(_) => {}
        }
    }
    Ok(())
}

fn say(cable: &Cable, what: ToModem) -> io::Result<()> {
    cable.to.send(what).map_err(|_| io::Error::other("the cable is off"))
}

//! A listener on the cable between the server and its modem: what the server says to a caller, as it says it.
//!
//! ```text
//!   rim's sim: port ──► tap ──► the exchange's socket
//!                  ◄──     ◄──
//!                      └──► Passed
//! ```
//!
//! It changes nothing, and what a slow side holds up stays held up. What passes without a carrier is the talk
//! with the modem, which the exchange tells better.

use tokio::sync::mpsc;

use crate::port::sim::{Cable, FromModem, Plug, Sockets, ToModem};

/// What passed while the carrier was up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// From the server to the caller.
    Said(Vec<u8>),
    /// From the caller to the server.
    Heard(Vec<u8>),
}

/// Sockets to be used in place of `board`, and what passes through them. Within a runtime.
pub(super) fn tap(board: Sockets) -> (Sockets, mpsc::UnboundedReceiver<Passed>) {
    let (sockets, mut plugs) = Sockets::new();
    let (tell, passed) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(plug) = plugs.recv().await {
            let Plug { name, from_port, to_port, patient, answer } = plug;
            match board.plug(&name, patient).await {
                Ok(cable) => {
                    // A port that no longer waits has dropped its other ends too.
                    drop(answer.send(Ok(cable.signals)));
                    tokio::spawn(carry(cable, from_port, to_port, tell.clone()));
                }
                Err(why) => drop(answer.send(Err(why))),
            }
        }
    });
    (sockets, passed)
}

/// One cable's life. Its end drops both ends, which each side takes as the cable pulled out.
async fn carry(
    mut cable: Cable,
    mut from_port: mpsc::UnboundedReceiver<ToModem>,
    to_port: mpsc::Sender<FromModem>,
    tell: mpsc::UnboundedSender<Passed>,
) {
    let mut carrier = cable.signals.dcd;
    let mut held = None;
    loop {
        tokio::select! {
            what = from_port.recv() => {
                let Some(what) = what else { return };
                if carrier && let ToModem::Bytes(bytes) = &what {
                    // The demo may have ended already.
                    drop(tell.send(Passed::Said(bytes.clone())));
                }
                if cable.to.send(what).is_err() {
                    return;
                }
            }
            what = cable.from.recv(), if held.is_none() => {
                let Some(what) = what else { return };
                match &what {
                    FromModem::Bytes(bytes) if carrier => {
                        drop(tell.send(Passed::Heard(bytes.clone())));
                    }
                    FromModem::Signals(signals) => carrier = signals.dcd,
                    FromModem::Bytes(_) | FromModem::Drained | FromModem::Taken(_) => {}
                }
                held = Some(what);
            }
            room = to_port.reserve(), if held.is_some() => {
                let Ok(room) = room else { return };
                if let Some(what) = held.take() {
                    room.send(what);
                }
            }
        }
    }
}

//! Any octets into the deframer: the pieces they come in must not matter, and what is framed again must
//! come back.
#![cfg_attr(fuzzing, no_main)]

use dialback_ppp::framing::{Accm, Deframer, Framing};
use dialback_ppp::protocol::Protocol;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|octets: &[u8]| run(octets));

/// The first octet chooses the map and the size of the pieces; the rest is the line.
pub fn run(octets: &[u8]) {
    let Some((choice, line)) = octets.split_first() else { return };
    let maps = [Accm::NONE, Accm::ALL, Accm::FLOW_CONTROL, Accm(0x0f0f_5555)];
    let accm = maps[usize::from(choice & 3)];
    let piece = usize::from(choice >> 2) + 1;
    let whole = frames(accm, line, line.len().max(1));
    assert_eq!(whole, frames(accm, line, piece), "pieces of {piece} octets");

    // What came out goes in again, in our own framing.
    let mut again = Vec::new();
    for (protocol, information) in &whole {
        Framing { accm, acfc: false, pfc: false }.encode(*protocol, information, &mut again);
    }
    // A protocol number that breaks RFC 1661's rule of odd and even does not survive a second reading.
    if whole.iter().all(|(protocol, _)| protocol.is_valid()) {
        let fits = whole.iter().all(|(_, information)| (1..190).contains(&information.len()));
        assert!(!fits || frames(accm, &again, again.len().max(1)) == whole);
    }
}

fn frames(accm: Accm, line: &[u8], piece: usize) -> Vec<(Protocol, Vec<u8>)> {
    let mut deframer = Deframer::new(200);
    deframer.set_accm(accm);
    let mut frames = Vec::new();
    for mut input in line.chunks(piece) {
        while let Some(frame) = deframer.next(&mut input) {
            frames.push((frame.protocol, frame.information.to_vec()));
        }
    }
    assert_eq!(deframer.counts().frames, frames.len() as u64);
    frames
}

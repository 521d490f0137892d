//! Takes the octets of one direction of a PPP line from standard input, and prints its frames.
//!
//! `cargo run -p dialback-ppp --example decode < line.bin`

#![expect(clippy::print_stdout, reason = "an example tells what happens")]

use std::io::{self, Read};

use dialback_ppp::framing::{Accm, Deframer};
use dialback_ppp::packet::Packet;

fn main() -> io::Result<()> {
    let mut deframer = Deframer::new(65_535);
    // A spectator does not know what the two agreed to escape: nothing is noise.
    deframer.set_accm(Accm::NONE);
    let mut octets = [0; 4096];
    loop {
        let length = io::stdin().read(&mut octets)?;
        if length == 0 {
            break;
        }
        let mut input = octets.get(..length).unwrap_or_default();
        while let Some(frame) = deframer.next(&mut input) {
            let shown: String =
                frame.information.iter().map(|octet| format!(" {octet:02x}")).collect();
            let control = Packet::read(frame.information).filter(|_| frame.protocol.0 >= 0x8000);
            match control {
                Some(packet) => {
                    println!("{} code {} id {}:{shown}", frame.protocol, packet.code, packet.id);
                }
                None => println!("{}:{shown}", frame.protocol),
            }
        }
    }
    println!("{:?}", deframer.counts());
    Ok(())
}

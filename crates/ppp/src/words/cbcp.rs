//! CBCP in words (MS-CBCP §2.2).

use super::{Parts, octets, quoted, unknown_option};
use crate::cbcp::read_list;
use crate::packet::{self, Malformed, Packet};

pub(super) fn packet(packet: Packet<'_>) -> Parts {
    let kind = match packet.code {
        1 => "Request",
        2 => "Response",
        3 => "Ack",
        code => return (format!("code {code}"), vec![octets(packet.body.len())]),
    };
    let parts = match packet::items(packet.body) {
        Ok(items) => items.iter().map(|item| option(item.kind, item.value)).collect(),
        Err(Malformed) => vec!["options that do not add up".to_owned()],
    };
    (kind.to_owned(), parts)
}

fn option(kind: u8, value: &[u8]) -> String {
    let after = |delay: u8| match delay {
        0 => String::new(),
        delay => format!(" after {delay} s"),
    };
    match (kind, value) {
        (1, _) => "no callback".to_owned(),
        (2, [delay, 1, number @ ..]) => match upto_nul(number) {
            [] => format!("the caller's number{}", after(*delay)),
            number => format!("the caller's number {}{}", quoted(number), after(*delay)),
        },
        (3, [delay, ..]) => format!("the stored number{}", after(*delay)),
        (4, [delay, ..]) => {
            let numbers = read_list(value);
            let numbers: Vec<String> =
                numbers.iter().map(|number| quoted(number.as_bytes())).collect();
            format!("one of the list {}{}", numbers.join(" "), after(*delay))
        }
        (_, _) => unknown_option(kind, value),
    }
}

fn upto_nul(number: &[u8]) -> &[u8] {
    number.split(|octet| *octet == 0).next().unwrap_or_default()
}

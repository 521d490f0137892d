//! The packets of CBCP (MS-CBCP §2.2): three codes, four options.
//!
//! ```text
//!     option := type(1) length(1) delay(1) address...
//!     address := 01 digits 00
//! ```
//!
//! A "none" option ends after its length. Type 4, one of a list, was in the draft of 1994 and lives on in
//! FreeBSD's ppp and others; MS-CBCP no longer has it.

use super::number::Number;
use crate::packet::{self, Packet};

/// Request: the answerer says what the caller may choose.
pub const REQUEST: u8 = 1;
/// Response: the caller has chosen.
pub const RESPONSE: u8 = 2;
/// Acknowledgment: the answerer has taken note of the choice.
pub const ACK: u8 = 3;

/// Type of "no callback".
pub const TYPE_NONE: u8 = 1;
/// Type of "at the number that the caller gives".
pub const TYPE_NUMBER: u8 = 2;
/// Type of "at the number that the administrator has set".
pub const TYPE_ADMINISTRATOR: u8 = 3;
/// Type of "at one number of this list".
pub const TYPE_LIST: u8 = 4;

/// Address type of telephone and ISDN numbers, the only one there is.
const PSTN: u8 = 1;

/// What a caller can choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// No callback: stay on this call.
    None,
    /// The number that the caller gives.
    Number(Number),
    /// The number that the administrator has set; it never goes over the line.
    Administrator,
    /// One number of those offered.
    Listed(Number),
}

/// A caller's choice, how long it wants to be waited for, and the octets that said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The choice.
    pub choice: Choice,
    /// Seconds from the end of this call to the callback.
    pub delay: u8,
    /// The option as it came.
    pub octets: Vec<u8>,
}

/// A Response that says nothing usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// Not exactly one option, or one whose lengths do not add up, or with an address of no known type.
    Malformed,
    /// A number was promised, but none is there.
    NoNumber,
    /// An option of a type that does not exist.
    UnknownType(u8),
}

/// Reads the body of a Response or Acknowledgment.
///
/// # Errors
/// [`Unusable`], which calls for a new Request.
pub fn read_response(body: &[u8]) -> Result<Response, Unusable> {
    let items = packet::items(body).map_err(|_| Unusable::Malformed)?;
    let [item] = items.as_slice() else { return Err(Unusable::Malformed) };
    let (choice, delay) = match (item.kind, item.value) {
        // pppd before 2.4.2 adds a delay that does not belong there.
        (TYPE_NONE, _) => (Choice::None, 0),
        // Whatever number stands here is not wanted: the stored one counts.
        (TYPE_ADMINISTRATOR, [delay, ..]) => (Choice::Administrator, *delay),
        (TYPE_NUMBER, [delay, address @ ..]) => (Choice::Number(read_address(address)?), *delay),
        (TYPE_LIST, [delay, address @ ..]) => (Choice::Listed(read_address(address)?), *delay),
        (TYPE_ADMINISTRATOR | TYPE_NUMBER | TYPE_LIST, []) => return Err(Unusable::Malformed),
        (kind, _) => return Err(Unusable::UnknownType(kind)),
    };
    Ok(Response { choice, delay, octets: item.octets.to_vec() })
}

/// A number after its address type. FreeBSD leaves the NUL out; others put octets behind it.
fn read_address(address: &[u8]) -> Result<Number, Unusable> {
    let Some((&PSTN, digits)) = address.split_first() else { return Err(Unusable::Malformed) };
    let number = Number::new(digits);
    if number.as_bytes().is_empty() { Err(Unusable::NoNumber) } else { Ok(number) }
}

/// The option that expresses a choice.
#[must_use]
pub fn write_choice(choice: &Choice, delay: u8) -> Vec<u8> {
    let mut option = Vec::new();
    let mut push_number = |kind, number: &Number| {
        let value = [&[delay, PSTN], number.as_bytes(), &[0]].concat();
        packet::push_item(&mut option, kind, &value);
    };
    match choice {
        Choice::None => packet::push_item(&mut option, TYPE_NONE, &[]),
        Choice::Number(number) => push_number(TYPE_NUMBER, number),
        Choice::Administrator => packet::push_item(&mut option, TYPE_ADMINISTRATOR, &[delay]),
        Choice::Listed(number) => push_number(TYPE_LIST, number),
    }
    option
}

/// The numbers of a list option.
pub(crate) fn read_list(value: &[u8]) -> Vec<Number> {
    let mut numbers = Vec::new();
    let mut rest = value.get(1..).unwrap_or_default();
    while let Some((&PSTN, after)) = rest.split_first() {
        let end = after.iter().position(|octet| *octet == 0).unwrap_or(after.len());
        numbers.push(Number::new(after.get(..end).unwrap_or_default()));
        rest = after.get(end + 1..).unwrap_or_default();
    }
    numbers
}

/// One packet.
#[must_use]
pub fn write(code: u8, id: u8, options: &[u8]) -> Vec<u8> {
    Packet { code, id, body: options }.write()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex::octets as hex;

    #[test]
    fn responses_say_what_they_say() {
        let number = |text: &str| Choice::Number(text.into());
        for (body, wanted) in [
            ("01 02", Ok((Choice::None, 0))),
            ("01 03 00", Ok((Choice::None, 0))),
            ("03 03 05", Ok((Choice::Administrator, 5))),
            ("03 0c 05 01 35 35 35 31 32 33 34 00", Ok((Choice::Administrator, 5))),
            ("02 0c 0c 01 35 35 35 31 32 33 34 00", Ok((number("5551234"), 12))),
            ("02 0b 0c 01 35 35 35 31 32 33 34", Ok((number("5551234"), 12))),
            ("02 0d 0c 01 35 35 35 31 32 33 34 00 39", Ok((number("5551234"), 12))),
            ("04 0c 05 01 35 35 35 35 36 37 38 00", Ok((Choice::Listed("5555678".into()), 5))),
            ("02 05 05 01 00", Err(Unusable::NoNumber)),
            ("02 04 05 01", Err(Unusable::NoNumber)),
            ("02 03 05", Err(Unusable::Malformed)),
            ("02 02", Err(Unusable::Malformed)),
            ("03 02", Err(Unusable::Malformed)),
            ("02 06 05 02 35 00", Err(Unusable::Malformed)),
            ("", Err(Unusable::Malformed)),
            ("02", Err(Unusable::Malformed)),
            ("02 00", Err(Unusable::Malformed)),
            ("02 01", Err(Unusable::Malformed)),
            ("02 0d 0c 01 35 35 35 31 32 33 34 00", Err(Unusable::Malformed)),
            ("01 02 01 02", Err(Unusable::Malformed)),
            ("05 03 00", Err(Unusable::UnknownType(5))),
            ("00 03 00", Err(Unusable::UnknownType(0))),
            ("ff 03 00", Err(Unusable::UnknownType(255))),
        ] {
            let read = read_response(&hex(body)).map(|response| (response.choice, response.delay));
            assert_eq!(read, wanted, "{body}");
        }
    }

    #[test]
    fn choices_are_written_as_they_are_read() {
        for (choice, delay, wanted) in [
            (Choice::None, 5, "01 02"),
            (Choice::Administrator, 5, "03 03 05"),
            (Choice::Number("5551234".into()), 12, "02 0c 0c 01 35 35 35 31 32 33 34 00"),
            (Choice::Number("".into()), 5, "02 05 05 01 00"),
            (Choice::Listed("5555678".into()), 5, "04 0c 05 01 35 35 35 35 36 37 38 00"),
        ] {
            assert_eq!(write_choice(&choice, delay), hex(wanted));
        }
    }
}

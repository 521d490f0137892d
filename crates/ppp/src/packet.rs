//! The shape that all control protocols share: `code id length body`, and a list of options in the body.
//!
//! Reading never fails loudly: a packet that is too short or claims more than came is `None` (RFC 1661
//! §5 has it dropped), octets behind its length are padding, and an option list that does not add up
//! ends in [`Malformed`]. What the codes and options mean is for the protocols to say.

/// Configure-Request: the options a side wants.
pub const CONFIGURE_REQUEST: u8 = 1;
/// Configure-Ack: all of them accepted.
pub const CONFIGURE_ACK: u8 = 2;
/// Configure-Nak: these, but with other values.
pub const CONFIGURE_NAK: u8 = 3;
/// Configure-Reject: these not at all.
pub const CONFIGURE_REJECT: u8 = 4;
/// Terminate-Request.
pub const TERMINATE_REQUEST: u8 = 5;
/// Terminate-Ack.
pub const TERMINATE_ACK: u8 = 6;
/// Code-Reject: a code that the sender does not know.
pub const CODE_REJECT: u8 = 7;

/// Octets before the body.
pub const HEADER: usize = 4;

/// One packet of a control protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What kind of packet it is; each protocol has its own kinds beyond 7.
    pub code: u8,
    /// Matches a reply to its request.
    pub id: u8,
    /// What follows the header, without padding.
    pub body: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a packet; `None` when the length is below four or beyond what came.
    #[must_use]
    pub fn read(octets: &'a [u8]) -> Option<Self> {
        let (&[code, id, high, low], rest) = octets.split_first_chunk::<HEADER>()?;
        let body = usize::from(u16::from_be_bytes([high, low])).checked_sub(HEADER)?;
        Some(Self { code, id, body: rest.get(..body)? })
    }

    /// Writes the packet. A body of more than 65,531 octets, which nothing here builds, is cut.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let length = u16::try_from(self.body.len() + HEADER).unwrap_or(u16::MAX);
        let [high, low] = length.to_be_bytes();
        let mut octets = Vec::with_capacity(usize::from(length));
        octets.extend([self.code, self.id, high, low]);
        octets.extend(self.body.iter().take(usize::from(length) - HEADER));
        octets
    }
}

/// A list of options that does not add up: a length below two, or beyond the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// One option: `kind length value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// Which option.
    pub kind: u8,
    /// What follows kind and length.
    pub value: &'a [u8],
    /// The whole option, to be echoed.
    pub octets: &'a [u8],
}

/// Splits an option list into its options.
///
/// # Errors
/// [`Malformed`] when the lengths do not add up to the list.
pub fn items(list: &[u8]) -> Result<Vec<Item<'_>>, Malformed> {
    let mut found = Vec::new();
    let mut rest = list;
    while !rest.is_empty() {
        let &[kind, length] = rest.first_chunk::<2>().ok_or(Malformed)?;
        let (octets, after) = rest.split_at_checked(usize::from(length)).ok_or(Malformed)?;
        let value = octets.get(2..).ok_or(Malformed)?;
        found.push(Item { kind, value, octets });
        rest = after;
    }
    Ok(found)
}

/// Appends an option. A value of more than 253 octets, which no caller has, is cut.
pub fn push_item(list: &mut Vec<u8>, kind: u8, value: &[u8]) {
    let length = u8::try_from(value.len() + 2).unwrap_or(u8::MAX);
    list.extend([kind, length]);
    list.extend(value.iter().take(usize::from(length) - 2));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read_to_their_length_and_no_further() {
        for (octets, wanted) in [
            (&[1, 9, 0, 4][..], Some((1, 9, &[][..]))),
            (&[1, 9, 0, 6, 7, 8], Some((1, 9, &[7, 8]))),
            (&[1, 9, 0, 5, 7, 8], Some((1, 9, &[7]))),
            (&[1, 9, 0, 7, 7, 8], None),
            (&[1, 9, 0, 3], None),
            (&[1, 9, 0, 0, 1], None),
            (&[1, 9, 0], None),
            (&[], None),
        ] {
            let read = Packet::read(octets);
            assert_eq!(read.map(|p| (p.code, p.id, p.body)), wanted, "{octets:?}");
            if let Some(packet) = read {
                assert_eq!(Packet::read(&packet.write()), Some(packet));
            }
        }
    }

    #[test]
    fn options_must_add_up() {
        for (list, wanted) in [
            (&[][..], Ok(vec![])),
            (&[1, 2], Ok(vec![1])),
            (&[1, 2, 5, 3, 0], Ok(vec![1, 5])),
            (&[1], Err(Malformed)),
            (&[1, 0], Err(Malformed)),
            (&[1, 1], Err(Malformed)),
            (&[1, 3], Err(Malformed)),
            (&[1, 2, 5, 4, 0], Err(Malformed)),
        ] {
            let kinds = items(list).map(|items| items.iter().map(|item| item.kind).collect());
            assert_eq!(kinds, wanted, "{list:?}");
        }
    }

    #[test]
    fn a_written_option_reads_back() {
        let mut list = Vec::new();
        push_item(&mut list, 5, &[1, 2, 3, 4]);
        push_item(&mut list, 7, &[]);
        assert_eq!(list, [5, 6, 1, 2, 3, 4, 7, 2]);
        push_item(&mut list, 9, &[0; 300]);
        assert_eq!(items(&list).unwrap().len(), 3);
    }
}

//! What an answerer lets the caller choose, in the one order that every known client survives.
//!
//! "None" comes first: FreeBSD's ppp looks at the first option only, and takes "none" there as leave to
//! answer what it wants. The option with a number comes last and alone: pppd (2.4.9, and its development
//! version) loses its way behind one, and then never answers. A list never stands beside "your own
//! number": no Windows, pppd or ipppd could then choose anything.

use super::number::Number;
use super::wire::{Choice, TYPE_ADMINISTRATOR, TYPE_LIST, TYPE_NONE, TYPE_NUMBER};
use crate::packet::push_item;

/// What the caller may choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// No callback: for the user without a right to it. Windows asks for callback on every connection.
    NoCallback,
    /// The stored number.
    Administrator(Stay),
    /// A number of the caller's own.
    Own(Stay),
    /// Either of them.
    AdministratorOrOwn(Stay),
    /// One of several stored numbers.
    List(NumberList, Stay),
}

/// Whether the caller may also do without callback and stay connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stay {
    /// It may.
    Allowed,
    /// It has to be called back.
    Refused,
}

/// Numbers that fit into one list option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberList(Vec<Number>);

/// Why numbers do not make a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListFault {
    /// There is none.
    Empty,
    /// They need this many octets, and an option holds 255.
    TooLong(usize),
}

impl NumberList {
    /// A list of these numbers.
    ///
    /// # Errors
    /// When there are none, or more than one option holds (about twenty).
    pub fn new(numbers: Vec<Number>) -> Result<Self, ListFault> {
        let octets: usize =
            3 + numbers.iter().map(|number| number.as_bytes().len() + 2).sum::<usize>();
        if numbers.is_empty() {
            Err(ListFault::Empty)
        } else if octets > 255 {
            Err(ListFault::TooLong(octets))
        } else {
            Ok(Self(numbers))
        }
    }

    /// The numbers.
    #[must_use]
    pub fn numbers(&self) -> &[Number] {
        &self.0
    }
}

impl Offer {
    /// The options of a Request.
    #[must_use]
    pub fn options(&self) -> Vec<u8> {
        let mut list = Vec::new();
        if self.lets_stay() {
            push_item(&mut list, TYPE_NONE, &[]);
        }
        match self {
            Self::NoCallback => {}
            Self::Administrator(_) => push_item(&mut list, TYPE_ADMINISTRATOR, &[0]),
            Self::Own(_) => push_item(&mut list, TYPE_NUMBER, &[0, 1, 0]),
            Self::AdministratorOrOwn(_) => {
                push_item(&mut list, TYPE_ADMINISTRATOR, &[0]);
                push_item(&mut list, TYPE_NUMBER, &[0, 1, 0]);
            }
            Self::List(NumberList(numbers), _) => {
                let addresses =
                    numbers.iter().flat_map(|number| [&[1], number.as_bytes(), &[0]].concat());
                let value: Vec<u8> = std::iter::once(0).chain(addresses).collect();
                push_item(&mut list, TYPE_LIST, &value);
            }
        }
        list
    }

    /// Whether the caller may do without callback.
    #[must_use]
    pub const fn lets_stay(&self) -> bool {
        match self {
            Self::NoCallback => true,
            Self::Administrator(stay)
            | Self::Own(stay)
            | Self::AdministratorOrOwn(stay)
            | Self::List(_, stay) => matches!(stay, Stay::Allowed),
        }
    }

    /// Whether a choice is one of those offered.
    #[must_use]
    pub fn permits(&self, choice: &Choice) -> bool {
        match choice {
            Choice::None => self.lets_stay(),
            Choice::Number(_) => matches!(self, Self::Own(_) | Self::AdministratorOrOwn(_)),
            Choice::Administrator => {
                matches!(self, Self::Administrator(_) | Self::AdministratorOrOwn(_))
            }
            Choice::Listed(number) => match self {
                Self::List(list, _) => list.0.contains(number),
                Self::NoCallback
                | Self::Administrator(_)
                | Self::Own(_)
                | Self::AdministratorOrOwn(_) => false,
            },
        }
    }

    /// Whether a person may have to type or pick a number before the client can answer.
    #[must_use]
    pub const fn needs_typing(&self) -> bool {
        match self {
            Self::NoCallback | Self::Administrator(_) => false,
            Self::Own(_) | Self::AdministratorOrOwn(_) | Self::List(_, _) => true,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::hex::octets as hex;
    use crate::packet::items;

    pub(in crate::cbcp) fn every_offer() -> Vec<(Offer, &'static str)> {
        use Stay::{Allowed, Refused};
        let list = || NumberList::new(vec!["5551234".into(), "5555678".into()]).unwrap();
        vec![
            (Offer::NoCallback, "01 02"),
            (Offer::Administrator(Refused), "03 03 00"),
            (Offer::Administrator(Allowed), "01 02 03 03 00"),
            (Offer::Own(Refused), "02 05 00 01 00"),
            (Offer::Own(Allowed), "01 02 02 05 00 01 00"),
            (Offer::AdministratorOrOwn(Refused), "03 03 00 02 05 00 01 00"),
            (Offer::AdministratorOrOwn(Allowed), "01 02 03 03 00 02 05 00 01 00"),
            (
                Offer::List(list(), Refused),
                "04 15 00 01 35 35 35 31 32 33 34 00 01 35 35 35 35 36 37 38 00",
            ),
            (
                Offer::List(list(), Allowed),
                "01 02 04 15 00 01 35 35 35 31 32 33 34 00 01 35 35 35 35 36 37 38 00",
            ),
        ]
    }

    #[test]
    fn each_policy_has_its_options_in_the_order_that_clients_survive() {
        for (offer, wanted) in every_offer() {
            let options = offer.options();
            assert_eq!(options, hex(wanted), "{offer:?}");
            let lengths: Vec<usize> =
                items(&options).unwrap().iter().map(|item| item.octets.len()).collect();
            let long = lengths.iter().filter(|length| **length > 3).count();
            assert!(long <= 1, "{offer:?}");
            assert!(long == 0 || lengths.last() > Some(&3), "{offer:?}");
        }
    }

    #[test]
    fn a_list_has_to_fit_one_option() {
        assert_eq!(NumberList::new(vec![]), Err(ListFault::Empty));
        assert!(NumberList::new(vec!["1234567".into(); 28]).is_ok());
        assert_eq!(NumberList::new(vec!["1234567".into(); 29]), Err(ListFault::TooLong(264)));
    }
}

//! Callers as they are in the field: what each program proposes, and how it behaves.
//!
//! An answerer has to serve all of them, and most are hard to come by: a [`Personality`] makes a
//! [`Config`] with which our own link behaves like the program, as far as is known, faults included. The
//! knowledge comes from the programs' sources (pppd 2.4.9, isdn4k-utils, FreeBSD's ppp), from logs of
//! Windows callers, and from MS-CBCP.

use std::time::Duration;

use crate::cbcp::{Manners, Number, OnNone, Picks, Reading, Repeats, Wish};
use crate::framing::Accm;
use crate::lcp::callback::{Ask, Otherwise, Proposal, Stance};
use crate::lcp::{CallbackPlace, Wishes};
use crate::link::Config;

/// A program that calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Personality {
    /// Ours, as MS-CBCP wants it.
    Standard,
    /// pppd since 2.4.2, with `callback NUMBER`: no timer, loses its way behind a number, starts IPCP
    /// before the Ack of "none".
    Pppd,
    /// pppd before 2.4.2: a stray octet in "none".
    OldPppd,
    /// ipppd: like pppd, but ends the call after every Ack, also that of "none".
    Ipppd,
    /// FreeBSD's user ppp: looks at the first option only, asks for no delay, repeats nothing.
    FreeBsd,
    /// Windows whose user types a number into a box, which takes a while.
    Windows,
    /// Windows whose user presses Escape in the box.
    WindowsEscape,
    /// Windows 95, which may answer a number where only "none" is offered.
    Windows95,
}

impl Personality {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Standard,
        Self::Pppd,
        Self::OldPppd,
        Self::Ipppd,
        Self::FreeBsd,
        Self::Windows,
        Self::WindowsEscape,
        Self::Windows95,
    ];

    /// A caller of this kind, which would like to be called at `number`.
    #[must_use]
    pub fn caller(self, number: Option<Number>) -> Config {
        let config = Config::caller(Some(Number::from("0")));
        let lcp = Wishes { accm: Some(Accm::NONE), ..config.lcp };
        let wish = Wish { number, delay: self.delay(), rate: None, manners: self.manners() };
        let lcp = match self {
            Self::Standard | Self::Pppd | Self::OldPppd | Self::Ipppd => lcp,
            Self::FreeBsd => Wishes {
                callback: Stance::Ask(Ask {
                    proposals: vec![Proposal::Cbcp],
                    otherwise: Otherwise::GiveUp,
                }),
                ..lcp
            },
            Self::Windows | Self::WindowsEscape | Self::Windows95 => Wishes {
                callback_place: CallbackPlace::AfterCompression,
                further: vec![multilink_mrru(), endpoint_discriminator()],
                ..lcp
            },
        };
        Config { lcp, wish, identification: self.identification(), keepalive: None, ..config }
    }

    /// Seconds that it asks the answerer to wait.
    const fn delay(self) -> u8 {
        match self {
            Self::Pppd | Self::OldPppd | Self::Ipppd => 5,
            Self::FreeBsd => 0,
            Self::Standard | Self::Windows | Self::WindowsEscape | Self::Windows95 => 12,
        }
    }

    const fn manners(self) -> Manners {
        let standard = Manners::STANDARD;
        let pppd = Manners {
            reading: Reading::LosesStep,
            repeats: Repeats::Never,
            on_none: OnNone::StaysAtOnce,
            ..standard
        };
        match self {
            Self::Standard => standard,
            Self::Pppd => pppd,
            Self::OldPppd => Manners { none_option: &[1, 3, 0], ..pppd },
            Self::Ipppd => Manners { on_none: OnNone::Leaves, ..pppd },
            Self::FreeBsd => Manners {
                reading: Reading::FirstOnly,
                picks: Picks::OwnOrNothing,
                repeats: Repeats::Never,
                ..standard
            },
            Self::Windows => Manners { thinks: Duration::from_secs(20), ..standard },
            Self::WindowsEscape => {
                Manners { picks: Picks::None, thinks: Duration::from_secs(5), ..standard }
            }
            Self::Windows95 => Manners { picks: Picks::OwnInstead, ..standard },
        }
    }

    /// What Windows says about itself when LCP opens; the last is binary.
    fn identification(self) -> Vec<Vec<u8>> {
        match self {
            Self::Windows | Self::WindowsEscape => {
                vec![
                    b"MSRASV5.20".to_vec(),
                    b"MSRAS-0-BRANCH".to_vec(),
                    vec![0x1f, 0x00, 0xc3, 0x7e, 0x7d],
                ]
            }
            Self::Standard
            | Self::Pppd
            | Self::OldPppd
            | Self::Ipppd
            | Self::FreeBsd
            | Self::Windows95 => Vec::new(),
        }
    }
}

/// Multilink-MRRU of 1614.
fn multilink_mrru() -> Vec<u8> {
    vec![17, 4, 0x06, 0x4e]
}

/// Endpoint-Discriminator of class 1, with twenty octets of its own.
fn endpoint_discriminator() -> Vec<u8> {
    [&[19, 23, 1][..], &[0xa0; 20]].concat()
}

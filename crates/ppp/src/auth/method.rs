//! The ways to prove who one is, as LCP's Authentication-Protocol option names them (RFC 1661 §6.2).

use crate::protocol::Protocol;

/// A way to prove a name. The order of the variants is from weakest to strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// The password in the clear (RFC 1334).
    Pap,
    /// MS-CHAP version 1 (RFC 2433). Broken; for clients of before 1998 only.
    MsChapV1,
    /// MD5 over identifier, secret and challenge (RFC 1994).
    ChapMd5,
    /// MS-CHAP version 2 (RFC 2759): both sides prove that they know the password.
    MsChapV2,
}

impl Method {
    /// The value of the Authentication-Protocol option.
    #[must_use]
    pub const fn value(self) -> &'static [u8] {
        match self {
            Self::Pap => &[0xc0, 0x23],
            Self::MsChapV1 => &[0xc2, 0x23, 0x80],
            Self::ChapMd5 => &[0xc2, 0x23, 0x05],
            Self::MsChapV2 => &[0xc2, 0x23, 0x81],
        }
    }

    /// Its name in records: a word that stays, whatever people read there.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pap => "pap",
            Self::MsChapV1 => "ms-chap",
            Self::ChapMd5 => "chap-md5",
            Self::MsChapV2 => "ms-chap-v2",
        }
    }

    /// The protocol whose packets it uses.
    #[must_use]
    pub const fn protocol(self) -> Protocol {
        match self {
            Self::Pap => Protocol::PAP,
            Self::MsChapV1 | Self::ChapMd5 | Self::MsChapV2 => Protocol::CHAP,
        }
    }

    /// The method that an option's value names, if it is one of ours. EAP and SPAP are not.
    #[must_use]
    pub fn from_value(value: &[u8]) -> Option<Self> {
        [Self::Pap, Self::MsChapV1, Self::ChapMd5, Self::MsChapV2]
            .into_iter()
            .find(|method| method.value() == value)
    }
}

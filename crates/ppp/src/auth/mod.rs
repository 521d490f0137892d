//! Proving names: PAP (RFC 1334), CHAP with MD5 (RFC 1994), MS-CHAP 1 and 2 (RFC 2433, 2759).

mod method;

pub use method::Method;

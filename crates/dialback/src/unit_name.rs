//! The names of systemd's units, as far as paths stand in them (systemd.unit(5), "String Escaping for Inclusion in Unit
//! Names"). It does not know which units there are.

/// What systemd-escape(1) has done is undone: `-` is `/`, and `\xNN` an octet. What it can't have written stays.
pub(crate) fn unescaped(escaped: &str) -> String {
    let mut octets = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some(letter) = rest.chars().next() {
        let octet = rest
            .strip_prefix("\\x")
            .and_then(|behind| behind.get(..2))
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let taken = match (octet, letter) {
            (Some(octet), _) => {
                octets.push(octet);
                "\\xNN".len()
            }
            (None, '-') => {
                octets.push(b'/');
                1
            }
            (None, letter) => {
                octets.extend(letter.encode_utf8(&mut [0; 4]).bytes());
                letter.len_utf8()
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    String::from_utf8(octets).unwrap_or_else(|_| escaped.to_owned())
}

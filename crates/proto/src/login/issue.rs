//! Issue text and prompts: mgetty's escapes, rendered from strings handed in.
//!
//! ```text
//!     template  "@!login: "  +  Facts { host: "alma", .. }   ->   "alma!login: "   (bytes for the wire)
//! ```
//!
//! | written | becomes | written | becomes |
//! |---|---|---|---|
//! | `@` | host | `\n \r \g \b \v \f \t` | LF CR BEL BS VT FF HT |
//! | `\s` | operating system | `\m \R \V` | machine, release, version |
//! | `\Y` | caller's number | `\P \L` | line |
//! | `\I` | CONNECT text | `\S` | speed |
//! | `\N \U` | users logged in | `\C \D \T` | date and time, date, time |
//! | `\10 \012 \0x0a` | that byte | `\` + any other | that character |
//!
//! A text that was written for agetty(8), as the system's own `/etc/issue` is, is rewritten first ([`from_agetty`]).
//!
//! It does not know where the text was kept nor what time it is, and it runs no command: mgetty's
//! `!cmd` issue is the reader's business.

/// The most bytes that one rendered line may have, without its line end. mgetty 1.2.1 cuts there too:
/// it bounds what a long `CONNECT` text or a slip in the issue file costs on a 300 bit/s line.
pub const MAX_LINE: usize = 300;

/// What the escapes stand for. A string that is not known is left empty.
///
/// Control characters in a fact become blanks: `caller` and `connect` come from the modem, and what
/// comes from there must not move the cursor of the caller's terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts<'a> {
    /// The host's name: `@`.
    pub host: &'a str,
    /// The operating system, as `uname -s` says it: `\s`.
    pub system: &'a str,
    /// The kernel's release, `uname -r`: `\R`.
    pub release: &'a str,
    /// The kernel's version, `uname -v`: `\V`.
    pub version: &'a str,
    /// The machine, `uname -m`: `\m`.
    pub machine: &'a str,
    /// The caller's number, as the modem reported it: `\Y`.
    pub caller: &'a str,
    /// The text of the modem's `CONNECT` line: `\I`.
    pub connect: &'a str,
    /// The line's name: `\P` and `\L`.
    pub line: &'a str,
    /// The port's speed in bit/s: `\S`.
    pub speed: &'a str,
    /// How many users are logged in: `\N` and `\U`.
    pub users: &'a str,
    /// Date and time in one: `\C`. mgetty writes them as `ctime(3)` does.
    pub ctime: &'a str,
    /// The date: `\D`. mgetty writes m/d/yyyy.
    pub date: &'a str,
    /// The time of day: `\T`. mgetty writes hh:mm:ss.
    pub time: &'a str,
}

/// Renders an issue text or a prompt for the wire.
///
/// A LF that has no CR before it is sent as CR LF. What goes beyond [`MAX_LINE`] bytes of one line is
/// left out. The text is bytes, because issue files of the time are not UTF-8.
#[must_use]
pub fn render(template: &[u8], facts: &Facts<'_>) -> Vec<u8> {
    let mut page = Page { wire: Vec::with_capacity(template.len()), column: 0 };
    let mut rest = template;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'@' => page.fact(facts.host),
            b'\\' => rest = escape(&mut page, after, facts),
            plain => page.byte(plain),
        }
    }
    page.wire
}

/// Rewrites a text with agetty's escapes, as `/etc/issue` of today's systems has them, into mgetty's.
///
/// The two differ where it shows: `\n` is the host's name to agetty(8) and a line end to mgetty, `\l` the line and an `l`.
/// What has no counterpart here (addresses, colours, fields of os-release) is left out with its braces.
#[must_use]
pub fn from_agetty(text: &str) -> String {
    let mut rewritten = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        match letter {
            '@' => rewritten.push_str("\\@"),
            '\\' => {
                let Some(escaped) = rest.next() else { break };
                rewritten.push_str(match escaped {
                    'n' => "@",
                    'l' => "\\L",
                    's' => "\\s",
                    'm' => "\\m",
                    'r' => "\\R",
                    'v' => "\\V",
                    'b' => "\\S",
                    'd' => "\\D",
                    't' => "\\T",
                    'u' | 'U' => "\\N",
                    '\\' => "\\\\",
                    _ => "",
                });
                if rest.as_str().starts_with('{') && rest.as_str().contains('}') {
                    rest.by_ref().find(|&closing| closing == '}');
                }
            }
            plain => rewritten.push(plain),
        }
    }
    rewritten
}

/// Renders the escape whose backslash is behind us; returns what follows it.
fn escape<'t>(page: &mut Page, escaped: &'t [u8], facts: &Facts<'_>) -> &'t [u8] {
    let Some((&letter, after)) = escaped.split_first() else {
        page.byte(b'\\');
        return escaped;
    };
    match letter {
        b'n' => page.byte(b'\n'),
        b'r' => page.byte(b'\r'),
        b'g' => page.byte(0x07),
        b'b' => page.byte(0x08),
        b'v' => page.byte(0x0b),
        b'f' => page.byte(0x0c),
        b't' => page.byte(b'\t'),
        b's' => page.fact(facts.system),
        b'm' => page.fact(facts.machine),
        b'R' => page.fact(facts.release),
        b'V' => page.fact(facts.version),
        b'Y' => page.fact(facts.caller),
        b'P' | b'L' => page.fact(facts.line),
        b'C' => page.fact(facts.ctime),
        b'I' => page.fact(facts.connect),
        b'N' | b'U' => page.fact(facts.users),
        b'S' => page.fact(facts.speed),
        b'D' => page.fact(facts.date),
        b'T' => page.fact(facts.time),
        b'0'..=b'9' => return number(page, escaped),
        other => page.byte(other),
    }
    after
}

/// Renders `\10`, `\012` or `\0x0a` as `strtol(3)` with base 0 reads it; only the low eight bits count.
fn number<'t>(page: &mut Page, digits: &'t [u8]) -> &'t [u8] {
    let (radix, mut rest) = match digits {
        [b'0', b'x' | b'X', first, ..] if first.is_ascii_hexdigit() => {
            (16, digits.get(2..).unwrap_or_default())
        }
        [b'0', ..] => (8, digits),
        _ => (10, digits),
    };
    let mut value: u8 = 0;
    while let Some((&digit, after)) = rest.split_first() {
        let Some(worth) = char::from(digit).to_digit(radix).and_then(|w| u8::try_from(w).ok())
        else {
            break;
        };
        let radix = u8::try_from(radix).unwrap_or(10);
        value = value.wrapping_mul(radix).wrapping_add(worth);
        rest = after;
    }
    page.byte(value);
    rest
}

/// The text so far and how much of the line is used.
struct Page {
    wire: Vec<u8>,
    column: usize,
}

impl Page {
    fn byte(&mut self, byte: u8) {
        if byte == b'\n' {
            if self.wire.last() != Some(&b'\r') {
                self.wire.push(b'\r');
            }
            self.wire.push(byte);
            self.column = 0;
        } else if byte == b'\r' {
            self.wire.push(byte);
        } else if self.column < MAX_LINE {
            self.wire.push(byte);
            self.column += 1;
        }
    }

    fn fact(&mut self, fact: &str) {
        for &byte in fact.as_bytes() {
            self.byte(if byte.is_ascii_control() { b' ' } else { byte });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: Facts<'static> = Facts {
        host: "alma",
        system: "Linux",
        release: "6.18.0",
        version: "#1 SMP",
        machine: "x86_64",
        caller: "5551234",
        connect: "33600/ARQ",
        line: "ttyS1",
        speed: "38400",
        users: "3",
        ctime: "Sun Nov 22 19:00:00 2026",
        date: "11/22/2026",
        time: "19:00:00",
    };

    #[test]
    fn every_escape_of_mgetty_is_rendered() {
        for (template, wanted) in [
            ("@!login: ", "alma!login: "),
            ("\\r\\n@ login: ", "\r\nalma login: "),
            ("\\s \\m \\R \\V", "Linux x86_64 6.18.0 #1 SMP"),
            ("\\Y on \\P=\\L at \\S, \\I", "5551234 on ttyS1=ttyS1 at 38400, 33600/ARQ"),
            ("\\C|\\D|\\T|\\N|\\U", "Sun Nov 22 19:00:00 2026|11/22/2026|19:00:00|3|3"),
            ("\\g\\b\\v\\f\\t", "\x07\x08\x0b\x0c\t"),
            ("\\65\\0102\\0x43D", "AB\u{3d}"),
            ("\\0x43,\\0X44,\\0xg", "C,D,\0xg"),
            ("\\08", "\x008"),
            ("\\321", "A"),
            ("\\\\ \\@ \\q \\", "\\ @ q \\"),
            ("one\ntwo\r\nthree\\n", "one\r\ntwo\r\nthree\r\n"),
            ("\n\n", "\r\n\r\n"),
            ("100% of %s", "100% of %s"),
        ] {
            let rendered = render(template.as_bytes(), &FACTS);
            assert_eq!(String::from_utf8_lossy(&rendered), wanted, "{template:?}");
        }
    }

    #[test]
    fn every_escape_of_agetty_becomes_one_of_ours_or_nothing() {
        for (text, wanted) in [
            ("Debian GNU/Linux 12 \\n \\l\n\n", "Debian GNU/Linux 12 alma ttyS1\r\n\r\n"),
            ("\\s \\m \\r \\v", "Linux x86_64 6.18.0 #1 SMP"),
            ("\\b|\\d|\\t|\\u", "38400|11/22/2026|19:00:00|3"),
            ("me@here, 1\\\\2", "me@here, 1\\2"),
            ("\\S{PRETTY_NAME} <\\4{eth0}> \\e{red}red\\e{reset}", " <> red"),
            ("\\4{never closed", "{never closed"),
            ("\\o\\O\\6", ""),
            ("ends in \\", "ends in "),
        ] {
            let rendered = render(from_agetty(text).as_bytes(), &FACTS);
            assert_eq!(String::from_utf8_lossy(&rendered), wanted, "{text:?}");
        }
    }

    #[test]
    fn a_fact_from_the_modem_cannot_move_the_cursor() {
        let facts = Facts { connect: "33600\x1b[2J\r\n", ..FACTS };
        assert_eq!(render(b"<\\I>", &facts), b"<33600 [2J  >");
    }

    #[test]
    fn a_line_is_cut_at_its_limit_and_the_next_one_is_whole() {
        let template = [&[b'x'; 500][..], b"\nnext"].concat();
        let rendered = render(&template, &FACTS);
        assert_eq!(rendered.len(), MAX_LINE + 2 + 4);
        assert!(rendered.ends_with(b"x\r\nnext"));
    }

    #[test]
    fn bytes_that_are_not_utf8_pass_as_they_are() {
        assert_eq!(render(b"gr\xfc\xdfe", &FACTS), b"gr\xfc\xdfe");
    }
}

//! The telnet byte stream: IAC taken out and put in (RFC 854), streaming, cut anywhere.
//!
//! ```text
//!     Text --IAC--> Iac --IAC--> Text (one ff)          Iac --WILL/WONT/DO/DONT--> Verb --option--> Text
//!       '--CR--> AfterCr (outside BINARY a NUL is      Iac --SB--> Body <--> BodyIac --SE--> Text
//!                dropped here)                          Iac --anything else--> Text (a command)
//! ```
//!
//! Runs of data are borrowed from the input, not copied. It does not know what the options mean.

/// Interpret as command.
pub const IAC: u8 = 255;
/// Begin of a subnegotiation.
pub const SB: u8 = 250;
/// End of a subnegotiation.
pub const SE: u8 = 240;
/// No operation.
pub const NOP: u8 = 241;
/// Break: the NVT key, sent for a break condition.
pub const BRK: u8 = 243;

/// The longest subnegotiation that is read; a longer one is skipped as a whole. The longest one that is
/// of use here is a signature; this is four times the length of any that was seen.
pub const MAX_BODY: usize = 512;

/// What one side says about one option (RFC 854, option negotiation).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Verb {
    /// I want to, or I will.
    Will = 251,
    /// I refuse to, or I stop.
    Wont = 252,
    /// Please do, or: I agree that you do.
    Do = 253,
    /// Do not, or: stop.
    Dont = 254,
}

/// One piece of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'w> {
    /// Bytes of the user, unescaped; never empty.
    Data(&'w [u8]),
    /// The peer speaks about an option.
    Negotiate(Verb, u8),
    /// A command of one byte: [`BRK`], [`NOP`], Are You There ...
    Command(u8),
    /// A subnegotiation is complete: [`Decoder::body`] has its option and its bytes.
    Subnegotiation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Text,
    AfterCr,
    Iac,
    Verb(Verb),
    Body,
    BodyIac,
}

/// What became of one byte.
enum Step {
    /// It begins a run of data.
    Data,
    /// It ended a state, and is to be looked at again in the next one.
    Again,
    /// It was taken.
    Used,
    /// It was taken, and made something complete.
    Complete(Item<'static>),
}

/// Takes telnet apart.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    binary: bool,
    body: Vec<u8>,
    overlong: bool,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { state: State::Text, binary: false, body: Vec::new(), overlong: false }
    }
}

impl Decoder {
    /// Whether the peer transmits in BINARY (RFC 856): then a NUL after a CR is data.
    pub const fn set_binary(&mut self, binary: bool) {
        self.binary = binary;
    }

    /// The option and the bytes of the last subnegotiation.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The same to be lent out while its owner is busy, and put back.
    pub(super) const fn body_mut(&mut self) -> &mut Vec<u8> {
        &mut self.body
    }

    /// Takes the next piece off the front of `wire`; `None` when all is used up.
    pub fn next<'w>(&mut self, wire: &mut &'w [u8]) -> Option<Item<'w>> {
        loop {
            let (&byte, after) = wire.split_first()?;
            match self.step(byte) {
                Step::Data => return Some(self.run(wire)),
                Step::Again => {}
                Step::Used => *wire = after,
                Step::Complete(item) => {
                    *wire = after;
                    return Some(item);
                }
            }
        }
    }

    fn step(&mut self, byte: u8) -> Step {
        match self.state {
            State::Text if byte == IAC => self.go(State::Iac),
            State::Text => Step::Data,
            State::AfterCr => {
                self.state = State::Text;
                if byte == 0 && !self.binary { Step::Used } else { Step::Again }
            }
            State::Iac => self.after_iac(byte),
            State::Verb(verb) => {
                self.state = State::Text;
                Step::Complete(Item::Negotiate(verb, byte))
            }
            State::Body if byte == IAC => self.go(State::BodyIac),
            State::Body => self.keep(byte),
            State::BodyIac => self.after_body_iac(byte),
        }
    }

    fn after_iac(&mut self, byte: u8) -> Step {
        match byte {
            // The second IAC is the data byte: it is borrowed, with what follows.
            IAC => {
                self.state = State::Text;
                Step::Data
            }
            251 => self.go(State::Verb(Verb::Will)),
            252 => self.go(State::Verb(Verb::Wont)),
            253 => self.go(State::Verb(Verb::Do)),
            254 => self.go(State::Verb(Verb::Dont)),
            SB => {
                self.body.clear();
                self.overlong = false;
                self.go(State::Body)
            }
            command => {
                self.state = State::Text;
                Step::Complete(Item::Command(command))
            }
        }
    }

    fn after_body_iac(&mut self, byte: u8) -> Step {
        match byte {
            IAC => {
                self.state = State::Body;
                self.keep(IAC)
            }
            SE => {
                self.state = State::Text;
                if self.overlong { Step::Used } else { Step::Complete(Item::Subnegotiation) }
            }
            // RFC 855 knows no other command inside. The peer has lost the end: so this is one outside, and
            // what was begun is dropped.
            _ => {
                self.state = State::Iac;
                Step::Again
            }
        }
    }

    const fn go(&mut self, state: State) -> Step {
        self.state = state;
        Step::Used
    }

    /// The data up to the next IAC (or up to and with the next CR, outside BINARY). The first byte is data.
    fn run<'w>(&mut self, wire: &mut &'w [u8]) -> Item<'w> {
        let mut end = wire.len();
        for (at, &byte) in wire.iter().enumerate() {
            if byte == IAC && at > 0 {
                end = at;
                break;
            }
            if byte == b'\r' && !self.binary {
                end = at + 1;
                self.state = State::AfterCr;
                break;
            }
        }
        let (run, rest) = wire.split_at_checked(end).unwrap_or((wire, &[]));
        *wire = rest;
        Item::Data(run)
    }

    fn keep(&mut self, byte: u8) -> Step {
        if self.body.len() < MAX_BODY {
            self.body.push(byte);
        } else {
            self.overlong = true;
        }
        Step::Used
    }
}

/// Appends user data to `wire`: IAC doubled and, outside BINARY, a NUL after each CR that has no LF behind it
/// (RFC 854, the NVT printer).
pub fn write_data(data: &[u8], binary: bool, wire: &mut Vec<u8>) {
    let mut rest = data;
    let special = |byte: &u8| *byte == IAC || (*byte == b'\r' && !binary);
    while let Some(at) = rest.iter().position(special) {
        let (run, after) = rest.split_at_checked(at + 1).unwrap_or((rest, &[]));
        wire.extend_from_slice(run);
        match (run.last(), after.first()) {
            (Some(&IAC), _) => wire.push(IAC),
            (_, Some(b'\n')) => {}
            (_, _) => wire.push(0),
        }
        rest = after;
    }
    wire.extend_from_slice(rest);
}

/// Appends a subnegotiation to `wire`, IAC doubled.
pub fn write_subnegotiation(option: u8, body: &[u8], wire: &mut Vec<u8>) {
    wire.extend_from_slice(&[IAC, SB, option]);
    write_data(body, true, wire);
    wire.extend_from_slice(&[IAC, SE]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the stream says, in words, cut into pieces of that length.
    fn read(wire: &[u8], binary: bool, piece: usize) -> String {
        let mut decoder = Decoder::default();
        decoder.set_binary(binary);
        let mut story: Vec<String> = Vec::new();
        let mut open = false;
        for mut piece in wire.chunks(piece.max(1)) {
            while let Some(item) = decoder.next(&mut piece) {
                let (said, data) = match item {
                    Item::Data(run) => {
                        assert!(!run.is_empty());
                        (run.escape_ascii().to_string(), true)
                    }
                    Item::Negotiate(verb, option) => (format!("{verb:?} {option}"), false),
                    Item::Command(command) => (format!("command {command}"), false),
                    Item::Subnegotiation => (format!("SB {:x?}", decoder.body()), false),
                };
                match story.last_mut().filter(|_| data && open) {
                    Some(last) => last.push_str(&said),
                    None => story.push(said),
                }
                open = data;
            }
        }
        story.join("|")
    }

    #[test]
    fn the_stream_is_taken_apart_wherever_it_is_cut() {
        for (wire, binary, wanted) in [
            (&b"plain"[..], false, "plain"),
            (b"a\xff\xffb", false, "a\\xffb"),
            (b"\xff\xff\xff\xff", false, "\\xff\\xff"),
            (b"\xff\xff\xff\xfb\x2cx", false, "\\xff|Will 44|x"),
            (b"a\r\0b\r\nc\rd", false, "a\\rb\\r\\nc\\rd"),
            (b"a\r\0b", true, "a\\r\\x00b"),
            (b"\r\xff\xf1\0", false, "\\r|command 241|\\x00"),
            (b"\r\0\0", false, "\\r\\x00"),
            (b"\xff\xfd\x00\xff\xfe\x01\xff\xfc\x03", false, "Do 0|Dont 1|Wont 3"),
            (b"\xff\xfa\x2c\x0b\xff\xff\xff\xf0x", false, "SB [2c, b, ff]|x"),
            (b"\xff\xfa\x2c\x01\r\0\0\0\xff\xf0", false, "SB [2c, 1, d, 0, 0, 0]"),
            (b"\xff\xfa\xff\xf0", false, "SB []"),
            (b"\xff\xfa\x2c\x01\xff\xfd\x03y", false, "Do 3|y"),
            (b"\xff\xf3\xff\xf0", false, "command 243|command 240"),
        ] {
            for piece in 1..=wire.len() {
                let what = wire.escape_ascii();
                assert_eq!(read(wire, binary, piece), wanted, "{what} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn a_subnegotiation_without_end_takes_no_more_than_its_limit() {
        let mut wire = vec![IAC, SB];
        wire.resize(100_000, 7);
        wire.extend_from_slice(&[IAC, SE, b'x']);
        assert_eq!(read(&wire, false, 1000), "x");
        let fits = [&[IAC, SB][..], &[7; MAX_BODY], &[IAC, SE]].concat();
        assert!(read(&fits, false, 1000).starts_with("SB"));
    }

    #[test]
    fn data_without_iac_is_borrowed_whole() {
        let mut wire = &b"a long run of user data"[..];
        let whole = wire;
        let Some(Item::Data(run)) = Decoder::default().next(&mut wire) else { panic!("data") };
        assert!(std::ptr::eq(run, whole));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn data_is_transparent(
            data in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(&b"\r\n\0\xff\xf0\xfa"[..])], 0..200),
            binary: bool,
            piece in 1usize..20,
        ) {
            let mut wire = Vec::new();
            write_data(&data, binary, &mut wire);
            prop_assert_eq!(read(&wire, binary, piece), data.escape_ascii().to_string());
        }

        #[test]
        fn any_bytes_are_read_alike_wherever_they_are_cut(
            wire in prop::collection::vec(prop_oneof![any::<u8>(), 0xf0u8..=0xff, Just(b'\r'), Just(0)], 0..200),
            binary: bool,
            piece in 1usize..20,
        ) {
            prop_assert_eq!(read(&wire, binary, piece), read(&wire, binary, usize::MAX));
        }
    }
}

//! A Hayes modem of 1998, the DCE side, without I/O.
//!
//! ```text
//!            ATD                       digits sent             training done
//!  Command ───────► Dialling ───────────────────► Handshake ────────────────► Online ◄──ATO── OnlineCommand
//!     ▲   ATA, S0 rings ────────────────────────────▲  │                       │  └──+++, &D1────▲  │
//!     │                                                │ any key, S7, busy     │ carrier gone       │ ATH
//!     └────────────────────────────────────────────────┴───────────────────────┤ DTR down           │
//!     ▲                                                                        ▼                    ▼
//!     └─────────────────────────────────────────────────────────────────────────────────── Clearing
//! ```
//!
//! `Clearing` sends what is buffered before it hangs up (V.250 §6.2.9, at most S38 seconds).
//!
//! On one side is the DTE: bytes, DTR, port speed; bytes and control lines. On the other the telephone
//! line: hook, digits, handshake, data; tones, bell, carrier. It does not know who is at the other end, what a
//! telephone number means or how long the exchange and training take: that is [`crate::exchange`]'s business.

use std::collections::VecDeque;
use std::time::Duration;

use proto::signals::Signals;
use proto::time::{Deadline, Instant};

use self::dialling::Plan;
use self::editor::{Editor, Typed};
use self::escape::EscapeWatch;
use self::registers::{CallerIdForm, Profile, Register, Settings};
use self::result::{CallerId, Rate, ResultCode};
use self::sending::Sending;

mod alarms;
mod call;
mod command;
mod dialling;
mod editor;
mod escape;
mod execute;
mod makes;
pub mod registers;
pub mod result;
mod sending;
#[cfg(test)]
mod tests;

/// What is heard on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing.
    Silence,
    /// The exchange asks for digits.
    Dial,
    /// The telephone called rings.
    Ringback,
    /// Engaged, or the other side has hung up.
    Busy,
    /// Somebody speaks: a person, or the exchange's announcement.
    Voice,
}

/// Which half of the handshake a modem plays (V.250 §6.3.1, `R`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Listens for the answer tone.
    Originate,
    /// Sends it.
    Answer,
}

/// What the telephone line does to the modem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineInput {
    /// This is heard from now on.
    Tone(Tone),
    /// The bell begins or ends to sound.
    Bell(bool),
    /// The exchange tells who calls.
    CallerId(CallerId),
    /// Training is done.
    Connected(Rate),
    /// Data from the other modem.
    Carried(Vec<u8>),
    /// A break from the other side.
    Break,
    /// The other modem has said good-bye (V.42 DISC).
    Disconnected,
    /// The other modem's carrier is gone.
    CarrierGone,
}

/// What the modem does to the telephone line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineOutput {
    /// Takes the line.
    OffHook,
    /// Lets it go.
    OnHook,
    /// Has sent these digits.
    Digits(String),
    /// Has opened the loop for a moment.
    Flash,
    /// Is ready to train, in this mode.
    Handshake(Mode),
    /// Data for the other modem.
    Carry(Vec<u8>),
    /// A break for the other side.
    Break,
    /// Good-bye to the other modem (V.42 DISC).
    Disconnect,
}

/// What the modem says about itself, for the town's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A command line was taken; without `AT`, printable.
    Command(String),
    /// A result code was said.
    Result(ResultCode),
    /// So many bytes were lost because nobody took them.
    Overrun(usize),
}

/// One output. They are carried out in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Bytes for the DTE.
    Dte(Vec<u8>),
    /// The control lines have changed.
    Signals(Signals),
    /// A break for the DTE.
    Break,
    /// For the telephone line.
    Line(LineOutput),
    /// For the log.
    Note(Note),
}

/// DTR as the modem believes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dtr {
    On,
    /// Off, but not yet long enough (S25).
    Falling(Instant),
    Off,
}

/// The bell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bell {
    Quiet,
    /// It rings, with pauses; S1 is forgotten eight seconds after the last ring (TIA-602's S1).
    Ringing {
        sounds: bool,
        forget: Instant,
    },
}

/// A connection with another modem.
#[derive(Debug)]
struct Connection {
    rate: Rate,
    sending: Sending,
    escape: EscapeWatch,
    /// When data last went either way, for S30.
    active: Instant,
    carrier: Carrier,
    /// Data that came while the DTE did not take it.
    held: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carrier {
    There,
    /// Gone; believed at this instant (S10).
    Missing(Instant),
}

/// What the dialling modem is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Listens for dial tone, until.
    Listening(Instant),
    /// Waits: S6 before blind dialling, a comma.
    Pausing(Instant),
    /// Digits are on their way, done at.
    Digits(Instant),
    /// `@`: silence is heard since `since` (`FAR`: something else is heard), given up at `until`.
    Silence { since: Instant, until: Instant },
}

#[derive(Debug)]
enum State {
    Command {
        off_hook: bool,
    },
    Dialling {
        plan: Plan,
        /// The commands behind a `;`.
        rest: Vec<u8>,
        stage: Stage,
        /// Keys before this instant do not abort.
        deaf: Instant,
    },
    Handshake {
        until: Instant,
        deaf: Instant,
        ringback: bool,
    },
    Online(Connection),
    OnlineCommand(Connection),
    /// Sends what is buffered, then hangs up.
    Clearing {
        connection: Connection,
        until: Instant,
        then: AfterClearing,
    },
}

/// What happens once the line is let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AfterClearing {
    Say(ResultCode),
    /// `Z` and `&D3`: the stored profile is loaded, then OK.
    Reset,
}

/// A key during the first 125 ms after a command line does not abort it, so that a line feed can follow the
/// carriage return (V.250 §5.6.1).
const DEAF: Duration = Duration::from_millis(125);
/// `@` wants this much silence (V.250 §6.3.1).
const QUIET_ANSWER: Duration = Duration::from_secs(5);
/// A pause between rings longer than this ends the call: S1 is cleared.
const RINGING_STOPS: Duration = Duration::from_secs(8);
/// What is held for a DTE that does not take it. A modem of the time had 2 to 4 KiB.
const HELD_LIMIT: usize = 4_096;

/// A modem.
#[derive(Debug)]
pub struct Modem {
    profile: Profile,
    settings: Settings,
    stored: Settings,
    numbers: [Vec<u8>; 4],
    last_dialled: Vec<u8>,
    editor: Editor,
    port_speed: u32,
    dtr: Dtr,
    /// Whether the DTE takes bytes (RTS).
    ready: bool,
    bell: Bell,
    heard: Tone,
    state: State,
    told: Signals,
    out: VecDeque<Output>,
}

impl Modem {
    /// A modem that has just been switched on, with its stored profile as the factory left it.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        let stored = profile.factory.clone();
        let mut modem = Self {
            settings: stored.clone(),
            stored,
            numbers: Default::default(),
            last_dialled: Vec::new(),
            editor: Editor::new(profile.command_limit),
            port_speed: 115_200,
            dtr: Dtr::Off,
            ready: true,
            bell: Bell::Quiet,
            heard: Tone::Silence,
            state: State::Command { off_hook: false },
            told: Signals::default(),
            out: VecDeque::new(),
            profile,
        };
        modem.tell_signals();
        modem
    }

    // ------------------------------------------------------------------------------------- inputs

    /// Bytes from the DTE.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match &mut self.state {
                State::Command { .. } | State::OnlineCommand(_) => self.type_in(now, rest),
                State::Dialling { deaf, .. } | State::Handshake { deaf, .. } => {
                    if now >= *deaf {
                        // The key that aborts is not looked at further (V.250 §5.6.1).
                        self.hang_up(now, ResultCode::NoCarrier);
                    }
                    rest.get(1..).unwrap_or_default()
                }
                State::Online(connection) => {
                    connection.escape.see(now, rest, &self.settings.registers);
                    connection.active = now;
                    let lost = connection.sending.push(now, rest, connection.rate);
                    if lost > 0 {
                        self.out.push_back(Output::Note(Note::Overrun(lost)));
                    }
                    &[]
                }
                State::Clearing { .. } => &[],
            };
        }
        self.tell_signals();
    }

    /// The DTE raises or drops DTR.
    pub fn dtr(&mut self, now: Instant, on: bool) {
        self.dtr = match (on, self.dtr) {
            (true, _) => Dtr::On,
            (false, Dtr::On) => Dtr::Falling(now + self.settings.registers.dtr_time()),
            (false, Dtr::Falling(_) | Dtr::Off) => self.dtr,
        };
        self.tick(now);
    }

    /// The DTE can or can't take bytes (RTS, or a full pipe).
    pub fn ready(&mut self, ready: bool) {
        self.ready = ready;
        self.deliver_held();
    }

    /// The DTE talks at this speed from now on (bit/s).
    pub fn speed(&mut self, speed: u32) {
        self.port_speed = speed;
    }

    /// The DTE sends a break: aborts what can be aborted, and goes to the other side when online.
    pub fn send_break(&mut self, now: Instant) {
        match self.state {
            State::Dialling { .. } | State::Handshake { .. } => {
                self.hang_up(now, ResultCode::NoCarrier);
            }
            State::Online(_) => self.out.push_back(Output::Line(LineOutput::Break)),
            State::Command { .. } | State::OnlineCommand(_) | State::Clearing { .. } => {}
        }
        self.tell_signals();
    }

    /// The telephone line does something.
    pub fn line(&mut self, now: Instant, input: LineInput) {
        match input {
            LineInput::Tone(tone) => self.hear(now, tone),
            LineInput::Bell(sounds) => self.ring(now, sounds),
            LineInput::CallerId(caller) => {
                if self.settings.caller_id != CallerIdForm::Off
                    && matches!(self.state, State::Command { .. })
                {
                    self.out.push_back(Output::Dte(caller.bytes(&self.settings)));
                }
            }
            LineInput::Connected(rate) => self.connected(now, rate),
            LineInput::Carried(bytes) => self.carried(now, bytes),
            LineInput::Break => {
                if matches!(self.state, State::Online(_)) {
                    self.out.push_back(Output::Break);
                }
            }
            LineInput::Disconnected => self.carrier_lost(now),
            LineInput::CarrierGone => match &mut self.state {
                State::Online(connection) | State::OnlineCommand(connection) => {
                    let wait = self.settings.registers.carrier_loss();
                    connection.carrier = Carrier::Missing(now + wait);
                }
                State::Handshake { .. } | State::Clearing { .. } => self.carrier_lost(now),
                State::Command { .. } | State::Dialling { .. } => {}
            },
        }
        self.tick(now);
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) {
        while self.deadline().is_some_and(|deadline| deadline.at <= now) {
            self.step(now);
        }
        self.tell_signals();
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`Self::tick`] is wanted.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        let dtr = match self.dtr {
            Dtr::Falling(at) => Some(Deadline::new(at, "DTR (S25)")),
            Dtr::On | Dtr::Off => None,
        };
        let bell = match self.bell {
            Bell::Ringing { forget, .. } => Some(Deadline::new(forget, "ring count (S1)")),
            Bell::Quiet => None,
        };
        Deadline::earliest(Deadline::earliest(dtr, bell), self.state_deadline())
    }

    // -------------------------------------------------------------------------------------- views

    /// How many bytes the modem can take while online before it loses some.
    #[must_use]
    pub fn room(&self) -> usize {
        match &self.state {
            State::Online(connection) => connection.sending.room(),
            State::Command { .. }
            | State::Dialling { .. }
            | State::Handshake { .. }
            | State::OnlineCommand(_)
            | State::Clearing { .. } => sending::LIMIT,
        }
    }

    /// How many bytes it has taken from the computer and not yet sent.
    #[must_use]
    pub fn waiting(&self) -> usize {
        sending::LIMIT.saturating_sub(self.room())
    }

    /// The control lines just now.
    #[must_use]
    pub const fn signals(&self) -> Signals {
        self.told
    }

    /// The state in a word, for people.
    #[must_use]
    pub const fn state(&self) -> &'static str {
        match self.state {
            State::Command { off_hook: false } => "command",
            State::Command { off_hook: true } => "off hook",
            State::Dialling { .. } => "dialling",
            State::Handshake { .. } => "handshake",
            State::Online(_) => "online",
            State::OnlineCommand(_) => "online command",
            State::Clearing { .. } => "clearing",
        }
    }

    /// Whether DTR is on, as the modem believes it.
    #[must_use]
    pub fn dtr_is_on(&self) -> bool {
        self.dtr != Dtr::Off
    }

    /// What this modem can do on a line.
    #[must_use]
    pub const fn ability(&self) -> Rate {
        Rate { bits: self.profile.line_rate, error_control: self.profile.error_control }
    }

    /// Puts the modem on a line that is already connected, ready to train, as if it had just dialled: for a person
    /// who has his hand on the receiver.
    pub fn place(&mut self, now: Instant, mode: Mode) {
        if matches!(self.state, State::Command { .. }) {
            let until = now + self.settings.registers.seconds(Register::CarrierWait);
            self.state = State::Handshake { until, deaf: now + DEAF, ringback: false };
            self.act(LineOutput::Handshake(mode));
        }
        self.tell_signals();
    }

    /// Whether the modem holds its line.
    #[must_use]
    pub const fn is_off_hook(&self) -> bool {
        !matches!(self.state, State::Command { off_hook: false })
    }

    /// Loads settings as `AT` commands would, and stores them: for a town's file. False where the modem would say
    /// ERROR.
    #[must_use]
    pub fn set_up(&mut self, commands: &str) -> bool {
        let mut line = Vec::new();
        for byte in commands.to_ascii_uppercase().bytes().filter(|byte| *byte > b' ') {
            line.push(byte);
        }
        let mut rest = line.strip_prefix(b"AT").unwrap_or(&line);
        while !rest.is_empty() {
            let Ok((command::Command::Set(setting), after)) =
                command::next(rest, self.profile.dialect)
            else {
                return false;
            };
            if !self.change_setting(&setting) {
                return false;
            }
            rest = after;
        }
        self.stored = self.settings.clone();
        self.tell_signals();
        true
    }

    // ------------------------------------------------------------------------------- command state

    /// Takes keys up to the end of a command line and carries it out; returns what was not looked at.
    fn type_in<'a>(&mut self, now: Instant, bytes: &'a [u8]) -> &'a [u8] {
        let (taken, typed) = self.editor.take(bytes, &self.settings.registers);
        let (taken, rest) = bytes.split_at_checked(taken).unwrap_or((bytes, &[]));
        if self.settings.echo {
            self.out.push_back(Output::Dte(taken.to_vec()));
        }
        match typed {
            Typed::Nothing => {}
            Typed::TooLong => {
                self.out.push_back(Output::Note(Note::Command("(too long)".to_owned())));
                self.say(ResultCode::Error);
            }
            Typed::Line(line) => {
                self.out.push_back(Output::Note(Note::Command(printable(&line))));
                self.execute(now, &line);
            }
        }
        rest
    }

    fn say(&mut self, code: ResultCode) {
        self.out.push_back(Output::Note(Note::Result(code)));
        if !self.settings.quiet {
            let bytes = code.bytes(&self.settings, &self.profile, self.port_speed);
            self.out.push_back(Output::Dte(bytes));
        }
    }

    fn act(&mut self, output: LineOutput) {
        self.out.push_back(Output::Line(output));
    }

    /// Lets the line go at once, and says so.
    fn hang_up(&mut self, _now: Instant, code: ResultCode) {
        self.state = State::Command { off_hook: false };
        self.heard = Tone::Silence;
        self.act(LineOutput::OnHook);
        self.say(code);
        self.tell_signals();
    }

    // ----------------------------------------------------------------------------------- signals

    fn tell_signals(&mut self) {
        let online = matches!(
            self.state,
            State::Online(_) | State::OnlineCommand(_) | State::Clearing { .. }
        );
        let busy = match &self.state {
            State::Online(connection) => connection.sending.is_full(self.told.cts),
            State::Command { .. }
            | State::Dialling { .. }
            | State::Handshake { .. }
            | State::OnlineCommand(_)
            | State::Clearing { .. } => false,
        };
        let signals = Signals {
            dcd: online || !self.settings.dcd_follows,
            dsr: online || !self.settings.dsr_follows,
            cts: !busy || self.settings.flow == 0,
            ri: matches!(self.bell, Bell::Ringing { sounds: true, .. }),
        };
        if signals != self.told {
            self.told = signals;
            self.out.push_back(Output::Signals(signals));
        }
    }

    /// The settings in force, for tests and status.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }
}

/// A command line as it goes into the log.
fn printable(line: &[u8]) -> String {
    line.iter().map(|&byte| if byte.is_ascii_graphic() { char::from(byte) } else { '.' }).collect()
}

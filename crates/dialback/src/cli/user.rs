//! `dialback user`: passwords become hashes, keys of code generators are made, and who there is is shown.
//!
//! It writes no file: what belongs into the file of users goes to stdout, to be looked at and pasted. What people
//! read besides goes to stderr.

use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;

use calls::config::User;
use calls::config::user::CallbackOffer;
use calls::config::window::week;
use calls::policy::{password, totp};
use clap::{Args, Subcommand};
use ppp::secret::Secret;
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use serde_json::json;

use super::DEFAULT_CONFIG;
use crate::config;
use crate::exit::{Code, Failure};
use crate::out::{self, Cell, Ink, Palette, table};

#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is written: what is printed on stdout belongs into the file that [server] users names.

Examples:
  dialback user add alice --number 5550142      asks for a password, prints alice's table
  dialback user add alice --totp                with a code generator
  dialback user passwd                          only the line with the password's hash
  dialback user totp alice                      only a new key, and what the telephone scans
  dialback user list")]
pub(super) struct Users {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print the table of a new user
    Add(Add),
    /// Print the hash of a password
    Passwd,
    /// Print a new key for a code generator
    Totp(Totp),
    /// Show the users of a configuration
    List(List),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dialback user add alice --number 5550142 --number 5550143
  dialback user add alice --totp --no-password
  printf '%s\\n' \"$PASSWORD\" | dialback user add alice >> users.toml")]
struct Add {
    /// The user's name
    #[arg(value_name = "NAME")]
    name: String,
    /// A number at which the user is called back
    #[arg(long, value_name = "NUMBER")]
    number: Vec<String>,
    /// A code generator
    #[arg(long)]
    totp: bool,
    /// No password
    #[arg(long)]
    no_password: bool,
    /// The name under which the code generator shows the account
    #[arg(long, value_name = "NAME", default_value = "dialback")]
    issuer: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dialback user totp alice
  dialback user totp alice --issuer 'Branch office'")]
struct Totp {
    /// The user's name
    #[arg(value_name = "NAME")]
    name: String,
    /// The name under which the code generator shows the account
    #[arg(long, value_name = "NAME", default_value = "dialback")]
    issuer: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dialback user list
  dialback user list --json | jq '.[] | select(.disabled)'")]
struct List {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
    /// A JSON list
    #[arg(long)]
    json: bool,
}

impl Users {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.what {
            What::Add(add) => add.run(),
            What::Passwd => {
                out::line(format_args!("secret = \"{}\"", hashed()?));
                Ok(())
            }
            What::Totp(Totp { name, issuer }) => {
                let name = checked_name(&name)?;
                out::line(format_args!("totp = \"{}\"", new_key(name, &issuer)?));
                Ok(())
            }
            What::List(list) => list.run(),
        }
    }
}

impl Add {
    fn run(self) -> Result<(), Failure> {
        let name = checked_name(&self.name)?;
        let mut lines = vec!["[[user]]".to_owned(), format!("name = \"{name}\"")];
        for number in &self.number {
            proto::dial::PhoneNumber::configured(number).map_err(|fault| {
                Failure::new(Code::Usage, format!("--number {number}: {fault}"))
            })?;
        }
        if !self.no_password {
            lines.push(format!("secret = \"{}\"", hashed()?));
        }
        if self.totp {
            lines.push(format!("totp = \"{}\"", new_key(name, &self.issuer)?));
        }
        if !self.number.is_empty() {
            let numbers: Vec<String> = self.number.iter().map(|n| format!("\"{n}\"")).collect();
            lines.push(format!("callback = {{ numbers = [{}] }}", numbers.join(", ")));
        }
        out::line(lines.join("\n"));
        Ok(())
    }
}

/// A name that can stand in the file of users as it is.
fn checked_name(name: &str) -> Result<&str, Failure> {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    match name.bytes().all(plain) && (1..=64).contains(&name.len()) && !name.starts_with('-') {
        true => Ok(name),
        false => Err(Failure::new(
            Code::Usage,
            format!(
                "\"{}\": a user's name is up to 64 printable characters without blanks",
                name.escape_debug()
            ),
        )),
    }
}

fn seed() -> Result<[u8; 32], Failure> {
    sys::seed::seed()
        .map_err(|e| Failure::new(Code::System, format!("drawing a random number: {e}")))
}

/// The hash of a password that is asked for.
fn hashed() -> Result<String, Failure> {
    let password = ask_password()?;
    let mut salt = [0; 16];
    for (octet, random) in salt.iter_mut().zip(seed()?) {
        *octet = random;
    }
    password::hash(&password, &salt).map_err(|why| Failure::new(Code::Usage, why))
}

/// A new key; people get the address and its QR code on stderr.
fn new_key(name: &str, issuer: &str) -> Result<String, Failure> {
    // SHA-1's width, as RFC 4226 §4 recommends.
    let key = Secret::new(seed()?.into_iter().take(20).collect());
    let uri = totp::uri(&key, issuer, name);
    if io::stderr().is_terminal()
        && let Ok(code) = qrcodegen::QrCode::encode_text(&uri, qrcodegen::QrCodeEcc::Low)
    {
        out::error_text(&drawn(&code));
    }
    out::error(&uri);
    Ok(totp::key_text(&key))
}

/// A QR code in half blocks, dark on light whatever the terminal's colours are, with its quiet zone.
fn drawn(code: &qrcodegen::QrCode) -> String {
    const QUIET: i32 = 2;
    let mut text = String::new();
    let range = -QUIET..code.size() + QUIET;
    for y in range.clone().step_by(2) {
        text.push_str("\x1b[30;47m");
        for x in range.clone() {
            text.push(match (code.get_module(x, y), code.get_module(x, y + 1)) {
                (false, false) => ' ',
                (true, false) => '\u{2580}',
                (false, true) => '\u{2584}',
                (true, true) => '\u{2588}',
            });
        }
        text.push_str("\x1b[0m\n");
    }
    text
}

// ------------------------------------------------------------------------------------------ the password

/// A key that a terminal does not have (_POSIX_VDISABLE of termios(3)).
const DISABLED: u8 = 0;

/// The terminal's settings, put back when this goes.
struct NoEcho(Termios);

impl NoEcho {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
        silent.local_modes.insert(LocalModes::ECHONL | LocalModes::IEXTEN);
        // The keys that would end us, with the terminal left as it is now, end the line in place of it, and stand in it.
        silent.special_codes[SpecialCodeIndex::VEOL] =
            before.special_codes[SpecialCodeIndex::VINTR];
        silent.special_codes[SpecialCodeIndex::VEOL2] =
            before.special_codes[SpecialCodeIndex::VQUIT];
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(before))
    }

    /// A line as it is typed; `None` when whoever types has given up, by these keys or by the end of input.
    fn read_line(&self) -> io::Result<Option<Secret>> {
        // A terminal hands out a line at a time, whatever has ended it.
        let mut input = io::stdin().lock();
        let mut line = input.fill_buf()?.to_vec();
        input.consume(line.len());
        let [interrupt, quit] = [SpecialCodeIndex::VINTR, SpecialCodeIndex::VQUIT]
            .map(|key| Some(self.0.special_codes[key]).filter(|key| *key != DISABLED));
        let last = line.last().copied();
        if last.is_none() || last == interrupt || last == quit {
            return Ok(None);
        }
        without_end(&mut line);
        Ok(Some(Secret::new(line)))
    }
}

impl Drop for NoEcho {
    fn drop(&mut self) {
        // The terminal may be gone.
        let _gone = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}

/// A password from the terminal, typed twice and not shown; or a line of stdin, for scripts.
fn ask_password() -> Result<Secret, Failure> {
    let fault =
        |e: io::Error| Failure::new(Code::InputOutput, format!("reading the password: {e}"));
    if !io::stdin().is_terminal() {
        return read_line().map_err(fault);
    }
    let silence = NoEcho::begin().map_err(fault)?;
    let ask = |question: &str| {
        out::error_text(question);
        silence.read_line().map_err(fault)?.ok_or_else(|| {
            out::error_text("\n");
            Failure::new(Code::Failed, "given up: nothing is printed")
        })
    };
    let first = ask("Password: ")?;
    let second = ask("Once more: ")?;
    if first.matches(second.expose()) {
        Ok(first)
    } else {
        Err(Failure::new(Code::Usage, "the two are different: nothing is printed"))
    }
}

fn read_line() -> io::Result<Secret> {
    let mut line = Vec::new();
    io::stdin().lock().read_until(b'\n', &mut line)?;
    without_end(&mut line);
    Ok(Secret::new(line))
}

fn without_end(line: &mut Vec<u8>) {
    while line.last().is_some_and(|last| matches!(last, b'\n' | b'\r')) {
        line.pop();
    }
}

// ---------------------------------------------------------------------------------------------- the list

impl List {
    fn run(self) -> Result<(), Failure> {
        let read = config::read_text(&self.config);
        let Some(config) = read.config else {
            out::error_text(&read.rendered(Palette::stderr()));
            return Err(Failure::silent(Code::Configuration));
        };
        let zone = config.server.time_zone.as_ref();
        if self.json {
            let users: Vec<_> = config
                .users
                .iter()
                .map(|user| {
                    json!({
                        "name": user.name,
                        "aliases": user.aliases,
                        "disabled": user.disabled,
                        "trap": user.trap,
                        "proofs": proofs(user),
                        "callback": callback(user),
                        "windows": week(&user.windows, zone),
                        "expires": user.expires.map(|date| date.to_string()),
                        "review_by": user.review_by.map(|date| date.to_string()),
                    })
                })
                .collect();
            out::line(serde_json::Value::from(users));
            return Ok(());
        }
        let today = jiff::Zoned::now().date();
        let rows: Vec<Vec<Cell>> = config
            .users
            .iter()
            .map(|user| {
                let date = |date: Option<jiff::civil::Date>, ink| match date {
                    Some(date) if date < today => Cell::inked(ink, date.to_string()),
                    Some(date) => Cell::from(date.to_string()),
                    None => Cell::from("-"),
                };
                vec![
                    Cell::inked(Ink::Cyan, user.name.as_str()),
                    served(user),
                    Cell::from(proofs(user).join(", ")),
                    Cell::from(callback(user)),
                    Cell::from(week(&user.windows, zone)),
                    date(user.expires, Ink::Red),
                    date(user.review_by, Ink::Yellow),
                ]
            })
            .collect();
        let heading = ["USER", "SERVED", "PROOF", "CALLBACK", "WINDOWS", "EXPIRES", "REVIEW"];
        out::line(table(Palette::stdout(), &heading, &rows).trim_end());
        Ok(())
    }
}

fn served(user: &User) -> Cell {
    match (user.trap, user.disabled) {
        (true, _) => Cell::inked(Ink::Red, "trap"),
        (false, true) => Cell::inked(Ink::Yellow, "disabled"),
        (false, false) => Cell::inked(Ink::Green, "yes"),
    }
}

fn proofs(user: &User) -> Vec<&'static str> {
    let known = &user.credentials;
    let has = [
        (known.password.is_some(), "password"),
        (known.totp.is_some(), "totp"),
        (known.ppp.is_some(), "ppp"),
    ];
    has.into_iter().filter(|(has, _)| *has).map(|(_, word)| word).collect()
}

fn callback(user: &User) -> String {
    let Some(callback) = &user.callback else { return "-".to_owned() };
    let numbers = callback.numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match callback.offer {
        CallbackOffer::Nothing => "none".to_owned(),
        CallbackOffer::Fixed => numbers,
        CallbackOffer::List => format!("one of {numbers}"),
        CallbackOffer::Caller => "a number of his own".to_owned(),
        CallbackOffer::FixedOrCaller => format!("{numbers}, or one of his own"),
    }
}

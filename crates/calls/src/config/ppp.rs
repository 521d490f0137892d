//! `[ppp]` and `[[user]]`: the secrets of those who prove their names by PPP, and how they may be called back.
//!
//! It does not know how a proof is checked or a callback negotiated (`service::ppp`), nor what is dialled
//! (`policy`).

use std::net::Ipv4Addr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proto::dial::PhoneNumber;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use ::ppp::cbcp::{ListFault, Number, NumberList};

use super::check::own_line;
use super::decode::{Placed, Table, preset};
use super::keys::{self, Section};
use super::login_config::LoginConfig;
use super::network::{self, Network};
use super::secrets::Secrets;
use super::sections::{Draft as Whole, Whole as Syntax};
use super::values::Fault;
use super::{Action, LineService};
use crate::diagnostic::{Diagnostic, Source};

type Faults = Vec<Diagnostic>;

/// The file for PAP, beside the one for CHAP.
pub(super) const PAP_SECRETS: &str = "pap-secrets";

/// `[ppp]`
#[derive(Clone, Debug)]
pub struct Ppp {
    /// Who may prove which name by which password.
    pub secrets: Secrets,
    /// What network a caller gets.
    pub network: Network,
    /// Callback by option 13 alone.
    pub rfc1570: Rfc1570,
}

/// Which of option 13's own operations are taken (RFC 1570 §2.3). Neither, unless it is configured: both
/// decide before anybody knows who calls, which is why CBCP was invented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rfc1570 {
    /// Operation 0: the stored number of who authenticates.
    pub user: bool,
    /// Operation 3: a number that the caller gives.
    pub number: bool,
}

/// `[[user]]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name that is proved.
    pub name: String,
    /// How the user may be called back; `None`: not at all.
    pub callback: Option<UserCallback>,
    /// The address that the user gets; `None`: one of the pool.
    pub address: Option<Ipv4Addr>,
}

/// `callback = { ... }` of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCallback {
    /// The user's own numbers, in order of trial.
    pub numbers: Vec<PhoneNumber>,
    /// What the user may choose from.
    pub offer: CallbackOffer,
    /// Whether the user may also do without a callback and stay.
    pub may_stay: bool,
    /// Whether a client that did not negotiate callback is refused.
    pub required: bool,
}

/// What a user may choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackOffer {
    /// No callback.
    Nothing,
    /// The stored number.
    Fixed,
    /// One of the stored numbers.
    List,
    /// A number of the user's choice.
    Caller,
    /// The stored number, or one of the user's choice.
    FixedOrCaller,
}

/// `[ppp]` as it is read.
pub(super) struct Draft {
    pub(super) secrets: Placed<PathBuf>,
    pub(super) network: network::Draft,
    pub(super) rfc1570: Rfc1570,
    /// The names of the keys that were written, rightly or wrongly.
    pub(super) written: Vec<String>,
}

/// A user and where the parts were written.
pub(super) struct UserDraft {
    pub(super) user: User,
    pub(super) address_at: Option<Range<usize>>,
    name_at: Range<usize>,
    offer_at: Range<usize>,
    numbers_at: Vec<Range<usize>>,
}

/// `[ppp]`, if it is written.
pub(super) fn section(
    source: &Arc<Source>,
    tree: &DeTable<'_>,
    directory: &Path,
    faults: &mut Faults,
) -> Option<Draft> {
    let table = Table::new(source, Section::Ppp, tree.get("ppp")?, faults)?;
    table.unknown_keys(faults);
    table.required(&keys::PPP_SECRETS, faults);
    let secrets = table.parsed_if(&keys::PPP_SECRETS, faults, |path| match path {
        "" => Err(Fault::new("an empty path", "name the file")),
        path => Ok(directory.join(path)),
    });
    let network = network::read(&table, faults);
    let operations = table.list_if(&keys::PPP_RFC1570, faults, operation).unwrap_or_default();
    let has = |wanted| operations.iter().any(|operation| operation.value == wanted);
    let rfc1570 = Rfc1570 { user: has(Operation::User), number: has(Operation::Number) };
    let written = table.table.keys().map(|key| key.get_ref().to_string()).collect();
    Some(Draft { secrets: secrets?, network, rfc1570, written })
}

/// A word of `rfc1570`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    User,
    Number,
}

fn operation(text: &str) -> Result<Operation, Fault> {
    match text {
        "user" => Ok(Operation::User),
        "number" => Ok(Operation::Number),
        _ => Err(Fault::new(
            format!("\"{}\" is no operation of option 13 that is taken here", text.escape_debug()),
            "write \"user\" for operation 0, \"number\" for operation 3",
        )),
    }
}

/// Every `[[user]]`.
pub(super) fn users(
    source: &Arc<Source>,
    tree: &DeTable<'_>,
    syntax: Syntax,
    faults: &mut Faults,
) -> Vec<UserDraft> {
    let Some(value) = tree.get("user") else { return Vec::new() };
    let DeValue::Array(tables) = value.get_ref() else {
        let fault = Diagnostic::error(source, value.span(), "user must be a list of tables");
        faults.push(fault.hint("begin each user with [[user]], in double brackets"));
        return Vec::new();
    };
    tables.iter().filter_map(|table| user(source, table, syntax, faults)).collect()
}

fn user(
    source: &Arc<Source>,
    value: &Spanned<DeValue<'_>>,
    syntax: Syntax,
    faults: &mut Faults,
) -> Option<UserDraft> {
    let table = Table::new(source, Section::User, value, faults)?;
    table.unknown_keys(faults);
    if syntax == Syntax::Yes {
        table.required(&keys::USER_NAME, faults);
    }
    let name = table.parsed_if(&keys::USER_NAME, faults, user_name)?;
    let name_at = name.at.unwrap_or_default();
    let address = table.parsed_if(&keys::USER_ADDRESS, faults, network::address);
    let mut draft = UserDraft {
        user: User {
            name: name.value,
            callback: None,
            address: address.as_ref().map(|address| address.value),
        },
        address_at: address.and_then(|address| address.at),
        offer_at: name_at.clone(),
        name_at,
        numbers_at: Vec::new(),
    };
    if let Some(value) = table.get("callback") {
        let table = Table::new(source, Section::UserCallback, value, faults)?;
        table.unknown_keys(faults);
        draft.callback(&table, faults);
    }
    Some(draft)
}

fn user_name(text: &str) -> Result<String, Fault> {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    if text.is_empty() || text.len() > 64 || !plain || text.starts_with('-') {
        return Err(Fault::new(
            format!("\"{}\" is not a user's name", text.escape_debug()),
            "write up to 64 printable characters without blanks, not beginning with a dash",
        ));
    }
    Ok(text.to_owned())
}

fn stored_number(text: &str) -> Result<PhoneNumber, Fault> {
    PhoneNumber::configured(text).map_err(|fault| {
        Fault::new(
            format!("\"{}\": {fault}", text.escape_debug()),
            "write the user's number, like \"5550199\"",
        )
    })
}

/// A word of `offer`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    None,
    Fixed,
    List,
    Caller,
}

fn word(text: &str) -> Result<Word, Fault> {
    match text {
        "none" => Ok(Word::None),
        "fixed" => Ok(Word::Fixed),
        "list" => Ok(Word::List),
        "caller" => Ok(Word::Caller),
        _ => Err(Fault::new(
            format!("\"{}\" is no offer", text.escape_debug()),
            "write \"none\", \"fixed\", \"list\" or \"caller\"",
        )),
    }
}

impl UserDraft {
    fn callback(&mut self, table: &Table<'_>, faults: &mut Faults) {
        let before = faults.len();
        let numbers = table.list_if(&keys::USER_NUMBERS, faults, stored_number).unwrap_or_default();
        let written = table.list_if(&keys::USER_OFFER, faults, word);
        let required = table.flag(&keys::USER_REQUIRED, faults).value;
        if faults.len() > before {
            return;
        }
        let words: Vec<Word> = match &written {
            Some(words) => words.iter().map(|word| word.value).collect(),
            None => preset(&keys::USER_OFFER, &[]).iter().filter_map(|w| word(w).ok()).collect(),
        };
        self.offer_at = match table.get(keys::USER_OFFER.name) {
            Some(value) => value.span(),
            None => table.span.clone(),
        };
        self.numbers_at = numbers.iter().filter_map(|number| number.at.clone()).collect();
        let numbers: Vec<PhoneNumber> = numbers.into_iter().map(|number| number.value).collect();
        match combined(&words, &numbers, required) {
            Ok((offer, may_stay)) => {
                self.user.callback = Some(UserCallback { numbers, offer, may_stay, required });
            }
            Err((message, hint)) => {
                let fault = Diagnostic::error(table.source, self.offer_at.clone(), message);
                faults.push(fault.hint(hint));
            }
        }
    }
}

/// The words together, and whether "none" is among them.
fn combined(
    words: &[Word],
    numbers: &[PhoneNumber],
    required: bool,
) -> Result<(CallbackOffer, bool), (&'static str, &'static str)> {
    let has = |word: Word| words.contains(&word);
    let offer = match (has(Word::Fixed), has(Word::List), has(Word::Caller)) {
        (false, false, false) if words.is_empty() => {
            return Err(("offer is an empty list", "write \"none\" if nothing is offered"));
        }
        (false, false, false) => CallbackOffer::Nothing,
        (true, false, false) => CallbackOffer::Fixed,
        (false, true, false) => CallbackOffer::List,
        (false, false, true) => CallbackOffer::Caller,
        (true, false, true) => CallbackOffer::FixedOrCaller,
        (true | false, true, true) | (true, true, false) => {
            return Err((
                "a list is offered beside something else, which some clients do not survive",
                "write \"list\" alone, or beside \"none\"",
            ));
        }
    };
    let stored = match offer {
        CallbackOffer::Fixed | CallbackOffer::List | CallbackOffer::FixedOrCaller => true,
        CallbackOffer::Nothing | CallbackOffer::Caller => false,
    };
    if stored && numbers.is_empty() {
        return Err((
            "a stored number is offered, and there is none",
            "write numbers = [\"5550199\"]",
        ));
    }
    if required && has(Word::None) {
        return Err((
            "the user must be called back, and may choose \"none\"",
            "leave one of them out",
        ));
    }
    if offer == CallbackOffer::List {
        list(numbers)?;
    }
    Ok((offer, has(Word::None)))
}

/// The numbers as the callback protocol lists them.
fn list(numbers: &[PhoneNumber]) -> Result<NumberList, (&'static str, &'static str)> {
    let numbers = numbers.iter().map(|number| Number::from(number.as_str())).collect();
    NumberList::new(numbers).map_err(|fault| match fault {
        ListFault::Empty => ("an empty list is offered", "write numbers = [\"5550199\"]"),
        ListFault::TooLong(_) => {
            ("more numbers than the callback protocol can list", "offer about twenty at most")
        }
    })
}

impl UserCallback {
    /// The stored numbers as a list to choose from, if they fit.
    pub(crate) fn list(&self) -> Option<NumberList> {
        list(&self.numbers).ok()
    }
}

/// Each user once, and no number that is our own.
pub(super) fn check_users(draft: &Whole, faults: &mut Faults) {
    for (index, user) in draft.users.iter().enumerate() {
        let name = &user.user.name;
        if draft.users.iter().take(index).any(|other| other.user.name == *name) {
            let message = format!("a second user \"{name}\"");
            let fault = Diagnostic::error(&draft.source, user.name_at.clone(), message);
            faults.push(fault.hint("let each user stand once"));
        }
        let Some(callback) = &user.user.callback else { continue };
        for (number, at) in callback.numbers.iter().zip(&user.numbers_at) {
            if let Some(own) = own_line(draft, number.as_str()) {
                let message = format!("{number} is the number of line \"{own}\"");
                let fault = Diagnostic::error(&draft.source, at.clone(), message);
                faults.push(fault.hint("the server does not call itself"));
            }
        }
        let asks = match callback.offer {
            CallbackOffer::Caller => callback.numbers.is_empty(),
            CallbackOffer::FixedOrCaller => true,
            CallbackOffer::Nothing | CallbackOffer::Fixed | CallbackOffer::List => false,
        };
        let allowed = !draft.callback.caller_numbers.allow.is_empty();
        if asks && !allowed && !draft.places.allow_is_faulty {
            let message = "the user may give a number, but none is allowed";
            let fault = Diagnostic::error(&draft.source, user.offer_at.clone(), message);
            faults.push(fault.hint("write caller_numbers = { allow = [...] } into [callback]"));
        }
    }
}

/// An entry with the built-in PPP needs secrets to check proofs with.
pub(super) fn check_entries(draft: &Whole, login: &LoginConfig, faults: &mut Faults) {
    if draft.ppp.is_some() {
        return;
    }
    for line in &draft.lines {
        if let (LineService::Ppp, Some(at)) = (line.line.service, &line.service_at) {
            let message = "PPP without secrets: nobody could prove a name";
            let fault = Diagnostic::error(&draft.source, at.clone(), message);
            faults.push(fault.hint("write [ppp] with secrets = \"chap-secrets\""));
        }
    }
    for entry in &login.entries {
        if entry.entry.action == Action::Ppp {
            let message = "PPP without secrets: nobody could prove a name";
            let fault = Diagnostic::error(&login.source, entry.program_at.clone(), message);
            faults
                .push(fault.hint("write [ppp] with secrets = \"chap-secrets\" into dialback.toml"));
        }
    }
}

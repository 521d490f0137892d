//! `[[user]]` of dialback.toml, and of the file that `[server] users` names: read, and held against each other
//! and against the lines.
//!
//! A diagnostic shows the line that it is about, so the text that diagnostics get to see has stars where
//! secrets stand ([`masked`]). What a user's keys mean is in [`super::user`].

use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;
use ppp::secret::Secret;
use proto::dial::PhoneNumber;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::check::own_line;
use super::decode::{Placed, Table, preset};
use super::keys::{self, Section};
use super::network;
use super::sections::{Draft as Whole, Whole as Syntax};
use super::site;
use super::user::{self, Budget, CallbackOffer, Credentials, Direct, Service, User, UserCallback};
use super::values::{self, Fault};
use super::window::Window;
use super::{Authenticate, ReturnProof};
use crate::diagnostic::{Diagnostic, Source};
use crate::policy::numbering::Site;
use crate::policy::{password, totp};
use crate::promises::OPERATOR;

type Faults = Vec<Diagnostic>;

/// A user and where the parts were written.
pub(super) struct UserDraft {
    pub(super) user: User,
    pub(super) source: Arc<Source>,
    pub(super) address_at: Option<Range<usize>>,
    name_at: Range<usize>,
    pub(super) offer_at: Range<usize>,
    return_proof_at: Option<Range<usize>>,
    numbers_at: Vec<Range<usize>>,
    aliases_at: Vec<Range<usize>>,
    /// Where the first secret stands, if one does.
    pub(super) secret_at: Option<Range<usize>>,
    totp_at: Option<Range<usize>>,
    pub(super) ppp_secret_at: Option<Range<usize>>,
}

/// Every `[[user]]` of a file.
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
    let name = table.parsed_if(&keys::USER_NAME, faults, user_name);
    let aliases = table.list_if(&keys::USER_ALIASES, faults, user_name).unwrap_or_default();
    let services = table.list_if(&keys::USER_SERVICES, faults, service).unwrap_or_default();
    let windows = table.list_if(&keys::USER_WINDOWS, faults, Window::parse).unwrap_or_default();
    let return_names =
        table.list_if(&keys::USER_RETURN_NAMES, faults, user_name).unwrap_or_default();
    let address = table.parsed_if(&keys::USER_ADDRESS, faults, network::address);
    let secrets = [keys::USER_SECRET.name, keys::USER_TOTP.name, keys::USER_PPP_SECRET.name];
    let values = |list: Vec<Placed<String>>| list.into_iter().map(|word| word.value).collect();
    let return_proof =
        table.parsed_if(&keys::USER_RETURN_PROOF, faults, super::sections::return_proof);
    let user = User {
        name: String::new(),
        disabled: table.flag(&keys::USER_DISABLED, faults).value,
        trap: table.flag(&keys::USER_TRAP, faults).value,
        expires: table.parsed_if(&keys::USER_EXPIRES, faults, date).map(|date| date.value),
        review_by: table.parsed_if(&keys::USER_REVIEW_BY, faults, date).map(|date| date.value),
        credentials: credentials(&table, faults),
        callback: None,
        windows: windows.into_iter().map(|window| window.value).collect(),
        services: services.into_iter().map(|service| service.value).collect(),
        return_names: values(return_names),
        return_proof: return_proof.as_ref().map(|proof| proof.value),
        direct: table
            .parsed_if(&keys::USER_DIRECT, faults, direct)
            .map_or(Direct::Allowed, |direct| direct.value),
        tries: table.count_if(&keys::USER_TRIES, faults).map(|tries| tries.value),
        budget: budget(&table, faults),
        address: address.as_ref().map(|address| address.value),
        aliases: aliases.iter().map(|alias| alias.value.clone()).collect(),
    };
    let callback = table.get("callback");
    let name = name?;
    let name_at = name.at.unwrap_or_default();
    let mut draft = UserDraft {
        user: User { name: name.value, ..user },
        source: Arc::clone(source),
        address_at: address.and_then(|address| address.at),
        offer_at: name_at.clone(),
        return_proof_at: return_proof.and_then(|proof| proof.at),
        name_at,
        numbers_at: Vec::new(),
        aliases_at: aliases.into_iter().filter_map(|alias| alias.at).collect(),
        secret_at: secrets.iter().find_map(|key| table.get(key)).map(Spanned::span),
        totp_at: table.get(keys::USER_TOTP.name).map(Spanned::span),
        ppp_secret_at: table.get(keys::USER_PPP_SECRET.name).map(Spanned::span),
    };
    if let Some(value) = callback {
        let table = Table::new(source, Section::UserCallback, value, faults)?;
        table.unknown_keys(faults);
        draft.callback(&table, faults);
    }
    Some(draft)
}

pub(super) fn user_name(text: &str) -> Result<String, Fault> {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    if text.is_empty() || text.len() > 64 || !plain || text.starts_with('-') {
        return Err(Fault::new(
            format!("\"{}\" is not a user's name", text.escape_debug()),
            "write up to 64 printable characters without blanks, not beginning with a dash",
        ));
    }
    Ok(text.to_owned())
}

fn service(text: &str) -> Result<Service, Fault> {
    [Service::Login, Service::Ppp].into_iter().find(|service| service.word() == text).ok_or_else(
        || {
            Fault::new(
                format!("\"{}\" is no service", text.escape_debug()),
                "write \"login\" or \"ppp\"",
            )
        },
    )
}

fn direct(text: &str) -> Result<Direct, Fault> {
    match text {
        "never" => Ok(Direct::Never),
        "allowed" => Ok(Direct::Allowed),
        "only" => Ok(Direct::Only),
        _ => Err(Fault::new(
            format!("\"{}\" does not say when", text.escape_debug()),
            "write \"never\", \"allowed\" or \"only\"",
        )),
    }
}

fn date(text: &str) -> Result<Date, Fault> {
    text.parse().map_err(|_| {
        Fault::new(
            format!("\"{}\" is no date", text.escape_debug()),
            "write year, month and day, like \"2027-01-31\"",
        )
    })
}

/// No fault of these may quote what was written.
fn credentials(table: &Table<'_>, faults: &mut Faults) -> Credentials {
    let password = table.parsed_if(&keys::USER_SECRET, faults, |text| {
        password::check_hash(text).map_err(|why| {
            Fault::new(
                format!("not an argon2id hash: {why}"),
                "print one with \"dialback user passwd\"",
            )
        })?;
        Ok(Arc::from(text))
    });
    let totp = table.parsed_if(&keys::USER_TOTP, faults, |text| {
        totp::key(text).map(Arc::new).map_err(|why| {
            Fault::new(
                format!("not the key of a code generator: {why}"),
                "print one with \"dialback user totp\"",
            )
        })
    });
    let ppp = table.parsed_if(&keys::USER_PPP_SECRET, faults, |text| match text.len() {
        0 => {
            Err(Fault::new("an empty secret lets everybody in", "write one, or leave the key out"))
        }
        1..=256 => Ok(Arc::new(Secret::from(text))),
        _ => Err(Fault::new("a secret of more than 256 characters", "write a shorter one")),
    });
    Credentials {
        password: password.map(|placed| placed.value),
        totp: totp.map(|placed| placed.value),
        ppp: ppp.map(|placed| placed.value),
    }
}

fn budget(table: &Table<'_>, faults: &mut Faults) -> Budget {
    let Some(value) = table.get("budget") else { return Budget::default() };
    let Some(table) = Table::new(table.source, Section::UserBudget, value, faults) else {
        return Budget::default();
    };
    table.unknown_keys(faults);
    Budget {
        minutes: table.count_if(&keys::BUDGET_MINUTES, faults).map(|most| most.value),
        calls: table.count_if(&keys::BUDGET_CALLS, faults).map(|most| most.value),
        cost: table.parsed_if(&keys::BUDGET_COST, faults, values::money).map(|most| most.value),
    }
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
        let mut patterns = |key| {
            let list = table.list_if(key, faults, values::number_pattern).unwrap_or_default();
            list.into_iter().map(|pattern| pattern.value).collect()
        };
        let (allow, deny) = (patterns(&keys::USER_ALLOW), patterns(&keys::USER_DENY));
        let classes =
            table.list_if(&keys::numbers::USER_ALLOW_CLASSES, faults, site::allowed_class);
        let allow_classes = classes.unwrap_or_default().into_iter().map(|class| class.value);
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
                let allow_classes = allow_classes.collect();
                self.user.callback = Some(UserCallback {
                    numbers,
                    offer,
                    may_stay,
                    required,
                    allow,
                    deny,
                    allow_classes,
                });
            }
            Err((message, hint)) => {
                let fault = Diagnostic::error(table.source, self.offer_at.clone(), message);
                faults.push(fault.hint(hint));
            }
        }
    }
}

impl UserDraft {
    /// Stored numbers that would be refused each time.
    pub(super) fn check_numbers(&self, here: &Site, faults: &mut Faults) {
        let Some(callback) = &self.user.callback else { return };
        for (number, at) in callback.numbers.iter().zip(&self.numbers_at) {
            if let Err(why) = site::stored_number(here, number, &callback.allow_classes) {
                faults.push(site::refused_number(&self.source, at.clone(), &why));
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
        user::list(numbers)?;
    }
    Ok((offer, has(Word::None)))
}

/// What proves a name, where it is not written; a user who can never prove his, and one who could by more than he is
/// asked for.
fn check_proofs(draft: &mut Whole, faults: &mut Faults) {
    let known = || {
        let users = draft.users.iter().filter(|user| !user.user.trap);
        users.map(|user| &user.user.credentials)
    };
    let password = known().any(|known| known.password.is_some());
    let code = known().any(|known| known.totp.is_some());
    let both = known().all(|known| known.password.is_some() == known.totp.is_some());
    if draft.places.authenticate.is_none() {
        draft.callback.authenticate = match (password, code) {
            (true, true) if both => Authenticate::PasswordAndCode,
            (true, _) => Authenticate::Password,
            (false, true) => Authenticate::Code,
            (false, false) => Authenticate::Nothing,
        };
    }
    let wanted = draft.callback.authenticate;
    unasked_codes(draft, wanted, faults);
    let Some(at) = &draft.places.authenticate else { return };
    let missing = match (wanted.wants_password() && !password, wanted.wants_code() && !code) {
        (true, _) => "secret",
        (false, true) => "totp",
        (false, false) => return,
    };
    let message = format!("nobody can be called back: no user has a {missing}");
    faults.push(
        Diagnostic::warning(&draft.source, at.clone(), message)
            .hint("print one with \"dialback user add\""),
    );
}

/// Whoever has been given a code generator thinks that it counts.
fn unasked_codes(draft: &Whole, wanted: Authenticate, faults: &mut Faults) {
    if wanted.wants_code() {
        return;
    }
    for user in draft.users.iter().filter(|user| !user.user.trap) {
        let Some(at) = &user.totp_at else { continue };
        let return_proof = user.user.return_proof.unwrap_or(draft.callback.return_proof);
        if user.user.credentials.totp.is_none() || return_proof == ReturnProof::Totp {
            continue;
        }
        let why = match &draft.places.authenticate {
            Some(_) => "",
            None => ", since others have a secret and no totp",
        };
        let message = format!(
            "{} is never asked for a one-time code: authenticate is \"{}\"{why}",
            user.user.name,
            wanted.word()
        );
        faults.push(Diagnostic::warning(&user.source, at.clone(), message).hint(
            "write authenticate = \"password+totp\" into [callback] once all have both, or return_proof = \"totp\" here",
        ));
    }
}

/// A one-time code is asked for at the prompt, of a user who has a generator.
fn check_return_proof(draft: &UserDraft, faults: &mut Faults) {
    let (user, Some(at)) = (&draft.user, &draft.return_proof_at) else { return };
    if user.return_proof != Some(ReturnProof::Totp) {
        return;
    }
    let (message, hint) = if user.credentials.totp.is_none() {
        (
            "nobody could answer this user's return call: there is no totp",
            "write totp = \"...\" beside it; dialback user totp prints one",
        )
    } else if user.services == [Service::Ppp] {
        (
            "a one-time code is asked for at the prompt, and this user has PPP alone",
            "take return_proof out: PPP proves the name by itself on the return call too",
        )
    } else {
        return;
    };
    faults.push(Diagnostic::error(&draft.source, at.clone(), message).hint(hint));
}

/// Each name once, and no number that is our own.
pub(super) fn check(draft: &mut Whole, faults: &mut Faults) {
    check_proofs(draft, faults);
    let draft = &*draft;
    for (index, user) in draft.users.iter().enumerate() {
        check_names(draft, index, user, faults);
        check_return_proof(user, faults);
        let Some(callback) = &user.user.callback else { continue };
        for (number, at) in callback.numbers.iter().zip(&user.numbers_at) {
            if let Some(own) = own_line(draft, number.as_str()) {
                let message = format!("{number} is the number of line \"{own}\"");
                let fault = Diagnostic::error(&user.source, at.clone(), message);
                faults.push(fault.hint("the server does not call itself"));
            }
        }
        let asks = match callback.offer {
            CallbackOffer::Caller => callback.numbers.is_empty(),
            CallbackOffer::FixedOrCaller => true,
            CallbackOffer::Nothing | CallbackOffer::Fixed | CallbackOffer::List => false,
        };
        let allowed = !callback.allow.is_empty() || !draft.callback.caller_numbers.allow.is_empty();
        if asks && !allowed && !draft.places.allow_is_faulty {
            let message = "the user may give a number, but none is allowed";
            let fault = Diagnostic::error(&user.source, user.offer_at.clone(), message);
            faults.push(fault.hint(
                "write allow = [...] beside it, or caller_numbers = { allow = [...] } into [callback]",
            ));
        }
    }
}

fn check_names(draft: &Whole, index: usize, user: &UserDraft, faults: &mut Faults) {
    let earlier =
        |name: &str| draft.users.iter().take(index).any(|other| other.user.is_called(name));
    let name = &user.user.name;
    let names = [(name, &user.name_at)].into_iter();
    for (name, at) in names.chain(user.user.aliases.iter().zip(&user.aliases_at)) {
        if name == OPERATOR {
            let message = format!("\"{name}\" is who calls a number by an operator's order");
            let fault = Diagnostic::error(&user.source, at.clone(), message);
            faults.push(fault.hint("give the user another name"));
        }
    }
    if earlier(name) {
        let message = format!("a second user \"{name}\"");
        let fault = Diagnostic::error(&user.source, user.name_at.clone(), message);
        faults.push(fault.hint("let each user stand once"));
    }
    for (alias, at) in user.user.aliases.iter().zip(&user.aliases_at) {
        if earlier(alias) {
            let message = format!("\"{alias}\" is another user's name");
            let fault = Diagnostic::error(&user.source, at.clone(), message);
            faults.push(fault.hint("let each name lead to one user"));
        }
    }
}

/// The keys whose values nobody may see.
const SECRET_KEYS: [&str; 3] = ["ppp_secret", "secret", "totp"];

/// A text with as many bytes on as many lines, in which the values of [`SECRET_KEYS`] are stars.
///
/// It looks for words, not for TOML: also what the parser cannot read must not be shown.
pub(super) fn masked(text: &str) -> String {
    let mut shown = Vec::with_capacity(text.len());
    // The quotes that end a secret of several lines.
    let mut open: Option<&str> = None;
    for line in text.split_inclusive('\n') {
        let from = match open {
            Some(_) => Some(0),
            None => secret_begins(line),
        };
        let Some(from) = from else {
            shown.extend_from_slice(line.as_bytes());
            continue;
        };
        let (before, value) = line.split_at_checked(from).unwrap_or((line, ""));
        shown.extend_from_slice(before.as_bytes());
        shown.extend(value.bytes().map(|byte| match byte {
            b'\n' | b'\r' => byte,
            _ => b'*',
        }));
        open = match open {
            Some(quotes) => Some(quotes).filter(|quotes| !value.contains(quotes)),
            None => ["\"\"\"", "'''"].into_iter().find(|quotes| value.matches(quotes).count() == 1),
        };
    }
    String::from_utf8(shown).unwrap_or_default()
}

/// Where the value of a secret key begins on this line.
fn secret_begins(line: &str) -> Option<usize> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let begins = |key: &str| {
        line.match_indices(key).find_map(|(at, _)| {
            let before = line.as_bytes().get(at.wrapping_sub(1)).copied();
            let rest = line.get(at + key.len()..)?;
            if before.is_some_and(is_word) {
                return None;
            }
            let rest = rest.trim_start_matches(['"', '\'']).trim_start();
            let value = rest.strip_prefix('=')?;
            Some(line.len() - value.len())
        })
    };
    SECRET_KEYS.iter().filter_map(|key| begins(key)).min()
}

#[cfg(test)]
mod tests;

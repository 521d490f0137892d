//! pppd's chap-secrets and pap-secrets: who may prove which name by which password.
//!
//! ```text
//! # client   server   secret           addresses
//! alice      *        "pass phrase"    *
//! *          orion    s3cret
//! ```
//!
//! The format is pppd's (pppd(8), AUTHENTICATION): words between blanks, quotes and backslashes, `*` for any
//! client or server, the most exact line first. Four things are stricter: an empty secret, which lets
//! everybody in, is an error; so is a secret in another file (`@/path`), which is not read; so are the
//! backslash's numeric escapes; and so is a name with a control character, which nobody can prove.
//!
//! A diagnostic shows the line that it is about, so the text that diagnostics get to see has stars for
//! everything behind the second word. Whoever checks a proof is in `calls::service`.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use ppp::auth::Method;
use ppp::secret::{Name, Secret};

use super::load::{FileText, MAX_FILE};
use super::user::User;
use crate::diagnostic::{Diagnostic, Source};

/// The most lines with a secret in one file: each is looked at for each name that is given.
pub const MAX_SECRETS: usize = 10_000;

/// The longest name that may become an identity: what a journal's reader can take in at a glance.
const MAX_NAME: usize = 64;

/// Everybody's secrets. They are never shown: not by `Debug`, not in a diagnostic.
#[derive(Clone, Default)]
pub struct Secrets(Arc<Files>);

#[derive(Default)]
struct Files {
    chap: Vec<Entry>,
    pap: Vec<Entry>,
}

struct Entry {
    client: Vec<u8>,
    server: Vec<u8>,
    secret: Secret,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} for CHAP, {} for PAP)", self.0.chap.len(), self.0.pap.len())
    }
}

/// Somebody whose password is known.
pub(crate) struct Known {
    /// The name to be proved, without a Windows domain unless the file has it.
    pub(crate) identity: String,
    /// A copy to compare with, which wipes itself.
    pub(crate) secret: Secret,
}

const ANY: &[u8] = b"*";

impl Secrets {
    /// The methods by which a name can be proved here: none that no file has a secret for.
    #[must_use]
    pub fn methods(&self) -> Vec<Method> {
        let chap = [Method::MsChapV2, Method::ChapMd5];
        let chap = chap.into_iter().filter(|_| !self.0.chap.is_empty());
        let pap = std::iter::once(Method::Pap).filter(|_| !self.0.pap.is_empty());
        chap.chain(pap).collect()
    }

    /// Who a name is, for this method, on the server of this name.
    pub(crate) fn find(&self, method: Method, name: &Name, server: &str) -> Option<Known> {
        let entries = match method {
            Method::Pap => &self.0.pap,
            Method::ChapMd5 | Method::MsChapV1 | Method::MsChapV2 => &self.0.chap,
        };
        let exactness = |entry: &&Entry| {
            let client = match entry.client.as_slice() {
                client if client == name.as_bytes() => 3,
                client if client == name.without_domain() => 2,
                ANY => 1,
                _ => return None,
            };
            match entry.server.as_slice() {
                other if other == server.as_bytes() => Some((client, 2)),
                ANY => Some((client, 1)),
                _ => None,
            }
        };
        // The first of several equally exact lines, as with pppd: `max_by_key` takes the last.
        let (_, entry) = entries
            .iter()
            .rev()
            .filter_map(|entry| Some((exactness(&entry)?, entry)))
            .max_by_key(|(exactness, _)| *exactness)?;
        let whole = entry.client == name.as_bytes();
        let identity = if whole { name.as_bytes() } else { name.without_domain() };
        let plain = |byte: &u8| byte.is_ascii_graphic();
        let optionlike = identity.first().is_none_or(|byte| *byte == b'-');
        if optionlike || identity.len() > MAX_NAME || !identity.iter().all(plain) {
            return None;
        }
        Some(Known {
            identity: String::from_utf8_lossy(identity).into_owned(),
            secret: Secret::new(entry.secret.expose().to_vec()),
        })
    }

    /// The secrets of a client, which gives proofs by the same files: what it knows for itself (`client`) towards a
    /// server. The files as they were found, each with its name, and who may own them beside root.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn of_client(
        chap: (&str, &FileText),
        pap: Option<(&str, &FileText)>,
        uid: u32,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut faults = Vec::new();
        let chap = parse(chap.0, chap.1, uid, &mut faults);
        let pap = pap.map(|(name, file)| parse(name, file, uid, &mut faults));
        if faults.is_empty() { Ok(Self::of(chap, pap, std::iter::empty())) } else { Err(faults) }
    }

    /// The secret by which a client of this name proves it to the server of this name, a copy that wipes itself.
    #[must_use]
    pub fn of_name(&self, method: Method, client: &str, server: &str) -> Option<Secret> {
        self.find(method, &Name::new(client.as_bytes()), server).map(|known| known.secret)
    }

    /// The secrets of both files, and of users who have one for PPP; the users' are for CHAP only.
    pub(super) fn of<'u>(
        chap: FileSecrets,
        pap: Option<FileSecrets>,
        users: impl Iterator<Item = &'u User>,
    ) -> Self {
        let mut chap = chap.into_entries();
        for user in users {
            let Some(secret) = &user.credentials.ppp else { continue };
            for name in std::iter::once(&user.name).chain(&user.aliases) {
                chap.push(Entry {
                    client: name.as_bytes().to_vec(),
                    server: ANY.to_vec(),
                    secret: Secret::new(secret.expose().to_vec()),
                });
            }
        }
        let pap = pap.map(FileSecrets::into_entries).unwrap_or_default();
        Self(Arc::new(Files { chap, pap }))
    }
}

/// The secrets of one file.
pub(super) struct FileSecrets {
    source: Arc<Source>,
    /// Each with its place.
    entries: Vec<(Range<usize>, Entry)>,
}

impl FileSecrets {
    fn into_entries(self) -> Vec<Entry> {
        self.entries.into_iter().map(|(_, entry)| entry).collect()
    }

    /// Lines for a user who has a secret of his own: theirs would come first, and the one that was given up stay good.
    pub(super) fn check_users<'u>(
        &self,
        users: impl Iterator<Item = &'u User>,
        host: &str,
        faults: &mut Faults,
    ) {
        let users = users.filter(|user| user.credentials.ppp.is_some());
        let names: BTreeMap<&[u8], &User> = users
            .flat_map(|user| {
                let names = std::iter::once(&user.name).chain(&user.aliases);
                names.map(move |name| (name.as_bytes(), user))
            })
            .collect();
        let ours = |entry: &Entry| entry.server == ANY || entry.server == host.as_bytes();
        for (at, entry) in self.entries.iter().filter(|(_, entry)| ours(entry)) {
            if let Some(user) = names.get(entry.client.as_slice()) {
                let message =
                    format!("the user {} has a ppp_secret, and this line would beat it", user.name);
                let fault = Diagnostic::error(&self.source, at.clone(), message);
                faults.push(fault.hint("strike the line, or the user's ppp_secret"));
            }
        }
    }
}

/// Reads one file; whatever makes no sense is reported and left out.
pub(super) fn parse(name: &str, file: &FileText, uid: u32, faults: &mut Faults) -> FileSecrets {
    if file.text.len() > MAX_FILE {
        let message = format!("more than {} KiB", MAX_FILE / 1024);
        let source = Source::new(name, "");
        let fault = Diagnostic::of_file(&source, message);
        faults.push(fault.hint("is it the right file?"));
        return FileSecrets { source, entries: Vec::new() };
    }
    let mut shown = Vec::with_capacity(file.text.len());
    let mut found: Vec<(Range<usize>, Result<Entry, Fault>)> = Vec::new();
    for line in file.text.split_inclusive(|byte| *byte == b'\n') {
        let start = shown.len();
        let body = line.trim_ascii_end();
        let (words, cut) = words(body);
        let open = words.get(1).map_or(0, |word| word.at.end);
        let masked = |(at, byte): (usize, &u8)| match byte {
            b'\n' | b' ' | b'\t' => *byte,
            _ if at >= open => b'*',
            byte if byte.is_ascii_graphic() => *byte,
            _ => b'?',
        };
        shown.extend(line.iter().enumerate().map(masked));
        if !words.is_empty() || cut.is_some() {
            found.push((start..start + body.len(), entry(words, cut)));
        }
    }
    let source = Source::new(name, String::from_utf8_lossy(&shown));
    super::login_config::check_owner(&source, file, uid, faults);
    let mut entries = Vec::new();
    for (at, entry) in found {
        match entry {
            Ok(_) if entries.len() == MAX_SECRETS => {
                let fault =
                    Diagnostic::error(&source, at, format!("more than {MAX_SECRETS} lines"));
                faults.push(fault.hint("let a * take many names, or ask a RADIUS server"));
                break;
            }
            Ok(entry) => entries.push((at, entry)),
            Err((message, hint)) => {
                faults.push(Diagnostic::error(&source, at, message).hint(hint));
            }
        }
    }
    FileSecrets { source, entries }
}

type Faults = Vec<Diagnostic>;
/// What is wrong with a line, and the cure. Neither may quote the secret.
type Fault = (&'static str, &'static str);

struct Word {
    at: Range<usize>,
    octets: Secret,
}

fn entry(words: Vec<Word>, cut: Option<Fault>) -> Result<Entry, Fault> {
    if let Some(fault) = cut {
        return Err(fault);
    }
    let mut words = words.into_iter().map(|word| word.octets);
    let (Some(client), Some(server), Some(secret)) = (words.next(), words.next(), words.next())
    else {
        return Err((
            "a line of fewer than three words",
            "write client, server and secret, like: alice * s3cret",
        ));
    };
    let typed = |name: &Secret| !name.expose().iter().any(u8::is_ascii_control);
    if !typed(&client) || !typed(&server) {
        // pppd would take it, and nobody could ever prove such a name: the file is damaged.
        return Err((
            "a control character in a name",
            "the file may be damaged: write this line anew, or strike it",
        ));
    }
    match secret.expose() {
        [] => Err(("an empty secret lets everybody in", "write one, or strike the line")),
        [b'@', ..] => Err((
            "the secret is in another file, which is not read",
            "write the secret here; one that begins with @ is written \\@",
        )),
        _ => {
            Ok(Entry { client: client.expose().to_vec(), server: server.expose().to_vec(), secret })
        }
    }
}

/// The words of a line; what is wrong with it, if it cannot be read to its end.
fn words(line: &[u8]) -> (Vec<Word>, Option<Fault>) {
    let mut words = Vec::new();
    let mut octets = line.iter().copied().enumerate().peekable();
    loop {
        while octets.next_if(|(_, octet)| octet.is_ascii_whitespace()).is_some() {}
        let Some(&(start, first)) = octets.peek() else { return (words, None) };
        if first == b'#' {
            return (words, None);
        }
        let mut word = Vec::new();
        let mut quote = None;
        let mut end = start;
        while let Some((at, octet)) =
            octets.next_if(|(_, octet)| quote.is_some() || !octet.is_ascii_whitespace())
        {
            end = at + 1;
            match (octet, quote) {
                (b'\\', _) => {
                    let Some((at, escaped)) = octets.next() else {
                        return (words, Some(("a backslash at the end", "write the line in one")));
                    };
                    end = at + 1;
                    match escape(escaped) {
                        Some(octet) => word.push(octet),
                        None => {
                            return (
                                words,
                                Some((
                                    "an escape that is not read here",
                                    "write the character itself, or one of \\n \\r \\s \\t \\\\ \\\"",
                                )),
                            );
                        }
                    }
                }
                (octet, Some(open)) if octet == open => quote = None,
                (b'"' | b'\'', None) => quote = Some(octet),
                (octet, _) => word.push(octet),
            }
        }
        if quote.is_some() {
            return (words, Some(("a quote without its end", "close it on the same line")));
        }
        words.push(Word { at: start..end, octets: Secret::new(word) });
    }
}

/// pppd's escapes, without the numbers and the control characters that nobody types.
const fn escape(letter: u8) -> Option<u8> {
    match letter {
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b's' => Some(b' '),
        b't' => Some(b'\t'),
        b'a' | b'b' | b'e' | b'f' | b'x' | b'0'..=b'9' => None,
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (FileSecrets, Vec<String>, Vec<Diagnostic>) {
        let file = FileText { text: text.as_bytes().to_vec(), uid: 0, mode: 0o600 };
        let mut faults = Vec::new();
        let secrets = parse("chap-secrets", &file, 0, &mut faults);
        (secrets, faults.iter().map(ToString::to_string).collect(), faults)
    }

    fn found(secrets: &Secrets, name: &str) -> Option<(String, Vec<u8>)> {
        let known = secrets.find(Method::ChapMd5, &Name::from(name), "orion")?;
        Some((known.identity, known.secret.expose().to_vec()))
    }

    #[test]
    fn a_line_that_would_beat_a_users_own_secret_is_told_without_it() {
        let (chap, ..) = read(
            "alice * old\n* * anybody\nal orion older\nalice vega elsewhere\nBRANCH\\\\alice * domain\nbob * b\n",
        );
        let mut alice = User { name: "alice".to_owned(), ..User::default() };
        alice.aliases = vec!["al".to_owned()];
        alice.credentials.ppp = Some(Arc::new(Secret::from("new")));
        let bob = User { name: "bob".to_owned(), ..User::default() };
        let mut faults = Vec::new();
        chap.check_users([alice, bob].iter(), "orion", &mut faults);
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [1, 3].map(|line| format!(
                "chap-secrets:{line}:1: the user alice has a ppp_secret, and this line would beat it: strike the line, or \
                 the user's ppp_secret"
            ))
        );
    }

    #[test]
    fn the_most_exact_line_wins_and_the_first_of_equals() {
        let (chap, told, _) = read(
            "# client server secret\n\
             *       *      anybody\n\
             alice   *      everywhere   10.9.0.7\n\
             alice   orion  \"he re\"\n\
             alice   orion  later\n\
             bob     vega   elsewhere\n\
             BRANCH\\\\carol * domain\n\
             'dan'   *      it\\'s#1\n",
        );
        assert_eq!(told, Vec::<String>::new());
        let secrets = Secrets::of(chap, None, [].iter());
        for (name, identity, secret) in [
            ("alice", "alice", "he re"),
            ("HOME\\alice", "alice", "he re"),
            ("bob", "bob", "anybody"),
            ("BRANCH\\carol", "BRANCH\\carol", "domain"),
            ("OTHER\\carol", "carol", "anybody"),
            ("dan", "dan", "it's#1"),
        ] {
            let wanted = Some((identity.to_owned(), secret.as_bytes().to_vec()));
            assert_eq!(found(&secrets, name), wanted, "{name}");
        }
        for nobody in ["", "al\x07ice", "a b", &"x".repeat(65)] {
            assert_eq!(found(&secrets, nobody), None, "{nobody:?}");
        }
        assert!(secrets.find(Method::Pap, &Name::from("alice"), "orion").is_none());
        assert_eq!(secrets.methods(), [Method::MsChapV2, Method::ChapMd5]);
    }

    #[test]
    fn a_line_that_makes_no_sense_is_told_and_its_secret_is_not() {
        for (line, wanted) in [
            ("alice *", "chap-secrets:2:1: a line of fewer than three words"),
            ("alice * \"\"", "chap-secrets:2:1: an empty secret lets everybody in"),
            ("al\u{1}ce * x", "chap-secrets:2:1: a control character in a name"),
            ("alice \\n x", "chap-secrets:2:1: a control character in a name"),
            ("alice * @/etc/hush", "chap-secrets:2:1: the secret is in another file"),
            ("alice * \"hush", "chap-secrets:2:1: a quote without its end"),
            ("alice * hush\\", "chap-secrets:2:1: a backslash at the end"),
            ("alice * hush\\x41", "chap-secrets:2:1: an escape that is not read here"),
        ] {
            let (secrets, told, faults) = read(&format!("bob * hush-hush\n{line}\n"));
            assert_eq!(secrets.entries.len(), 1, "{line}");
            assert!(told[0].starts_with(wanted), "{line}: {told:?}");
            assert!(!faults[0].source.text().contains("hush"), "{line}");
        }
    }

    #[test]
    fn nothing_shows_a_secret() {
        let (chap, _, _) = read("alice * s3cret\n");
        let shown = format!("{:?}", Secrets::of(chap, None, [].iter()));
        assert_eq!(shown, "Secrets(1 for CHAP, 0 for PAP)");
    }
}

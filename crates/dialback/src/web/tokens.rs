//! The file of tokens: who may give orders, and by which word.
//!
//! ```text
//!   # name   hash of the token
//!   ops      sha256:5f3c...   (64 hexadecimal digits)
//! ```
//!
//! A token is 256 bits of the kernel's chance, so that a plain hash of it is as good as a slow one, and
//! whoever reads the file has no token by that. Tokens are compared in constant time, all of them each time.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::exit::{Code, Failure};

/// The largest file: some hundred names are a page.
const FILE_LIMIT: u64 = 64 * 1024;

/// What every token begins with, so that people and programs know one when they find it lying about.
const PREFIX: &str = "dialback-";

/// Those who may give orders.
#[derive(Clone, Default)]
pub(super) struct Tokens(Vec<(String, [u8; 32])>);

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Tokens {
    /// Reads the file.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let fault =
            |what: String| Failure::new(Code::Configuration, format!("{}: {what}", path.display()));
        let file = File::open(path).map_err(|e| fault(e.to_string()))?;
        let about = file.metadata().map_err(|e| fault(e.to_string()))?;
        if about.mode() & 0o077 != 0 {
            let mode = about.mode() & 0o7777;
            return Err(fault(format!(
                "mode {mode:04o} lets others at it: chmod 0600 {}",
                path.display()
            )));
        }
        let mut text = String::new();
        file.take(FILE_LIMIT).read_to_string(&mut text).map_err(|e| fault(e.to_string()))?;
        Self::parse(&text).map_err(|(line, what)| {
            Failure::new(Code::Configuration, format!("{}:{line}: {what}", path.display()))
        })
    }

    fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut tokens: Vec<(String, [u8; 32])> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let fault = |what: &str| {
                let how = "write: name sha256:..., as `dialback web token NAME` prints it";
                (number + 1, format!("{what}: {how}"))
            };
            let (name, hash) =
                line.split_once(char::is_whitespace).ok_or_else(|| fault("no hash"))?;
            if !is_name(name) {
                return Err(fault("not a name (up to 32 letters, digits, -, _ and .)"));
            }
            if tokens.iter().any(|(other, _)| other == name) {
                return Err(fault("a name that has a token already"));
            }
            let hash = hash.trim().strip_prefix("sha256:").and_then(unhex);
            tokens.push((name.to_owned(), hash.ok_or_else(|| fault("not a hash"))?));
        }
        Ok(Self(tokens))
    }

    /// Whether anybody may give orders.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose token this is.
    pub(super) fn owner(&self, token: &str) -> Option<&str> {
        let given = hash(token);
        let mut owner = None;
        for (name, hash) in &self.0 {
            // All are compared: how long it takes tells nothing of which.
            let same: Choice = given.ct_eq(hash);
            if bool::from(same) {
                owner = Some(name.as_str());
            }
        }
        owner
    }
}

/// A new token, and the line of the file that lets it in.
pub(crate) fn make(name: &str) -> Result<(String, String), Failure> {
    if !is_name(name) {
        let message =
            format!("{}: not a name: up to 32 letters, digits, -, _ and .", name.escape_debug());
        return Err(Failure::new(Code::Usage, message));
    }
    let token = format!("{PREFIX}{}", hex(&random()?));
    let line = format!("{name} sha256:{}", hex(&hash(&token)));
    Ok((token, line))
}

/// Puts a line that [`make`] has made for `name` into the file, which begins as one for its owner alone.
pub(crate) fn add(path: &Path, name: &str, line: &str) -> Result<(), Failure> {
    let code = |e: &io::Error| {
        let denied = e.kind() == io::ErrorKind::PermissionDenied;
        if denied { Code::NoPermission } else { Code::System }
    };
    let fault = |e: io::Error| Failure::new(code(&e), format!("{}: {e}", path.display()));
    if path.exists() {
        let there = Tokens::read(path)?;
        if there.0.iter().any(|(other, _)| other == name) {
            let what = "has a token already: delete that line first";
            let message = format!("{}: {name} {what}", path.display());
            return Err(Failure::new(Code::Configuration, message));
        }
    }
    let mut file =
        File::options().append(true).create(true).mode(0o600).open(path).map_err(fault)?;
    // A last line that somebody has left open is not continued.
    let open = fs::read(path).map_err(fault)?.last().is_some_and(|last| *last != b'\n');
    let start = if open { "\n" } else { "" };
    file.write_all(format!("{start}{line}\n").as_bytes()).map_err(fault)
}

/// 256 bits that nobody can guess.
pub(super) fn random() -> Result<[u8; 32], Failure> {
    sys::seed::seed().map_err(|e| Failure::new(Code::System, e.to_string()))
}

fn is_name(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && name.len() <= 32 && name.bytes().all(known)
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.trim().as_bytes()).into()
}

/// Octets as hexadecimal digits.
pub(super) fn hex(octets: &[u8]) -> String {
    use std::fmt::Write as _;
    octets.iter().fold(String::new(), |mut text, octet| {
        // Writing to a String can't fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut octets = [0; 32];
    for (octet, place) in octets.iter_mut().zip((0..64).step_by(2)) {
        *octet = u8::from_str_radix(text.get(place..place + 2)?, 16).ok()?;
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_was_made_is_its_owners_and_no_other_is() {
        let (token, line) = make("ops").unwrap();
        let (other, _) = make("ops").unwrap();
        let tokens = Tokens::parse(&format!("# those who may\n\n{line}\n")).unwrap();
        assert_eq!(tokens.owner(&token), Some("ops"));
        for wrong in [other.as_str(), "", "ops", &line, token.get(1..).unwrap()] {
            assert_eq!(tokens.owner(wrong), None, "{wrong}");
        }
        assert!(!format!("{tokens:?}").contains("sha256"));
    }

    #[test]
    fn a_line_that_lets_nobody_in_is_a_fault_with_its_place() {
        let hash = "sha256:".to_owned() + &"0".repeat(64);
        for (line, what) in [
            ("ops".to_owned(), "no hash"),
            ("ops secret".to_owned(), "not a hash"),
            (format!("o/s {hash}"), "not a name"),
            (format!("ops {}", hash.get(..70).unwrap()), "not a hash"),
            (format!("x {hash}\nx {hash}"), "already"),
        ] {
            let (_, told) = Tokens::parse(&line).unwrap_err();
            assert!(told.contains(what), "{line}: {told}");
        }
    }
}

//! Passwords and their argon2id hashes (RFC 9106), as PHC strings.
//!
//! [`Verification::run`] takes tens of milliseconds and megabytes on purpose: the core never calls it. It asks the
//! world by `Output::Verify`, and the world runs it beside everything else. A name that nobody has is verified
//! like any other, against a hash that no password has, so that the time tells nothing.
//!
//! It makes no salt: chance comes in.

use std::fmt;
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use ppp::secret::Secret;

/// The longest password that is taken: as long as a line of the prompt.
pub const MAX_PASSWORD: usize = 256;

/// The most memory that a hash may ask for, in KiB. A configuration that asks for more would stop the
/// machine at the first caller.
const MAX_MEMORY: u32 = 1024 * 1024;

/// The most passes over it.
const MAX_PASSES: u32 = 64;

/// What the hash of nobody is made of: the parameters are those of [`hash`] unless a user's hash has others.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mtc2FsdCE$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Whether a text is a hash that can be verified.
///
/// # Errors
/// Why not; the text itself is not quoted.
pub fn check_hash(text: &str) -> Result<(), &'static str> {
    let hash = PasswordHash::new(text).map_err(|_| "it is no PHC string")?;
    if hash.algorithm.as_str() != "argon2id" {
        return Err("it is made by another function");
    }
    let params = Params::try_from(&hash).map_err(|_| "its parameters make no sense")?;
    if params.m_cost() > MAX_MEMORY || params.t_cost() > MAX_PASSES {
        return Err("it asks for more memory or time than a caller may cost");
    }
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err("salt or hash is missing");
    }
    Ok(())
}

/// The hash of a password, with what RFC 9106 and OWASP advise: 19 MiB, two passes.
///
/// # Errors
/// The password is empty or longer than [`MAX_PASSWORD`], or the salt is too short.
pub fn hash(password: &Secret, salt: &[u8; 16]) -> Result<String, &'static str> {
    hash_with(password, salt, Params::default())
}

/// The same with so little work that a test or the simulated town can afford it. Worth nothing against
/// somebody who has the file.
///
/// # Errors
/// As [`hash`].
pub fn cheap_hash(password: &Secret, salt: &[u8; 16]) -> Result<String, &'static str> {
    let params = Params::new(Params::MIN_M_COST, 1, 1, None).map_err(|_| "no such parameters")?;
    hash_with(password, salt, params)
}

fn hash_with(password: &Secret, salt: &[u8; 16], params: Params) -> Result<String, &'static str> {
    if !(1..=MAX_PASSWORD).contains(&password.expose().len()) {
        return Err("a password has 1 to 256 characters");
    }
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: PasswordHash = argon2
        .hash_password_with_salt(password.expose(), salt)
        .map_err(|_| "the password cannot be hashed")?;
    Ok(hash.to_string())
}

/// The hash that is verified for a name without a user or without a password: as much work as `like`'s.
#[must_use]
pub fn nobodys_hash(like: Option<&str>) -> Arc<str> {
    // `$argon2id$v=19$PARAMETERS$salt$hash`
    let parameters = like.and_then(|hash| hash.split('$').nth(3));
    match parameters {
        Some(parameters) => {
            let words: Vec<&str> = NOBODY.split('$').collect();
            let word = |(at, word): (usize, &&'static str)| match at {
                3 => parameters.to_owned(),
                _ => (*word).to_owned(),
            };
            words.iter().enumerate().map(word).collect::<Vec<_>>().join("$").into()
        }
        None => NOBODY.into(),
    }
}

/// A password to be compared with a hash. Neither is ever shown.
pub struct Verification {
    password: Secret,
    hash: Arc<str>,
}

impl Verification {
    /// Of this password against this hash.
    #[must_use]
    pub const fn new(password: Secret, hash: Arc<str>) -> Self {
        Self { password, hash }
    }

    /// Whether it is the password. Slow on purpose.
    #[must_use]
    pub fn run(&self) -> bool {
        let Ok(hash) = PasswordHash::new(&self.hash) else { return false };
        Argon2::default().verify_password(self.password.expose(), &hash).is_ok()
    }
}

impl fmt::Debug for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verification")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: [u8; 16] = *b"sixteen octets..";

    fn verify(password: &str, hash: &str) -> bool {
        Verification::new(Secret::from(password), hash.into()).run()
    }

    #[test]
    fn a_hash_takes_its_own_password_alone() {
        let hash = cheap_hash(&Secret::from("open sesame"), &SALT).expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{hash}");
        assert_eq!(check_hash(&hash), Ok(()));
        for (password, wanted) in
            [("open sesame", true), ("open sesam", false), ("", false), ("OPEN SESAME", false)]
        {
            assert_eq!(verify(password, &hash), wanted, "{password:?}");
        }
    }

    #[test]
    fn the_hash_of_rfc_readers_and_of_the_argon2_program_is_taken() {
        // `echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 24`, the program's own example.
        let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert_eq!(check_hash(hash), Ok(()));
    }

    #[test]
    fn what_is_no_hash_is_told_without_quoting_it() {
        for (text, why) in [
            ("", "it is no PHC string"),
            ("open sesame", "it is no PHC string"),
            (
                "$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMa",
                "it is made by another function",
            ),
            ("$argon2id$v=19$m=8,t=1,p=1", "salt or hash is missing"),
            (
                "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
                "it asks for more memory or time than a caller may cost",
            ),
        ] {
            assert_eq!(check_hash(text), Err(why), "{text}");
        }
    }

    #[test]
    fn nobodys_hash_costs_what_the_others_cost_and_takes_no_password() {
        let cheap = cheap_hash(&Secret::from("x"), &SALT).expect("a hash");
        for like in [None, Some(cheap.as_str())] {
            let hash = nobodys_hash(like);
            assert_eq!(check_hash(&hash), Ok(()));
            assert_eq!(hash.split('$').nth(3), like.unwrap_or(NOBODY).split('$').nth(3));
        }
        assert!(!verify("x", &nobodys_hash(Some(&cheap))));
    }
}

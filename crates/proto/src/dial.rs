//! Telephone numbers and the commands that dial them.

/// A telephone number, parsed once and safe ever after.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(String);

/// The dial command up to the number: `ATDT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialPrefix(String);

impl PhoneNumber {
    /// The number as it was parsed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl DialPrefix {
    /// The prefix as it was parsed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

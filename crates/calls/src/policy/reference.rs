//! The reference page of the rules, printed from their one table.
//!
//! `cargo run -p dialback-calls --example policy-rules-reference > docs/reference/policy-rules.md` writes it; a test holds the
//! page in the repository against it.

use std::fmt::Write as _;

use super::table;

/// `docs/reference/policy-rules.md`.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(OPENING);
    for (at, rule) in table().iter().enumerate() {
        // Writing to a String can't fail.
        let _ = writeln!(page, "| {} | `{}` | {} |", at + 1, rule.name, rule.sentence);
    }
    page.push_str(CLOSING);
    page
}

const OPENING: &str = "\
<!-- Printed from crates/calls/src/policy/rules.rs; see policy/reference.rs. Do not edit by hand. -->

# The rules of callbacks

Before anything is dialled these rules are asked, in this order, until one refuses. Each has a name that does not change: it \
stands in the journal, in `dialback calls`, in what `dialback policy explain` prints and in the tables of `dialback policy \
test`. A rule about patterns adds the pattern that decided: `caller_numbers.deny \"900*\"`. The [guide](../guide/policy.md) shows \
them at work.

| # | rule | refuses when |
|---|---|---|
";

const CLOSING: &str = "
An approval names what it goes back to: `caller_numbers.allow \"555*\"` or `user.allow \"555*\"` for a number that was typed, \
`user alice` for a stored one, `login.config:14` for one of an entry, `operator` for `dialback callback`.

Some refusals come before the rules, because there is nothing yet that they could look at:

| name | refuses when |
|---|---|
| `number.plain-text` | what came at the number prompt was no line of plain text |
| `number.cut-short` | the carrier was lost before the number was complete |
| `number.typed-ahead` | more was sent behind the number, in the same breath |
| `store` | the journal cannot be written: what cannot be remembered is not promised |
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_the_repository_is_current() {
        let written = include_str!("../../../../docs/reference/policy-rules.md");
        assert!(
            written == page(),
            "docs/reference/policy-rules.md is not what the table of rules says: run \
             cargo run -p dialback-calls --example policy-rules-reference > docs/reference/policy-rules.md"
        );
    }

    #[test]
    fn every_rule_is_explained_under_a_name_that_can_be_typed() {
        for rule in table() {
            let name = rule.name;
            assert!(rule.sentence.ends_with('.'), "{name}: a sentence ends with a full stop");
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
            assert!(name.chars().all(plain), "{name}");
        }
    }
}

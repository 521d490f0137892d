//! The page in the repository is the page that the table prints.

use super::*;

#[test]
fn the_page_in_the_repository_is_current() {
    let written = include_str!("../../../../../docs/reference/configuration.md");
    assert!(
        written == page(),
        "docs/reference/configuration.md is not what the table of keys says: run \
         cargo run -p dialback-calls --example configuration-reference > docs/reference/configuration.md"
    );
}

#[test]
fn the_page_of_relay_toml_is_current() {
    let written = include_str!("../../../../../docs/reference/relay.md");
    assert!(
        written == relay_page(),
        "docs/reference/relay.md is not what the table of keys says: run \
         cargo run -p dialback-calls --example relay-reference > docs/reference/relay.md"
    );
}

#[test]
fn every_key_is_explained() {
    for row in keys::all().into_iter().chain(keys::relay::rows()) {
        assert!(row.sentence.ends_with('.'), "{}: a sentence ends with a full stop", row.name);
        assert!(!row.example.is_empty() && !row.form.is_empty(), "{}", row.name);
    }
}

#[test]
fn no_key_stands_twice() {
    let mut seen = std::collections::BTreeSet::new();
    for row in keys::all().into_iter().chain(keys::relay::rows()) {
        assert!(seen.insert((row.section, row.name)), "{} stands twice", row.name);
    }
}

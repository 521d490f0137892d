//! The table of faulty configurations: the text, and the exact lines that it gets.

use super::*;

/// dialback.toml is `toml`, login.config the good one.
fn check(toml: &str, expected: &[&str]) {
    let result = load_texts(toml, LOGIN, None);
    assert_eq!(told(&result), expected, "for\n{toml}");
}

const LINE: &str = "[[line]]\nname = \"a\"\nport = \"/dev/ttyS0\"\n";

#[test]
fn an_unknown_key_is_told_with_the_nearest() {
    check(
        &format!("[server]\nlogin_config = \"login.config\"\nlok_dir = \"/tmp\"\n{LINE}"),
        &[
            "dialback.toml:3:1: [server] has no key \"lok_dir\": \"lock_dir\" is the nearest that there is",
        ],
    );
}

//! How a diagnostic looks in its three forms.

use super::*;

fn source() -> Arc<Source> {
    Source::new("login.config", "# für alle\nä*  - - callback\n")
}

/// The span of `part` in the text of [`source`].
fn at(part: &str) -> Range<usize> {
    let start = source().text().find(part).expect("the part is in the text");
    start..start + part.len()
}

#[test]
fn columns_are_counted_in_characters_from_one() {
    let check = |offset, line, column| {
        assert_eq!(source().position(offset), Position { line, column }, "offset {offset}");
    };
    check(0, 1, 1);
    check(at("für").start, 1, 3);
    check(at("alle").start, 1, 7);
    check(at("ä*").start, 2, 1);
    check(at("ä*").start + 1, 2, 1); // inside of a character
    check(at("*").start, 2, 2);
    check(10_000, 3, 1);
}

#[test]
fn one_line_says_where_what_and_how_to_mend_it() {
    let fault = Diagnostic::error(&source(), at("callback"), "no number").hint("write one");
    assert_eq!(fault.to_string(), "login.config:2:9: no number: write one");
    let suspicion = Diagnostic::warning(&source(), at("ä*"), "odd name");
    assert_eq!(suspicion.to_string(), "login.config:2:1: warning: odd name");
    let file = Diagnostic::of_file(&source(), "no such file").hint("create it");
    assert_eq!(file.to_string(), "login.config: no such file: create it");
}

#[test]
fn carets_stand_under_the_fault() {
    let fault = Diagnostic::error(&source(), at("callback"), "no number")
        .hint("write one")
        .note("asked at the prompt otherwise");
    let expected = "\
error: no number
 --> login.config:2:9
  |
2 | ä*  - - callback
  |         ^^^^^^^^
  |
  = help: write one
  = note: asked at the prompt otherwise";
    assert_eq!(fault.render(Look::Plain), expected);
    assert!(fault.render(Look::Colour).contains("\u{1b}["));
}

#[test]
fn a_whole_file_is_rendered_without_carets() {
    let fault = Diagnostic::of_file(&source(), "mode 0644").hint("chmod 600");
    let expected = "error: mode 0644\n--> login.config\n = help: chmod 600";
    assert_eq!(fault.render(Look::Plain), expected);
}

#[test]
fn any_span_can_be_rendered() {
    let empty = Source::new("empty", "");
    for (source, span) in [
        (source(), 0..0),
        (source(), 5..6),
        (source(), 12..13),
        (source(), 28..1000),
        (source(), usize::MAX - 1..usize::MAX),
        (empty, 3..5),
    ] {
        let fault = Diagnostic::error(&source, span.clone(), "odd");
        assert!(fault.render(Look::Plain).starts_with("error: odd"), "{span:?}");
        assert!(!fault.to_string().is_empty());
    }
}

#[test]
fn json_has_both_ends() {
    let fault = Diagnostic::error(&source(), at("callback"), "no number").hint("write one");
    let expected = serde_json::json!({
        "severity": "error", "file": "login.config",
        "line": 2, "column": 9, "end_line": 2, "end_column": 17,
        "message": "no number", "hint": "write one", "notes": [],
    });
    assert_eq!(serde_json::to_value(&fault).expect("plain values"), expected);
    let file = Diagnostic::of_file(&source(), "no such file");
    let value = serde_json::to_value(&file).expect("plain values");
    assert_eq!(value["line"], serde_json::Value::Null);
}

#[test]
fn sorted_as_one_reads() {
    let other = Source::new("a.toml", "x");
    let mut all = vec![
        Diagnostic::error(&source(), 9..10, "second"),
        Diagnostic::error(&other, 0..1, "other file"),
        Diagnostic::error(&source(), 3..4, "first"),
        Diagnostic::of_file(&source(), "whole"),
    ];
    sort(&mut all);
    let messages: Vec<&str> = all.iter().map(|fault| fault.message.as_str()).collect();
    assert_eq!(messages, ["other file", "whole", "first", "second"]);
}

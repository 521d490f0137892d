//! What a login.config means, column by column. Faulty ones are in the table of faulty configurations.

use super::*;
use crate::config::login_entry::MAX_WORDS;
use crate::config::{Action, LoginEntry, PhoneNumber, ReturnLine, Word};
use std::path::PathBuf;

/// The entries of a text without faults; warnings may be.
fn entries(text: &str) -> Vec<LoginEntry> {
    let mut faults = Vec::new();
    let source = Source::new("login.config", text);
    let parsed = parse(&source, &mut faults);
    let errors: Vec<String> = faults
        .iter()
        .filter(|fault| fault.severity == crate::diagnostic::Severity::Error)
        .map(ToString::to_string)
        .collect();
    assert!(errors.is_empty(), "{text}\n{errors:?}");
    parsed.entries.into_iter().map(|draft| draft.entry).collect()
}

fn only(text: &str) -> LoginEntry {
    let mut entries = entries(text);
    assert_eq!(entries.len(), 1, "{text}");
    entries.remove(0)
}

fn number(text: &str) -> PhoneNumber {
    PhoneNumber::configured(text).expect("a number")
}

#[test]
fn a_program_with_all_its_columns() {
    let entry = only("U*\tuucp  @   /usr/sbin/uucico -l -u @ \\I \\Y x@y\n");
    assert_eq!(entry.line_number, 1);
    assert_eq!(entry.pattern, NamePattern::Prefix("U".into()));
    assert_eq!(entry.when, When::Always);
    assert_eq!(entry.user.as_deref(), Some("uucp"));
    assert_eq!(entry.utmp, Some(Word::Name));
    let text = |text: &str| Word::Text(text.into());
    let args = vec![text("-l"), text("-u"), Word::Name, Word::Connect, Word::CallerId, text("x@y")];
    assert_eq!(entry.action, Action::Program { path: "/usr/sbin/uucico".into(), args });
}

#[test]
fn dashes_mean_root_and_no_utmp_entry() {
    let entry = only("* - - /bin/login @");
    assert_eq!((entry.user, entry.utmp), (None, None));
    let named = only("fido uucp fido /usr/lib/ifcico");
    assert_eq!(named.utmp, Some(Word::Text("fido".into())));
}

#[test]
fn stars_stand_at_the_ends() {
    let pattern = |text: &str| only(&format!("{text} - - /bin/sh")).pattern;
    assert_eq!(pattern("abc"), NamePattern::Exact("abc".into()));
    assert_eq!(pattern("abc*"), NamePattern::Prefix("abc".into()));
    assert_eq!(pattern("*abc"), NamePattern::Suffix("abc".into()));
    assert_eq!(pattern("*abc*"), NamePattern::Contains("abc".into()));
    assert_eq!(pattern("*"), NamePattern::Any);
    assert_eq!(pattern("/AutoPPP/"), NamePattern::Exact("/AutoPPP/".into()));
    assert_eq!(pattern("/FIDO/"), NamePattern::Exact("/FIDO/".into()));
}

#[test]
fn letter_case_matters() {
    let takes =
        |pattern: &str, name: &str| only(&format!("{pattern} - - /bin/sh")).pattern.takes(name);
    assert!(takes("abc", "abc") && !takes("abc", "Abc") && !takes("abc", "abcd"));
    assert!(takes("abc*", "abc") && takes("abc*", "abcd") && !takes("abc*", "xabc"));
    assert!(takes("*abc", "xabc") && !takes("*abc", "abcx"));
    assert!(takes("*abc*", "xabcx") && takes("*abc*", "abc") && !takes("*abc*", "ab"));
    assert!(takes("*", "") && takes("*", "/AutoPPP/"));
}

#[test]
fn version_2_has_a_column_for_the_callback() {
    let text = "!version 2\na Y - - /bin/a\nb N - - /bin/b\nc - - - /bin/c\n";
    let when: Vec<When> = entries(text).iter().map(|entry| entry.when).collect();
    assert_eq!(when, [When::OnReturn, When::OnRequest, When::Always]);
    assert_eq!(entries("!version 1\na - - /bin/a\n").len(), 1);
    assert!(When::OnReturn.counts(true) && !When::OnReturn.counts(false));
    assert!(When::OnRequest.counts(false) && !When::OnRequest.counts(true));
    assert!(When::Always.counts(true) && When::Always.counts(false));
}

#[test]
fn comments_blank_lines_continued_lines_and_dos_line_ends() {
    let text = "# a comment\\\n\n   # another\r\n\t\nname - - \\\n  /bin/sh \\\n # not a comment\r\nb - - /bin/b";
    let entries = entries(text);
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0].line_number, 5);
    let Action::Program { path, args } = &entries[0].action else { panic!("a program") };
    assert_eq!(path, &PathBuf::from("/bin/sh"));
    assert_eq!(args.len(), 4, "mgetty has no comments behind an entry: {args:?}");
    assert_eq!(entries[1].line_number, 8);
}

#[test]
fn more_than_nine_arguments_are_kept() {
    let words: Vec<String> = (0..MAX_WORDS - 4).map(|number| number.to_string()).collect();
    let entry = only(&format!("/AutoPPP/ - ppp /usr/sbin/pppd {}", words.join(" ")));
    let Action::Program { args, .. } = entry.action else { panic!("a program") };
    assert_eq!(args.len(), MAX_WORDS - 4);
}

#[test]
fn a_program_named_callback_is_ours_wherever_it_stands() {
    let callback = |text: &str| match only(&format!("mary - - {text}")).action {
        Action::Callback { line, numbers, init, speed } => (line, numbers, init, speed),
        Action::Program { .. } | Action::Ppp => panic!("{text} is a callback"),
    };
    let nothing = || (None, Vec::new(), Vec::new(), None);
    for text in [
        "callback",
        "/usr/sbin/callback",
        "/usr/local/sbin/callback",
        "/sbin/callback -d -a -x4 -x 9",
    ] {
        assert_eq!(callback(text), nothing(), "{text}");
    }
    let same = (Some(ReturnLine::Same), vec![number("5551234")], Vec::new(), None);
    for text in [
        "/sbin/callback -S 5551234",
        "/sbin/callback 5551234 -S",
        "/sbin/callback -dSx4 555-1234",
        "/sbin/callback -S -- 5551234",
    ] {
        assert_eq!(callback(text), same, "{text}");
    }
    let lines = ReturnLine::Lines(vec!["ttyS1".into(), "two".into()]);
    assert_eq!(callback("/sbin/callback -l ttyS1:two").0, Some(lines));
    assert_eq!(
        callback("/sbin/callback 1 2,3 +49 4").1,
        [number("1"), number("2,3"), number("+49"), number("4")]
    );
    let given = callback("/sbin/callback -m ATZ -m AT&F -s 38400 -s9600");
    assert_eq!((given.2, given.3), (vec!["ATZ".to_owned(), "AT&F".to_owned()], Some(9600)));
    assert_eq!(callback("/sbin/callback 5551234 555-1234").1, [number("5551234")]);
    // A name that only ends alike is a program.
    let other = only("mary - - /usr/sbin/mycallback").action;
    assert!(matches!(other, Action::Program { .. }), "{other:?}");
}

#[test]
fn our_own_ppp_stands_in_for_a_program_of_its_name() {
    assert_eq!(only("/AutoPPP/ - - /usr/sbin/dialback-ppp").action, Action::Ppp);
    let pppd = only("/AutoPPP/ - - /usr/sbin/pppd auth").action;
    assert!(matches!(pppd, Action::Program { .. }), "{pppd:?}");
}

#[test]
fn callback_for_every_name_is_right_on_calls_that_come_in() {
    let text = "!version 2\n* N - - callback -S 5551234\n* - - - /bin/login @\n";
    assert_eq!(entries(text).len(), 2);
}

#[test]
fn the_file_that_mgetty_ships_is_read() {
    let shipped = "\
# the entry for automatic PPP, and the one that is always last
/AutoPPP/ -\ta_ppp\t/usr/sbin/pppd auth -chap +pap login debug
*\t-\t-\t/bin/login @
";
    assert_eq!(entries(shipped).len(), 2);
}

#[test]
fn a_pattern_covers_what_every_name_of_another_is_taken_by() {
    let pattern = |text: &str| only(&format!("{text} - - /bin/sh")).pattern;
    let check = |one: &str, other: &str, covers: bool| {
        assert_eq!(pattern(one).covers(&pattern(other)), covers, "{one} covers {other}");
    };
    check("*", "*abc*", true);
    check("a*", "abc", true);
    check("a*", "ab*", true);
    check("ab*", "a*", false);
    check("a*", "*a", false);
    check("*c", "abc", true);
    check("*c", "*bc", true);
    check("*b*", "abc", true);
    check("*b*", "*abc*", true);
    check("*b*", "ab*", true);
    check("*b*", "*", false);
    check("abc", "abc", true);
    check("abc", "abc*", false);
}

#[test]
fn finding_24_a_callback_for_every_name_is_an_error() {
    let source = Source::new("login.config", "* - - /usr/sbin/callback -S 5551234\n");
    let mut faults = Vec::new();
    let parsed = parse(&source, &mut faults);
    assert!(parsed.entries.is_empty());
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "login.config:1:1: callback entry matches every name (\"*\"): the caller would be called back \
             forever: name the user, or let it count with N on calls that come in only"
        ]
    );
}

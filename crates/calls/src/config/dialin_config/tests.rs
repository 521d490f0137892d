//! Who is answered, as mgetty's dialin.config(5) says it.

use super::*;

/// What a file says about callers; `None` is a caller whose number did not come.
fn check(text: &str, callers: &[(Option<&str>, bool, &str)]) {
    let mut faults = Vec::new();
    let words = parse(&Source::new("dialin.config", text), &mut faults);
    let words: Vec<ScreeningWord> = words.into_iter().map(|word| word.value).collect();
    for (caller, accept, rule) in callers {
        let expected = Verdict { accept: *accept, rule: format!("dialin.config:{rule}") };
        assert_eq!(screen(&words, *caller), expected, "{caller:?} by\n{text}");
    }
}

#[test]
fn an_empty_file_answers_everybody() {
    check("", &[(None, true, " end of file"), (Some("5551234"), true, " end of file")]);
    check("# all of it\n# is a comment: !all\n", &[(None, true, " end of file")]);
}

#[test]
fn a_word_matches_the_beginning_of_a_number() {
    check(
        "3433535, 7445343\t5551212\n!416\n832 555\n!all",
        &[
            (Some("3433535"), true, "1 3433535"),
            (Some("34335351"), true, "1 3433535"),
            (Some("343353"), false, "4 !all"),
            (Some("4164646"), false, "2 !416"),
            (Some("5550000"), true, "3 555"),
            (Some("9"), false, "4 !all"),
            (None, false, "4 !all"),
        ],
    );
}

#[test]
fn the_first_word_that_matches_decides() {
    check(
        "!5551\n555\n!all\nall\n",
        &[
            (Some("5551"), false, "1 !5551"),
            (Some("5552"), true, "2 555"),
            (Some("6"), false, "3 !all"),
        ],
    );
    check("all !all", &[(Some("5"), true, "1 all"), (None, true, "1 all")]);
}

#[test]
fn callers_without_a_number_have_words_of_their_own() {
    check(
        "!none\n!P\n!O\n",
        &[
            (None, false, "1 !none"),
            (Some(""), false, "1 !none"),
            (Some("P"), false, "2 !P"),
            (Some("O"), false, "3 !O"),
            (Some("OUT_OF_AREA"), false, "3 !O"),
            (Some("5551234"), true, " end of file"),
        ],
    );
}

#[test]
fn a_plus_is_part_of_the_number() {
    check("!+49 49", &[(Some("+491"), false, "1 !+49"), (Some("491"), true, "1 49")]);
}

//! dialin.config at work: is this caller answered?
//!
//! A word is a prefix of the caller's number; `!` before it rejects; `all` is everybody; `none` a caller of
//! whom nothing is known, `P` one who withholds his number, `O` one from out of area. The first word that
//! matches decides; nobody's business is everybody's: without a match the call is answered.
//!
//! Caller ID is a hint: this keeps nuisance away, it proves nothing. It does not know lines.

use proto::at::caller_id::CallerId;

use crate::config::ScreeningWord;

/// The rule that rejects the caller, if one does.
pub(crate) fn rejects(words: &[ScreeningWord], caller: &CallerId) -> Option<String> {
    let caller = caller.to_string();
    let word = words.iter().find(|word| word.prefix == "all" || caller.starts_with(&word.prefix))?;
    word.reject.then(|| format!("dialin.config:{} !{}", word.line_number, word.prefix))
}

#[cfg(test)]
mod tests {
    use proto::at::caller_id::Caller;

    use super::*;

    fn check(words: &str, caller: Option<Caller>, rejected: bool) {
        let words: Vec<_> = words
            .split_whitespace()
            .zip(1..)
            .map(|(word, line_number)| ScreeningWord {
                reject: word.starts_with('!'),
                prefix: word.trim_start_matches('!').to_owned(),
                line_number,
            })
            .collect();
        let caller_id = CallerId { caller: caller.clone(), ..CallerId::new() };
        assert_eq!(rejects(&words, &caller_id).is_some(), rejected, "{words:?} {caller:?}");
    }

    #[test]
    fn the_first_word_that_matches_decides() {
        let number = |digits: &str| Some(Caller::Number(digits.to_owned()));
        check("", number("555"), false);
        check("!555", number("5551234"), true);
        check("5551 !555", number("5551234"), false);
        check("5551 !555", number("5552345"), true);
        check("555 !all", number("5552345"), false);
        check("555 !all", number("666"), true);
        check("!none", None, true);
        check("!none", number("555"), false);
        check("!P !O", Some(Caller::Private), true);
        check("!P !O", Some(Caller::OutOfArea), true);
        check("!555", None, false);
    }
}

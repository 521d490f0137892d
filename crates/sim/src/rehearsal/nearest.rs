//! Which of several texts comes nearest to one that was not found: for "did you mean".

/// How many letters have to be changed, left out or put in to make `b` of `a` (Levenshtein's distance); two
/// neighbours that changed places count once.
#[must_use]
pub(super) fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
            let mut best =
                (at(&last, j) + usize::from(x != y)).min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                best = best.min(at(&before_last, j - 1) + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(a.len())
}

/// The candidate nearest to `text` that is near enough to have been meant: at most a third of its letters differ.
pub(super) fn nearest<'c>(
    text: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let most = text.chars().count().div_ceil(3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(text, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= most && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// More of a screen than this is not looked through: a script that is stuck has heard a few lines.
const LOOKED_AT: usize = 4_096;

/// The line of `screen` that has a piece nearest to `text`, if one is near enough; the later of two that are equally
/// near.
pub(super) fn nearest_line(text: &str, screen: &str) -> Option<String> {
    let from = screen.char_indices().rev().nth(LOOKED_AT).map_or(0, |(at, _)| at);
    let wanted = text.to_lowercase();
    let length = wanted.trim().chars().count();
    let most = length.div_ceil(2);
    let mut best: Option<(usize, &str)> = None;
    for line in screen.get(from..).unwrap_or_default().lines() {
        let line = line.trim();
        let lower: Vec<char> = line.to_lowercase().chars().collect();
        let pieces = lower.windows(length.clamp(1, lower.len().max(1)));
        let pieces = pieces.map(|piece| piece.iter().collect::<String>());
        let Some(near) = pieces.map(|piece| distance(wanted.trim(), &piece)).min() else {
            continue;
        };
        if near < most && best.is_none_or(|(least, _)| near <= least) {
            best = Some((near, line));
        }
    }
    best.map(|(_, line)| line.to_owned())
}

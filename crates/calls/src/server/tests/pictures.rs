//! The pictures of states in docs/states, read for their arrows, to hold them against what was seen.

use std::collections::BTreeSet;

/// From one state into another.
pub(super) type Went = (String, String);

/// A picture, and everything that went from one of its states into another.
pub(super) struct Picture {
    name: &'static str,
    arrows: BTreeSet<Went>,
    pub(super) went: BTreeSet<Went>,
}

impl Picture {
    pub(super) fn line() -> Self {
        Self::read("line", include_str!("../../../../../docs/states/line.dot"))
    }

    pub(super) fn session() -> Self {
        Self::read("session", include_str!("../../../../../docs/states/session.dot"))
    }

    pub(super) fn promise() -> Self {
        Self::read("promise", include_str!("../../../../../docs/states/promise.dot"))
    }

    fn read(name: &'static str, dot: &str) -> Self {
        let mut bare = String::new();
        let mut label = false;
        for letter in
            dot.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(str::chars)
        {
            match letter {
                '[' => label = true,
                ']' => label = false,
                plain if !label => bare.push(plain),
                _ => {}
            }
        }
        let node = |text: &str| {
            // Two nodes of the picture may be one word in the status: "storing (kept)".
            let text = text.trim().trim_matches('"');
            text.split(" (").next().unwrap_or_default().to_owned()
        };
        let arrow = |text: &str| text.split_once("->").map(|(from, to)| (node(from), node(to)));
        Self { name, arrows: bare.split(';').filter_map(arrow).collect(), went: BTreeSet::new() }
    }

    pub(super) fn saw(&mut self, from: &str, to: &str) {
        if from != to {
            self.went.insert((from.to_owned(), to.to_owned()));
        }
    }

    /// Everything that was seen is drawn, and nothing is drawn that there is not. One input may lead through
    /// several states: two arrows are enough for each.
    pub(super) fn check(&self, states: &[&str]) {
        let Self { name, arrows, went } = self;
        let has = |from: &str, to: &str| arrows.contains(&(from.to_owned(), to.to_owned()));
        let drawn = |from: &str, to: &str| {
            has(from, to) || states.iter().any(|by| has(from, by) && has(by, to))
        };
        let missing: Vec<_> = went.iter().filter(|(from, to)| !drawn(from, to)).collect();
        assert!(missing.is_empty(), "not in docs/states/{name}.dot: {missing:?}");
        let known = |state: &String| states.contains(&state.as_str());
        let unknown: Vec<_> = arrows.iter().filter(|(a, b)| !known(a) || !known(b)).collect();
        assert!(unknown.is_empty(), "docs/states/{name}.dot has states of its own: {unknown:?}");
        let of = |pick: fn(&Went) -> &String, all: &BTreeSet<Went>| -> BTreeSet<String> {
            all.iter().map(pick).cloned().collect()
        };
        // Too short a look at the world would prove nothing.
        let unseen: Vec<_> =
            of(|went| &went.1, arrows).difference(&of(|went| &went.1, went)).cloned().collect();
        assert!(unseen.is_empty(), "never seen, but in docs/states/{name}.dot: {unseen:?}");
    }
}

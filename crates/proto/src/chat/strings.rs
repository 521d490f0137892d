//! The lists behind ABORT and REPORT, with chat's way of clearing them.
//!
//! An abort string's exit code is 4 plus its number, so the numbering after a clear is part of what
//! scripts depend on. This file does not know what either list is for.

/// The longest string of a list, after stage one.
pub(super) const LONGEST_STRING: usize = 49;

/// The most strings of a list; a report that has fired still counts.
pub(super) const MOST_STRINGS: usize = 50;

/// Up to fifty strings; a place whose string was taken stays, empty.
#[derive(Clone, Debug, Default)]
pub(super) struct Strings {
    places: Vec<Option<Vec<u8>>>,
}

impl Strings {
    pub(super) fn is_full(&self) -> bool {
        self.places.len() >= MOST_STRINGS
    }

    pub(super) fn push(&mut self, string: Vec<u8>) {
        self.places.push(Some(string));
    }

    /// The strings with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.places.iter().enumerate().filter_map(|(n, s)| Some((n, s.as_deref()?)))
    }

    /// The first string that `heard` ends with.
    pub(super) fn heard(&self, heard: &[u8]) -> Option<(usize, &[u8])> {
        self.iter().find(|(_, string)| heard.ends_with(string))
    }

    /// Takes one string out; its place stays.
    pub(super) fn take(&mut self, number: usize) -> Option<Vec<u8>> {
        self.places.get_mut(number)?.take()
    }

    /// Removes strings equal to `string`, closes the gaps and answers how many went.
    ///
    /// chat shortens its loop by one with each string removed, so an equal one at the end of the list can
    /// stay: of two equal entries alone only the first goes. An empty place is passed over; chat 2.4.9
    /// dies of it.
    pub(super) fn clear(&mut self, string: &[u8]) -> usize {
        let mut end = self.places.len();
        let mut number = 0;
        while number < end {
            if let Some(place) = self.places.get_mut(number)
                && place.as_deref() == Some(string)
            {
                *place = None;
                end -= 1;
            }
            number += 1;
        }
        let cleared = self.places.len() - end;
        if cleared > 0 {
            self.places.retain(Option::is_some);
            self.places.resize(end, None);
        }
        cleared
    }
}
